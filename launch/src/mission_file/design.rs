//! The `[tunnel]` table of a mission file: a section and an alignment, as the tunnel's drawings say.

use robot_interface::checks::KeyError;
use robot_interface::tunnel::{Alignment, DesignError, Section, SectionShape, Segment, TunnelDesign};
use robot_interface::units::{Finite, Positive};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TunnelFile {
    section: SectionFile,
    alignment: Vec<SegmentFile>,
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

impl TunnelFile {
    /// The design, with a section and an axis that a tunnel can have.
    pub(super) fn design(&self) -> Result<TunnelDesign, KeyError> {
        let shape = self.section.shape().map_err(|key| {
            KeyError::new(
                "section",
                format!("has a shape that needs `{key}`, and takes no other shape's dimensions"),
                "circular: diameter_m, floor_height_m; horseshoe: width_m, wall_height_m; box: width_m, height_m",
            )
        })?;
        let refuse = |error: DesignError| {
            KeyError::new(error.key(), format!("cannot be: {error}"), "correct the tunnel's design")
        };
        let section = Section::new(shape).map_err(refuse)?;
        let segments = self.alignment.iter().enumerate().map(|(i, segment)| {
            segment.segment().map_err(|error| error.within_table(&format!("alignment[{i}]")))
        });
        let alignment = Alignment::new(segments.collect::<Result<_, _>>()?).map_err(refuse)?;
        let design = TunnelDesign { alignment, section };
        design.check_crossings().map_err(refuse)?;
        Ok(design)
    }

    /// Steepest stretch: its place, from 0, and its grade without its sign, percent.
    pub(super) fn steepest(&self) -> Option<(usize, f64)> {
        let grades = self.alignment.iter().map(|s| s.grade_percent.map_or(0.0, Finite::get).abs());
        grades.enumerate().max_by(|a, b| a.1.total_cmp(&b.1))
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

impl SegmentFile {
    /// A curve has both a radius and a side to which it turns, a straight neither.
    fn segment(&self) -> Result<Segment, KeyError> {
        let curvature_per_m = match (self.radius_m, self.turn) {
            (None, None) => 0.0,
            (Some(radius), Some(Turn::Left)) => 1.0 / radius.get(),
            (Some(radius), Some(Turn::Right)) => -1.0 / radius.get(),
            (Some(_), None) => {
                let remedy = "add turn = \"left\" or turn = \"right\", looking up-chainage";
                return Err(KeyError::new("radius_m", "has no turn beside it", remedy));
            }
            (None, Some(_)) => {
                let remedy = "add the curve's radius_m, or leave turn out for a straight";
                return Err(KeyError::new("turn", "has no radius_m beside it", remedy));
            }
        };
        Ok(Segment {
            length_m: self.length_m.get(),
            curvature_per_m,
            grade: self.grade_percent.map_or(0.0, Finite::get) / 100.0,
        })
    }
}
