//! Gait of a robot's vendor, driven by orders to its service instead of commands to its joints.
//!
//! The modes are those of Adit's own gait, so that whoever leads the robot need not know which one walks. Sans-IO:
//! [`step`](VendorGait::step) gives the order that is due.
//!
//! | mode            | orders                                                                      |
//! |-----------------|-----------------------------------------------------------------------------|
//! | damped          | [`Damp`](VendorOrder::Damp), unless it has lain down                        |
//! | stand up        | [`StandUp`](VendorOrder::StandUp), and [`BalanceStand`](VendorOrder::BalanceStand) before walking |
//! | walk            | [`Move`](VendorOrder::Move) 20 times a second while it is to move, then [`StopMove`](VendorOrder::StopMove) |
//! | lie down        | [`StopMove`](VendorOrder::StopMove), [`StandDown`](VendorOrder::StandDown) |

use std::collections::VecDeque;

use planner::gait::{GaitModeRefused, may_follow};
use robot_interface::state::{RobotState, VelocityCommand};
use robot_interface::status::GaitMode;
use robot_interface::time::Stamp;

/// Time that the vendor's gait has to rise, s.
const RISE_S: f64 = 3.0;
/// Time that it has to balance before it walks, s.
const BALANCE_S: f64 = 0.5;
/// Time that it has to lie down, s.
const LIE_DOWN_S: f64 = 3.0;
/// Interval of velocities while it walks, s.
const MOVE_EVERY_S: f64 = 0.05;
/// Age from which a velocity counts for nothing, s.
const VELOCITY_LIFE_S: f64 = 0.5;
/// Trunk tilt that counts as a fall: cosine of the angle between its up and the world's.
const FALLEN_COS: f64 = 0.5;
/// Orders that wait at most: an entered mode makes two.
const MAX_ORDERS: usize = 4;

/// Order to the vendor's service.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum VendorOrder {
    /// Let go of all joints.
    Damp,
    /// Rise.
    StandUp,
    /// Balance, ready to walk.
    BalanceStand,
    /// Walk with a velocity, for a while.
    Move(VelocityCommand),
    /// Stand where it is.
    StopMove,
    /// Lie down.
    StandDown,
}

/// State of the vendor's gait as far as it was ordered.
#[derive(Clone, Debug)]
pub struct VendorGait {
    mode: GaitMode,
    since: Stamp,
    fallen: bool,
    balanced: bool,
    moving: bool,
    moved: Stamp,
    max_command: [f64; 3],
    orders: VecDeque<VendorOrder>,
}

impl VendorGait {
    /// Gait of a robot that lies. Velocities are held to `max_command`: vx, vy (m/s), wz (rad/s).
    pub fn new(max_command: [f64; 3]) -> Self {
        Self {
            mode: GaitMode::Damped,
            since: Stamp::ZERO,
            fallen: false,
            balanced: false,
            moving: false,
            moved: Stamp::ZERO,
            max_command,
            orders: VecDeque::with_capacity(MAX_ORDERS),
        }
    }

    /// Returns the present mode.
    pub const fn mode(&self) -> GaitMode {
        self.mode
    }

    /// True once the trunk has tilted so far that the legs were let go; stays so until asked to stand up.
    pub const fn fallen(&self) -> bool {
        self.fallen
    }

    /// Asks for a mode.
    ///
    /// # Errors
    /// [`GaitModeRefused`] when the mode cannot follow the present one; nothing changes then.
    pub fn request(&mut self, to: GaitMode, now: Stamp) -> Result<(), GaitModeRefused> {
        let from = self.mode;
        may_follow(from, to)?;
        if from != to {
            self.enter(to, now);
            match to {
                GaitMode::Damped => self.order(VendorOrder::Damp),
                GaitMode::StandUp => {
                    (self.fallen, self.balanced) = (false, false);
                    self.order(VendorOrder::StandUp);
                }
                GaitMode::LieDown => {
                    self.order(VendorOrder::StopMove);
                    self.order(VendorOrder::StandDown);
                }
                GaitMode::Walk => {}
            }
        }
        Ok(())
    }

    fn enter(&mut self, mode: GaitMode, now: Stamp) {
        (self.mode, self.since, self.moving) = (mode, now, false);
    }

    fn order(&mut self, order: VendorOrder) {
        if order == VendorOrder::Damp {
            // Nothing comes before it.
            self.orders.clear();
        }
        if self.orders.len() < MAX_ORDERS {
            self.orders.push_back(order);
        }
    }

    /// One control step: goes on in time, and returns the next order. `command` comes with the time it was given.
    pub fn step(
        &mut self,
        now: Stamp,
        state: &RobotState,
        command: (Stamp, VelocityCommand),
    ) -> Option<VendorOrder> {
        let up = state.map_from_base.rotation() * nalgebra::Vector3::z();
        if up.z < FALLEN_COS && self.mode != GaitMode::Damped {
            self.enter(GaitMode::Damped, now);
            self.fallen = true;
            self.order(VendorOrder::Damp);
        }
        let elapsed_s = now.seconds_since(self.since);
        match self.mode {
            GaitMode::StandUp => {
                if elapsed_s >= RISE_S && !self.balanced {
                    self.balanced = true;
                    self.order(VendorOrder::BalanceStand);
                }
                if elapsed_s >= RISE_S + BALANCE_S {
                    self.enter(GaitMode::Walk, now);
                }
            }
            // It lies: what the service holds its joints with is its own affair.
            GaitMode::LieDown if elapsed_s >= LIE_DOWN_S => self.enter(GaitMode::Damped, now),
            GaitMode::Walk => self.walk(now, command),
            GaitMode::LieDown | GaitMode::Damped => {}
        }
        self.orders.pop_front()
    }

