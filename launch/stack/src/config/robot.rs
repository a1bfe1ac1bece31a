//! Robot files and what they refer to.

use std::path::Path;

use firmware_bridge::bridge::{BridgeError, MotorBridge};
use include_dir::{Dir, include_dir};
use planner::gait::{Policy, PolicyError};
use robot_interface::checks::{KeyError, excerpt};
use robot_interface::robot::RobotDescription;

use super::built_in;
use super::calibration::Calibration;
use super::config_file::ConfigFile;
use super::error::ConfigError;

static ROBOTS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../robots");

/// File in which errors say that the keys can be seen in use.
const EXAMPLE: &str = "launch/robots/go2.toml";
/// Cycle in which any number of motors can be asked, ns: whether they can be within a step of the control loop is asked where
/// there is such a loop.
const ANY_CYCLE_NANOS: u64 = 1_000_000_000;

/// A robot with the files that its description names, checked.
#[derive(Clone, Debug)]
pub struct Robot {
    /// The description.
    pub description: RobotDescription,
    /// MJCF text.
    pub physics_model: String,
    /// Weights of the walking policy, safetensors.
    pub policy: Vec<u8>,
    /// The robot's file, for what is found wrong later.
    pub file: ConfigFile,
}

impl Robot {
    /// Reads a robot: `name_or_path` is the name of a built-in one, or a path that ends in `.toml`. A
    /// `calibration.toml` beside that file is read with it.
    ///
    /// # Errors
    /// If there is no such robot, its file has a mistake, a file that it names is missing or cannot be used, or its
    /// calibration cannot be used.
    pub fn load(name_or_path: impl AsRef<Path>) -> Result<Self, ConfigError> {
        let name_or_path = name_or_path.as_ref();
        let mut robot = Self::load_uncalibrated(name_or_path)?;
        if is_path(name_or_path) {
            let path = Calibration::beside(name_or_path);
            if let Some(calibration) = Calibration::read(&path)? {
                calibration.apply(&path, &mut robot.description)?;
            }
        }
        Ok(robot)
    }

    /// As [`load`](Self::load), with the zeros of the robot's own file.
    pub fn load_uncalibrated(name_or_path: impl AsRef<Path>) -> Result<Self, ConfigError> {
        let path = name_or_path.as_ref();
        if !is_path(path) {
            return Self::built_in(&path.to_string_lossy());
        }
        let file = ConfigFile::read(path, "robot file", &robots_help(), EXAMPLE)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        Self::parse(file, |path| std::fs::read(folder.join(path)).map_err(|e| e.to_string()))
    }

    /// True for the name of a built-in robot, and for a path that may be one of a robot's file.
    pub fn may_be(name_or_path: &str) -> bool {
        is_path(Path::new(name_or_path)) || ROBOTS.get_file(format!("{name_or_path}.toml")).is_some()
    }

    fn built_in(name: &str) -> Result<Self, ConfigError> {
        let file = format!("{name}.toml");
        let text = ROBOTS
            .get_file(&file)
            .and_then(include_dir::File::contents_utf8)
            .ok_or_else(|| ConfigError::of_file(name, "there is no robot of that name", robots_help()))?;
        Self::parse(ConfigFile::new(&format!("robots/{file}"), text, EXAMPLE), |path| {
            ROBOTS
                .get_file(path)
                .map(|f| f.contents().to_vec())
                .ok_or_else(|| "not among the built-in files".to_owned())
        })
    }

    fn parse(file: ConfigFile, read: impl Fn(&Path) -> Result<Vec<u8>, String>) -> Result<Self, ConfigError> {
        let description: RobotDescription = file.parse()?;
        let refuse = |error: KeyError| file.refuse(&error);
        description.check().map_err(refuse)?;
        MotorBridge::with_cycle(&description, ANY_CYCLE_NANOS).map_err(|e| refuse(wiring_error(&e)))?;
        let referred = |path: &Path, key: &str| {
            read(path).map_err(|e| {
                refuse(KeyError::new(
                    key,
                    format!("cannot be read from {}: {e}", excerpt(&path.display().to_string(), 200)),
                    "paths in a robot file are relative to that file",
                ))
            })
        };
        let physics_model = String::from_utf8(referred(&description.physics_model, "physics_model")?)
            .map_err(|e| {
                refuse(KeyError::new("physics_model", format!("is no text: {e}"), "give an MJCF file"))
            })?;
        let policy = referred(&description.gait.policy, "gait.policy")?;
        Policy::new(&description.gait, &policy).map_err(|e| {
            let key = if let PolicyError::Description { key, .. } = e { key } else { "policy" };
            refuse(KeyError::new(
                format!("gait.{key}"),
                format!("cannot be used: {e}"),
                "docs/add-a-robot.md says what a walking policy is",
            ))
        })?;
        Ok(Self { description, physics_model, policy, file })
    }

