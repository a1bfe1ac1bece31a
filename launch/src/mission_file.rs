//! Mission files: the mission that a robot walks, and the simulation that it may walk in.
//!
//! The files of `launch/missions/` are part of the binary, so that `adit` runs from any folder; a path names a file of the
//! user's own.

mod design;
#[cfg(test)]
mod extremes;
mod with_robot;

use std::path::Path;

use include_dir::{Dir, include_dir};
use robot_interface::checks::{KeyError, excerpt, is_name};
use serde::Deserialize;
use sim::tunnel::TunnelDescription;
use stack::config::{ConfigError, ConfigFile, Inspection, Limits, Mission, built_in_names};

use crate::weights;
use design::TunnelFile;

static MISSIONS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/missions");

/// File in which errors say that the keys can be seen in use.
const EXAMPLE: &str = "launch/missions/cable-tunnel.toml";

/// A mission file, checked. The robot's side of a run is built from `mission` alone; `simulation` goes to the simulated
/// world and to scoring.
#[derive(Clone, Debug)]
pub struct MissionFile {
    /// The mission as the robot is told it.
    pub mission: Mission,
    /// The world that it is simulated in.
    pub simulation: Simulation,
    /// The file, for what shows only together with the robot.
    file: ConfigFile,
    /// Steepest stretch of the tunnel: its place, from 0, and its grade without its sign, percent.
    steepest: Option<(usize, f64)>,
}

/// Simulated world of a mission, beyond the tunnel's design.
#[derive(Clone, Debug)]
pub struct Simulation {
    /// Seed of everything random.
    pub seed: u64,
    /// Floor, furniture and defects of the tunnel.
    pub tunnel: TunnelDescription,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    #[serde(default = "default_seed")]
    seed: u64,
    robot: String,
    tunnel: TunnelFile,
    inspection: Inspection,
    limits: Limits,
    #[serde(default)]
    simulation: TunnelDescription,
}

const fn default_seed() -> u64 {
    1
}

impl MissionFile {
    /// Reads a mission: the name of a built-in one, or a path.
    ///
    /// # Errors
    /// If there is no such mission, or its file has a mistake.
    pub fn load(name_or_path: impl AsRef<Path>) -> Result<Self, ConfigError> {
        let path = name_or_path.as_ref();
        let built_in = path.to_str().and_then(|name| MISSIONS.get_file(format!("{name}.toml")));
        if let Some(text) = built_in.and_then(include_dir::File::contents_utf8) {
            return Self::parse(&format!("missions/{}.toml", path.display()), text);
        }
        let known = built_in_names(&MISSIONS).join(", ");
        let help = format!("give the path of a mission file, or a built-in one: {known}");
        Self::of(ConfigFile::read(path, "mission file", &help, EXAMPLE)?)
    }

    /// Reads a mission from the text of a file; `file` is what errors call it.
    ///
    /// # Errors
    /// If the text has a mistake.
    pub fn parse(file: &str, text: &str) -> Result<Self, ConfigError> {
        Self::of(ConfigFile::new(file, text, EXAMPLE))
    }

    fn of(file: ConfigFile) -> Result<Self, ConfigError> {
        let raw: File = file.parse()?;
        let (mission, simulation, steepest) =
            raw.checked(Path::new(file.name())).map_err(|error| file.refuse(&error))?;
        Ok(Self { mission, simulation, file, steepest })
    }
}

/// Parts of a mission file, with the stretch of its steepest grade and that grade in per cent.
type Checked = (Mission, Simulation, Option<(usize, f64)>);

