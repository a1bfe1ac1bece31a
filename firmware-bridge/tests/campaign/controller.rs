//! A controller that has lost its mind, and an operator who always wants the robot to go on.

use firmware_bridge::safety::{PowerState, Safety};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use robot_interface::joints::{JOINTS, JointCommand};
use robot_interface::robot::RobotDescription;

/// Share of the cycles in which one number of one joint is none, or a gain negative.
const NONSENSE: f64 = 0.02;
/// Share of the cycles in which a joint is commanded anew.
const CHANGE: f64 = 0.1;

pub(crate) struct Controller {
    chance: StdRng,
    stops: [[f64; 2]; JOINTS],
    commands: [JointCommand; JOINTS],
}

impl Controller {
    pub(crate) fn new(robot: &RobotDescription, seed: u64) -> Self {
        let stops = robot.joints.0.map(|joint| [joint.lower_rad.get(), joint.upper_rad.get()]);
        Self { chance: StdRng::seed_from_u64(seed), stops, commands: [JointCommand::default(); JOINTS] }
    }

    /// Asks for the next state up, now and then for an emergency stop, and clears whatever there is.
    pub(crate) fn operate(&mut self, safety: &mut Safety) {
        let next = match safety.power() {
            PowerState::Off => PowerState::Damped,
            PowerState::Damped => PowerState::Standing,
            PowerState::Standing | PowerState::Active => PowerState::Active,
            PowerState::Faulted => PowerState::Off,
        };
        // Refusals are part of the game.
        let _ = safety.request(next);
        if self.chance.random_bool(0.005) {
            safety.cut();
        }
        if self.chance.random_bool(0.05) {
            let _ = safety.request(PowerState::Standing);
        }
        if safety.trip().is_some() && self.chance.random_bool(0.05) {
            safety.settled();
            let _ = safety.clear();
        }
    }

    /// The commands of a cycle.
    pub(crate) fn commands(&mut self, with_nonsense: bool) -> [JointCommand; JOINTS] {
        for joint in 0..JOINTS {
            if self.chance.random_bool(CHANGE) {
                self.commands[joint] = self.command(joint);
            }
        }
        let mut commands = self.commands;
        if with_nonsense && self.chance.random_bool(NONSENSE) {
            let spoilt = &mut commands[self.chance.random_range(0..JOINTS)];
            let value = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY][self.chance.random_range(0..3)];
            match self.chance.random_range(0..7) {
                0 => spoilt.position_rad = value,
                1 => spoilt.velocity_rad_s = value,
                2 => spoilt.torque_nm = value,
                3 => spoilt.kp = value,
                4 => spoilt.kd = value,
                5 => spoilt.kp = -1e-9,
                _ => spoilt.kd = -5.0,
            }
        }
        commands
    }

    fn command(&mut self, joint: usize) -> JointCommand {
        let [lower, upper] = self.stops[joint];
        let far = self.chance.random_bool(0.3);
        let position_rad = if far { self.either(1e3) } else { self.chance.random_range(lower..=upper) };
        JointCommand {
            position_rad,
            velocity_rad_s: self.sometimes(200.0),
            torque_nm: self.sometimes(500.0),
            kp: self.gain(),
            kd: self.gain(),
        }
    }

    /// A number of either sign and any size up to `most`.
    fn either(&mut self, most: f64) -> f64 {
        let size = most * 10_f64.powf(self.chance.random_range(-4.0..=0.0));
        if self.chance.random_bool(0.5) { size } else { -size }
    }

    fn sometimes(&mut self, most: f64) -> f64 {
        if self.chance.random_bool(0.5) { self.either(most) } else { 0.0 }
    }

    /// None, or one from a thousandth to ten thousand.
    fn gain(&mut self) -> f64 {
        if self.chance.random_bool(0.1) { 0.0 } else { 10_f64.powf(self.chance.random_range(-3.0..=4.0)) }
    }
}
