//! Path follower: regulated pure pursuit (Coulter 1992; Macenski et al. 2023) for a robot that also sidesteps.

use nalgebra::{Vector2, Vector3};
use robot_interface::angles::wrap_angle_by_shift;
use robot_interface::robot::RobotDescription;
use robot_interface::state::{RobotState, VelocityCommand};

/// Look-ahead distance: so far ahead on the path the robot aims, m.
const LOOK_AHEAD_M: f64 = 0.6;
/// Heading error beyond which the robot turns in place, rad.
const TURN_IN_PLACE_ABOVE_RAD: f64 = 0.8;
/// Heading error below which it walks on again, rad.
const TURN_IN_PLACE_UNTIL_RAD: f64 = 0.3;
/// Turning rate per heading error, 1/s.
const TURN_GAIN_PER_S: f64 = 1.6;
/// Fastest turn while walking, rad/s.
const MAX_TURN_RAD_S: f64 = 0.9;
/// Fastest turn in place, rad/s.
const MAX_TURN_IN_PLACE_RAD_S: f64 = 0.8;
/// Sidestepping speed per offset from the path, 1/s.
const SIDE_GAIN_PER_S: f64 = 0.8;
/// Fastest sidestepping, m/s.
const MAX_SIDE_M_S: f64 = 0.15;
/// Slowing down before the end: speed per remaining distance, 1/s.
const ARRIVE_GAIN_PER_S: f64 = 1.2;
/// Slowest walk, m/s: below this the policy only steps in place.
const MIN_SPEED_M_S: f64 = 0.15;
/// Arrived within this distance of the end, m.
const ARRIVED_M: f64 = 0.12;

/// Path follower by pure pursuit: gives the body velocity that leads along a path.
#[derive(Clone, Debug)]
pub struct Follower {
    max: [f64; 3],
    path: Vec<Vector2<f64>>,
    turning: bool,
}

impl Follower {
    /// A follower without a path: it stands.
    pub fn new(robot: &RobotDescription) -> Self {
        // No panic from a limit that is negative or no number: it counts as 0.
        Self { max: robot.gait.max_command.map(|limit| limit.max(0.0)), path: Vec::new(), turning: false }
    }

    /// Takes a new path, `[x, y]` in `map`, m; an empty one, or one that is not all numbers, means stand.
    pub fn set_path(&mut self, path: &[[f64; 2]]) {
        let path = if path.as_flattened().iter().all(|v| v.is_finite()) { path } else { &[] };
        self.path = path.iter().map(|p| Vector2::from(*p)).collect();
    }

    /// Drops the path: stand.
    pub fn clear(&mut self) {
        self.path.clear();
        self.turning = false;
    }

    /// True at the end of the path, and without a path.
    pub fn arrived(&self, state: &RobotState) -> bool {
        let here = state.map_from_base.origin().xy().coords;
        self.path.last().is_none_or(|end| (end - here).norm() < ARRIVED_M)
    }

    /// The body velocity to walk with now, no faster forward than `speed_m_s`; standing when that, or the
    /// estimate, is no number, or not above 0.
    pub fn command(&mut self, state: &RobotState, speed_m_s: f64) -> VelocityCommand {
        let here = state.map_from_base.origin().xy().coords;
        let ahead = state.map_from_base.rotation() * Vector3::x();
        let yaw = ahead.y.atan2(ahead.x);
        let numbers = here.iter().chain([&yaw, &speed_m_s]).all(|v| v.is_finite());
        if self.arrived(state) || !numbers || speed_m_s <= 0.0 {
            self.turning = false;
            return VelocityCommand::default();
        }
        let (nearest, aim, remaining_m) = self.aim(here);
        let to_aim = aim - here;
        let error = wrap_angle_by_shift(to_aim.y.atan2(to_aim.x) - yaw);
        self.turning =
            error.abs() > if self.turning { TURN_IN_PLACE_UNTIL_RAD } else { TURN_IN_PLACE_ABOVE_RAD };
        if self.turning {
            let wz_rad_s = (TURN_GAIN_PER_S * error)
                .clamp(-MAX_TURN_IN_PLACE_RAD_S, MAX_TURN_IN_PLACE_RAD_S)
                .clamp(-self.max[2], self.max[2]);
            return VelocityCommand { vx_m_s: 0.0, vy_m_s: 0.0, wz_rad_s };
        }
        let slow_for_turn = (1.0 - error.abs() / TURN_IN_PLACE_ABOVE_RAD).max(0.3);
        let slow_for_end = ARRIVE_GAIN_PER_S * remaining_m;
        let speed = (speed_m_s * slow_for_turn).min(slow_for_end);
        let (sin, cos) = yaw.sin_cos();
        let off = nearest - here;
        let off_left = -sin * off.x + cos * off.y;
        VelocityCommand {
            vx_m_s: speed.max(MIN_SPEED_M_S.min(speed_m_s)).min(self.max[0]),
            vy_m_s: (SIDE_GAIN_PER_S * off_left)
                .clamp(-MAX_SIDE_M_S, MAX_SIDE_M_S)
                .clamp(-self.max[1], self.max[1]),
            wz_rad_s: (TURN_GAIN_PER_S * error)
                .clamp(-MAX_TURN_RAD_S, MAX_TURN_RAD_S)
                .clamp(-self.max[2], self.max[2]),
        }
    }

