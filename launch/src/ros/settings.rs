//! Settings of a node.

use std::path::PathBuf;

use stack::WhoseGait;
use stack::config::{Mission, Robot};

use crate::robot_link::{LinkError, RobotNetwork};

/// Settings of a node.
pub struct NodeSettings {
    /// The mission that the stack is started with.
    pub mission: Mission,
    /// The robot.
    pub robot: Robot,
    /// Folder for the run's files.
    pub run_dir: PathBuf,
    /// Folder of the simulated serial ports; `None` on a robot, whose file names the real ones.
    pub ports_dir: Option<PathBuf>,
    /// Network interface that leads to a robot that is reached over one, if not its file's.
    pub interface: Option<String>,
    /// DDS domain of such a robot, if not its file's.
    pub robot_domain: Option<u16>,
    /// Whose gait walks.
    pub gait: WhoseGait,
}

impl NodeSettings {
    /// True if the robot is a simulated one.
    pub(super) const fn is_simulated(&self) -> bool {
        self.ports_dir.is_some()
    }

    /// The way to a robot that is reached over a network; `None` of one with serial motors.
    pub(super) fn network(&self) -> Result<Option<RobotNetwork>, LinkError> {
        match RobotNetwork::of(&self.robot.description, self.interface.as_deref(), self.robot_domain) {
            Err(LinkError::Serial) => Ok(None),
            found => found.map(Some),
        }
    }
}
