//! Checks of a robot's description as a whole. Ranges are wide: they refuse what no walking robot has, not what is unusual.

use std::collections::BTreeMap;

use super::{
    BatteryDescription, Body, CameraDescription, GaitDescription, ImuDescription, LegGeometry,
    LidarDescription, PortsDescription, RobotDescription, ThermalDescription,
};
use crate::checks::{KeyError, all_within, is_name, number_text, within};
use crate::joints::{JOINT_NAMES, JOINTS, Leg};

/// Places of sensors in the base frame, m.
const MOUNT_M: std::ops::RangeInclusive<f64> = -5.0..=5.0;
/// Angles of sensors in the base frame, degrees.
const MOUNT_DEG: std::ops::RangeInclusive<f64> = -360.0..=360.0;
/// The most points of one scan.
const MAX_SCAN_POINTS: f64 = 1e6;
/// The most cameras of a kind.
const MAX_CAMERAS: usize = 16;
/// The greatest DDS domain.
const MAX_DOMAIN: f64 = 232.0;
/// Control steps a second, each of which has one policy step at most.
const CONTROL_HZ: f64 = 500.0;

impl RobotDescription {
    /// Checks each value against what a robot can have, and values against each other.
    ///
    /// # Errors
    /// [`KeyError`] for the first value that cannot be.
    pub fn check(&self) -> Result<(), KeyError> {
        is_name("name", &self.name)?;
        let tables = [
            ("body", self.body.check(&self.legs)),
            ("legs", self.legs.check()),
            ("protection", self.protection.check()),
            ("gait", self.check_gait()),
            ("imu", self.imu.check()),
            ("lidar", self.lidar.check()),
            ("battery", self.battery.as_ref().map_or(Ok(()), BatteryDescription::check)),
        ];
        for (table, result) in tables {
            result.map_err(|error| error.within_table(table))?;
        }
        self.check_joints()?;
        self.check_cameras()?;
        self.check_network()?;
        // Only now are the buses' numbers known to be few.
        self.ports.as_ref().map_or(Ok(()), |ports| ports.check(self.buses()))
    }

    fn check_network(&self) -> Result<(), KeyError> {
        let is_networked = self.motors.protocol.is_networked();
        if is_networked && self.ports.is_some() {
            let problem = "is there, and the robot's motors.protocol has no serial ports";
            return Err(KeyError::new(
                "ports",
                problem,
                "leave it out: [network] says how the robot is reached",
            ));
        }
        let Some(network) = &self.network else { return Ok(()) };
        if !is_networked {
            let problem = "is there, and the robot's motors.protocol is one of serial lines";
            return Err(KeyError::new("network", problem, "leave it out: [ports] names the serial lines"));
        }
        if network.interface.as_ref().is_some_and(String::is_empty) {
            return Err(KeyError::new(
                "network.interface",
                "is empty",
                "name it, such as eth0, or leave it out",
            ));
        }
        within("network.domain", network.domain.into(), 0.0..=MAX_DOMAIN)
    }

    fn check_joints(&self) -> Result<(), KeyError> {
        for (name, joint) in JOINT_NAMES.iter().zip(&self.joints.0) {
            let ranges = [
                ("bus", joint.bus as f64, 0.0..=(JOINTS - 1) as f64),
                ("gear_ratio", joint.gear_ratio.get(), 0.01..=1000.0),
                ("zero_offset_rad", joint.zero_offset_rad.get(), -100.0..=100.0),
                ("lower_rad", joint.lower_rad.get(), -20.0..=20.0),
                ("upper_rad", joint.upper_rad.get(), -20.0..=20.0),
                ("max_torque_nm", joint.max_torque_nm.get(), 0.01..=10_000.0),
                ("max_velocity_rad_s", joint.max_velocity_rad_s.get(), 0.1..=1000.0),
            ];
            for (key, value, range) in ranges {
                within(format!("joints.{name}.{key}"), value, range)?;
            }
        }
        Ok(())
    }

