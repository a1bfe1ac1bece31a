//! Robot files and what they refer to.

use std::path::Path;

use include_dir::{Dir, include_dir};
use robot_interface::robot::RobotDescription;

use super::built_in;
use super::calibration::Calibration;
use super::error::ConfigError;

static ROBOTS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../robots");

/// A robot with the files that its description names.
#[derive(Clone, Debug)]
pub struct Robot {
    /// The description.
    pub description: RobotDescription,
    /// MJCF text.
    pub physics_model: String,
    /// Weights of the walking policy, safetensors.
    pub policy: Vec<u8>,
}

impl Robot {
    /// Reads a robot: `name_or_path` is the name of a built-in one, or a path that ends in `.toml`. A
    /// `calibration.toml` beside that file is read with it.
    ///
    /// # Errors
    /// If there is no such robot, its file has a mistake, a file that it names is missing, or its calibration
    /// cannot be used.
    pub fn load(name_or_path: &str) -> Result<Self, ConfigError> {
        let mut robot = Self::load_uncalibrated(name_or_path)?;
        if name_or_path.ends_with(".toml") {
            let path = Calibration::beside(Path::new(name_or_path));
            if let Some(calibration) = Calibration::read(&path)? {
                calibration.apply(&path, &mut robot.description)?;
            }
        }
        Ok(robot)
    }

    /// As [`load`](Self::load), with the zeros of the robot's own file.
    pub fn load_uncalibrated(name_or_path: &str) -> Result<Self, ConfigError> {
        if !name_or_path.ends_with(".toml") {
            return Self::built_in(name_or_path);
        }
        let folder = Path::new(name_or_path).parent().unwrap_or(Path::new("")).to_owned();
        let text = std::fs::read_to_string(name_or_path).map_err(|e| {
            ConfigError::of_file(name_or_path, format!("cannot read the robot file: {e}"), robots_help())
        })?;
        Self::parse(name_or_path, &text, |path| std::fs::read(folder.join(path)).map_err(|e| e.to_string()))
    }

    fn built_in(name: &str) -> Result<Self, ConfigError> {
        let file = format!("{name}.toml");
        let text = ROBOTS
            .get_file(&file)
            .and_then(include_dir::File::contents_utf8)
            .ok_or_else(|| ConfigError::of_file(name, "there is no robot of that name", robots_help()))?;
        Self::parse(&format!("robots/{file}"), text, |path| {
            ROBOTS
                .get_file(path)
                .map(|f| f.contents().to_vec())
                .ok_or_else(|| "not among the built-in files".to_owned())
        })
    }

    fn parse(
        file: &str,
        text: &str,
        read: impl Fn(&Path) -> Result<Vec<u8>, String>,
    ) -> Result<Self, ConfigError> {
        let description: RobotDescription =
            toml::from_str(text).map_err(|e| ConfigError::from_toml(file, text, &e))?;
        if description.cameras.is_empty() {
            return Err(ConfigError::of_file(file, "the robot has no camera", "add a [[cameras]] table"));
        }
        if description.battery.is_some_and(|b| b.full_voltage_v.get() <= b.empty_voltage_v.get()) {
            return Err(ConfigError::of_file(
                file,
                "its battery's full_voltage_v is not above its empty_voltage_v",
                "give the voltages without load",
            ));
        }
        let referred = |path: &Path, what: &str| {
            read(path).map_err(|e| {
                ConfigError::of_file(
                    file,
                    format!("cannot read its {what} {}: {e}", path.display()),
                    "paths in a robot file are relative to that file",
                )
            })
        };
        let physics_model = String::from_utf8(referred(&description.physics_model, "physics_model")?)
            .map_err(|e| {
                ConfigError::of_file(file, format!("its physics_model is not text: {e}"), "give an MJCF file")
            })?;
        let policy = referred(&description.gait.policy, "gait.policy")?;
        Ok(Self { description, physics_model, policy })
    }
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
            ("physics_model = \"go2/go2", "physics_model = \"go2/none", "cannot read its physics_model"),
        ];
        for (from, to, expected) in cases {
            let text = good.replacen(from, to, 1);
            let error = Robot::parse("r.toml", &text, |p| {
                ROBOTS.get_file(p).map(|f| f.contents().to_vec()).ok_or_else(|| "no such file".to_owned())
            })
            .map(|robot| robot.description.name)
            .expect_err(to)
            .to_string();
            assert!(error.contains(expected) && error.contains("help:"), "{error}");
        }
    }
}
