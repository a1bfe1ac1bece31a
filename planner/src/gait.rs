//! Gait controller: from a wanted body velocity to joint commands (PD targets). Stands up, walks by a learned policy,
//! lies down.
//!
//! | mode     | what the robot does                             | may be asked for from   | ends by itself in |
//! |----------|-------------------------------------------------|-------------------------|-------------------|
//! | Damped   | joints resist motion, nothing is held           | any                     | -                 |
//! | StandUp  | from wherever the legs are to the standing pose | Damped                  | Walk              |
//! | Walk     | the policy walks; without a command it stands   | (StandUp, by itself)    | -                 |
//! | LieDown  | from the standing pose down onto the belly      | StandUp, Walk           | Damped            |
//!
//! A fall, or measurements that are not numbers, end every mode in Damped. A command that has grown stale is
//! taken for zero, and after a second of that the standing pose is held instead of the policy: at zero command
//! the policy steps on the spot and slowly turns (0.2 rad/s in simulation), which neither a stop nor a camera
//! wants.

mod error;
mod network;
mod policy;

use robot_interface::joints::{JOINTS, JointCommand, JointStates};
use robot_interface::robot::{GaitDescription, RobotDescription};
use robot_interface::state::{RobotState, VelocityCommand};
use robot_interface::status::GaitMode;
use robot_interface::time::Stamp;

pub use error::{OBSERVATION, PolicyError};
pub use policy::Policy;

/// Damping of joints that hold nothing, N m s/rad: sinks in about a second.
const DAMPING: f64 = 3.0;
/// PD gains while rising and lying down: the legs carry the trunk far from the standing pose.
const RISE_GAINS: Gains = Gains { kp: 60.0, kd: 1.5 };
/// Time to draw the legs to the lying pose, s.
const GATHER_S: f64 = 1.0;
/// Time to rise from there; the same for lying down, s.
const RISE_S: f64 = 1.5;
/// Time that the standing pose is held before the policy takes over, s.
const SETTLE_S: f64 = 0.3;
/// A command older than this, or that much from the future, is taken for zero, s.
const COMMAND_LIFE_S: f64 = 0.5;
/// Time at zero command after which the standing pose is held, s.
const STILL_AFTER_S: f64 = 1.0;
/// Time to go over from the policy to the held pose, s.
const TO_HELD_POSE_S: f64 = 0.5;
/// Time to go back from the held pose to the policy, s.
const TO_POLICY_S: f64 = 0.2;
/// Trunk tilt that counts as a fall: cosine of the angle between its up and the world's.
const FALLEN_COS: f64 = 0.5;

/// Refusal of a mode that cannot follow the present one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot go from {from:?} to {to:?}: stand up from Damped, lie down from StandUp or Walk")]
pub struct GaitModeRefused {
    /// The present mode.
    pub from: GaitMode,
    /// The mode that was asked for.
    pub to: GaitMode,
}

/// Says whether a mode can follow another, whoever's gait it is.
///
/// # Errors
/// [`GaitModeRefused`] if it cannot.
pub fn may_follow(from: GaitMode, to: GaitMode) -> Result<(), GaitModeRefused> {
    let allowed = match to {
        GaitMode::Damped => true,
        GaitMode::StandUp => from == GaitMode::Damped,
        GaitMode::LieDown => matches!(from, GaitMode::StandUp | GaitMode::Walk),
        GaitMode::Walk => from == GaitMode::Walk,
    };
    if allowed { Ok(()) } else { Err(GaitModeRefused { from, to }) }
}

/// PD gains of a joint.
#[derive(Clone, Copy, Debug)]
struct Gains {
    /// Stiffness, N m/rad.
    kp: f64,
    /// Damping, N m s/rad.
    kd: f64,
}

