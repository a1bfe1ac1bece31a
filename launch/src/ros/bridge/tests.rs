//! The node without a robot: none of its ports is there, and its control loop runs all the same.

use r2r::Context;

use super::*;
use crate::mission_file::MissionFile;

/// A node whose own publishers are gone: each message that it has to say fails.
struct Rig {
    bridge: BridgeNode,
    declared: Declarations,
    /// For what the node asks of the graph.
    node: Node,
}

impl Rig {
    fn new(name: &str) -> Self {
        let node = |name: &str| {
            let context = Context::create().expect("ROS 2, as `adit env ros` gives it");
            Node::create(context, name, "").expect("a name")
        };
        let dir = std::env::temp_dir().join(format!("adit-{}-{name}", std::process::id()));
        let setting = NodeSettings {
            mission: MissionFile::load("short").expect("built in").mission,
            robot: Robot::load("go2-serial").expect("built in"),
            run_dir: dir.clone(),
            ports_dir: Some(dir),
            interface: None,
            robot_domain: None,
            gait: stack::WhoseGait::Own,
        };
        let mut declared = Declarations::default();
        let mut own = node(name);
        let bridge = BridgeNode::new(&mut own, &mut declared, setting).expect("a bridge");
        drop(own);
        Self { bridge, declared, node: node(&format!("{name}_asks")) }
    }

    fn active(name: &str) -> Self {
        let mut rig = Self::new(name);
        rig.bridge.activate().expect("ports need not be there");
        rig
    }

    fn tick(&mut self) {
        let ticked = self.bridge.tick(&mut self.node, monotonic(), &self.declared, true);
        ticked.expect("the node goes on");
        std::thread::sleep(Duration::from_millis(5));
    }

    fn running(&self) -> &Running {
        self.bridge.running.as_ref().expect("it runs")
    }
}

/// The first failure ended the node, and the robot was left standing.
#[test]
fn a_message_that_cannot_be_published_ends_nothing() {
    let mut rig = Rig::active("unheard");
    let begun = monotonic();
    while rig.running().latest.is_none() {
        rig.tick();
        assert!(monotonic().seconds_since(begun) < 20.0, "it reports");
    }
    let report = rig.running().latest.expect("above");
    assert!(rig.bridge.publisher.report(&report, "").is_err(), "it fails indeed");
    (0..50).for_each(|_| rig.tick());
}

/// The thread was left to itself, and ended with the process.
#[test]
fn a_node_that_is_thrown_away_ends_its_loop_first() {
    let mut rig = Rig::active("thrown_away");
    rig.tick();
    let quit = std::sync::Arc::clone(&rig.running().handle.quit);
    drop(rig);
    assert!(quit.load(Ordering::Relaxed));
    assert_eq!(std::sync::Arc::strong_count(&quit), 1, "the loop has its own as long as it runs");
}

/// It waited for the robot to lie, and served no emergency stop meanwhile.
#[test]
fn a_node_that_is_deactivated_does_not_wait() {
    let mut rig = Rig::active("deactivated");
    rig.tick();
    assert!(!rig.bridge.deactivate(), "the loop damps for some cycles more");
    let begun = monotonic();
    while !rig.bridge.deactivate() {
        rig.tick();
        assert!(monotonic().seconds_since(begun) < 20.0, "it ends");
    }
    assert!(rig.bridge.running.is_none());
    assert!(rig.bridge.health().message.contains("activate"));
}

/// Diagnostics went on saying what the loop had said last, however long ago that was.
#[test]
fn what_the_loop_said_long_ago_counts_for_nothing() {
    let mut rig = Rig::active("silent");
    let begun = monotonic();
    while rig.running().latest.is_none() {
        rig.tick();
        assert!(monotonic().seconds_since(begun) < 20.0, "it reports");
    }
    let running = rig.running();
    let at = |s: f64| running.heard.plus_nanos((s * 1e9) as u64);
    assert!(running.latest(at(0.4)).is_some() && running.latest(at(0.6)).is_none());
    assert!(!running.judged(at(0.4)).1.contains("said nothing"));
    let (level, message) = running.judged(at(0.6));
    assert!(level == Level::Error && message.contains("0.6 s"), "{message}");
}

/// Rounds were counted by the loop's reports, of which there is none while it waits for a world that stands still: on a busy
/// machine the bridge ended itself, and the mission with it.
#[test]
fn a_loop_that_waits_for_its_simulated_world_does_not_hang() {
    let mut rig = Rig::active("waiting");
    let begun = monotonic();
    while rig.running().latest.is_none() {
        rig.tick();
        assert!(monotonic().seconds_since(begun) < 20.0, "it reports");
    }
    let running = rig.bridge.running.as_mut().expect("it runs");
    let mut now = monotonic();
    for _ in 0..2000 {
        // Two seconds of rounds that hear no report, as long as the loop waits for a sample.
        std::thread::sleep(Duration::from_millis(1));
        now = now.plus_nanos(5_000_000);
        assert!(!running.hangs(now));
    }
}
