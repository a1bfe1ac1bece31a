//! Lifecycle node around a behaviour: place in the graph, life, parameters, diagnostics, and a clean end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use r2r::diagnostic_msgs::msg::{DiagnosticArray, DiagnosticStatus, KeyValue};
use r2r::rosgraph_msgs::msg::Clock;
use r2r::{Context, Node, Publisher};
use recording::topics;
use robot_interface::time::Stamp;

use super::convert;
use super::endpoint::Inbox;
use super::lifecycle::{self, State, Transition};
use super::parameters::{self, Declarations, Value};
use super::settings::NodeSettings;
use super::topic_publishers::publisher;
use crate::terminal;
use host::up::Signal;
use stack::realtime::monotonic;

/// The longest that a node waits for something to arrive before it looks after its own work.
const SPIN: Duration = Duration::from_millis(5);
/// Interval between two diagnostics.
const DIAGNOSE_NANOS: u64 = 1_000_000_000;
/// The longest that a node may take to come to an end, s: a robot lies down meanwhile.
const END_WITHIN_S: f64 = 9.0;

/// Level of health, as `diagnostic_msgs` counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    Ok = 0,
    Warn = 1,
    Error = 2,
}

/// One line of diagnostics.
pub(crate) struct Health {
    pub(crate) level: Level,
    pub(crate) message: String,
    pub(crate) values: Vec<(&'static str, String)>,
}

/// Behaviour of a node: the work that its lifecycle starts and stops.
pub(crate) trait NodeBehaviour {
    /// Takes what the work needs: ports, threads, files.
    fn configure(&mut self, _parameters: &Declarations) -> anyhow::Result<()> {
        Ok(())
    }

    /// Begins the work.
    fn activate(&mut self) -> anyhow::Result<()> {
        Ok(())
    }

    /// Interrupts it; whether that is done. Asked again until it is, and the node hears and is heard meanwhile.
    fn deactivate(&mut self) -> bool {
        true
    }

    /// Gives back what [`NodeBehaviour::configure`] took.
    fn cleanup(&mut self) {}

    /// Called some hundred times a second: hears, and says what there is to say. Without being `active` it only
    /// hears, so that nothing old is acted on later.
    fn tick(
        &mut self,
        node: &mut Node,
        now: Stamp,
        parameters: &Declarations,
        active: bool,
    ) -> anyhow::Result<()>;

    /// Told the time of the graph before each [`NodeBehaviour::tick`].
    fn hear_time(&mut self, _time: Stamp) {}

    /// Returns its health.
    fn health(&self) -> Health;

    /// Told to end: whether it is ready to. Asked again until it is.
    fn may_end(&mut self, _now: Stamp) -> bool {
        true
    }

    /// Asked last, when the node ends in order: an error is the process's.
    fn ended(&mut self) -> anyhow::Result<()> {
        Ok(())
    }
}

/// Lifecycle node around a behaviour.
pub(crate) struct LifecycleNode<B> {
    node: Node,
    name: &'static str,
    behaviour: B,
    state: State,
    declared: Declarations,
    life: lifecycle::Services,
    parameters: parameters::Services,
    diagnostics: Publisher<DiagnosticArray>,
    diagnosed: Stamp,
    /// `/clock`, where that is the time. (r2r's own time source depends on what its build script says, and that says
    /// nothing when it is run a second time.)
    clock: Option<Inbox<Clock>>,
    /// The time of the graph.
    time: Stamp,
}

impl<B: NodeBehaviour> LifecycleNode<B> {
    /// Makes the node, brings it to life, and runs it until a signal ends it.
    pub(crate) fn run(
        name: &'static str,
        settings: NodeSettings,
        make: impl FnOnce(&mut Node, &mut Declarations, NodeSettings) -> anyhow::Result<B>,
    ) -> anyhow::Result<()> {
        // If whoever started it is gone, nobody would ever end it. Whoever has the motors puts the robot down first.
        let last = if name == "bridge" { Signal::Terminate } else { Signal::Kill };
        host::up::die_with_supervisor(last)?;
        let stop = stop_on_signal()?;
        let context = Context::create().context("cannot start ROS 2: check ROS_DOMAIN_ID and --ros-args")?;
        let mut node = Node::create(context, name, "").context("cannot make the node")?;
        let mut declared = Declarations::default();
        declared.fixed("use_sim_time", Value::Bool(false), "take the time from /clock");
        declared.fixed("autostart", Value::Bool(true), "configure and activate without being told");
        declared.fixed("robot", Value::Text(settings.robot.description.name.clone()), "the robot");
        declared.fixed("mission", Value::Text(settings.mission.name.clone()), "the mission");
        let behaviour = make(&mut node, &mut declared, settings)?;
        let mut this = Self {
            life: lifecycle::Services::new(&mut node, name)?,
            parameters: parameters::Services::new(&mut node, name, &mut declared)?,
            diagnostics: publisher(&mut node, &topics::DIAGNOSTICS)?,
            node,
            name,
            behaviour,
            state: State::Unconfigured,
            declared,
            diagnosed: Stamp::ZERO,
            clock: None,
            time: Stamp::ZERO,
        };
        if this.declared.is_true("use_sim_time") {
            this.clock = Some(Inbox::topic(&mut this.node, &topics::CLOCK)?);
        }
        if this.declared.is_true("autostart") {
            this.change(Transition::Configure, State::Inactive)?;
            this.change(Transition::Activate, State::Active)?;
        }
        // For whoever started it; the log goes to standard error.
        terminal::print_line("ready");
        this.spin(&stop)
    }