    /// The nearest point of the path, the point to aim at, and the way that remains, m.
    fn aim(&self, here: Vector2<f64>) -> (Vector2<f64>, Vector2<f64>, f64) {
        let end = self.path[self.path.len() - 1];
        let mut nearest = (f64::INFINITY, 0, end);
        for (i, pair) in self.path.windows(2).enumerate() {
            let along = pair[1] - pair[0];
            let t = ((here - pair[0]).dot(&along) / along.norm_squared().max(1e-12)).clamp(0.0, 1.0);
            let point = pair[0] + along * t;
            let distance = (point - here).norm();
            if distance < nearest.0 {
                nearest = (distance, i, point);
            }
        }
        let (mut point, mut left) = (nearest.2, LOOK_AHEAD_M);
        let mut aim = None;
        let mut remaining = (here - point).norm().min(LOOK_AHEAD_M);
        for corner in self.path.iter().skip(nearest.1 + 1) {
            let leg = (corner - point).norm();
            if aim.is_none() && leg >= left {
                aim = Some(point + (corner - point) * (left / leg.max(1e-9)));
            }
            left -= leg;
            remaining += leg;
            point = *corner;
        }
        (nearest.2, aim.unwrap_or(end), remaining)
    }
}

#[cfg(test)]
mod tests {
    use nalgebra::Matrix3;
    use robot_interface::fixtures::go2;
    use robot_interface::frames::Transform;
    use robot_interface::time::Stamp;

    use super::*;

    fn at(x: f64, y: f64, yaw: f64) -> RobotState {
        RobotState {
            stamp: Stamp::ZERO,
            map_from_base: Transform::from_xyz_rpy([x, y, 0.3], [0.0, 0.0, yaw]),
            velocity_m_s: Vector3::zeros(),
            angular_velocity_rad_s: Vector3::zeros(),
            contacts: [true; 4],
            position_covariance_m2: Matrix3::zeros(),
            yaw_sigma_rad: 0.0,
        }
    }

    fn follower(path: &[[f64; 2]]) -> Follower {
        let mut follower = Follower::new(&go2());
        follower.set_path(path);
        follower
    }

    /// Walks a body that does as it is told, and returns where it was every 20 ms.
    fn walk(follower: &mut Follower, start: [f64; 3], seconds: f64) -> Vec<[f64; 3]> {
        let mut track = vec![start];
        let mut command = VelocityCommand::default();
        for _ in 0..(seconds * 50.0) as usize {
            let [x, y, yaw] = track[track.len() - 1];
            let wanted = follower.command(&at(x, y, yaw), 0.6);
            // The body follows the command with a lag of about 0.2 s.
            let lag = |now: f64, to: f64| now + 0.1 * (to - now);
            command = VelocityCommand {
                vx_m_s: lag(command.vx_m_s, wanted.vx_m_s),
                vy_m_s: lag(command.vy_m_s, wanted.vy_m_s),
                wz_rad_s: lag(command.wz_rad_s, wanted.wz_rad_s),
            };
            let (sin, cos) = yaw.sin_cos();
            track.push([
                x + 0.02 * (cos * command.vx_m_s - sin * command.vy_m_s),
                y + 0.02 * (sin * command.vx_m_s + cos * command.vy_m_s),
                yaw + 0.02 * command.wz_rad_s,
            ]);
        }
        track
    }

