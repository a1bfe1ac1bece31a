//! Holds commands to what a joint may do, and says which limit acted.
//!
//! | limit       | what is done                                                                                  |
//! |-------------|-----------------------------------------------------------------------------------------------|
//! | position    | the target stays between the joint's stops                                                    |
//! | velocity    | the wanted velocity is held to the joint's; above nine tenths of that, torque that would make it faster is taken back, to none at the limit |
//! | slew        | a target sets out from where the joint is and moves, and torque grows, no faster than the [`Pace`] |
//! | torque      | what stiffness, damping and torque of the command add up to stays within the joint's torque: the command's part is taken back, and damping that its own motion would make greater gives way |
//! | temperature | from `warm_c` on the torque is derated, to four tenths of it at `cut_c`                        |
//! | power       | the power that all joints together take up stays within `max_power_w`                          |
//!
//! A limit only ever takes torque back: it shortens the way to a target or the feed-forward torque, and never adds
//! to either, so that a measurement that is wrong or old makes a joint weaker and not stronger.

use robot_interface::joints::{JOINTS, JointCommand, JointMeasurement};
use robot_interface::robot::{Protection, RobotDescription};
use robot_interface::time::Stamp;

use crate::bridge::{CommandError, CommandLimits, Cycle};
use crate::protocol::go_m8010::COMMAND_TIMEOUT_NANOS;

/// Greatest rates of change of commands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// Speed of a target that is moved on, over the joint's greatest speed.
    target_speed: f64,
    /// Least time in which torque may grow from nothing to the joint's greatest, s.
    torque_rise_s: f64,
}

impl Pace {
    /// Between poses: nothing is in a hurry.
    pub(super) const CALM: Self = Self { target_speed: 0.5, torque_rise_s: 0.02 };
    /// A gait, which was trained to set its targets anew fifty times a second: with targets half as fast as this the
    /// robot walks a twentieth more slowly, and with these as fast as without any limit.
    pub(super) const BRISK: Self = Self { target_speed: 8.0, torque_rise_s: 0.004 };
}

/// Answers in a row that may be missing before a joint counts as never measured: 50 ms. What is known of it is then no
/// longer true, and where it is driven to is a guess.
const MAX_UNHEARD: u32 = 25;
/// Share of the greatest speed from which on torque is taken back.
const FAST_SHARE: f64 = 0.9;
/// The longest step that a target is moved on for at once, s: what is older was missed.
const LONGEST_STEP_S: f64 = 0.005;
/// Damping of joints that are not to be driven and whose command brings none, N m s/rad.
pub(super) const LEAST_DAMPING: f64 = 1.0;

/// One of the limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Stops.
    Position,
    /// Speed.
    Velocity,
    /// Rate of change of the command.
    Slew,
    /// Torque.
    Torque,
    /// Heat of the motor.
    Temperature,
    /// Power of all joints.
    Power,
    /// The joint has never been measured, or not for long, and is damped.
    Unmeasured,
}

impl Limit {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Position,
        Self::Velocity,
        Self::Slew,
        Self::Torque,
        Self::Temperature,
        Self::Power,
        Self::Unmeasured,
    ];

    /// Its name in diagnostics and logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Position => "position",
            Self::Velocity => "velocity",
            Self::Slew => "slew",
            Self::Torque => "torque",
            Self::Temperature => "temperature",
            Self::Power => "power",
            Self::Unmeasured => "unmeasured",
        }
    }

    /// Key of the cycles in which it acted, in diagnostics.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Position => "limited_position",
            Self::Velocity => "limited_velocity",
            Self::Slew => "limited_slew",
            Self::Torque => "limited_torque",
            Self::Temperature => "limited_temperature",
            Self::Power => "limited_power",
            Self::Unmeasured => "limited_unmeasured",
        }
    }
}

/// In how many cycles each limit has acted on a joint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LimitCounts([u32; Limit::ALL.len()]);

impl LimitCounts {
    /// In how many cycles this one has.
    pub const fn get(&self, limit: Limit) -> u32 {
        self.0[limit as usize]
    }

    const fn add(&mut self, limit: Limit) {
        let count = &mut self.0[limit as usize];
        *count = count.saturating_add(1);
    }
}

#[derive(Clone, Debug)]
pub(super) struct Limiter {
    limits: [CommandLimits; JOINTS],
    protection: Protection,
    /// `None` until a joint has answered, for the first time or again. `[12]`
    measured: [Option<JointMeasurement>; JOINTS],
    /// Number of its answers in a row that are missing. `[12]`
    unheard: [u32; JOINTS],
    /// Targets as they were moved on, rad; `None` for a joint that nothing pulled at. `[12]`
    targets: [Option<f64>; JOINTS],
    /// Torques of the last commands, N m. `[12]`
    driven: [f64; JOINTS],
    at: Option<Stamp>,
    counts: [LimitCounts; JOINTS],
}

