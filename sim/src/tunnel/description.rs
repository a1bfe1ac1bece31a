//! Description of a simulated tunnel's contents, beyond its design, as written in a mission's `[simulation]` table.

use robot_interface::checks::{KeyError, number_text};
use robot_interface::tunnel::TunnelDesign;
use robot_interface::units::{Fraction, NonNegative, Positive};
use serde::{Deserialize, Serialize};

/// Contents of a tunnel. Every key may be left out; rates are numbers per 10 m of tunnel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TunnelDescription {
    /// The floor.
    pub floor: FloorDescription,
    /// Its furniture.
    pub furniture: FurnitureDescription,
    /// Its defects.
    pub defects: DefectDescription,
    /// Type of the lining; `any` draws it from the seed.
    pub lining: LiningType,
    /// Temperature of the air, degrees Celsius.
    pub ambient_c: Positive,
}

/// Type of lining by its construction, which decides its joints, holes and tone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LiningType {
    /// Drawn from the seed, as suits the section.
    Any,
    /// Precast rings with joints and bolt pockets.
    Segments,
    /// Cast in place: formwork lines, tie holes, pour joints.
    Cast,
    /// Painted or coated, smooth and light.
    Painted,
    /// Sprayed concrete, rough and bumpy.
    Sprayed,
}

/// The floor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FloorDescription {
    /// Fall from the left wall to the right one, percent.
    pub cross_fall_percent: NonNegative,
    /// Highest unevenness from peak to trough, m; at most 0.03.
    pub roughness_m: NonNegative,
    /// Height of a walkway along the left wall, m; 0 for none, at most 0.12. Left out where the tunnel is
    /// too narrow for one.
    pub walkway_height_m: NonNegative,
    /// Width of that walkway, m.
    pub walkway_width_m: Positive,
    /// Sills across the floor.
    pub steps_per_10_m: NonNegative,
    /// Highest of those sills, m; at most 0.10.
    pub step_height_m: NonNegative,
    /// Puddles: flat and slippery.
    pub puddles_per_10_m: NonNegative,
}

/// Furniture: all that lies and hangs in the tunnel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FurnitureDescription {
    /// Boxes of 0.05 to 0.35 m on the floor; a passage 0.7 m wide is always left.
    pub debris_per_10_m: NonNegative,
    /// The wall that carries the cables.
    pub cable_wall: CableWall,
    /// Levels of cables; 0 for no rack.
    pub cable_levels: u8,
    /// Distance between brackets, m.
    pub bracket_every_m: Positive,
    /// Joints (sleeves) in the cables, good and bad ones.
    pub joints_per_10_m: NonNegative,
    /// Load of the cables: 0 is switched off, 1 is full.
    pub cable_load: Fraction,
    /// True for a pipe along the wall without cables.
    pub pipe: bool,
    /// Lamps at the crown, unlit.
    pub lamps_per_10_m: NonNegative,
}

/// A side wall, looking up-chainage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CableWall {
    /// The left wall.
    Left,
    /// The right wall.
    Right,
}

/// Defects in the tunnel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DefectDescription {
    /// Cracks in the lining.
    pub cracks_per_10_m: NonNegative,
    /// Narrowest crack, mm, at its widest place.
    pub crack_width_min_mm: Positive,
    /// Widest crack, mm, at its widest place.
    pub crack_width_max_mm: Positive,
    /// Damp patches, drips and their deposits.
    pub leakages_per_10_m: NonNegative,
    /// Spalled places.
    pub spallings_per_10_m: NonNegative,
    /// Rusted brackets and plates.
    pub corrosions_per_10_m: NonNegative,
    /// Share of the cable joints that are hot.
    pub hot_joint_share: Fraction,
    /// Least temperature of a hot joint over its cable, K.
    pub hot_joint_excess_min_k: Positive,
    /// Greatest temperature of a hot joint over its cable, K.
    pub hot_joint_excess_max_k: Positive,
}

/// For constants that are known to lie in range.
macro_rules! known {
    ($value:expr) => {
        match $value.try_into() {
            Ok(value) => value,
            Err(_) => unreachable!("a default lies in its range"),
        }
    };
}

impl Default for TunnelDescription {
    fn default() -> Self {
        Self {
            floor: FloorDescription::default(),
            furniture: FurnitureDescription::default(),
            defects: DefectDescription::default(),
            lining: LiningType::Any,
            ambient_c: known!(24.0),
        }
    }
}

impl Default for FloorDescription {
    fn default() -> Self {
        Self {
            cross_fall_percent: known!(1.5),
            roughness_m: known!(0.02),
            walkway_height_m: known!(0.10),
            walkway_width_m: known!(0.6),
            steps_per_10_m: known!(0.35),
            step_height_m: known!(0.08),
            puddles_per_10_m: known!(0.5),
        }
    }
}

