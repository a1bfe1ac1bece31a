//! Names of the ROS 2 nodes, which every build knows: one without ROS 2 hands over to one with it.

/// Name of a node.
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
    Recorder,
    /// Measures: a bare loop beside the control loop, and words with the time
    Probe,
    /// Measures: how old the probe's words are on arrival
    Echo,
}