    fn check_gait(&self) -> Result<(), KeyError> {
        let gait = &self.gait;
        gait.check()?;
        for (key, value, most) in
            [("kp", gait.kp.get(), self.protection.max_kp()), ("kd", gait.kd.get(), self.protection.max_kd())]
        {
            if value > most {
                let problem = format!("is {}, and protection.max_{key} is {most}", number_text(value));
                return Err(KeyError::new(key, problem, "the policy walks with its gains or not at all"));
            }
        }
        for (key, pose) in [("default_pose_rad", self.default_pose()), ("lying_pose_rad", self.lying_pose())]
        {
            for (i, (joint, name)) in self.joints.0.iter().zip(JOINT_NAMES).enumerate() {
                let stops = joint.lower_rad.get()..=joint.upper_rad.get();
                if !stops.contains(&pose[i]) {
                    let problem = format!(
                        "is {}, beyond the stops of {name}, {} to {}",
                        number_text(pose[i]),
                        stops.start(),
                        stops.end()
                    );
                    return Err(KeyError::new(
                        format!("{key}[{}]", i % 3),
                        problem,
                        "correct the pose or the stops",
                    ));
                }
            }
        }
        Ok(())
    }

    fn check_cameras(&self) -> Result<(), KeyError> {
        if self.cameras.is_empty() {
            return Err(KeyError::new(
                "cameras",
                "is empty: the robot has no camera",
                "add a [[cameras]] table",
            ));
        }
        for (table, count) in [("cameras", self.cameras.len()), ("thermal", self.thermal.len())] {
            if count > MAX_CAMERAS {
                let problem = format!("has {count} entries");
                return Err(KeyError::new(table, problem, format!("give at most {MAX_CAMERAS}")));
            }
        }
        for (i, camera) in self.cameras.iter().enumerate() {
            camera.check().map_err(|error| error.within_table(&format!("cameras[{i}]")))?;
        }
        for (i, camera) in self.thermal.iter().enumerate() {
            camera.check().map_err(|error| error.within_table(&format!("thermal[{i}]")))?;
        }
        distinct_names("cameras", self.cameras.iter().map(|camera| camera.name.as_str()))?;
        distinct_names("thermal", self.thermal.iter().map(|camera| camera.name.as_str()))
    }
}

/// Refuses cameras whose topics would have one name. A character that no topic has counts as `_`.
fn distinct_names<'a>(table: &str, names: impl Iterator<Item = &'a str>) -> Result<(), KeyError> {
    let mut known = BTreeMap::new();
    for (i, name) in names.enumerate() {
        let topic: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        if !topic.starts_with(|c: char| c.is_ascii_alphabetic()) || topic.contains("__") {
            return Err(KeyError::new(
                format!("{table}[{i}].name"),
                format!("is {name:?}, of which no topic can be made"),
                "begin with a letter from a to z, and go on with letters, digits and single `_`",
            ));
        }
        if let Some(earlier) = known.insert(topic, i) {
            return Err(KeyError::new(
                format!("{table}[{i}].name"),
                format!("is {name:?}, and {table}[{earlier}] has the same topics"),
                "give each camera a name of its own",
            ));
        }
    }
    Ok(())
}

fn all(ranges: &[(&str, f64, std::ops::RangeInclusive<f64>)]) -> Result<(), KeyError> {
    ranges.iter().try_for_each(|(key, value, range)| within(*key, *value, range.clone()))
}

impl Body {
    fn check(&self, legs: &LegGeometry) -> Result<(), KeyError> {
        all(&[
            ("mass_kg", self.mass_kg.get(), 0.5..=1000.0),
            ("length_m", self.length_m.get(), 0.05..=5.0),
            ("width_m", self.width_m.get(), 0.05..=5.0),
            ("standing_height_m", self.standing_height_m.get(), 0.03..=3.0),
            ("max_step_m", self.max_step_m.get(), 0.001..=2.0),
            ("max_slope_rad", self.max_slope_rad.get(), 0.01..=1.4),
        ])?;
        let reach_m = legs.thigh_m.get() + legs.calf_m.get() + legs.foot_radius_m.get();
        if self.standing_height_m.get() > reach_m {
            let problem =
                format!("is {}, and stretched legs are {reach_m:.3} m long", self.standing_height_m.get());
            return Err(KeyError::new("standing_height_m", problem, "correct it, or the lengths in [legs]"));
        }
        let slope_percent = 100.0 * self.max_slope_rad.get().tan();
        if let Some(grade) = self.max_grade_percent {
            within("max_grade_percent", grade.get(), 0.1..=slope_percent.max(0.1)).map_err(|error| {
                KeyError {
                    remedy: format!("give at most {slope_percent:.0}, the grade of max_slope_rad"),
                    ..error
                }
            })?;
        }
        Ok(())
    }
}

