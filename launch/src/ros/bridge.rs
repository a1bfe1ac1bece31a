//! `bridge`: the control process. A real-time thread ([`stack::realtime`]) has the motors; this side of it talks to
//! the graph: estimates out; targets, corrections, the lease and the emergency stop in.
//!
//! | who wants to move the robot | how                                                                      |
//! |-----------------------------|--------------------------------------------------------------------------|
//! | the planner                 | takes the lease, sends `motion/target` with its token                    |
//! | a person                    | takes the lease by `lease/acquire`, `robot/stand_up`, drives by `cmd_vel` |
//!
//! `cmd_vel` carries no name of its sender. So it is accepted only while every node that publishes it is the one
//! that holds the lease. Nothing else does either: corrections are taken from `perception` alone in the same way.

mod command_arbiter;
mod estop_services;
mod ports;
mod state_publisher;

use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context as _;
use firmware_bridge::bridge::CYCLE_NANOS;
use r2r::Node;
use r2r::adit_msgs::msg::TunnelCorrection as CorrectionMsg;
use recording::topics;
use robot_interface::time::Stamp;
use stack::authority::failsafe::HoldReason;

use self::command_arbiter::CommandArbiter;
use self::estop_services::EstopServices;
use self::ports::Ports;
use self::state_publisher::StatePublisher;
use super::convert;
use super::lifecycle_node::{Health, Level, NodeBehaviour};
use super::parameters::Declarations;
use super::sender_check::OwnedInbox;
use super::settings::NodeSettings;
use super::throttled_log::ThrottledLog;
use stack::config::{Mission, Robot};
use stack::realtime::{
    CONTROL_PRIORITY, ControlHandle, ControlLoop, ControlReport, LoopWatchdog, TimeBase, lock_memory,
    monotonic, prioritise,
};
use stack::{Control, WhoseGait};

/// Silence of the control loop from which it is not believed to run, s: it reports 50 times a second.
const REPORT_LIFE_S: f64 = 0.5;
/// The longest that a node that is thrown away waits for its robot to lie, s: it takes two.
const LIE_WITHIN_S: f64 = 5.0;

/// The control loop on its thread.
struct Running {
    handle: ControlHandle,
    thread: JoinHandle<()>,
    /// Time of its last report, or of its start.
    heard: Stamp,
    latest: Option<ControlReport>,
    watchdog: LoopWatchdog,
}

impl Running {
    /// Returns true if the control loop hangs; asked once a round.
    fn hangs(&mut self, now: Stamp) -> bool {
        self.watchdog.hangs(now, self.handle.beats.load(Ordering::Relaxed))
    }

    fn is_ending(&self) -> bool {
        self.handle.quit.load(Ordering::Relaxed)
    }

    /// Returns the last report, if that still holds.
    fn latest(&self, now: Stamp) -> Option<&ControlReport> {
        self.latest.as_ref().filter(|_| now.seconds_since(self.heard) <= REPORT_LIFE_S)
    }

    /// Returns its health, for diagnostics.
    fn judged(&self, now: Stamp) -> (Level, String) {
        let silent_s = now.seconds_since(self.heard);
        if silent_s > REPORT_LIFE_S {
            let message = format!(
                "the control loop has said nothing for {silent_s:.1} s: keep clear of the robot, and start the bridge \
                 anew if it stays so (without commands motors may hold what they were told last)"
            );
            return (Level::Error, message);
        }
        let Some(report) = &self.latest else {
            return (Level::Warn, "the control loop is starting".to_owned());
        };
        match report.hold {
            _ if report.trip.is_some() => {
                (Level::Error, report.trip.map(|trip| trip.to_string()).unwrap_or_default())
            }
            _ if self.is_ending() => (Level::Warn, "ending: the robot is laid down first".to_owned()),
            Some(HoldReason::NoTarget) => (Level::Ok, "standing by".to_owned()),
            Some(hold) => (Level::Error, hold.to_string()),
            None => (Level::Ok, "obeying".to_owned()),
        }
    }
}

pub(super) struct BridgeNode {
    mission: Mission,
    robot: Robot,
    gait: WhoseGait,
    ports: Ports,
    running: Option<Running>,
    /// The emergency stop outlives the loop: a node that is deactivated and activated again stays stopped.
    estop: EstopServices,
    arbiter: CommandArbiter,
    publisher: StatePublisher,
    unsaid: ThrottledLog,
    corrections: OwnedInbox<CorrectionMsg>,
    refused: convert::Refusals,
}

impl BridgeNode {
    pub(super) fn new(
        node: &mut Node,
        declared: &mut Declarations,
        settings: NodeSettings,
    ) -> anyhow::Result<Self> {
        declared.number("manual_speed_m_s", 0.6, [0.05, 1.0], "greatest speed that cmd_vel may ask for, m/s");
        declared.number(
            "manual_turn_rad_s",
            0.8,
            [0.05, 1.0],
            "greatest turning that cmd_vel may ask for, rad/s",
        );
        Ok(Self {
            ports: Ports::new(&settings)?,
            arbiter: CommandArbiter::new(node)?,
            publisher: StatePublisher::new(node, &settings.robot.description)?,
            corrections: OwnedInbox::topic(node, &topics::CORRECTION, "perception")?,
            refused: convert::Refusals::default(),
            estop: EstopServices::new(node)?,
            gait: settings.gait,
            mission: settings.mission,
            robot: settings.robot,
            running: None,
            unsaid: ThrottledLog::default(),
        })
    }
}

