//! A mission and the robot that walks it, checked together before anything is written.

use std::path::Path;

use firmware_bridge::port::loopback;
use robot_interface::checks::{KeyError, excerpt, number_text};
use robot_interface::frames::Transform;
use robot_interface::joints::JOINTS;
use sim::engine::rapier::RapierEngine;
use sim::engine::{Engine, JointDrive};
use sim::geometry::StaticGeometry;
use sim::motors::{MotorsError, virtual_buses};
use sim::tunnel::check_design;
use stack::config::{ConfigError, Robot};

use super::MissionFile;

impl MissionFile {
    /// Reads the robot that is to walk the mission, the `given` one in place of the file's.
    ///
    /// # Errors
    /// If there is no such robot, its file has a mistake, or the tunnel is steeper than it can walk.
    pub fn load_robot(&self, given: Option<&Path>) -> Result<Robot, ConfigError> {
        let named = &self.mission.robot;
        if given.is_none() && !Robot::may_be(named) {
            let problem =
                format!("{:?} is no built-in robot, and not the path of a .toml file", excerpt(named, 200));
            return Err(self.file.refuse(&KeyError::new("robot", problem, "correct it, or give --robot")));
        }
        let robot = Robot::load(given.unwrap_or(Path::new(named)))?;
        robot.check_control_cycle()?;
        let most = robot.description.body.max_grade_percent();
        match self.steepest {
            Some((stretch, grade)) if grade > most => Err(self.file.refuse(&KeyError::new(
                format!("tunnel.alignment[{stretch}].grade_percent"),
                format!(
                    "makes a grade of {} %, and the robot {} walks grades of up to {} % (body.max_grade_percent in {})",
                    number_text(grade),
                    robot.description.name,
                    number_text(most),
                    robot.file.name()
                ),
                "choose another robot with --robot, or another tunnel",
            ))),
            _ => Ok(robot),
        }
    }

    /// Checks that the mission can be simulated with this robot: the design has room for it, and its physics model and its
    /// motors can be made.
    ///
    /// # Errors
    /// If not, by the key of the mission's or of the robot's file.
    pub fn check_simulation(&self, robot: &Robot) -> Result<(), ConfigError> {
        check_design(&self.mission.design).map_err(|e| self.file.refuse(&e.by_key()))?;
        simulable(robot).map_err(|error| robot.file.refuse(&error))
    }
}

/// Refuses a robot of which no simulated one can be made.
fn simulable(robot: &Robot) -> Result<(), KeyError> {
    let description = &robot.description;
    let (near, _far): (Vec<_>, Vec<_>) = (0..description.buses()).map(|_| loopback()).unzip();
    virtual_buses(description, near).map_err(|e| {
        let key = match e {
            MotorsError::Protocol => "motors.protocol".to_owned(),
            MotorsError::Id { joint, .. } => format!("joints.{joint}.id"),
            MotorsError::Bus { joint, .. } => format!("joints.{joint}.bus"),
        };
        KeyError::new(key, format!("cannot be simulated: {e}"), "docs/add-a-robot.md says what is simulated")
    })?;
    let remedy = "docs/add-a-robot.md says what a physics model needs";
    let refuse = |problem: String| KeyError::new("physics_model", problem, remedy);
    let world = StaticGeometry::default();
    let mut engine = RapierEngine::new(&robot.physics_model, description, &world, Transform::identity())
        .map_err(|e| refuse(format!("cannot be used: {e}")))?;
    engine.step(&[JointDrive::default(); JOINTS]);
    let (joints, truth) = (engine.joints(), engine.truth());
    let numbers = joints.iter().flat_map(|joint| [joint.position_rad, joint.velocity_rad_s]);
    if numbers.chain(truth.velocity_m_s.iter().copied()).all(f64::is_finite) {
        Ok(())
    } else {
        Err(refuse("makes a robot that moves by no finite numbers: check its masses and inertias".to_owned()))
    }
}
