//! Robots on a network: who reports, how they are, and who drives them. Nothing is sent to them but what DDS says to be found itself.

mod deeprobotics;
mod found;
mod unitree;

use std::time::Duration;

pub(crate) use found::{FindError, FoundRobot, Search};

/// Datagrams are taken this often, before the system has to drop any.
const STEP: Duration = Duration::from_millis(10);

/// Listens, and says which robots reported. One kind that cannot be looked for is told of to `on_trouble`, if the other can.
pub(crate) fn find(
    search: &Search<'_>,
    on_trouble: impl FnOnce(&FindError),
) -> Result<Vec<FoundRobot>, FindError> {
    let mut listener = match search.deeprobotics.then(|| deeprobotics::Listener::open(search.interface)) {
        Some(Err(error)) if search.unitree => {
            on_trouble(&error);
            None
        }
        opened => opened.transpose()?,
    };
    let watch = search.unitree.then(|| unitree::Watch::open(search)).transpose()?;
    for _ in 0..(search.duration.as_millis() / STEP.as_millis()).max(1) {
        std::thread::sleep(STEP);
        if let Some(listener) = &mut listener {
            listener.take();
        }
    }
    let seconds = search.duration.as_secs_f64();
    let mut robots = watch.map_or_else(Vec::new, |watch| watch.robots(seconds));
    robots.extend(listener.map_or_else(Vec::new, |listener| listener.robots(seconds)));
    Ok(robots)
}