impl Limiter {
    pub(super) fn new(robot: &RobotDescription, limits: &[CommandLimits; JOINTS]) -> Self {
        Self {
            limits: *limits,
            protection: robot.protection,
            measured: [None; JOINTS],
            unheard: [0; JOINTS],
            targets: [None; JOINTS],
            driven: [0.0; JOINTS],
            at: None,
            counts: [LimitCounts::default(); JOINTS],
        }
    }

    pub(super) const fn limits(&self, joint: usize) -> &CommandLimits {
        &self.limits[joint]
    }

    pub(super) const fn counts(&self) -> &[LimitCounts; JOINTS] {
        &self.counts
    }

    pub(super) fn handle_cycle(&mut self, cycle: &Cycle) {
        for joint in 0..JOINTS {
            if cycle.answered[joint] {
                self.measured[joint] = Some(cycle.states.joints[joint]);
                self.unheard[joint] = 0;
                continue;
            }
            self.unheard[joint] = self.unheard[joint].saturating_add(1);
            if self.unheard[joint] >= MAX_UNHEARD {
                (self.measured[joint], self.targets[joint]) = (None, None);
            }
        }
    }

    pub(super) fn admit(
        &mut self,
        now: Stamp,
        commands: &[JointCommand; JOINTS],
        pace: Pace,
    ) -> Result<[JointCommand; JOINTS], CommandError> {
        let mut admitted = *commands;
        for (joint, command) in admitted.iter_mut().enumerate() {
            *command = self.limits[joint].admit(joint, command)?;
        }
        // After a pause the motors have let go by themselves, and everything begins anew.
        let passed_s = self.at.map(|at| now.seconds_since(at));
        let paused = passed_s.is_none_or(|s| !(0.0..COMMAND_TIMEOUT_NANOS as f64 * 1e-9).contains(&s));
        let step_s = if paused { 0.0 } else { passed_s.unwrap_or(0.0).min(LONGEST_STEP_S) };
        let (far_share, more_share) = (pace.target_speed * step_s, step_s / pace.torque_rise_s);
        self.at = Some(now);
        if paused {
            (self.targets, self.driven) = ([None; JOINTS], [0.0; JOINTS]);
        }
        for (joint, command) in admitted.iter_mut().enumerate() {
            self.count_clamped(joint, &commands[joint], command);
            let Some(measured) = self.measured[joint] else {
                self.counts[joint].add(Limit::Unmeasured);
                *command = JointCommand::damping(command.kd.max(LEAST_DAMPING));
                continue;
            };
            self.soften(joint, command, &measured);
            self.slew(joint, command, &measured, [far_share, more_share]);
            self.weaken(joint, command, &measured);
        }
        self.share_power(&mut admitted);
        for (joint, command) in admitted.iter().enumerate() {
            self.driven[joint] = self.measured[joint].map_or(0.0, |measured| drive_nm(command, &measured));
        }
        Ok(admitted)
    }

    fn count_clamped(&mut self, joint: usize, given: &JointCommand, clamped: &JointCommand) {
        let counts = &mut self.counts[joint];
        if given.position_rad != clamped.position_rad && given.kp > 0.0 {
            counts.add(Limit::Position);
        }
        if given.velocity_rad_s != clamped.velocity_rad_s {
            counts.add(Limit::Velocity);
        }
        if given.torque_nm != clamped.torque_nm {
            counts.add(Limit::Torque);
        }
    }

    /// Moves on from the last command no faster than a joint can follow: the target by `far_share` of the joint's
    /// greatest speed, torque by `more_share` of its greatest.
    fn slew(
        &mut self,
        joint: usize,
        command: &mut JointCommand,
        measured: &JointMeasurement,
        [far_share, more_share]: [f64; 2],
    ) {
        let limits = &self.limits[joint];
        let mut acted = false;
        if command.kp > 0.0 {
            // While nothing pulls at a joint, its target is where it is.
            let from = self.targets[joint]
                .unwrap_or_else(|| measured.position_rad.max(limits.lower_rad).min(limits.upper_rad));
            let far = limits.max_velocity_rad_s * far_share;
            let wanted = command.position_rad;
            command.position_rad = from + (wanted - from).max(-far).min(far);
            self.targets[joint] = Some(command.position_rad);
            acted = command.position_rad != wanted;
        } else {
            self.targets[joint] = None;
        }
        let (drive, last) = (drive_nm(command, measured), self.driven[joint]);
        let grown = limits.max_torque_nm * more_share;
        let most = if drive * last >= 0.0 { last.abs() + grown } else { (grown - last.abs()).max(0.0) };
        if drive.abs() > most {
            take_back(command, measured, limits, drive.abs() - most);
            acted = true;
        }
        if acted {
            self.counts[joint].add(Limit::Slew);
        }
    }

