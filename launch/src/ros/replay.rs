//! `adit replay`: a recording published again, message by message, at the pace at which it was recorded.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use r2r::{Node, PublisherUntyped, QosProfile};
use robot_interface::time::Stamp;

use super::conflicts::{self, Conflict};
use super::names::Names;
use recording::{Bag, Durability, Topic, durability_of};
use stack::realtime::{monotonic, sleep_until};

/// After the publishers are made, so that subscribers find them before the first message.
const SETTLE: Duration = Duration::from_millis(500);
/// The longest that one sleep may be: a signal is noticed then, ns.
const NAP_NANOS: u64 = 100_000_000;

/// Counts of a replay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Replayed {
    /// Messages published.
    pub messages: u64,
    /// Messages of topics whose type is not built into Adit.
    pub left_out: u64,
    /// Parts of the file that are damaged.
    pub damaged: u64,
}

/// Publishes a recording below a namespace, `rate` times as fast as it was recorded, until its end or until told to `stop`.
///
/// # Errors
/// When the file cannot be read, ROS 2 cannot be started, or (a [`Conflict`]) the graph has such topics, or a robot that hears them.
pub fn replay(
    paths: &[PathBuf],
    namespace: &str,
    rate: f64,
    stop: &AtomicBool,
) -> anyhow::Result<Result<Replayed, Conflict>> {
    let bag = Bag::open(paths)?;
    for note in bag.notes() {
        tracing::warn!("{note}");
    }
    let mut node = conflicts::looker("replay")?;
    let names = Names::of(&node)?;
    let name = |topic: &Topic| format!("{namespace}{}", topic.name);
    let played: Vec<_> = bag.topics().map(|topic| names.resolve(&name(topic.as_ref()))).collect();
    if let Some(conflict) = conflicts::of_replay(&node, &played) {
        return Ok(Err(conflict));
    }
    let publishers = publishers(&mut node, bag.topics().map(AsRef::as_ref), name);
    std::thread::sleep(SETTLE);
    let mut done = Replayed::default();
    let mut began: Option<(Stamp, Stamp)> = None;
    for played in bag {
        let played = match played {
            Ok(played) => played,
            Err(error) if error.lost_bytes().is_some() => {
                tracing::warn!("{error}");
                done.damaged += 1;
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        let (first, start) = *began.get_or_insert((played.log_time, monotonic()));
        let after_s = played.log_time.seconds_since(first) / rate;
        let due = start.plus_nanos((after_s * 1e9) as u64);
        while monotonic() < due && !stop.load(Ordering::Relaxed) {
            sleep_until(due.min(monotonic().plus_nanos(NAP_NANOS)));
        }
        if stop.load(Ordering::Relaxed) {
            break;
        }
        match publishers.get(&played.topic.name) {
            Some(publisher) => {
                publisher
                    .publish_raw(&played.data)
                    .with_context(|| format!("{}: not published", played.topic.name))?;
                done.messages += 1;
            }
            None => done.left_out += 1,
        }
    }
    Ok(Ok(done))
}

/// A publisher for each topic whose type Adit knows.
fn publishers<'a>(
    node: &mut Node,
    topics: impl Iterator<Item = &'a Topic>,
    name: impl Fn(&Topic) -> String,
) -> BTreeMap<String, PublisherUntyped> {
    let mut publishers = BTreeMap::new();
    for topic in topics {
        let profile = match durability_of(&topic.qos_profile) {
            Durability::TransientLocal => QosProfile::default().keep_last(1).transient_local(),
            Durability::Volatile => QosProfile::default().keep_last(10),
        };
        match node.create_publisher_untyped(&name(topic), &topic.type_name, profile) {
            Ok(publisher) => drop(publishers.insert(topic.name.clone(), publisher)),
            Err(error) => {
                tracing::warn!(
                    "{} is left out: {} is not built into adit ({error})",
                    topic.name,
                    topic.type_name
                );
            }
        }
    }
    publishers
}