impl Default for FurnitureDescription {
    fn default() -> Self {
        Self {
            debris_per_10_m: known!(1.5),
            cable_wall: CableWall::Right,
            cable_levels: 3,
            bracket_every_m: known!(1.4),
            joints_per_10_m: known!(2.0),
            cable_load: known!(0.7),
            pipe: true,
            lamps_per_10_m: known!(1.0),
        }
    }
}

impl Default for DefectDescription {
    fn default() -> Self {
        Self {
            cracks_per_10_m: known!(1.8),
            crack_width_min_mm: known!(0.3),
            crack_width_max_mm: known!(6.0),
            leakages_per_10_m: known!(1.1),
            spallings_per_10_m: known!(0.8),
            corrosions_per_10_m: known!(0.8),
            hot_joint_share: known!(0.2),
            hot_joint_excess_min_k: known!(18.0),
            hot_joint_excess_max_k: known!(45.0),
        }
    }
}

/// Refusal of a description.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum TunnelError {
    /// Too short to keep both ends clear.
    #[error("the tunnel is {0} m long; its alignment needs at least 6 m in all")]
    Short(f64),
    /// Too long for the simulator's coordinates.
    #[error(
        "the tunnel is {0} m long; it can be simulated up to 100 km: leave out of its alignment what lies beyond the \
         inspected range"
    )]
    Long(f64),
    /// No room for the robot's passage.
    #[error(
        "the floor is {0:.2} m wide; a passage of 0.7 m needs a floor of at least 1.0 m: widen the section"
    )]
    Narrow(f64),
    /// A value beyond what the field's documentation allows.
    #[error("simulation.{key} is {value:?}; give at most {limit}")]
    TooMuch {
        /// Key within the table.
        key: &'static str,
        /// The value that was given.
        value: f64,
        /// The most that is accepted.
        limit: f64,
    },
    /// A value so small that there is nothing to see or to stand on.
    #[error("simulation.{key} is {value:?}; give at least {limit}")]
    TooLittle {
        /// Key within the table.
        key: &'static str,
        /// The value that was given.
        value: f64,
        /// The least that is accepted.
        limit: f64,
    },
    /// The least exceeds the greatest.
    #[error("simulation.defects.{low} is greater than {high}: swap them")]
    Reversed {
        /// Key of the lower bound.
        low: &'static str,
        /// Key of the upper bound.
        high: &'static str,
    },
}

impl TunnelError {
    /// The same refusal by the key of a mission file.
    pub fn by_key(&self) -> KeyError {
        match *self {
            Self::Short(length_m) => {
                let remedy = "give a simulated tunnel at least 6 m in all";
                KeyError::new("tunnel.alignment", format!("is {length_m} m long"), remedy)
            }
            Self::Long(length_m) => {
                let remedy = format!("simulate a stretch of at most {} km of it", MAX_LENGTH_M / 1e3);
                KeyError::new("tunnel.alignment", format!("is {} m long", number_text(length_m)), remedy)
            }
            Self::Narrow(width_m) => {
                let remedy = "widen the section: a passage of 0.7 m needs a floor of at least 1.0 m";
                KeyError::new("tunnel.section", format!("has a floor {width_m:.2} m wide"), remedy)
            }
            Self::TooMuch { key, value, limit } => {
                let (key, problem) = (format!("simulation.{key}"), format!("is {}", number_text(value)));
                KeyError::new(key, problem, format!("give at most {limit}"))
            }
            Self::TooLittle { key, value, limit } => {
                let (key, problem) = (format!("simulation.{key}"), format!("is {}", number_text(value)));
                KeyError::new(key, problem, format!("give at least {limit}"))
            }
            Self::Reversed { low, high } => {
                let key = format!("simulation.defects.{low}");
                KeyError::new(key, format!("is greater than {high}"), "swap them")
            }
        }
    }
}

/// Longest tunnel that is simulated, m. Coordinates are of single precision, which at 100 km counts in steps of 8 mm.
const MAX_LENGTH_M: f64 = 100_000.0;

/// Checks that a tunnel of this design can be simulated: it has room for the robot, and for what is kept clear.
///
/// # Errors
/// [`TunnelError::Short`], [`TunnelError::Long`] or [`TunnelError::Narrow`].
pub fn check_design(design: &TunnelDesign) -> Result<(), TunnelError> {
    let length_m = design.length_m();
    if length_m < 6.0 {
        return Err(TunnelError::Short(length_m));
    }
    if length_m > MAX_LENGTH_M {
        return Err(TunnelError::Long(length_m));
    }
    let width = 2.0 * design.section.floor_half_width_m();
    if width < 1.0 {
        return Err(TunnelError::Narrow(width));
    }
    Ok(())
}