    fn walk(&mut self, now: Stamp, (given, command): (Stamp, VelocityCommand)) {
        let is_fresh = now.seconds_since(given) < VELOCITY_LIFE_S;
        let wanted = if is_fresh { self.held_to_limits(&command) } else { VelocityCommand::default() };
        if wanted == VelocityCommand::default() {
            if std::mem::take(&mut self.moving) {
                self.order(VendorOrder::StopMove);
            }
        } else if !self.moving || now.seconds_since(self.moved) >= MOVE_EVERY_S {
            (self.moving, self.moved) = (true, now);
            self.order(VendorOrder::Move(wanted));
        }
    }

    /// What is no number is none.
    fn held_to_limits(&self, command: &VelocityCommand) -> VelocityCommand {
        let [vx, vy, wz] = self.max_command;
        let held = |value: f64, most: f64| if value.is_finite() { value.max(-most).min(most) } else { 0.0 };
        VelocityCommand {
            vx_m_s: held(command.vx_m_s, vx),
            vy_m_s: held(command.vy_m_s, vy),
            wz_rad_s: held(command.wz_rad_s, wz),
        }
    }
}

#[cfg(test)]
mod tests {
    use nalgebra::{Matrix3, Vector3};
    use robot_interface::frames::Transform;

    use super::*;

    fn state(roll_rad: f64, stamp: Stamp) -> RobotState {
        RobotState {
            stamp,
            map_from_base: Transform::from_xyz_rpy([0.0, 0.0, 0.3], [roll_rad, 0.0, 0.0]),
            velocity_m_s: Vector3::zeros(),
            angular_velocity_rad_s: Vector3::zeros(),
            contacts: [true; 4],
            position_covariance_m2: Matrix3::zeros(),
            yaw_sigma_rad: 0.0,
        }
    }

    struct Bench {
        gait: VendorGait,
        now: Stamp,
        velocity: VelocityCommand,
        roll_rad: f64,
    }

    impl Bench {
        fn new() -> Self {
            let gait = VendorGait::new([0.5, 0.3, 0.8]);
            Self { gait, now: Stamp::ZERO, velocity: VelocityCommand::default(), roll_rad: 0.0 }
        }

        fn run(&mut self, seconds: f64) -> Vec<VendorOrder> {
            let steps = 0..(500.0 * seconds) as u32;
            let orders = steps.filter_map(|_| {
                self.now = self.now.plus_nanos(2_000_000);
                self.gait.step(self.now, &state(self.roll_rad, self.now), (self.now, self.velocity))
            });
            orders.collect()
        }

        fn stand(&mut self) {
            self.gait.request(GaitMode::StandUp, self.now).expect("it lies");
            assert_eq!(self.run(4.0), [VendorOrder::StandUp, VendorOrder::BalanceStand]);
            assert_eq!(self.gait.mode(), GaitMode::Walk);
        }
    }

    #[test]
    fn it_rises_walks_within_its_limits_stops_and_lies_down() {
        let mut bench = Bench::new();
        assert_eq!(bench.run(1.0), []);
        bench.stand();
        bench.velocity.vx_m_s = 2.0;
        let orders = bench.run(1.0);
        let held = VendorOrder::Move(VelocityCommand { vx_m_s: 0.5, ..VelocityCommand::default() });
        assert!(orders.len() >= 19 && orders.iter().all(|order| *order == held), "{orders:?}");
        bench.velocity = VelocityCommand::default();
        assert_eq!(bench.run(1.0), [VendorOrder::StopMove]);
        bench.gait.request(GaitMode::LieDown, bench.now).expect("it stands");
        assert_eq!(bench.run(4.0), [VendorOrder::StopMove, VendorOrder::StandDown]);
        assert_eq!(bench.gait.mode(), GaitMode::Damped);
    }

    #[test]
    fn an_old_velocity_stops_it() {
        let mut bench = Bench::new();
        bench.stand();
        bench.velocity.wz_rad_s = 0.3;
        bench.run(0.2);
        let given = bench.now;
        bench.now = bench.now.plus_nanos(600_000_000);
        let order = bench.gait.step(bench.now, &state(0.0, bench.now), (given, bench.velocity));
        assert_eq!(order, Some(VendorOrder::StopMove));
    }

    #[test]
    fn letting_go_comes_before_everything_and_a_fall_lets_go() {
        let mut bench = Bench::new();
        bench.stand();
        bench.gait.request(GaitMode::LieDown, bench.now).expect("it stands");
        bench.gait.request(GaitMode::Damped, bench.now).expect("never refused");
        assert_eq!(bench.run(0.1), [VendorOrder::Damp]);
        bench.stand();
        bench.roll_rad = 1.5;
        assert_eq!(bench.run(0.1), [VendorOrder::Damp]);
        assert!(bench.gait.fallen() && bench.gait.mode() == GaitMode::Damped);
    }
}
