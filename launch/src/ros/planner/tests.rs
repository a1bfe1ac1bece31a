//! The node alone: no bridge and no perception answer it.

use r2r::Context;

use super::*;
use crate::mission_file::MissionFile;
use stack::config::Robot;

struct Rig {
    planner: PlannerNode,
    declared: Declarations,
    node: Node,
}

impl Rig {
    fn new(name: &str, run_dir: &std::path::Path) -> Self {
        let context = Context::create().expect("ROS 2, as `adit env ros` gives it");
        let mut node = Node::create(context, name, "").expect("a name");
        let settings = NodeSettings {
            mission: MissionFile::load("short").expect("built in").mission,
            robot: Robot::load("go2").expect("built in"),
            run_dir: run_dir.to_owned(),
            ports_dir: None,
            interface: None,
            robot_domain: None,
            gait: stack::WhoseGait::Own,
        };
        let mut declared = Declarations::default();
        let planner = PlannerNode::new(&mut node, &mut declared, settings).expect("a planner");
        Self { planner, declared, node }
    }

    fn tick(&mut self) {
        let ticked = self.planner.tick(&mut self.node, monotonic(), &self.declared, true);
        ticked.expect("the node goes on");
    }

    /// What it says of its mission next.
    fn status(&mut self) -> MissionStatus {
        let planner = &mut self.planner;
        let executor = planner.executor.as_mut().expect("a mission");
        let next = monotonic().plus_nanos(1_000_000_000);
        executor.step(next, &planner.inputs, [0.5; 2], &planner.clients).status.expect("it is due")
    }
}

/// It knew nothing of the mission: `mission/status` fell silent at "walking out", diagnostics were well, and `adit up` ended with 0.
#[test]
fn a_planner_that_follows_a_dead_one_gives_its_mission_up() {
    let folder = tempfile::tempdir().expect("a folder");
    MissionMarker::new(folder.path()).begin().expect("a mark");
    let mut rig = Rig::new("second_planner", folder.path());
    rig.tick();
    let status = rig.status();
    assert_eq!((status.state, status.text.as_str()), (MissionStatus::STATE_GIVEN_UP as u8, PLANNER_DIED));
    let health = rig.planner.health();
    assert!(health.level == Level::Error && health.message.contains(PLANNER_DIED), "{}", health.message);
    assert!(rig.planner.ended().is_err());
    let after = Rig::new("third_planner", folder.path());
    assert!(after.planner.executor.is_some(), "the second has not reported: the third does");
}

#[test]
fn a_planner_that_follows_none_has_nothing_to_tell() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut rig = Rig::new("first_planner", folder.path());
    rig.tick();
    assert!(rig.planner.executor.is_none() && rig.planner.health().level == Level::Ok);
    rig.planner.ended().expect("nothing was lost");
}
