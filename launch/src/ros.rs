//! The ROS 2 wiring: each part of the stack as a node, one process each, by r2r. Only built with the `ros` feature,
//! which needs a ROS 2 installation (`adit setup ros` sees to it).
//!
//! A node is a [`NodeBehaviour`](lifecycle_node::NodeBehaviour) in a [`LifecycleNode`](lifecycle_node::LifecycleNode): the lifecycle node brings what ROS users expect of every
//! node (lifecycle, parameters, diagnostics, a clean end), the behaviour does the work. Topic names are relative, so
//! that a namespace keeps two robots on one network apart.

mod bridge;
mod conflicts;
mod convert;
mod endpoint;
mod lifecycle;
mod lifecycle_node;
mod names;
mod parameters;
mod perception;
mod planner;
mod probe;
mod recorder;
mod replay;
mod sender_check;
mod settings;
mod sim;
mod simulated_ports;
mod throttled_log;
mod topic_publishers;

use stack::realtime::computations_stand_back;

pub use self::conflicts::{Conflict, of_stack as conflict_of_stack};
use self::lifecycle_node::LifecycleNode;
pub use self::replay::{Replayed, replay};
pub use self::settings::NodeSettings;
use crate::mission_file::MissionFile;
use crate::node_name::NodeName;

/// Levels by which large computations stand back behind everything that has to be done at once.
const COMPUTE_LEVELS: i32 = 10;

/// Runs a node until it is told to stop. The mission's file, with the simulation in it, is for the simulator alone.
///
/// # Errors
/// When ROS 2 cannot be started, or the node cannot do its work.
pub fn run(name: NodeName, settings: NodeSettings, file: MissionFile) -> anyhow::Result<()> {
    computations_stand_back(COMPUTE_LEVELS);
    match name {
        NodeName::Sim => {
            LifecycleNode::run("sim", settings, |node, _, settings| sim::SimNode::new(node, settings, file))
        }
        NodeName::Bridge => LifecycleNode::run("bridge", settings, bridge::BridgeNode::new),
        NodeName::Perception => LifecycleNode::run("perception", settings, perception::PerceptionNode::new),
        NodeName::Planner => LifecycleNode::run("planner", settings, planner::PlannerNode::new),
        NodeName::Recorder => LifecycleNode::run("recorder", settings, recorder::RecorderNode::new),
        NodeName::Probe => LifecycleNode::run("probe", settings, probe::ProbeNode::new),
        NodeName::Echo => LifecycleNode::run("echo", settings, probe::EchoNode::new),
    }
}
