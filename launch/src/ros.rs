//! The ROS 2 wiring: each part of the stack as a node, one process each, by r2r. Only built with the `ros` feature,
//! which needs a ROS 2 installation (`adit setup ros` sees to it).
//!
//! A node is a [`Part`](shell::Part) in a [`Shell`](shell::Shell): the shell brings what ROS users expect of every
//! node (lifecycle, parameters, diagnostics, a clean end), the part does the work. Topic names are relative, so
//! that a namespace keeps two robots on one network apart.

mod bridge;
mod convert;
mod endpoint;
mod lifecycle;
mod outlet;
mod parameters;
mod perception;
mod planner;
mod probe;
mod recorder;
mod replay;
mod seldom;
mod shell;
mod sim;

use std::path::PathBuf;

pub use replay::{Replayed, replay};

use shell::Shell;
use stack::config::{Mission, Robot};
use stack::realtime::computations_stand_back;

/// How far large computations stand back behind everything that has to be done at once.
const COMPUTE_LEVELS: i32 = 10;

/// Which node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum NodeName {
    /// The simulated tunnel, robot and sensors
    Sim,
    /// Motor buses, state estimate, gait
    Bridge,
    /// Place in the tunnel, terrain, defects
    Perception,
    /// Mission, path, velocity
    Planner,
    /// Every topic into a recording
    MessageWriter,
    /// Measures: a bare loop beside the control loop, and words with the time
    Probe,
    /// Measures: how old the probe's words are on arrival
    Echo,
}

/// What every node is told.
pub struct Setting {
    /// The mission that the stack is started with.
    pub mission: Mission,
    /// The robot.
    pub robot: Robot,
    /// Folder for the run's files.
    pub run_dir: PathBuf,
    /// Folder of the simulated serial ports; `None` on a robot, whose file names the real ones.
    pub ports_dir: Option<PathBuf>,
}

/// Runs a node until it is told to stop.
///
/// # Errors
/// When ROS 2 cannot be started, or the node cannot do its work.
pub fn run(name: NodeName, setting: Setting) -> anyhow::Result<()> {
    computations_stand_back(COMPUTE_LEVELS);
    match name {
        NodeName::Sim => Shell::run("sim", setting, sim::SimNode::new),
        NodeName::Bridge => Shell::run("bridge", setting, bridge::BridgeNode::new),
        NodeName::Perception => Shell::run("perception", setting, perception::PerceptionNode::new),
        NodeName::Planner => Shell::run("planner", setting, planner::PlannerNode::new),
        NodeName::MessageWriter => Shell::run("recorder", setting, recorder::RecorderNode::new),
        NodeName::Probe => Shell::run("probe", setting, probe::ProbeNode::new),
        NodeName::Echo => Shell::run("echo", setting, probe::EchoNode::new),
    }
}
