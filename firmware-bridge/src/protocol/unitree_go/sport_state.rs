//! `unitree_go::msg::dds_::SportModeState_`.

use adit_cdr::CdrReadError;
use serde::{Deserialize, Serialize};

use super::ImuState;

/// Time as the vendor's messages have it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimeSpec {
    /// Seconds.
    pub sec: i32,
    /// Nanoseconds of the second.
    pub nanosec: u32,
}

/// Point of a planned path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PathPoint {
    /// Time from the path's start, s.
    pub t_from_start: f32,
    /// Place, m.
    pub x: f32,
    /// Place, m.
    pub y: f32,
    /// Heading, rad.
    pub yaw: f32,
    /// Velocity, m/s.
    pub vx: f32,
    /// Velocity, m/s.
    pub vy: f32,
    /// Angular velocity, rad/s.
    pub vyaw: f32,
}

/// State of the vendor's gait (`rt/sportmodestate`), which is silent while that is switched off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SportModeState {
    /// Time of the state.
    pub stamp: TimeSpec,
    /// The vendor's number of what is wrong.
    pub error_code: u32,
    /// Inertial sensor.
    pub imu: ImuState,
    /// Mode of the gait.
    pub mode: u8,
    /// Progress of a motion, 0 to 1.
    pub progress: f32,
    /// Kind of gait.
    pub gait_type: u8,
    /// Height to which feet are raised, m.
    pub foot_raise_height: f32,
    /// Place of the trunk by the robot's odometry, m.
    pub position: [f32; 3],
    /// Height of the trunk, m.
    pub body_height: f32,
    /// Velocity of the trunk, m/s.
    pub velocity: [f32; 3],
    /// Angular velocity about the vertical, rad/s.
    pub yaw_speed: f32,
    /// Distances to obstacles, m.
    pub range_obstacle: [f32; 4],
    /// Load of each foot, FR, FL, RR, RL.
    pub foot_force: [i16; 4],
    /// Places of the feet in the trunk's frame, m.
    pub foot_position_body: [f32; 12],
    /// Velocities of the feet in the trunk's frame, m/s.
    pub foot_speed_body: [f32; 12],
    /// Path that it follows.
    pub path_point: [PathPoint; 10],
}

impl SportModeState {
    /// The sample.
    pub fn encode(&self) -> Vec<u8> {
        super::request::encode(self)
    }

    /// The state in a sample.
    ///
    /// # Errors
    /// [`CdrReadError`] if it is too short, or not little-endian plain CDR.
    pub fn decode(sample: &[u8]) -> Result<Self, CdrReadError> {
        adit_cdr::deserialize(sample)
    }
}