impl LegGeometry {
    fn check(&self) -> Result<(), KeyError> {
        all(&[
            ("hip_x_m", self.hip_x_m.get(), 0.01..=3.0),
            ("hip_y_m", self.hip_y_m.get(), 0.001..=3.0),
            ("abduction_m", self.abduction_m.get(), 0.0..=1.0),
            ("thigh_m", self.thigh_m.get(), 0.02..=2.0),
            ("calf_m", self.calf_m.get(), 0.02..=2.0),
            ("foot_x_m", self.foot_x_m.get(), -0.5..=0.5),
            ("foot_radius_m", self.foot_radius_m.get(), 0.001..=0.5),
            ("joint_damping_nm_s", self.joint_damping_nm_s.map_or(0.0, |d| d.get()), 0.0..=100.0),
        ])
    }
}

impl GaitDescription {
    fn check(&self) -> Result<(), KeyError> {
        all(&[
            ("kp", self.kp.get(), 0.1..=10_000.0),
            ("kd", self.kd.get(), 0.001..=1000.0),
            ("rate_hz", self.rate_hz.get(), 1.0..=CONTROL_HZ),
            // Without a step ahead it would never arrive.
            ("command_slew[0]", self.command_slew[0], 0.001..=10.0),
            ("max_command[0]", self.max_command[0], 0.05..=10.0),
        ])?;
        all_within("command_slew", &self.command_slew, 0.0..=10.0)?;
        all_within("max_command", &self.max_command, 0.0..=10.0)?;
        all_within("default_pose_rad", &self.default_pose_rad, -20.0..=20.0)?;
        all_within("lying_pose_rad", &self.lying_pose_rad, -20.0..=20.0)?;
        all_within("action_scale_rad", &self.action_scale_rad, -10.0..=10.0)?;
        if let Some(missing) = Leg::ALL.iter().find(|leg| !self.leg_order.contains(leg)) {
            let problem = format!("lacks {}", missing.name());
            return Err(KeyError::new("leg_order", problem, "name each of FL FR RL RR once"));
        }
        Ok(())
    }
}

impl ImuDescription {
    fn check(&self) -> Result<(), KeyError> {
        all_within("xyz_m", &self.xyz_m, MOUNT_M)?;
        all(&[
            ("gyro_noise", self.gyro_noise.get(), 0.0..=1.0),
            ("gyro_bias_walk", self.gyro_bias_walk.get(), 0.0..=1.0),
            ("gyro_bias_initial", self.gyro_bias_initial.get(), 0.0..=1.0),
            ("accel_noise", self.accel_noise.get(), 0.0..=10.0),
            ("accel_bias_walk", self.accel_bias_walk.get(), 0.0..=10.0),
            ("accel_bias_initial", self.accel_bias_initial.get(), 0.0..=10.0),
        ])
    }
}

impl LidarDescription {
    fn check(&self) -> Result<(), KeyError> {
        all_within("xyz_m", &self.xyz_m, MOUNT_M)?;
        all_within("rpy_deg", &self.rpy_deg, MOUNT_DEG)?;
        all(&[
            ("points_per_second", self.points_per_second.get(), 100.0..=1e7),
            ("rate_hz", self.rate_hz.get(), 1.0..=100.0),
            ("min_range_m", self.min_range_m.get(), 0.001..=100.0),
            ("max_range_m", self.max_range_m.get(), 0.5..=1000.0),
            ("range_noise_m", self.range_noise_m.get(), 0.0..=1.0),
        ])?;
        if self.min_range_m >= self.max_range_m {
            let problem =
                format!("is {}, and max_range_m {}", self.min_range_m.get(), self.max_range_m.get());
            return Err(KeyError::new(
                "min_range_m",
                problem,
                "give the lesser range as min_range_m: swap them",
            ));
        }
        let points = self.points_per_second.get() / self.rate_hz.get();
        if points > MAX_SCAN_POINTS {
            let problem = format!("makes {} points a scan", number_text(points.round()));
            let remedy = format!("give at most {MAX_SCAN_POINTS} points a scan, or a higher rate_hz");
            return Err(KeyError::new("points_per_second", problem, remedy));
        }
        Ok(())
    }
}