    /// Damping gives way where the joint's own motion would make it more than its torque, as when a leg falls.
    fn soften(&mut self, joint: usize, command: &mut JointCommand, measured: &JointMeasurement) {
        let most = self.limits[joint].max_torque_nm * self.protection.torque_share(measured.temperature_c);
        let speed = measured.velocity_rad_s.abs();
        if command.kd * speed > most {
            command.kd = most / speed;
            self.counts[joint].add(Limit::Torque);
        }
    }

    /// Takes torque back where the joint is too fast or too hot, or the command asks for too much.
    fn weaken(&mut self, joint: usize, command: &mut JointCommand, measured: &JointMeasurement) {
        let limits = &self.limits[joint];
        let share = self.protection.torque_share(measured.temperature_c);
        let most = limits.max_torque_nm * share;
        let torque = torque_nm(command, measured);
        // Where they oppose each other, the damping of the joint's own motion is within it by itself.
        if torque.abs() > most && torque * drive_nm(command, measured) > 0.0 {
            take_back(command, measured, limits, torque.abs() - most);
            let hot = share < 1.0 && torque.abs() <= limits.max_torque_nm;
            self.counts[joint].add(if hot { Limit::Temperature } else { Limit::Torque });
        }
        let torque = torque_nm(command, measured);
        let speed = measured.velocity_rad_s.abs() / limits.max_velocity_rad_s;
        if torque * measured.velocity_rad_s > 0.0 && speed > FAST_SHARE {
            let left = ((1.0 - speed) / (1.0 - FAST_SHARE)).max(0.0);
            let most = limits.max_torque_nm * left;
            if torque.abs() > most {
                take_back(command, measured, limits, torque.abs() - most);
                self.counts[joint].add(Limit::Velocity);
            }
        }
    }

    /// Takes torque back from all joints that drive, in proportion, when they take up too much together.
    fn share_power(&mut self, commands: &mut [JointCommand; JOINTS]) {
        let power = |command: &JointCommand, measured: &Option<JointMeasurement>| {
            measured.map_or(0.0, |m| (torque_nm(command, &m) * m.velocity_rad_s).max(0.0))
        };
        let total: f64 = commands.iter().zip(&self.measured).map(|(c, m)| power(c, m)).sum();
        let most = self.protection.max_power_w();
        if total <= most {
            return;
        }
        for (joint, command) in commands.iter_mut().enumerate() {
            let Some(measured) = self.measured[joint] else { continue };
            let torque = torque_nm(command, &measured);
            if torque * measured.velocity_rad_s > 0.0 {
                take_back(command, &measured, &self.limits[joint], torque.abs() * (1.0 - most / total));
                self.counts[joint].add(Limit::Power);
            }
        }
    }
}

/// Torque that a command asks of the motor, N m.
fn torque_nm(command: &JointCommand, measured: &JointMeasurement) -> f64 {
    drive_nm(command, measured) - command.kd * measured.velocity_rad_s
}

/// The part of it that drives the joint: without the damping of its own motion.
fn drive_nm(command: &JointCommand, measured: &JointMeasurement) -> f64 {
    command.torque_nm
        + command.kp * (command.position_rad - measured.position_rad)
        + command.kd * command.velocity_rad_s
}

/// Makes what drives the joint smaller by `excess_nm`: first the feed-forward torque, then the way to the target,
/// then the wanted velocity, each by no more than what it adds. The damping of the joint's own motion stays.
fn take_back(
    command: &mut JointCommand,
    measured: &JointMeasurement,
    limits: &CommandLimits,
    excess_nm: f64,
) {
    let drive = drive_nm(command, measured);
    let sign = drive.signum();
    // Its parts may pull against each other: more than the whole taken from some would turn it round.
    let mut left = excess_nm.min(drive.abs());
    let mut take = |part: f64| {
        let taken = (part * sign).max(0.0).min(left);
        left -= taken;
        taken * sign
    };
    command.torque_nm -= take(command.torque_nm);
    if command.kp > 0.0 {
        let spring = command.kp * (command.position_rad - measured.position_rad);
        let taken = take(spring);
        let target = command.position_rad - taken / command.kp;
        command.position_rad = target.max(limits.lower_rad).min(limits.upper_rad);
        // Where the joint is beyond its stops the target stays at the stop, and the stiffness gives way.
        if command.position_rad != target {
            let stretch = command.position_rad - measured.position_rad;
            let wanted = spring - taken;
            command.kp = if wanted == 0.0 || stretch == 0.0 { 0.0 } else { wanted / stretch };
        }
    }
    if command.kd > 0.0 {
        command.velocity_rad_s -= take(command.kd * command.velocity_rad_s) / command.kd;
    }
}

#[cfg(test)]
mod tests;
