//! Settings of a node.

use std::path::PathBuf;

use stack::config::{Mission, Robot};

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
}
