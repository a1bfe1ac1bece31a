//! ROS 2 nodes, by r2r. Only built with the `ros` feature, which needs a ROS 2 installation.

use std::thread;
use std::time::Duration;

use anyhow::Context as _;
use r2r::adit_msgs::msg::MissionStatus;

/// Publishes 50 mission states on `/adit/probe`, ten a second: shows that the build, the libraries and the
/// middleware fit together.
///
/// # Errors
/// When they do not.
pub fn probe() -> anyhow::Result<()> {
    let context = r2r::Context::create().context("cannot start ROS 2")?;
    let mut node = r2r::Node::create(context, "adit_probe", "").context("cannot make a node")?;
    let publisher = node
        .create_publisher::<MissionStatus>("/adit/probe", r2r::QosProfile::default())
        .context("cannot make a publisher")?;
    for defects in 0..50 {
        let status = MissionStatus { phase: "probe".to_owned(), defects, ..MissionStatus::default() };
        publisher.publish(&status).context("cannot publish")?;
        // Spinning would not wait: this node has nothing to be woken by.
        thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}
