//! Walking policy (reinforcement learning, velocity-tracking): a small multilayer perceptron from observation to joint targets.
//!
//! The layout is that of legged_gym's descendants (Rudin et al. 2022, "Learning to Walk in Minutes"): 45 inputs,
//! 12 outputs, legs in the policy's own order. A step does not allocate.

use nalgebra::Vector3;
use robot_interface::joints::{JOINTS, JointStates, Leg};
use robot_interface::robot::GaitDescription;
use robot_interface::state::{RobotState, VelocityCommand};

use super::error::{OBSERVATION, PolicyError};
use super::network::Network;

/// Scale of the angular velocity among the inputs.
const ANGULAR_SCALE: f64 = 0.25;
/// Scale of the joint velocities among the inputs.
const VELOCITY_SCALE: f64 = 0.05;
/// Beyond this an output is a sign of a state that the policy never met; legged_gym clips at the same value.
const ACTION_LIMIT: f64 = 100.0;

/// Walking policy: the network, with its last output, which is one of its inputs.
#[derive(Clone, Debug)]
pub struct Policy {
    network: Network<OBSERVATION, JOINTS>,
    leg_order: [Leg; 4],
    default_pose_rad: [f64; 3],
    action_scale_rad: [f64; 3],
    /// The last output in the policy's order, `[12]`.
    last_action: [f64; JOINTS],
}

impl Policy {
    /// A policy from the bytes of its safetensors file: tensors `N.weight` `[out, in]` and `N.bias` `[out]`.
    ///
    /// # Errors
    /// When the file is damaged, its layers do not fit, or the description has values that cannot be meant.
    pub fn new(gait: &GaitDescription, safetensors: &[u8]) -> Result<Self, PolicyError> {
        check(gait)?;
        Ok(Self {
            network: Network::new(safetensors)?,
            leg_order: gait.leg_order,
            default_pose_rad: gait.default_pose_rad,
            action_scale_rad: gait.action_scale_rad,
            last_action: [0.0; JOINTS],
        })
    }

    /// Forgets the last output, as before a first step.
    pub fn reset(&mut self) {
        self.last_action = [0.0; JOINTS];
    }

    /// One step: where the joints should go, rad, `[12]` in the robot's order.
    ///
    /// # Errors
    /// When an output is no finite number; nothing changes then.
    pub fn step(
        &mut self,
        state: &RobotState,
        joints: &JointStates,
        command: &VelocityCommand,
    ) -> Result<[f64; JOINTS], PolicyError> {
        let observation = self.observe(state, joints, command);
        let action = self.infer(&observation);
        if !action.iter().all(|a| a.is_finite()) {
            return Err(PolicyError::NotFinite("gives"));
        }
        self.last_action = std::array::from_fn(|i| f64::from(action[i]).clamp(-ACTION_LIMIT, ACTION_LIMIT));
        let mut target = [0.0; JOINTS];
        for (slot, leg) in self.leg_order.iter().enumerate() {
            for joint in 0..3 {
                target[3 * leg.index() + joint] = self.default_pose_rad[joint]
                    + self.action_scale_rad[joint] * self.last_action[3 * slot + joint];
            }
        }
        Ok(target)
    }

    /// The network alone: outputs for `[45]` inputs, both in the policy's order. Does not allocate.
    pub fn infer(&mut self, observation: &[f32; OBSERVATION]) -> [f32; JOINTS] {
        self.network.infer(observation)
    }

    /// Observation of the policy: `[45]` inputs in its own order.
    pub(super) fn observe(
        &self,
        state: &RobotState,
        joints: &JointStates,
        command: &VelocityCommand,
    ) -> [f32; OBSERVATION] {
        let gravity = state.map_from_base.rotation().inverse() * -Vector3::z();
        let turning = state.angular_velocity_rad_s * ANGULAR_SCALE;
        let asked = [command.vx_m_s, command.vy_m_s, command.wz_rad_s];
        let in_order = |value: &dyn Fn(usize) -> f64| -> [f64; JOINTS] {
            std::array::from_fn(|i| value(3 * self.leg_order[i / 3].index() + i % 3))
        };
        let offsets = in_order(&|j| joints.joints[j].position_rad - self.default_pose_rad[j % 3]);
        let speeds = in_order(&|j| joints.joints[j].velocity_rad_s * VELOCITY_SCALE);
        let mut observation = [0.0; OBSERVATION];
        let parts = [turning.as_slice(), gravity.as_slice(), &asked, &offsets, &speeds, &self.last_action];
        for (input, value) in observation.iter_mut().zip(parts.into_iter().flatten()) {
            *input = *value as f32;
        }
        observation
    }
}

/// Refuses numbers of the description that cannot be used: a limit that is negative or no number would panic in `clamp`.
fn check(gait: &GaitDescription) -> Result<(), PolicyError> {
    let limits = [("command_slew", gait.command_slew), ("max_command", gait.max_command)];
    for (key, values) in limits {
        if !values.iter().all(|v| v.is_finite() && *v >= 0.0) {
            return Err(PolicyError::Description { key, remedy: "give three numbers of at least 0" });
        }
    }
    let poses = [
        ("default_pose_rad", gait.default_pose_rad),
        ("lying_pose_rad", gait.lying_pose_rad),
        ("action_scale_rad", gait.action_scale_rad),
    ];
    for (key, values) in poses {
        if !values.iter().all(|v| v.is_finite()) {
            return Err(PolicyError::Description { key, remedy: "give three finite numbers" });
        }
    }
    if !Leg::ALL.iter().all(|leg| gait.leg_order.contains(leg)) {
        return Err(PolicyError::Description { key: "leg_order", remedy: "name each of FL FR RL RR once" });
    }
    Ok(())
}
