//! `probe` and `echo`: measuring instruments for `launch/tests/ros/bench.py`.
//!
//! The probe runs a bare loop at the rate and priority of the control loop, beside which that one's lateness can be
//! judged, and says the monotonic time a thousand times a second. The echo tells how old these words are on arrival.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use anyhow::Context as _;
use r2r::builtin_interfaces::msg::Time;
use r2r::rosgraph_msgs::msg::Clock;
use r2r::{Node, Publisher, QosProfile};
use robot_interface::time::Stamp;
use rtrb::{Consumer, Producer, RingBuffer};

use super::convert;
use super::endpoint::Inbox;
use super::lifecycle_node::{Health, Level, NodeBehaviour};
use super::parameters::Declarations;
use super::settings::NodeSettings;
use stack::realtime::{CONTROL_PRIORITY, Histogram, PERIOD_NANOS, monotonic, prioritise, sleep_until};

/// Interval between two words, ns.
const WORD_NANOS: u64 = 1_000_000;
/// Cycles of the bare loop between two tellings.
const TELL_EVERY: u64 = 250;
const TOPIC: &str = "probe/ping";

pub(super) struct ProbeNode {
    ended: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
    told: Consumer<(Histogram, u64)>,
    latest: Option<(Histogram, u64)>,
}

impl ProbeNode {
    pub(super) fn new(
        node: &mut Node,
        _declared: &mut Declarations,
        _settings: NodeSettings,
    ) -> anyhow::Result<Self> {
        let ping = node.create_publisher::<Clock>(TOPIC, QosProfile::sensor_data())?;
        let (tell, told) = RingBuffer::new(4);
        let ended = Arc::new(AtomicBool::new(false));
        let (bare, words) = (Arc::clone(&ended), Arc::clone(&ended));
        let spawn = |name: &str, work: Box<dyn FnOnce() + Send>| {
            std::thread::Builder::new().name(name.to_owned()).spawn(work).context("cannot start a thread")
        };
        let threads = vec![
            spawn("bare", Box::new(move || bare_loop(&bare, tell)))?,
            spawn("words", Box::new(move || say(&words, &ping)))?,
        ];
        Ok(Self { ended, threads, told, latest: None })
    }
}

/// Sleeps to each deadline and does nothing else.
fn bare_loop(ended: &AtomicBool, mut tell: Producer<(Histogram, u64)>) {
    if let Err(warning) = prioritise(CONTROL_PRIORITY) {
        tracing::warn!("{warning}");
    }
    let (mut late, mut missed, mut cycles) = (Histogram::new(), 0, 0u64);
    let mut due = monotonic();
    while !ended.load(Ordering::Relaxed) {
        sleep_until(due);
        let lateness = monotonic().nanos().saturating_sub(due.nanos());
        late.add(lateness);
        missed += u64::from(lateness > PERIOD_NANOS);
        due = due.plus_nanos(PERIOD_NANOS * (1 + lateness / PERIOD_NANOS));
        cycles += 1;
        if cycles.is_multiple_of(TELL_EVERY) {
            // One that was not taken is followed by a newer one.
            let _ = tell.push((late, missed));
        }
    }
}

fn say(ended: &AtomicBool, ping: &Publisher<Clock>) {
    let mut due = monotonic();
    while !ended.load(Ordering::Relaxed) {
        due = due.plus_nanos(WORD_NANOS);
        sleep_until(due);
        let now = monotonic().nanos();
        let (sec, nanosec) = ((now / 1_000_000_000) as i32, (now % 1_000_000_000) as u32);
        if let Err(error) = ping.publish(&Clock { clock: Time { sec, nanosec } }) {
            tracing::warn!("{error}");
        }
    }
}

impl NodeBehaviour for ProbeNode {
    fn tick(
        &mut self,
        _node: &mut Node,
        _now: Stamp,
        _parameters: &Declarations,
        _active: bool,
    ) -> anyhow::Result<()> {
        while let Ok(told) = self.told.pop() {
            self.latest = Some(told);
        }
        Ok(())
    }

    fn health(&self) -> Health {
        let values = self.latest.map_or(Vec::new(), |(late, missed)| {
            vec![
                ("cycles", late.count().to_string()),
                ("missed_deadlines", missed.to_string()),
                ("late_us", late.in_us()),
            ]
        });
        Health { level: Level::Ok, message: "measuring".to_owned(), values }
    }
}

impl Drop for ProbeNode {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            // A panic was printed where it happened.
            let _ = thread.join();
        }
    }
}

pub(super) struct EchoNode {
    words: Inbox<Clock>,
    age: Histogram,
}

impl EchoNode {
    pub(super) fn new(
        node: &mut Node,
        _declared: &mut Declarations,
        _settings: NodeSettings,
    ) -> anyhow::Result<Self> {
        Ok(Self { words: Inbox::subscribe(node, TOPIC, QosProfile::sensor_data())?, age: Histogram::new() })
    }
}

impl NodeBehaviour for EchoNode {
    fn tick(
        &mut self,
        _node: &mut Node,
        _now: Stamp,
        _parameters: &Declarations,
        _active: bool,
    ) -> anyhow::Result<()> {
        while let Some(word) = self.words.take() {
            if let Ok(said) = convert::stamp(&word.clock) {
                self.age.add(monotonic().nanos().saturating_sub(said.nanos()));
            }
        }
        Ok(())
    }

    fn health(&self) -> Health {
        let values = vec![("messages", self.age.count().to_string()), ("age_us", self.age.in_us())];
        Health { level: Level::Ok, message: "measuring".to_owned(), values }
    }
}