impl CameraDescription {
    fn check(&self) -> Result<(), KeyError> {
        check_camera(&self.name, self.xyz_m, self.rpy_deg, [self.width, self.height])?;
        all(&[
            ("horizontal_fov_deg", self.horizontal_fov_deg.get(), 1.0..=170.0),
            ("exposure_s", self.exposure_s.get(), 1e-6..=1.0),
        ])
    }
}

impl ThermalDescription {
    fn check(&self) -> Result<(), KeyError> {
        check_camera(&self.name, self.xyz_m, self.rpy_deg, [self.width, self.height])?;
        all(&[
            ("horizontal_fov_deg", self.horizontal_fov_deg.get(), 1.0..=170.0),
            ("netd_k", self.netd_k.get(), 0.0..=10.0),
        ])
    }
}

/// Name, mount and picture, which all cameras have.
fn check_camera(name: &str, xyz_m: [f64; 3], rpy_deg: [f64; 3], pixels: [u32; 2]) -> Result<(), KeyError> {
    is_name("name", name)?;
    all_within("xyz_m", &xyz_m, MOUNT_M)?;
    all_within("rpy_deg", &rpy_deg, MOUNT_DEG)?;
    within("width", pixels[0].into(), 16.0..=8192.0)?;
    within("height", pixels[1].into(), 16.0..=8192.0)
}

impl BatteryDescription {
    fn check(&self) -> Result<(), KeyError> {
        let (empty_v, full_v) = (self.empty_voltage_v.get(), self.full_voltage_v.get());
        all(&[
            ("capacity_wh", self.capacity_wh.get(), 0.1..=100_000.0),
            ("nominal_voltage_v", self.nominal_voltage_v.get(), 1.0..=1000.0),
            ("full_voltage_v", full_v, 1.0..=1000.0),
            ("empty_voltage_v", empty_v, 1.0..=1000.0),
            ("resistance_ohm", self.resistance_ohm.get(), 0.0..=10.0),
            ("electronics_w", self.electronics_w.get(), 0.0..=10_000.0),
        ])?;
        if full_v <= empty_v {
            let problem = format!("is {full_v}, not above its empty_voltage_v of {empty_v}");
            return Err(KeyError::new("full_voltage_v", problem, "give the voltages without load"));
        }
        within("nominal_voltage_v", self.nominal_voltage_v.get(), empty_v..=full_v).map_err(|error| {
            KeyError {
                remedy: format!("give a voltage between empty and full, {empty_v} to {full_v}"),
                ..error
            }
        })
    }
}

impl PortsDescription {
    fn check(&self, buses: usize) -> Result<(), KeyError> {
        if self.motors.len() != buses {
            let problem = format!("names {} motor ports for {buses} buses", self.motors.len());
            return Err(KeyError::new("ports.motors", problem, "give each bus one port, in their order"));
        }
        let named = self.motors.iter().enumerate().map(|(i, path)| (format!("ports.motors[{i}]"), path));
        let mut known = BTreeMap::new();
        for (key, path) in named.chain([("ports.imu".to_owned(), &self.imu)]) {
            if path.as_os_str().is_empty() {
                return Err(KeyError::new(key, "is empty", "name the port's device, such as /dev/ttyUSB0"));
            }
            if let Some(earlier) = known.insert(path, key.clone()) {
                let problem = format!("is {}, as is {earlier}", path.display());
                return Err(KeyError::new(
                    key,
                    problem,
                    "each bus and the inertial sensor has a port of its own",
                ));
            }
        }
        Ok(())
    }
}