    fn spin(&mut self, stop: &AtomicBool) -> anyhow::Result<()> {
        let mut stopping: Option<Stamp> = None;
        let mut failed = None;
        while self.state != State::Finalized {
            self.node.spin_once(SPIN);
            let now = monotonic();
            self.parameters.serve(&mut self.declared);
            self.serve_life();
            self.tell_time();
            let done = self.behaviour.tick(&mut self.node, now, &self.declared, self.state == State::Active);
            // What cannot go on still comes to an end in order, and hears meanwhile.
            failed = failed.or(done.err());
            if now >= self.diagnosed.plus_nanos(DIAGNOSE_NANOS) {
                self.diagnosed = now;
                self.diagnose();
            }
            if failed.is_some() || stop.load(Ordering::Relaxed) {
                let since = *stopping.get_or_insert(now);
                if self.behaviour.may_end(now) || now.seconds_since(since) > END_WITHIN_S {
                    break;
                }
            }
        }
        tracing::info!("ended");
        failed.map_or_else(|| self.behaviour.ended(), Err)
    }

    fn tell_time(&mut self) {
        self.time = match &mut self.clock {
            Some(clock) => {
                let newest = clock.newest().and_then(|message| convert::stamp(&message.clock).ok());
                newest.unwrap_or(self.time)
            }
            None => system_time(),
        };
        self.behaviour.hear_time(self.time);
    }

    fn serve_life(&mut self) {
        let mut wanted = None;
        self.life.serve(self.state, |transition, to| {
            let done = match transition {
                Transition::Configure => self.behaviour.configure(&self.declared),
                Transition::Activate => self.behaviour.activate(),
                Transition::Deactivate | Transition::ActiveShutdown => {
                    if !self.behaviour.deactivate() {
                        return None;
                    }
                    Ok(())
                }
                Transition::Cleanup => {
                    self.behaviour.cleanup();
                    Ok(())
                }
                Transition::UnconfiguredShutdown | Transition::InactiveShutdown => Ok(()),
            };
            if let Err(error) = &done {
                tracing::error!("{error:#}");
            }
            wanted = done.is_ok().then_some((transition, to));
            Some(done.is_ok())
        });
        if let Some((transition, to)) = wanted {
            self.entered(transition, to);
        }
    }

    fn change(&mut self, transition: Transition, to: State) -> anyhow::Result<()> {
        match transition {
            Transition::Configure => self.behaviour.configure(&self.declared)?,
            _ => self.behaviour.activate()?,
        }
        self.entered(transition, to);
        Ok(())
    }

    fn entered(&mut self, transition: Transition, to: State) {
        tracing::info!("{transition:?}: now {to:?}");
        self.life.tell(transition, self.state, to);
        self.state = to;
    }

    fn diagnose(&mut self) {
        let health = self.behaviour.health();
        let value = |(key, value): (&str, String)| KeyValue { key: key.to_owned(), value };
        let status = DiagnosticStatus {
            level: health.level as u8,
            name: format!("adit: {}", self.name),
            message: health.message,
            hardware_id: String::new(),
            values: health.values.into_iter().map(value).collect(),
        };
        let mut array = DiagnosticArray { status: vec![status], ..DiagnosticArray::default() };
        array.header.stamp = convert::time(self.time);
        if let Err(error) = self.diagnostics.publish(&array) {
            tracing::warn!("diagnostics: {error}");
        }
    }
}

/// The system's clock.
#[expect(clippy::disallowed_methods, reason = "this is the wiring that gives the parts their time")]
pub(super) fn system_time() -> Stamp {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH);
    Stamp::from_nanos(since_1970.map_or(0, |since| since.as_nanos() as u64))
}

/// The first signal asks the node to end; a second one ends the process.
fn stop_on_signal() -> anyhow::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    ctrlc::set_handler(move || {
        if flag.swap(true, Ordering::Relaxed) {
            std::process::exit(1);
        }
    })
    .context("cannot listen for signals")?;
    Ok(stop)
}
