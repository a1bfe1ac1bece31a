//! The robot's description: what a file in `launch/robots/` says of one. No code names a robot.

use std::collections::BTreeMap;
use std::path::PathBuf;

use nalgebra::{Isometry3, Matrix3, Rotation3, UnitQuaternion};
use serde::Deserialize;

use crate::frames::{Base, Camera, Lidar, Transform};
use crate::joints::{JOINT_NAMES, JOINTS, Leg};
use crate::sensors::Intrinsics;
use crate::units::{Finite, Fraction, NonNegative, Positive};

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
    /// One entry a joint, by name; all of [`JOINT_NAMES`] and no others.
    pub joints: JointTable,
    /// How its motors are spoken to.
    #[serde(default)]
    pub motors: MotorsDescription,
    /// How its motors are spared.
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
    /// What computers, sensors and lamps draw, W.
    pub electronics_w: NonNegative,
}

impl BatteryDescription {
    /// Charge when full, A h.
    pub fn capacity_ah(&self) -> f64 {
        self.capacity_wh.get() / self.nominal_voltage_v.get()
    }
}

/// Where a robot's motors and its inertial sensor are plugged in.
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

/// One joint and its motor.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JointDescription {
    /// Which motor bus, from 0.
    pub bus: usize,
    /// The motor's address on its bus.
    pub id: u8,
    /// Rotor turns per joint turn.
    pub gear_ratio: Positive,
    /// Whether the rotor turns the other way round than the joint.
    #[serde(default)]
    pub reversed: bool,
    /// Joint angle at which the rotor reads zero, rad.
    pub zero_offset_rad: Finite,
    /// Lower stop, rad.
    pub lower_rad: Finite,
    /// Upper stop, rad.
    pub upper_rad: Finite,
    /// Greatest torque at the joint, N m.
    pub max_torque_nm: Positive,
    /// Greatest speed at the joint, rad/s.
    pub max_velocity_rad_s: Positive,
}

/// How a robot's motors are spoken to; all of them alike.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MotorsDescription {
    /// Their protocol: GO-M8010-6 when left out.
    #[serde(default)]
    pub protocol: MotorProtocol,
    /// Damiao: the model by the vendor's name, such as `DM4310`, on which the ranges of its numbers depend.
    #[serde(default)]
    pub model: Option<String>,
}

/// The protocols that joints can be driven by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum MotorProtocol {
    /// Unitree GO-M8010-6.
    #[default]
    #[serde(rename = "go-m8010-6")]
    GoM8010,
    /// Unitree A1.
    #[serde(rename = "a1")]
    A1,
    /// Unitree B1.
    #[serde(rename = "b1")]
    B1,
    /// Damiao in MIT mode, behind the vendor's USB-CAN adapter.
    #[serde(rename = "damiao")]
    Damiao,
    /// Adit's own link to a microcontroller that drives up to six motors, one a bus. Its angles are those of what
    /// `gear_ratio` begins at: 1 if it counts in angles of the joint.
    #[serde(rename = "adit")]
    Adit,
}

/// How motors are spared: from when on they are derated, and when they are cut off.
///
/// A file may leave any of it out: the defaults are those of a motor of 100 W on a leg.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(try_from = "ProtectionTable")]
pub struct Protection {
    warm_c: f64,
    cut_c: f64,
    max_power_w: f64,
    max_kp: f64,
    max_kd: f64,
}

/// Share of its torque that a motor keeps just below the cut-off.
const HOT_SHARE: f64 = 0.4;

/// [`Protection`] as a file has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProtectionTable {
    warm_c: Option<Finite>,
    cut_c: Option<Finite>,
    max_power_w: Option<Positive>,
    max_kp: Option<Positive>,
    max_kd: Option<Positive>,
}

/// The cut-off is not above the temperature from which motors are derated.
#[derive(Debug, thiserror::Error)]
#[error(
    "warm_c is {warm_c}, and cut_c {cut_c}: motors are derated first and cut off later, so cut_c must be the higher one"
)]
pub struct ProtectionError {
    /// From when on they are derated, degrees Celsius.
    warm_c: f64,
    /// When they are cut off, degrees Celsius.
    cut_c: f64,
}

impl Default for Protection {
    fn default() -> Self {
        Self { warm_c: 70.0, cut_c: 85.0, max_power_w: 2000.0, max_kp: 200.0, max_kd: 10.0 }
    }
}

impl TryFrom<ProtectionTable> for Protection {
    type Error = ProtectionError;

    fn try_from(table: ProtectionTable) -> Result<Self, ProtectionError> {
        let default = Self::default();
        let warm_c = table.warm_c.map_or(default.warm_c, Finite::get);
        let cut_c = table.cut_c.map_or(default.cut_c, Finite::get);
        let max_power_w = table.max_power_w.map_or(default.max_power_w, Positive::get);
        let max_kp = table.max_kp.map_or(default.max_kp, Positive::get);
        let max_kd = table.max_kd.map_or(default.max_kd, Positive::get);
        if warm_c < cut_c {
            Ok(Self { warm_c, cut_c, max_power_w, max_kp, max_kd })
        } else {
            Err(ProtectionError { warm_c, cut_c })
        }
    }
}