    /// Checks that the motors of each bus can be asked within a step of the control loop.
    ///
    /// # Errors
    /// If a bus has too many.
    pub fn check_control_cycle(&self) -> Result<(), ConfigError> {
        let checked = MotorBridge::new(&self.description);
        checked.map(|_| ()).map_err(|e| self.file.refuse(&wiring_error(&e)))
    }
}

fn is_path(name_or_path: &Path) -> bool {
    name_or_path.extension().is_some_and(|ending| ending == "toml")
}

/// A refusal of the wiring, by the key at fault.
fn wiring_error(error: &BridgeError) -> KeyError {
    let key = match error {
        BridgeError::Id { joint, .. } => format!("joints.{joint}.id"),
        BridgeError::Bus { joint, .. } => format!("joints.{joint}.bus"),
        BridgeError::Range { joint, quantity, .. } => format!("joints.{joint}.{quantity}"),
        BridgeError::Model => "motors.model".to_owned(),
        BridgeError::Networked => "motors.protocol".to_owned(),
        BridgeError::Crowded { .. } | BridgeError::Overloaded { .. } => "joints".to_owned(),
    };
    KeyError::new(key, format!("cannot be: {error}"), "docs/add-a-robot.md says what each protocol takes")
}

fn robots_help() -> String {
    format!("name a built-in robot ({}) or the path of a .toml file", built_in::names(&ROBOTS).join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_robot_loads() {
        for name in built_in::names(&ROBOTS) {
            Robot::load(&name).unwrap_or_else(|e| panic!("{e}"));
        }
    }

    #[test]
    fn a_robot_whose_battery_is_not_known_has_none() {
        let text = ROBOTS.get_file("go2.toml").and_then(include_dir::File::contents_utf8).expect("built in");
        let battery =
            text.find("[battery]").and_then(|start| Some(start..text.find("[imu]")?)).expect("a table");
        let mut robot: RobotDescription = toml::from_str(text).expect("good");
        assert!((robot.battery.expect("described").capacity_ah() - 8.0).abs() < 1e-9);
        robot = toml::from_str(&text.replace(&text[battery], "")).expect("good");
        assert!(robot.battery.is_none());
    }

    #[test]
    fn mistakes_are_named_with_their_line() {
        let good = ROBOTS.get_file("go2.toml").and_then(include_dir::File::contents_utf8).expect("built in");
        let cases = [
            ("empty_voltage_v = 24.0", "empty_voltage_v = 42.0", "not above its empty_voltage_v"),
            ("capacity_wh = 230.4", "capacity_ah = 8.0", "write `capacity_wh`, in watt-hours"),
            ("mass_kg = 15.2", "mass_kg = -15.2", "greater than 0"),
            ("mass_kg = 15.2", "mass_lb = 33", "unknown field `mass_lb`"),
            ("[joints.FL_hip_joint]", "[joints.FL_knee]", "FL_hip_joint` is missing"),
            (
                "physics_model = \"go2/go2",
                "physics_model = \"go2/none",
                "physics_model cannot be read from go2/none",
            ),
        ];
        for (from, to, expected) in cases {
            let text = good.replacen(from, to, 1);
            let error = Robot::parse(ConfigFile::new("r.toml", &text, EXAMPLE), |p| {
                ROBOTS.get_file(p).map(|f| f.contents().to_vec()).ok_or_else(|| "no such file".to_owned())
            })
            .map(|robot| robot.description.name)
            .expect_err(to)
            .to_string();
            assert!(error.contains(expected) && error.contains("help:"), "{error}");
        }
    }
}
