//! A robot and a tunnel for tests, benches and examples: the Go2 of `launch/robots/`, as its files stand there, and
//! straight tunnels.
//!
//! Part of the crate only with the feature `fixtures`, which no other crate's normal dependencies may ask for.

use crate::robot::RobotDescription;
use crate::tunnel::{Alignment, Section, SectionShape, Segment, TunnelDesign};

/// The Go2's description, TOML.
pub const GO2_TOML: &str = include_str!("../../../launch/robots/go2-serial.toml");

/// The Go2's physics model, MJCF.
pub const GO2_MJCF: &str = include_str!("../../../launch/robots/go2/go2.xml");

/// The Go2's walking policy, safetensors.
pub const GO2_POLICY: &[u8] = include_bytes!("../../../launch/robots/go2/policy/policy.safetensors");

/// Returns the Go2's description.
///
/// # Panics
/// When its file does not read, which a test of this crate rules out.
pub fn go2() -> RobotDescription {
    toml::from_str(GO2_TOML).expect("the Go2's file reads")
}

/// A bored cable tunnel's section.
pub const BORED: SectionShape = SectionShape::Circular { diameter_m: 3.0, floor_height_m: 0.45 };

/// Returns a level, straight tunnel.
///
/// # Panics
/// When no tunnel has such a section.
pub fn straight_tunnel(shape: SectionShape, length_m: f64) -> TunnelDesign {
    let segment = Segment { length_m, curvature_per_m: 0.0, grade: 0.0 };
    TunnelDesign {
        alignment: Alignment::new(vec![segment]).expect("a straight"),
        section: Section::new(shape).expect("a section that tunnels have"),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_files_belong_together() {
        let robot = super::go2();
        assert!(
            robot.physics_model.ends_with("go2.xml") && robot.gait.policy.ends_with("policy.safetensors")
        );
        assert!(super::GO2_MJCF.contains("<mujoco") && !super::GO2_POLICY.is_empty());
    }
}