impl NodeBehaviour for BridgeNode {
    fn configure(&mut self, _parameters: &Declarations) -> anyhow::Result<()> {
        // What is wrong with the robot's file shows here and not when it is to move.
        Control::new(&self.robot, self.mission.start_pose(), Stamp::ZERO, CYCLE_NANOS)?;
        Ok(())
    }

    fn activate(&mut self) -> anyhow::Result<()> {
        let time = self.ports.time_base();
        let now = match time {
            TimeBase::Sensor => Stamp::ZERO,
            TimeBase::System(offset) => monotonic().plus_nanos(offset),
        };
        let start = self.mission.start_pose();
        let control = Control::new(&self.robot, start, now, time.bus_nanos())?;
        let mut control = control.with_gait_of(self.gait, &self.robot);
        let lines = self.ports.open(control.bus().0)?;
        let (mut control, handle) = ControlLoop::new(&self.robot, start, control, lines, time);
        self.estop.tell(monotonic(), &handle);
        let thread = std::thread::Builder::new()
            .name("control".to_owned())
            .spawn(move || {
                for warning in
                    [prioritise(CONTROL_PRIORITY), lock_memory()].into_iter().filter_map(Result::err)
                {
                    tracing::warn!("{warning}");
                }
                control.run();
            })
            .context("cannot start the control thread")?;
        let heard = monotonic();
        let watchdog = LoopWatchdog::new(time, heard);
        self.running = Some(Running { handle, thread, heard, latest: None, watchdog });
        Ok(())
    }

    /// The robot is laid down first, which takes two seconds; whoever wants to stop it is heard meanwhile.
    fn deactivate(&mut self) -> bool {
        let Some(running) = &self.running else { return true };
        running.handle.quit.store(true, Ordering::Release);
        if !running.thread.is_finished() {
            return false;
        }
        if let Some(running) = self.running.take() {
            // A panic was printed where it happened.
            let _ = running.thread.join();
        }
        self.ports.close();
        true
    }

    fn tick(
        &mut self,
        node: &mut Node,
        now: Stamp,
        parameters: &Declarations,
        active: bool,
    ) -> anyhow::Result<()> {
        self.estop.serve(now, self.running.as_ref().map(|running| &running.handle));
        if let Some(running) = &mut self.running {
            self.ports.check(now)?;
            anyhow::ensure!(!running.thread.is_finished() || running.is_ending(), "the control thread ended");
            while let Ok(order) = running.handle.orders.pop() {
                self.ports.order(order);
            }
            while let Ok(report) = running.handle.reports.pop() {
                if let Err(error) = self.publisher.report(&report, self.arbiter.owner(now)) {
                    // The robot does not depend on who hears of it.
                    self.unsaid.warn(now, format_args!("the robot's state is not published: {error:#}"));
                }
                if let Some(refused) = report.refused {
                    tracing::warn!("{refused}");
                }
                if let Some(trip) = report.trip
                    && running.latest.as_ref().is_none_or(|latest| latest.trip.is_none())
                {
                    tracing::error!("stopped: {trip}");
                }
                if let Some(hold) = report.hold
                    && running.latest.as_ref().and_then(|latest| latest.hold) != Some(hold)
                {
                    tracing::info!("held: {hold}");
                }
                self.estop.report(now, &report);
                (running.latest, running.heard) = (Some(report), now);
            }
            if running.hangs(now) {
                tracing::error!(
                    "the control loop hangs: this process ends, for the next one to let the motors go"
                );
                // In order it would wait for that loop.
                std::process::abort();
            }
            for message in self.corrections.admitted(node, &mut self.refused) {
                match convert::correction(&message) {
                    // A full ring means that the loop has stopped: that shows elsewhere.
                    Ok(correction) => drop(running.handle.corrections.push(correction)),
                    Err(refused) => self.refused.say("localisation/correction", refused),
                }
            }
        }
        let led = self.running.as_mut().filter(|running| active && !running.is_ending());
        let latest = led.as_ref().and_then(|running| running.latest(now).copied());
        let handle = led.map(|running| &mut running.handle);
        self.arbiter.serve(node, now, parameters, handle, latest.as_ref(), self.estop.level());
        Ok(())
    }

    fn health(&self) -> Health {
        let Some(running) = &self.running else {
            let message = "no control loop: activate the node".to_owned();
            return Health { level: Level::Warn, message, values: Vec::new() };
        };
        let mut values = Vec::new();
        if let Some(report) = &running.latest {
            values.extend(state_publisher::timing(report));
            values.extend(self.ports.values(report));
            values.extend(state_publisher::safety(report));
        }
        values.push(("estop_holders", self.estop.holders()));
        values.push(("refused_messages", self.refused.count().to_string()));
        values.push(("cmd_vel", self.arbiter.refusal().to_owned()));
        let (level, message) = match (running.judged(monotonic()), self.ports.intruders()) {
            ((Level::Ok, _), others) if !others.is_empty() => {
                (Level::Warn, format!("{others} takes bytes of the robot's ports: stop that program"))
            }
            (judged, _) => judged,
        };
        Health { level, message, values }
    }

    fn may_end(&mut self, _now: Stamp) -> bool {
        self.deactivate()
    }
}

/// However the node ends, the robot is laid down before its motors lose their commands.
impl Drop for BridgeNode {
    fn drop(&mut self) {
        let begun = monotonic();
        while !self.deactivate() && monotonic().seconds_since(begun) < LIE_WITHIN_S {
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

#[cfg(test)]
mod tests;
