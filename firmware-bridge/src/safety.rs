//! The checks between a controller and the motors: states that say what may be commanded at all, limits that a
//! command is held to, and troubles of joints that stop the robot.
//!
//! [`Safety`] takes what was measured and what is commanded, and gives what is sent. It is the controller's last
//! step; [`MotorBridge`](crate::bridge::MotorBridge) behind it checks the joints' limits once more.

mod limiter;
mod power;
mod trip;

use robot_interface::joints::{JOINTS, JointCommand};
use robot_interface::robot::{Protection, RobotDescription};
use robot_interface::time::Stamp;

use self::limiter::{LEAST_DAMPING, Limiter, Pace};
pub use self::limiter::{Limit, LimitCounts};
pub use self::power::{Event, PowerRefused, TRANSITIONS, Transition, after};
pub use self::trip::{Cause, Severity, Trip};
use crate::bridge::{CommandError, CommandLimits, Cycle};
pub use robot_interface::status::PowerState;

/// Cycles in a row in which a joint must show its trouble: one damaged frame stops nobody.
const TRIP_AFTER: u8 = 5;
/// Beyond its stops by this much a joint cannot really be, rad.
const BEYOND_RAD: f64 = 0.25;

/// Watches over one robot's joints. Sans-IO, and allocates nothing.
#[derive(Clone, Debug)]
pub struct Safety {
    limiter: Limiter,
    protection: Protection,
    power: PowerState,
    /// The first trouble that lasted, until it is cleared.
    trip: Option<Trip>,
    /// The trouble that each joint has now, and for how many cycles. `[12]`
    suspects: [(Option<Cause>, u8); JOINTS],
}

impl Safety {
    /// For a robot as its file describes it, with its motors off; `limits` are its bridge's.
    pub fn new(robot: &RobotDescription, limits: &[CommandLimits; JOINTS]) -> Self {
        Self {
            limiter: Limiter::new(robot, limits),
            protection: robot.protection,
            power: PowerState::Off,
            trip: None,
            suspects: [(None, 0); JOINTS],
        }
    }

    /// The power state.
    pub const fn power(&self) -> PowerState {
        self.power
    }

    /// The trouble that stops the robot. With [`Severity::Settle`] the state stays as it is, for the robot to lie
    /// down; once that is done it has to be told by [`settled`](Self::settled).
    pub const fn trip(&self) -> Option<&Trip> {
        self.trip.as_ref()
    }

    /// Number of cycles in which each limit has acted on each joint, since the start. `[12]`
    pub const fn limited(&self) -> &[LimitCounts; JOINTS] {
        self.limiter.counts()
    }

    /// Takes what a cycle on the buses measured.
    pub fn handle_cycle(&mut self, cycle: &Cycle) {
        self.limiter.handle_cycle(cycle);
        for joint in 0..JOINTS {
            // A joint that is silent shows nothing, neither trouble nor its end.
            if !cycle.answered[joint] {
                continue;
            }
            let cause = self.cause(joint, cycle);
            let (last, lasted) = &mut self.suspects[joint];
            let same = match (&last, &cause) {
                (Some(last), Some(cause)) => last.is_like(cause),
                (last, cause) => last.is_none() == cause.is_none(),
            };
            *lasted = if same { lasted.saturating_add(1) } else { 1 };
            *last = cause;
            if let Some(cause) = cause
                && *lasted >= TRIP_AFTER
            {
                self.trip_over(Trip { joint, cause });
            }
        }
    }

    /// Asks for a state.
    ///
    /// # Errors
    /// [`PowerRefused`] if it cannot be had now; nothing changes then.
    pub fn request(&mut self, to: PowerState) -> Result<(), PowerRefused> {
        let drives = matches!(to, PowerState::Standing | PowerState::Active);
        if let Some(trip) = self.trip
            && drives
            && (to > self.power || self.power == PowerState::Faulted)
        {
            return Err(PowerRefused::Faulted(trip));
        }
        let from = self.power;
        self.power = after(from, Event::Request(to)).ok_or(PowerRefused::Order { from, to })?;
        Ok(())
    }

    /// The emergency stop: the motors are let go.
    pub fn cut(&mut self) {
        self.happen(Event::Cut);
    }

    /// The robot lies after a trouble that let it settle.
    pub fn settled(&mut self) {
        if self.trip.is_some() {
            self.happen(Event::Trip);
        }
    }

    /// Somebody has looked at the trouble.
    ///
    /// # Errors
    /// [`PowerRefused::Persists`] while any joint still has one.
    pub fn clear(&mut self) -> Result<(), PowerRefused> {
        for (joint, (cause, _)) in self.suspects.iter().enumerate() {
            if let Some(cause) = *cause {
                return Err(PowerRefused::Persists(Trip { joint, cause }));
            }
        }
        self.trip = None;
        if self.power == PowerState::Faulted {
            self.happen(Event::Clear);
        }
        Ok(())
    }

    /// Commands that may be sent of a set, for all joints or none.
    ///
    /// # Errors
    /// [`CommandError`] if one of them makes no sense: then nothing is to be sent, and the motors damp by themselves.
    pub fn admit(
        &mut self,
        now: Stamp,
        commands: &[JointCommand; JOINTS],
    ) -> Result<[JointCommand; JOINTS], CommandError> {
        match self.power {
            PowerState::Standing => self.limiter.admit(now, commands, Pace::CALM),
            PowerState::Active => self.limiter.admit(now, commands, Pace::BRISK),
            PowerState::Off | PowerState::Damped | PowerState::Faulted => {
                let damped = commands.map(|command| JointCommand::damping(command.kd.max(LEAST_DAMPING)));
                self.limiter.admit(now, &damped, Pace::CALM)
            }
        }
    }

    fn cause(&self, joint: usize, cycle: &Cycle) -> Option<Cause> {
        let measured = &cycle.states.joints[joint];
        let limits = self.limiter.limits(joint);
        let position_rad = measured.position_rad;
        if position_rad < limits.lower_rad - BEYOND_RAD || position_rad > limits.upper_rad + BEYOND_RAD {
            return Some(Cause::BeyondStops { position_rad });
        }
        if let Some(fault) = cycle.faults[joint] {
            return Some(Cause::Motor(fault));
        }
        let (temperature_c, cut_c) = (measured.temperature_c, self.protection.cut_c());
        (temperature_c >= cut_c).then_some(Cause::Hot { temperature_c, cut_c })
    }

    /// A trouble that cannot wait replaces one that can.
    fn trip_over(&mut self, trip: Trip) {
        if self.trip.is_none_or(|before| before.cause.severity() < trip.cause.severity()) {
            self.trip = Some(trip);
        }
        if trip.cause.severity() == Severity::Cut
            || !matches!(self.power, PowerState::Standing | PowerState::Active)
        {
            self.happen(Event::Trip);
        }
    }

    fn happen(&mut self, event: Event) {
        self.power = after(self.power, event).unwrap_or(self.power);
    }
}