impl File {
    /// The mission, its world, and the steepest stretch, with every value checked. Weights are looked for beside `file`.
    fn checked(self, file: &Path) -> Result<Checked, KeyError> {
        is_name("name", &self.name)?;
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if !self.name.chars().all(plain) {
            let problem = format!("{:?} cannot be a folder's name", self.name);
            return Err(KeyError::new("name", problem, "use letters, digits, `-` and `_` only"));
        }
        if self.robot.is_empty() {
            return Err(KeyError::new(
                "robot",
                "is empty",
                "name a built-in robot or the path of a .toml file",
            ));
        }
        let design = self.tunnel.design().map_err(|error| error.within_table("tunnel"))?;
        let length_m = design.length_m();
        self.inspection.check(length_m).map_err(|error| error.within_table("inspection"))?;
        self.limits.check().map_err(|error| error.within_table("limits"))?;
        self.simulation.check().map_err(|error| error.by_key())?;
        let model = self.inspection.weights.as_ref().map(|path| {
            weights::load(Some(&file.with_file_name(path))).map_err(|error| {
                let problem = format!("{:?} {}", excerpt(&path.display().to_string(), 200), error.problem);
                KeyError::new("inspection.weights", problem, weights::HELP)
            })
        });
        let mission = Mission {
            name: self.name,
            robot: self.robot,
            design,
            inspection: self.inspection,
            limits: self.limits,
            model: model.transpose()?,
        };
        Ok((mission, Simulation { seed: self.seed, tunnel: self.simulation }, self.tunnel.steepest()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn default_text() -> &'static str {
        MISSIONS.get_file("cable-tunnel.toml").and_then(include_dir::File::contents_utf8).expect("built in")
    }

    #[test]
    fn every_built_in_mission_loads() {
        for name in built_in_names(&MISSIONS) {
            MissionFile::load(&name).unwrap_or_else(|e| panic!("{e}"));
        }
    }

    #[test]
    fn weights_are_those_beside_the_mission_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("m.toml");
        let text =
            default_text().replacen("[inspection]", "[inspection]\nweights = \"models/w.safetensors\"", 1);
        std::fs::write(&path, &text).expect("written");
        let line = 1 + text[..text.find("weights").expect("there")].matches('\n').count();
        let refused = || MissionFile::load(&path).expect_err("no weights").to_string();
        let gone = refused();
        let expected =
            format!("{}:{line}: inspection.weights \"models/w.safetensors\" cannot be read", path.display());
        assert!(gone.starts_with(&expected) && gone.contains("help: give a file that"), "{gone}");
        let weights = folder.path().join("models/w.safetensors");
        weights::write(&weights, b"no weights").expect("written");
        assert!(refused().contains("no safetensors file"), "{}", refused());
        // Other bytes are another version, which the inspector has.
        let mut other = perception::defects::BUNDLED.to_vec();
        let at = other.windows(5).position(|part| part == b"[0.5,").expect("thresholds");
        other[at + 3] = b'4';
        weights::write(&weights, &other).expect("written");
        let mission = MissionFile::load(&path).expect("weights").mission;
        let robot = stack::config::Robot::load("go2").expect("built in").description;
        let version = stack::Inspector::new(&mission, &robot).expect("weights").findings().model_version;
        assert_eq!(mission.model.expect("read").version(), version);
        assert_ne!(version, weights::load(None).expect("bundled").version());
    }

    #[test]
    fn mistakes_are_named_with_line_and_remedy() {
        let cases = [
            ("seed = 1", "sede = 1", "did you mean `seed`?"),
            ("diameter_m = 3.0", "diameter_mm = 3000.0", "write `diameter_m`, in metres"),
            ("diameter_m = 3.0", "diameter_m = -3.0", "greater than 0"),
            ("diameter_m = 3.0", "diameter_m = \"3 m\"", "without quotes"),
            ("diameter_m = 3.0", "diameter_m = nan", "finite"),
            ("diameter_m = 3.0", "width_m = 3.0", "diameter_m"),
            ("end_m = 58.0", "end_m = 580.0", "do not fit a tunnel of 60 m"),
            ("name = \"cable-tunnel\"", "name = \"../x\"", "letters, digits"),
            ("length_m = 25.0", "length_m = -25.0", "greater than 0"),
        ];
        for (from, to, expected) in cases {
            assert!(default_text().contains(from), "the default mission has no `{from}`");
            let text = default_text().replacen(from, to, 1);
            let line = 1 + text[..text.find(to).expect("replaced")].matches('\n').count();
            let error = MissionFile::parse("m.toml", &text).expect_err(to).to_string();
            assert!(error.contains(expected) && error.contains("help:"), "{to}: {error}");
            let named: usize = error
                .strip_prefix("m.toml:")
                .and_then(|e| e.split(':').next()?.parse().ok())
                .expect("a line");
            // Errors about a table as a whole name the table's first line.
            assert!(named <= line && named + 12 > line, "{to}: line {line}: {error}");
        }
    }
}