/// Gait controller: a state machine over the modes, with the walking policy inside.
#[derive(Clone, Debug)]
pub struct Gait {
    policy: Policy,
    description: GaitDescription,
    stand: [f64; JOINTS],
    lying: [f64; JOINTS],
    lower: [f64; JOINTS],
    upper: [f64; JOINTS],
    mode: GaitMode,
    since: Stamp,
    /// Joint positions when the mode began, rad, `[12]`.
    from: [f64; JOINTS],
    target: [f64; JOINTS],
    next_policy_step: Stamp,
    command: VelocityCommand,
    /// Time at which the command was last anything but zero.
    last_moved: Stamp,
    /// 0 while the policy walks, 1 while the standing pose is held.
    still: f64,
    fallen: bool,
    last_joints: Option<JointStates>,
}

impl Gait {
    /// A controller for a robot, damped; `policy` is the bytes of its policy's safetensors file.
    ///
    /// # Errors
    /// When the policy, or what the description says of it, cannot be used.
    pub fn new(robot: &RobotDescription, policy: &[u8]) -> Result<Self, PolicyError> {
        Ok(Self {
            policy: Policy::new(&robot.gait, policy)?,
            description: robot.gait.clone(),
            stand: robot.default_pose(),
            lying: robot.lying_pose(),
            lower: std::array::from_fn(|i| robot.joints.0[i].lower_rad.get()),
            upper: std::array::from_fn(|i| robot.joints.0[i].upper_rad.get()),
            mode: GaitMode::Damped,
            since: Stamp::ZERO,
            from: robot.lying_pose(),
            target: robot.lying_pose(),
            next_policy_step: Stamp::ZERO,
            command: VelocityCommand::default(),
            last_moved: Stamp::ZERO,
            still: 0.0,
            fallen: false,
            last_joints: None,
        })
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
        if to == GaitMode::StandUp && self.last_joints.is_none() {
            return Err(GaitModeRefused { from, to });
        }
        if from != to {
            self.enter(to, now);
        }
        Ok(())
    }

    /// One control step (500 Hz): joint commands for now. `command` comes with the time it was given.
    pub fn step(
        &mut self,
        now: Stamp,
        state: &RobotState,
        joints: &JointStates,
        command: (Stamp, VelocityCommand),
    ) -> [JointCommand; JOINTS] {
        if !is_finite(state, joints) {
            self.enter(GaitMode::Damped, now);
            return [JointCommand::damping(DAMPING); JOINTS];
        }
        self.last_joints = Some(*joints);
        let up = state.map_from_base.rotation() * nalgebra::Vector3::z();
        if up.z < FALLEN_COS && self.mode != GaitMode::Damped {
            self.enter(GaitMode::Damped, now);
            self.fallen = true;
        }
        let elapsed = now.seconds_since(self.since);
        match self.mode {
            GaitMode::Damped => [JointCommand::damping(DAMPING); JOINTS],
            GaitMode::StandUp => {
                if elapsed >= GATHER_S + RISE_S + SETTLE_S {
                    self.enter(GaitMode::Walk, now);
                }
                let gather = ease(elapsed / GATHER_S);
                let pose = blend(
                    &blend(&self.from, &self.lying, gather),
                    &self.stand,
                    ease((elapsed - GATHER_S) / RISE_S),
                );
                self.hold(&pose, RISE_GAINS, gather.max(0.1))
            }
            GaitMode::LieDown => {
                if elapsed >= RISE_S + SETTLE_S {
                    self.enter(GaitMode::Damped, now);
                }
                let pose = blend(&self.from, &self.lying, ease(elapsed / RISE_S));
                self.hold(&pose, RISE_GAINS, 1.0)
            }
            GaitMode::Walk => self.walk(now, state, joints, command),
        }
    }