impl Protection {
    /// Temperature from which on a motor is cut off, degrees Celsius.
    pub const fn cut_c(&self) -> f64 {
        self.cut_c
    }

    /// The most that all joints together may take up, W.
    pub const fn max_power_w(&self) -> f64 {
        self.max_power_w
    }

    /// Greatest stiffness of a joint, N m/rad.
    pub const fn max_kp(&self) -> f64 {
        self.max_kp
    }

    /// Greatest damping of a joint, N m s/rad.
    pub const fn max_kd(&self) -> f64 {
        self.max_kd
    }

    /// Share of its torque that a motor of this temperature may give: all of it up to `warm_c`, falling to four
    /// tenths at `cut_c`.
    pub fn torque_share(&self, temperature_c: f64) -> f64 {
        let warmth = ((temperature_c - self.warm_c) / (self.cut_c - self.warm_c)).clamp(0.0, 1.0);
        1.0 - (1.0 - HOT_SHARE) * warmth
    }
}

/// Joint side to rotor side and back: the one place where gear ratio, direction and zero offset are applied.
impl JointDescription {
    /// Rotor turns per joint turn, negative when the rotor turns the other way.
    fn signed_ratio(&self) -> f64 {
        if self.reversed { -self.gear_ratio.get() } else { self.gear_ratio.get() }
    }

    /// A joint angle as the rotor reads it, rad.
    pub fn rotor_position_rad(&self, joint_rad: f64) -> f64 {
        (joint_rad - self.zero_offset_rad.get()) * self.signed_ratio()
    }

    /// A rotor reading as a joint angle, rad.
    pub fn joint_position_rad(&self, rotor_rad: f64) -> f64 {
        rotor_rad / self.signed_ratio() + self.zero_offset_rad.get()
    }

    /// A joint velocity as the rotor's, rad/s.
    pub fn rotor_velocity_rad_s(&self, joint_rad_s: f64) -> f64 {
        joint_rad_s * self.signed_ratio()
    }

    /// A rotor velocity as the joint's, rad/s.
    pub fn joint_velocity_rad_s(&self, rotor_rad_s: f64) -> f64 {
        rotor_rad_s / self.signed_ratio()
    }

    /// A joint torque as the rotor's, N m.
    pub fn rotor_torque_nm(&self, joint_nm: f64) -> f64 {
        joint_nm / self.signed_ratio()
    }

    /// A rotor torque as the joint's, N m.
    pub fn joint_torque_nm(&self, rotor_nm: f64) -> f64 {
        rotor_nm * self.signed_ratio()
    }

    /// A joint's stiffness or damping as the rotor's (they divide by the square of the ratio).
    pub fn rotor_gain(&self, joint_gain: f64) -> f64 {
        joint_gain / self.gear_ratio.get().powi(2)
    }

    /// A rotor's stiffness or damping as the joint's.
    pub fn joint_gain(&self, rotor_gain: f64) -> f64 {
        rotor_gain * self.gear_ratio.get().powi(2)
    }
}

/// The joints in array order, read from a table by name.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "BTreeMap<String, JointDescription>")]
pub struct JointTable(pub [JointDescription; JOINTS]);

/// Why a robot's joint table was refused.
#[derive(Debug, thiserror::Error)]
pub enum JointTableError {
    /// One is not there.
    #[error("joint `{0}` is missing: add a [joints.{0}] table")]
    Missing(&'static str),
    /// One is not known.
    #[error(
        "unknown joint `{0}`: the joints are FL, FR, RL, RR each with _hip_joint, _thigh_joint, _calf_joint"
    )]
    Unknown(String),
    /// Lower stop above the upper one.
    #[error("joint `{0}`: lower_rad must be less than upper_rad")]
    Range(&'static str),
    /// Two joints share a motor.
    #[error("joints `{0}` and `{1}` have the same bus and id: give each motor its own address")]
    Address(&'static str, &'static str),
}

impl TryFrom<BTreeMap<String, JointDescription>> for JointTable {
    type Error = JointTableError;

