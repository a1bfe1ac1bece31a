//! The robot's description: what a file in `launch/robots/` says of one. No code names a robot.

mod check;
mod joint;
mod motors;
mod sensors;

pub use joint::{JointDescription, JointTable, JointTableError};
pub use motors::{MotorProtocol, MotorsDescription, Protection, ProtectionError};
pub use sensors::{CameraDescription, ImuDescription, LidarDescription, ThermalDescription};

use std::net::IpAddr;
use std::path::PathBuf;

use serde::Deserialize;

use crate::joints::{JOINTS, Leg};
use crate::units::{Finite, NonNegative, Positive};

/// A robot, as its file says.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RobotDescription {
    /// Name for people.
    pub name: String,
    /// MJCF model for simulation, relative to the robot file.
    pub physics_model: PathBuf,
    /// The trunk.
    pub body: Body,
    /// Dimensions common to the four legs.
    pub legs: LegGeometry,
    /// One entry a joint, by name; all of [`JOINT_NAMES`](crate::joints::JOINT_NAMES) and no others.
    pub joints: JointTable,
    /// Protocol of its motors.
    #[serde(default)]
    pub motors: MotorsDescription,
    /// Protection of its motors.
    #[serde(default)]
    pub protection: Protection,
    /// The controller it walks with.
    pub gait: GaitDescription,
    /// Inertial sensor.
    pub imu: ImuDescription,
    /// Lidar.
    pub lidar: LidarDescription,
    /// Colour cameras that inspect the lining.
    pub cameras: Vec<CameraDescription>,
    /// Thermal cameras.
    #[serde(default)]
    pub thermal: Vec<ThermalDescription>,
    /// Its battery, if it is known.
    #[serde(default)]
    pub battery: Option<BatteryDescription>,
    /// Serial ports on the robot itself; the simulator brings its own.
    #[serde(default)]
    pub ports: Option<PortsDescription>,
    /// The way to a robot that is reached over a network.
    #[serde(default)]
    pub network: Option<NetworkDescription>,
}

/// The way to a robot that is reached over a network.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkDescription {
    /// This computer's network interface that leads to the robot.
    #[serde(default)]
    pub interface: Option<String>,
    /// DDS domain, of one that is reached by DDS.
    #[serde(default)]
    pub domain: u16,
    /// Address of the robot, of one that is reached by UDP.
    #[serde(default)]
    pub address: Option<IpAddr>,
}

/// A battery, and what draws from it beside the motors.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BatteryDescription {
    /// Energy of a full charge, Wh.
    pub capacity_wh: Positive,
    /// The voltage that it is named by, V.
    pub nominal_voltage_v: Positive,
    /// Voltage when full, without load, V.
    pub full_voltage_v: Positive,
    /// Voltage when empty, without load, V.
    pub empty_voltage_v: Positive,
    /// Of cells, wires and fuse together, ohm.
    pub resistance_ohm: NonNegative,
    /// Power of computers, sensors and lamps, W.
    pub electronics_w: NonNegative,
    /// Energy that a kilometre of walking takes, all included, Wh/km. Left out: worked out from the robot's mass.
    #[serde(default)]
    pub walking_wh_per_km: Option<Positive>,
}

impl BatteryDescription {
    /// Charge when full, A h.
    pub fn capacity_ah(&self) -> f64 {
        self.capacity_wh.get() / self.nominal_voltage_v.get()
    }
}

/// Serial ports of a robot's motors and of its inertial sensor.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PortsDescription {
    /// One a motor bus, in the order of their numbers; names under `/dev/serial/by-id` survive replugging.
    pub motors: Vec<PathBuf>,
    /// The inertial sensor's.
    pub imu: PathBuf,
}

/// The trunk's size and how the robot stands.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Body {
    /// Whole robot, kg.
    pub mass_kg: Positive,
    /// Length over everything, m.
    pub length_m: Positive,
    /// Width over everything, m.
    pub width_m: Positive,
    /// Height of the base frame above the ground when standing, m.
    pub standing_height_m: Positive,
    /// Highest step it may be asked to walk over, m.
    pub max_step_m: Positive,
    /// Steepest slope it may be asked to walk on, rad.
    pub max_slope_rad: Positive,
    /// Steepest grade of a tunnel that it walks up and down, percent; as steep as `max_slope_rad` when left out.
    #[serde(default)]
    pub max_grade_percent: Option<Positive>,
}

impl Body {
    /// Steepest grade of a tunnel that it walks up and down, percent.
    pub fn max_grade_percent(&self) -> f64 {
        self.max_grade_percent.map_or_else(|| 100.0 * self.max_slope_rad.get().tan(), Positive::get)
    }
}

/// Leg dimensions. Joint axes: hip about x, thigh and calf about y, zero with the leg straight down.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LegGeometry {
    /// Hip joint forward of (rear legs: behind) the base origin, m.
    pub hip_x_m: Positive,
    /// Hip joint beside the base origin, m.
    pub hip_y_m: Positive,
    /// From the hip axis sideways to the leg's plane, m.
    pub abduction_m: NonNegative,
    /// Thigh length, m.
    pub thigh_m: Positive,
    /// Calf length to the foot's centre, m.
    pub calf_m: Positive,
    /// Foot's centre forward of the calf's line, m.
    pub foot_x_m: Finite,
    /// Radius of the ball that the foot is, m.
    pub foot_radius_m: Positive,
    /// Torque per joint velocity that the joints' own damping takes up before it reaches the foot, N m s/rad
    /// (none when left out). Contact detection from torques accounts for it.
    pub joint_damping_nm_s: Option<NonNegative>,
}

/// A learned velocity policy and what it was trained with.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GaitDescription {
    /// Weights (safetensors), relative to the robot file.
    pub policy: PathBuf,
    /// Standing pose of each leg: hip, thigh, calf, rad.
    pub default_pose_rad: [f64; 3],
    /// Joint offset per unit of action: hip, thigh, calf, rad.
    pub action_scale_rad: [f64; 3],
    /// Pose when lying on the belly: hip, thigh, calf, rad.
    pub lying_pose_rad: [f64; 3],
    /// Order of the legs in the policy's inputs and outputs.
    pub leg_order: [Leg; 4],
    /// Stiffness at the joints, N m/rad.
    pub kp: Positive,
    /// Damping at the joints, N m s/rad.
    pub kd: Positive,
    /// Policy steps a second.
    pub rate_hz: Positive,
    /// Greatest change of the command a policy step: vx, vy (m/s), wz (rad/s).
    pub command_slew: [f64; 3],
    /// Greatest command: vx, vy (m/s), wz (rad/s).
    pub max_command: [f64; 3],
}

impl RobotDescription {
    /// Number of motor buses; they are numbered from 0.
    pub fn buses(&self) -> usize {
        1 + self.joints.0.iter().map(|joint| joint.bus).max().unwrap_or(0)
    }

    /// The standing pose of all joints in array order, rad, `[12]`.
    pub fn default_pose(&self) -> [f64; JOINTS] {
        std::array::from_fn(|i| self.gait.default_pose_rad[i % 3])
    }

    /// The lying pose of all joints in array order, rad, `[12]`.
    pub fn lying_pose(&self) -> [f64; JOINTS] {
        std::array::from_fn(|i| self.gait.lying_pose_rad[i % 3])
    }
}