    #[test]
    fn it_stays_near_a_bent_path_and_arrives() {
        let path = [[0.0, 0.0], [2.0, 0.0], [3.5, 0.6], [5.0, 0.6]];
        let mut follower = follower(&path);
        let track = walk(&mut follower, [0.0, 0.2, 0.1], 14.0);
        let end = track[track.len() - 1];
        assert!((end[0] - 5.0).hypot(end[1] - 0.6) < 0.2, "{end:?}");
        for [x, y, _] in &track[150..] {
            let on_path = if *x < 2.0 { 0.0 } else { (0.4 * (x - 2.0)).min(0.6) };
            assert!((y - on_path).abs() < 0.15, "{y} at {x}");
        }
    }

    #[test]
    fn it_turns_round_in_place() {
        let mut follower = follower(&[[0.0, 0.0], [-5.0, 0.0]]);
        let track = walk(&mut follower, [0.0, 0.0, 0.05], 14.0);
        let widest = track.iter().map(|p| p[1].abs()).fold(0.0, f64::max);
        assert!(widest < 0.3, "needs {widest} m to the side");
        assert!(track[track.len() - 1][0] < -4.5);
    }

    #[test]
    fn without_path_or_numbers_it_stands() {
        assert_eq!(follower(&[]).command(&at(0.0, 0.0, 0.0), 0.6), VelocityCommand::default());
        let mut follower = follower(&[[0.0, 0.0], [1.0, 0.0]]);
        assert_eq!(follower.command(&at(f64::NAN, 0.0, 0.0), 0.6), VelocityCommand::default());
        assert_eq!(follower.command(&at(0.0, 0.0, 0.0), f64::NAN), VelocityCommand::default());
        assert_eq!(follower.command(&at(0.0, 0.0, 0.0), 0.0), VelocityCommand::default());
        assert!(follower.command(&at(0.0, 0.0, 0.0), 0.6).vx_m_s > 0.3);
        follower.set_path(&[[0.0, 0.0], [1.0, f64::INFINITY]]);
        assert_eq!(follower.command(&at(0.0, 0.0, 0.0), 0.6), VelocityCommand::default());
    }

    #[test]
    fn it_keeps_the_limits_and_slows_where_the_path_turns() {
        let mut follower = follower(&[[0.0, 0.0], [5.0, 0.0]]);
        let straight = follower.command(&at(0.0, 0.0, 0.0), 0.6).vx_m_s;
        assert!((straight - 0.6).abs() < 1e-9, "{straight}");
        assert!(follower.command(&at(0.0, 0.0, 0.5), 0.6).vx_m_s < 0.3, "well off its heading");
        assert!(
            (follower.command(&at(0.0, 0.0, 0.0), 0.1).vx_m_s - 0.1).abs() < 1e-9,
            "slower than its slowest walk"
        );
        assert!(follower.command(&at(0.0, 0.0, 0.0), 50.0).vx_m_s <= follower.max[0]);
        assert!(follower.command(&at(4.8, 0.0, 0.0), 0.6).vx_m_s < 0.3, "near the end");
        for yaw in [-3.0, -1.0, -0.4, 0.4, 1.0, 3.0] {
            let turn = follower.command(&at(1.0, 0.0, yaw), 0.6);
            assert!(turn.wz_rad_s * yaw < 0.0 && turn.wz_rad_s.abs() <= follower.max[2], "{yaw}: {turn:?}");
            assert!(turn.vy_m_s.abs() <= MAX_SIDE_M_S);
        }
    }

    /// The way home begins with a turn between the walls of a tunnel 2 m wide, wherever in it the robot stands.
    #[test]
    fn it_turns_round_without_touching_the_walls() {
        for (y, yaw) in [(0.0, 0.0), (0.3, 0.4), (-0.3, 0.6), (0.35, -0.5)] {
            let mut follower = follower(&[[0.0, y], [-1.0, 0.0], [-5.0, 0.0]]);
            for [x, y, yaw] in walk(&mut follower, [0.0, y, yaw], 14.0) {
                let (sin, cos) = yaw.sin_cos();
                for (along, across) in [(0.35, 0.2), (0.35, -0.2), (-0.35, 0.2), (-0.35, -0.2)] {
                    let corner = y + sin * along + cos * across;
                    assert!(corner.abs() < 1.0, "a corner at {corner} m, the trunk at {x} {y} {yaw}");
                }
            }
        }
    }
}