    fn try_from(mut map: BTreeMap<String, JointDescription>) -> Result<Self, JointTableError> {
        let mut joints = Vec::with_capacity(JOINTS);
        for name in JOINT_NAMES {
            let joint = map.remove(name).ok_or(JointTableError::Missing(name))?;
            if joint.lower_rad.get() >= joint.upper_rad.get() {
                return Err(JointTableError::Range(name));
            }
            joints.push(joint);
        }
        if let Some(name) = map.into_keys().next() {
            return Err(JointTableError::Unknown(name));
        }
        for (i, a) in joints.iter().enumerate() {
            if let Some(j) = joints[..i].iter().position(|b| (a.bus, a.id) == (b.bus, b.id)) {
                return Err(JointTableError::Address(JOINT_NAMES[j], JOINT_NAMES[i]));
            }
        }
        joints.try_into().map(Self).or(Err(JointTableError::Missing(JOINT_NAMES[0])))
    }
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

/// An inertial sensor and its errors (Allan-variance terms).
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImuDescription {
    /// Place in the base frame, m.
    pub xyz_m: [f64; 3],
    /// Gyroscope white noise, rad/s/sqrt(Hz).
    pub gyro_noise: NonNegative,
    /// Gyroscope bias random walk, rad/s^2/sqrt(Hz).
    pub gyro_bias_walk: NonNegative,
    /// One-sigma of the gyroscope's bias at switch-on, rad/s.
    pub gyro_bias_initial: NonNegative,
    /// Accelerometer white noise, m/s^2/sqrt(Hz).
    pub accel_noise: NonNegative,
    /// Accelerometer bias random walk, m/s^3/sqrt(Hz).
    pub accel_bias_walk: NonNegative,
    /// One-sigma of the accelerometer's bias at switch-on, m/s^2.
    pub accel_bias_initial: NonNegative,
}

/// A lidar: where it is and what it can see.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LidarDescription {
    /// Place in the base frame, m.
    pub xyz_m: [f64; 3],
    /// Fixed-axis roll, pitch, yaw in the base frame, degrees.
    pub rpy_deg: [f64; 3],
    /// Points measured a second.
    pub points_per_second: Positive,
    /// Scans a second.
    pub rate_hz: Positive,
    /// Least range, m.
    pub min_range_m: Positive,
    /// Greatest range, m.
    pub max_range_m: Positive,
    /// One-sigma of a range, m.
    pub range_noise_m: NonNegative,
}

impl LidarDescription {
    /// The mount.
    pub fn base_from_lidar(&self) -> Transform<Base, Lidar> {
        Transform::from_xyz_rpy(self.xyz_m, self.rpy_deg.map(f64::to_radians))
    }
}

/// A colour camera with the lamp beside it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CameraDescription {
    /// Name in topics and reports.
    pub name: String,
    /// Place in the base frame, m.
    pub xyz_m: [f64; 3],
    /// Where it looks: fixed-axis roll, pitch, yaw of an x-forward frame in the base frame, degrees
    /// (pitch -90 looks straight up).
    pub rpy_deg: [f64; 3],
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// Horizontal field of view, degrees.
    pub horizontal_fov_deg: Positive,
    /// Exposure time, s.
    pub exposure_s: Positive,
    /// One-sigma of the noise of a mid-grey pixel, fraction of full scale.
    pub noise: Fraction,
}

/// A thermal camera.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ThermalDescription {
    /// Name in topics and reports.
    pub name: String,
    /// Place in the base frame, m.
    pub xyz_m: [f64; 3],
    /// Where it looks, as in [`CameraDescription::rpy_deg`].
    pub rpy_deg: [f64; 3],
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// Horizontal field of view, degrees.
    pub horizontal_fov_deg: Positive,
    /// Noise-equivalent temperature difference, K.
    pub netd_k: NonNegative,
}

impl CameraDescription {
    /// The mount, to the optical frame.
    pub fn base_from_camera(&self) -> Transform<Base, Camera> {
        optical_mount(self.xyz_m, self.rpy_deg)
    }

    /// The lens.
    pub fn intrinsics(&self) -> Intrinsics {
        Intrinsics::from_fov(self.width, self.height, self.horizontal_fov_deg.get().to_radians())
    }
}

impl ThermalDescription {
    /// The mount, to the optical frame.
    pub fn base_from_camera(&self) -> Transform<Base, Camera> {
        optical_mount(self.xyz_m, self.rpy_deg)
    }

    /// The lens.
    pub fn intrinsics(&self) -> Intrinsics {
        Intrinsics::from_fov(self.width, self.height, self.horizontal_fov_deg.get().to_radians())
    }
}

/// A mount given as an x-forward frame, turned to the optical frame (x right, y down, z ahead).
fn optical_mount(xyz_m: [f64; 3], rpy_deg: [f64; 3]) -> Transform<Base, Camera> {
    let link = Transform::<Base, Camera>::from_xyz_rpy(xyz_m, rpy_deg.map(f64::to_radians)).isometry;
    let link_from_optical = Matrix3::new(0.0, 0.0, 1.0, -1.0, 0.0, 0.0, 0.0, -1.0, 0.0);
    let rotation = UnitQuaternion::from_rotation_matrix(&Rotation3::from_matrix_unchecked(link_from_optical));
    Transform::new(link * Isometry3::from_parts(Default::default(), rotation))
}

impl RobotDescription {
    /// How many motor buses there are; they are numbered from 0.
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

#[cfg(test)]
mod tests {
    use nalgebra::Vector3;

    use super::*;

    #[test]
    fn a_camera_pitched_up_looks_at_the_crown() {
        let mount = optical_mount([0.0; 3], [0.0, -90.0, 0.0]);
        let view = mount.isometry * Vector3::z();
        assert!((view - Vector3::z()).norm() < 1e-9, "{view}");
        let left = optical_mount([0.0; 3], [0.0, 0.0, 90.0]);
        assert!((left.isometry * Vector3::z() - Vector3::y()).norm() < 1e-9);
        assert!((left.isometry * Vector3::y() + Vector3::z()).norm() < 1e-9, "image down is down");
    }
}
