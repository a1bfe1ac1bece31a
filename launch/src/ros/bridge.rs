//! `bridge`: the control process. A real-time thread ([`crate::realtime`]) has the motors; this side of it talks to
//! the graph: estimates out; targets, corrections, the lease and the emergency stop in.
//!
//! | who wants to move the robot | how                                                                      |
//! |-----------------------------|--------------------------------------------------------------------------|
//! | the planner                 | takes the lease, sends `motion/target` with its token                    |
//! | a person                    | takes the lease by `lease/acquire`, `robot/stand_up`, drives by `cmd_vel` |
//!
//! `cmd_vel` carries no name of its sender. So it is accepted only while every node that publishes it is the one
//! that holds the lease.

mod leading;
mod ports;
pub(super) mod says;
mod stopping;

use std::sync::atomic::Ordering;
use std::thread::JoinHandle;

use anyhow::Context as _;
use firmware_bridge::bridge::CYCLE_NANOS;
use r2r::Node;
use r2r::adit_msgs::msg::TunnelCorrection as CorrectionMsg;
use robot_interface::time::Stamp;

use self::leading::Leading;
use self::ports::Ports;
use self::says::Says;
use self::stopping::Stopping;
use super::endpoint::Inbox;
use super::outlet::state_qos;
use super::parameters::Declarations;
use super::shell::{Health, Level, Part};
use super::{Setting, convert};
use crate::config::{Mission, Robot};
use crate::realtime::{CONTROL_PRIORITY, Loop, Orders, Report, TimeBase, lock_memory, monotonic, prioritise};
use crate::stack::Control;
use crate::world::start_pose;

pub(super) struct BridgeNode {
    mission: Mission,
    robot: Robot,
    ports: Ports,
    running: Option<(Orders, JoinHandle<()>)>,
    latest: Option<Report>,
    /// The emergency stop outlives the loop: a node that is deactivated and activated again stays stopped.
    stopping: Stopping,
    leading: Leading,
    says: Says,
    corrections: Inbox<CorrectionMsg>,
}

impl BridgeNode {
    pub(super) fn new(
        node: &mut Node,
        declared: &mut Declarations,
        setting: Setting,
    ) -> anyhow::Result<Self> {
        declared.number("manual_speed_m_s", 0.6, [0.05, 1.0], "greatest speed that cmd_vel may ask for, m/s");
        declared.number(
            "manual_turn_rad_s",
            0.8,
            [0.05, 1.0],
            "greatest turning that cmd_vel may ask for, rad/s",
        );
        Ok(Self {
            ports: Ports::new(&setting)?,
            leading: Leading::new(node)?,
            says: Says::new(node, &setting.robot.description)?,
            corrections: Inbox::topic(node, "localisation/correction", state_qos())?,
            stopping: Stopping::new(node)?,
            mission: setting.mission,
            robot: setting.robot,
            running: None,
            latest: None,
        })
    }
}

impl Part for BridgeNode {
    fn configure(&mut self, _parameters: &Declarations) -> anyhow::Result<()> {
        // What is wrong with the robot's file shows here and not when it is to move.
        Control::new(&self.robot, start_pose(&self.mission), Stamp::ZERO, CYCLE_NANOS).map(drop)
    }

    fn activate(&mut self) -> anyhow::Result<()> {
        let time = self.ports.time_base();
        let now = match time {
            TimeBase::Sensor => Stamp::ZERO,
            TimeBase::System(offset) => monotonic().plus_nanos(offset),
        };
        let start = start_pose(&self.mission);
        let mut control = Control::new(&self.robot, start, now, time.bus_nanos())?;
        let lines = self.ports.open(control.bus().0)?;
        let (mut control, orders) = Loop::new(&self.robot, start, control, lines, time);
        self.stopping.tell(monotonic(), &orders);
        let thread = std::thread::Builder::new()
            .name("control".to_owned())
            .spawn(move || {
                for warning in [prioritise(CONTROL_PRIORITY), lock_memory()].into_iter().filter_map(Result::err) {
                    tracing::warn!("{warning}");
                }
                control.run();
            })
            .context("cannot start the control thread")?;
        self.running = Some((orders, thread));
        Ok(())
    }

    fn deactivate(&mut self) {
        if let Some((orders, thread)) = self.running.take() {
            orders.quit.store(true, Ordering::Release);
            // It lays the robot down first: two seconds at most. A panic was printed where it happened.
            let _ = thread.join();
            self.ports.close();
        }
    }

    fn tick(
        &mut self,
        node: &mut Node,
        now: Stamp,
        parameters: &Declarations,
        active: bool,
    ) -> anyhow::Result<()> {
        self.stopping.serve(now, self.running.as_ref().map(|(orders, _)| orders));
        if let Some((orders, thread)) = &mut self.running {
            anyhow::ensure!(
                !thread.is_finished() || orders.quit.load(Ordering::Relaxed),
                "the control thread ended"
            );
            while let Ok(report) = orders.reports.pop() {
                self.says.report(&report, self.leading.owner(now))?;
                if let Some(mode) = report.refused {
                    tracing::warn!("{mode:?} was asked for, but the robot is in {:?}", report.body.mode);
                }
                if let Some(hold) = report.hold
                    && self.latest.as_ref().and_then(|latest| latest.hold) != Some(hold)
                {
                    tracing::info!("held: {hold}");
                }
                self.stopping.report(now, &report);
                self.latest = Some(report);
            }
            while let Some(message) = self.corrections.take() {
                match convert::correction(&message) {
                    // A full ring means that the loop has stopped: that shows elsewhere.
                    Ok(correction) => drop(orders.corrections.push(correction)),
                    Err(refused) => tracing::warn!("localisation/correction is not used: {refused}"),
                }
            }
        }
        let orders = self.running.as_mut().filter(|_| active).map(|(orders, _)| orders);
        self.leading.serve(node, now, parameters, orders);
        Ok(())
    }

    fn health(&self) -> Health {
        let Some(report) = &self.latest else {
            let message = "no control loop: activate the node".to_owned();
            return Health { level: Level::Warn, message, values: Vec::new() };
        };
        let mut values = says::timing(report);
        values.extend(self.ports.values(report));
        values.extend(says::safety(report));
        values.push(("estop_holders", self.stopping.holders()));
        values.push(("cmd_vel", self.leading.refusal().to_owned()));
        let (level, message) = match report.hold {
            _ if report.trip.is_some() => {
                (Level::Error, report.trip.map(|trip| trip.to_string()).unwrap_or_default())
            }
            Some(planner::guard::Hold::NoTarget) => (Level::Ok, "standing by".to_owned()),
            Some(hold) => (Level::Error, hold.to_string()),
            None => (Level::Ok, "obeying".to_owned()),
        };
        Health { level, message, values }
    }

    fn may_end(&mut self, _now: Stamp) -> bool {
        match &self.running {
            Some((orders, thread)) => {
                orders.quit.store(true, Ordering::Release);
                thread.is_finished()
            }
            None => true,
        }
    }
}