impl TunnelDescription {
    /// Checks what single values cannot.
    ///
    /// # Errors
    /// When a value lies beyond what its documentation allows, or two contradict each other.
    pub fn check(&self) -> Result<(), TunnelError> {
        let (floor, things, defects) = (&self.floor, &self.furniture, &self.defects);
        let limits = [
            ("ambient_c", self.ambient_c.get(), 60.0),
            ("floor.cross_fall_percent", floor.cross_fall_percent.get(), 5.0),
            ("floor.roughness_m", floor.roughness_m.get(), 0.03),
            ("floor.walkway_height_m", floor.walkway_height_m.get(), 0.12),
            ("floor.walkway_width_m", floor.walkway_width_m.get(), 2.0),
            ("floor.steps_per_10_m", floor.steps_per_10_m.get(), 2.0),
            ("floor.step_height_m", floor.step_height_m.get(), 0.10),
            ("floor.puddles_per_10_m", floor.puddles_per_10_m.get(), 5.0),
            ("furniture.debris_per_10_m", things.debris_per_10_m.get(), 20.0),
            ("furniture.cable_levels", f64::from(things.cable_levels), 4.0),
            ("furniture.bracket_every_m", things.bracket_every_m.get(), 5.0),
            ("furniture.joints_per_10_m", things.joints_per_10_m.get(), 10.0),
            ("furniture.lamps_per_10_m", things.lamps_per_10_m.get(), 5.0),
            ("defects.cracks_per_10_m", defects.cracks_per_10_m.get(), 20.0),
            ("defects.crack_width_max_mm", defects.crack_width_max_mm.get(), 30.0),
            ("defects.leakages_per_10_m", defects.leakages_per_10_m.get(), 20.0),
            ("defects.spallings_per_10_m", defects.spallings_per_10_m.get(), 20.0),
            ("defects.corrosions_per_10_m", defects.corrosions_per_10_m.get(), 20.0),
            ("defects.hot_joint_excess_max_k", defects.hot_joint_excess_max_k.get(), 150.0),
        ];
        if let Some((key, value, limit)) = limits.into_iter().find(|(_, value, limit)| value > limit) {
            return Err(TunnelError::TooMuch { key, value, limit });
        }
        let least = [
            ("floor.walkway_width_m", floor.walkway_width_m.get(), 0.1),
            ("furniture.bracket_every_m", things.bracket_every_m.get(), 0.5),
            ("defects.crack_width_min_mm", defects.crack_width_min_mm.get(), 0.01),
            ("defects.crack_width_max_mm", defects.crack_width_max_mm.get(), 0.01),
            ("defects.hot_joint_excess_min_k", defects.hot_joint_excess_min_k.get(), 0.1),
        ];
        if let Some((key, value, limit)) = least.into_iter().find(|(_, value, limit)| value < limit) {
            return Err(TunnelError::TooLittle { key, value, limit });
        }
        if defects.crack_width_min_mm > defects.crack_width_max_mm {
            return Err(TunnelError::Reversed { low: "crack_width_min_mm", high: "crack_width_max_mm" });
        }
        if defects.hot_joint_excess_min_k > defects.hot_joint_excess_max_k {
            return Err(TunnelError::Reversed {
                low: "hot_joint_excess_min_k",
                high: "hot_joint_excess_max_k",
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<TunnelDescription, String> {
        toml::from_str(text).map_err(|e| e.to_string())
    }

    #[test]
    fn nothing_is_the_default() {
        assert_eq!(read(""), Ok(TunnelDescription::default()));
        assert_eq!(TunnelDescription::default().check(), Ok(()));
    }

    #[test]
    fn mistakes_are_refused_where_they_stand() {
        for (text, line, word) in [
            ("[floor]\nroughnes_m = 0.01\n", "line 2", "roughnes_m"),
            ("ambient_c = 20.0\n[defects]\ncracks_per_10_m = -1.0\n", "line 3", "negative"),
            ("[furniture]\ncable_wall = \"top\"\n", "line 2", "top"),
            ("lining = \"brick\"\n", "line 1", "brick"),
            ("[furniture]\ncable_load = 1.5\n", "line 2", "between 0 and 1"),
        ] {
            let error = read(text).expect_err(text);
            assert!(error.contains(line) && error.contains(word), "{error}");
        }
    }

    #[test]
    fn too_much_names_the_key() {
        let tall = read("[floor]\nwalkway_height_m = 0.4\n").expect("reads");
        let error = tall.check().expect_err("too high").to_string();
        assert!(error.contains("floor.walkway_height_m") && error.contains("0.12"), "{error}");
        let swapped = read("[defects]\ncrack_width_min_mm = 9.0\n").expect("reads");
        assert!(matches!(swapped.check(), Err(TunnelError::Reversed { .. })));
    }
}