    fn walk(
        &mut self,
        now: Stamp,
        state: &RobotState,
        joints: &JointStates,
        command: (Stamp, VelocityCommand),
    ) -> [JointCommand; JOINTS] {
        if now >= self.next_policy_step {
            let period_s = 1.0 / self.description.rate_hz.get();
            self.next_policy_step = now.plus_nanos((period_s * 1e9) as u64);
            self.slew(now, command);
            self.settle(now, period_s);
            if self.still < 1.0 {
                match self.policy.step(state, joints, &self.command) {
                    Ok(target) => self.target = target,
                    Err(_) => {
                        self.enter(GaitMode::Damped, now);
                        return [JointCommand::damping(DAMPING); JOINTS];
                    }
                }
            }
        }
        let walk = Gains { kp: self.description.kp.get(), kd: self.description.kd.get() };
        let blended = |walk: f64, held: f64| walk + self.still * (held - walk);
        let gains = Gains { kp: blended(walk.kp, RISE_GAINS.kp), kd: blended(walk.kd, RISE_GAINS.kd) };
        let pose = blend(&self.target, &self.stand, self.still);
        self.hold(&pose, gains, 1.0)
    }

    /// Goes over from the policy to the held pose after a while at zero command, and back at the first other one.
    fn settle(&mut self, now: Stamp, period_s: f64) {
        if self.command != VelocityCommand::default() {
            self.last_moved = now;
        }
        if now.seconds_since(self.last_moved) < STILL_AFTER_S {
            self.still = (self.still - period_s / TO_POLICY_S).max(0.0);
        } else {
            self.still = (self.still + period_s / TO_HELD_POSE_S).min(1.0);
        }
        if self.still >= 1.0 {
            // The held pose is what an output of zero stands for: the policy goes on from there.
            self.policy.reset();
        }
    }

    /// Moves the command that the policy sees towards what is wanted, no faster than it was trained with.
    fn slew(&mut self, now: Stamp, (given, wanted): (Stamp, VelocityCommand)) {
        let fresh = now.seconds_since(given).abs() <= COMMAND_LIFE_S;
        let numbers = [wanted.vx_m_s, wanted.vy_m_s, wanted.wz_rad_s];
        let wanted = if fresh && numbers.iter().all(|v| v.is_finite()) { numbers } else { [0.0; 3] };
        let now_at = [self.command.vx_m_s, self.command.vy_m_s, self.command.wz_rad_s];
        let next: [f64; 3] = std::array::from_fn(|i| {
            let limit = self.description.max_command[i];
            let slew = self.description.command_slew[i];
            now_at[i] + (wanted[i].clamp(-limit, limit) - now_at[i]).clamp(-slew, slew)
        });
        self.command = VelocityCommand { vx_m_s: next[0], vy_m_s: next[1], wz_rad_s: next[2] };
    }

    fn enter(&mut self, mode: GaitMode, now: Stamp) {
        if mode == GaitMode::StandUp {
            self.fallen = false;
        }
        if mode == GaitMode::Walk {
            self.policy.reset();
            self.command = VelocityCommand::default();
            self.target = self.stand;
            self.next_policy_step = now;
            (self.last_moved, self.still) = (now, 0.0);
        }
        if let Some(joints) = &self.last_joints {
            self.from = joints.positions();
        }
        self.mode = mode;
        self.since = now;
    }

    /// PD targets that hold a pose, with this share of the stiffness.
    fn hold(&self, pose: &[f64; JOINTS], gains: Gains, share: f64) -> [JointCommand; JOINTS] {
        std::array::from_fn(|i| JointCommand {
            position_rad: pose[i].clamp(self.lower[i], self.upper[i]),
            kp: gains.kp * share,
            kd: gains.kd,
            ..JointCommand::default()
        })
    }
}

fn is_finite(state: &RobotState, joints: &JointStates) -> bool {
    let pose = &state.map_from_base.isometry;
    pose.translation.vector.iter().all(|v| v.is_finite())
        && pose.rotation.coords.iter().all(|v| v.is_finite())
        && state.angular_velocity_rad_s.iter().all(|v| v.is_finite())
        && joints.joints.iter().all(|j| j.position_rad.is_finite() && j.velocity_rad_s.is_finite())
}

/// Smoothstep from 0 to 1, with no step in velocity at either end.
fn ease(t: f64) -> f64 {
    let t = t.clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

fn blend(a: &[f64; JOINTS], b: &[f64; JOINTS], share: f64) -> [f64; JOINTS] {
    std::array::from_fn(|i| a[i] + share * (b[i] - a[i]))
}

#[cfg(test)]
mod tests;
