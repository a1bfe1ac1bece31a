//! Mission files: the mission that a robot walks, and the simulation that it may walk in.
//!
//! The files of `launch/missions/` are part of the binary, so that `adit` runs from any folder; a path names a file of the
//! user's own.

use std::path::Path;

use include_dir::{Dir, include_dir};
use robot_interface::tunnel::{Alignment, DesignError, Section, SectionShape, Segment, TunnelDesign};
use robot_interface::units::{Finite, Positive};
use serde::Deserialize;
use sim::tunnel::TunnelDescription;
use stack::config::{ConfigError, Inspection, Limits, Mission, built_in_names};
use toml::Spanned;

static MISSIONS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/missions");

/// A mission file, checked. The robot's side of a run is built from `mission` alone; `simulation` goes to the simulated
/// world and to scoring.
#[derive(Clone, Debug)]
pub struct MissionFile {
    /// The mission as the robot is told it.
    pub mission: Mission,
    /// The world that it is simulated in.
    pub simulation: Simulation,
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
    name: Spanned<String>,
    #[serde(default = "default_seed")]
    seed: u64,
    robot: String,
    tunnel: TunnelFile,
    inspection: Spanned<Inspection>,
    limits: Limits,
    #[serde(default)]
    simulation: TunnelDescription,
}

const fn default_seed() -> u64 {
    1
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TunnelFile {
    section: Spanned<SectionFile>,
    alignment: Spanned<Vec<SegmentFile>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SectionFile {
    shape: ShapeName,
    diameter_m: Option<Positive>,
    floor_height_m: Option<Positive>,
    width_m: Option<Positive>,
    wall_height_m: Option<Positive>,
    height_m: Option<Positive>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ShapeName {
    Circular,
    Horseshoe,
    Box,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
struct SegmentFile {
    length_m: Positive,
    radius_m: Option<Positive>,
    turn: Option<Turn>,
    #[serde(default)]
    grade_percent: Option<Finite>,
}

#[derive(Clone, Copy, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Turn {
    Left,
    Right,
}

impl MissionFile {
    /// Reads a mission: the name of a built-in one, or a path.
    ///
    /// # Errors
    /// If there is no such mission, or its file has a mistake.
    pub fn load(name_or_path: &str) -> Result<Self, ConfigError> {
        let built_in = MISSIONS.get_file(format!("{name_or_path}.toml"));
        if let Some(text) = built_in.and_then(include_dir::File::contents_utf8) {
            return Self::parse(&format!("missions/{name_or_path}.toml"), text);
        }
        let text = std::fs::read_to_string(Path::new(name_or_path)).map_err(|e| {
            let help = format!(
                "give the path of a mission file, or a built-in one: {}",
                built_in_names(&MISSIONS).join(", ")
            );
            ConfigError::of_file(name_or_path, format!("cannot read the mission file: {e}"), help)
        })?;
        Self::parse(name_or_path, &text)
    }

    /// Reads a mission from the text of a file; `file` is what errors call it.
    ///
    /// # Errors
    /// If the text has a mistake.
    pub fn parse(file: &str, text: &str) -> Result<Self, ConfigError> {
        let raw: File = toml::from_str(text).map_err(|e| ConfigError::from_toml(file, text, &e))?;
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if raw.name.as_ref().is_empty() || !raw.name.as_ref().chars().all(plain) {
            return Err(ConfigError::at(
                file,
                text,
                raw.name.span(),
                format!("name {:?} cannot be a folder's name", raw.name.as_ref()),
                "use letters, digits, `-` and `_` only",
            ));
        }
        let refuse = |span, error: DesignError| {
            ConfigError::at(file, text, span, error.to_string(), "correct the tunnel's design")
        };
        let shape = raw.tunnel.section.as_ref().shape().map_err(|key| {
            ConfigError::at(
                file,
                text,
                raw.tunnel.section.span(),
                format!("this shape of section needs `{key}`, and takes no other shape's dimensions"),
                "circular: diameter_m, floor_height_m; horseshoe: width_m, wall_height_m; box: width_m, height_m",
            )
        })?;
        let section = Section::new(shape).map_err(|e| refuse(raw.tunnel.section.span(), e))?;
        let alignment =
            alignment(raw.tunnel.alignment.as_ref()).map_err(|e| refuse(raw.tunnel.alignment.span(), e))?;
        let inspection = *raw.inspection.as_ref();
        let length_m = alignment.length_m();
        let (start, end) = (inspection.start_m.get(), inspection.end_m.get());
        if start < 0.5 || end <= start || end > length_m - 0.5 {
            return Err(ConfigError::at(
                file,
                text,
                raw.inspection.span(),
                format!("start_m {start} and end_m {end} do not fit a tunnel of {length_m} m"),
                format!("keep 0.5 <= start_m < end_m <= {}", length_m - 0.5),
            ));
        }
        Ok(Self {
            mission: Mission {
                name: raw.name.into_inner(),
                robot: raw.robot,
                design: TunnelDesign { alignment, section },
                inspection,
                limits: raw.limits,
            },
            simulation: Simulation { seed: raw.seed, tunnel: raw.simulation },
        })
    }
}

impl SectionFile {
    /// Returns the outline, or the key that is missing or does not belong.
    fn shape(&self) -> Result<SectionShape, &'static str> {
        let need = |value: Option<Positive>, key| value.map(Positive::get).ok_or(key);
        let refuse = |value: Option<Positive>, key| if value.is_some() { Err(key) } else { Ok(()) };
        match self.shape {
            ShapeName::Circular => {
                refuse(self.width_m.or(self.wall_height_m).or(self.height_m), "diameter_m")?;
                Ok(SectionShape::Circular {
                    diameter_m: need(self.diameter_m, "diameter_m")?,
                    floor_height_m: need(self.floor_height_m, "floor_height_m")?,
                })
            }
            ShapeName::Horseshoe => {
                refuse(self.diameter_m.or(self.floor_height_m).or(self.height_m), "width_m")?;
                Ok(SectionShape::Horseshoe {
                    width_m: need(self.width_m, "width_m")?,
                    wall_height_m: need(self.wall_height_m, "wall_height_m")?,
                })
            }
            ShapeName::Box => {
                refuse(self.diameter_m.or(self.floor_height_m).or(self.wall_height_m), "width_m")?;
                Ok(SectionShape::Box {
                    width_m: need(self.width_m, "width_m")?,
                    height_m: need(self.height_m, "height_m")?,
                })
            }
        }
    }
}

fn alignment(segments: &[SegmentFile]) -> Result<Alignment, DesignError> {
    let segments = segments.iter().map(|s| {
        let curvature = s.radius_m.map_or(0.0, |r| 1.0 / r.get());
        let sign = if s.turn == Some(Turn::Right) { -1.0 } else { 1.0 };
        Segment {
            length_m: s.length_m.get(),
            curvature_per_m: sign * curvature,
            grade: s.grade_percent.map_or(0.0, Finite::get) / 100.0,
        }
    });
    Alignment::new(segments.collect())
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
