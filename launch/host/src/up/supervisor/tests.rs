//! One test a rule, without processes and without a clock.

use super::*;
use crate::up::process_spec::{ProcessSpec, RestartPolicy};

const SIM: usize = 0;
const BRIDGE: usize = 1;
const PLANNER: usize = 2;

fn seconds(s: f64) -> Duration {
    Duration::from_secs_f64(s)
}

fn process(name: &str, stop_timeout_s: f64) -> ProcessSpec {
    ProcessSpec {
        name: name.to_owned(),
        program: "unused".into(),
        args: Vec::new(),
        env: Vec::new(),
        restart: RestartPolicy::soon(),
        stop_timeout: seconds(stop_timeout_s),
        ready_timeout: seconds(20.0),
        forced_stop_signal: Signal::Kill,
        restart_notice: None,
    }
}

/// Supervisor under test, with all that it has logged.
struct Bench {
    supervisor: Supervisor,
    now_s: f64,
    logged: Vec<String>,
}

impl Bench {
    /// With the first process starting.
    fn new() -> Self {
        let sim =
            ProcessSpec { restart_notice: Some("the world begins anew".to_owned()), ..process("sim", 5.0) };
        let bridge = ProcessSpec {
            restart: RestartPolicy::at_once(),
            forced_stop_signal: Signal::Terminate,
            ..process("bridge", 10.0)
        };
        let plan =
            LaunchPlan::new(vec![sim, bridge, process("planner", 15.0)], &["planner", "bridge", "sim"]);
        let (supervisor, actions) = Supervisor::new(plan.expect("a plan"));
        let mut bench = Self { supervisor, now_s: 0.0, logged: Vec::new() };
        assert_eq!(bench.done(actions), [Action::Start(SIM)]);
        bench
    }

    /// With everything ready.
    fn up() -> Self {
        let mut bench = Self::new();
        assert_eq!(bench.at(1.0, Event::Ready(SIM)), [Action::Start(BRIDGE)]);
        assert_eq!(bench.at(2.0, Event::Ready(BRIDGE)), [Action::Start(PLANNER)]);
        assert_eq!(bench.at(3.0, Event::Ready(PLANNER)), []);
        bench
    }

    /// Returns the actions that an event leads to, without those that only log.
    fn at(&mut self, now_s: f64, event: Event) -> Vec<Action> {
        assert!(now_s >= self.now_s, "time runs forwards");
        self.now_s = now_s;
        let actions = self.supervisor.handle(event, seconds(now_s));
        self.done(actions)
    }

    /// Waits until time alone makes it do something; nothing may happen before.
    fn next(&mut self) -> (f64, Vec<Action>) {
        let deadline_s = self.supervisor.deadline().expect("something waits").as_secs_f64();
        let before = (deadline_s - 0.001).max(self.now_s);
        assert_eq!(self.at(before, Event::Tick), [], "before its time");
        (deadline_s, self.at(deadline_s, Event::Tick))
    }

    fn done(&mut self, actions: Vec<Action>) -> Vec<Action> {
        let (logged, done): (Vec<_>, _) = actions.into_iter().partition(|a| matches!(a, Action::Log(_)));
        self.logged.extend(logged.into_iter().map(|a| match a {
            Action::Log(text) => text,
            other => panic!("{other:?}"),
        }));
        done
    }

    fn has_logged(&self, text: &str) -> bool {
        self.logged.iter().any(|s| s.contains(text))
    }

    fn why_given_up(&self) -> (usize, String) {
        match self.supervisor.outcome() {
            Some(Err(ProcessFailure { process, reason })) => (*process, reason.clone()),
            other => panic!("{other:?}"),
        }
    }
}

fn died(process: usize) -> Event {
    Event::Ended { process, exit_status: "signal: 9".to_owned(), failed: false }
}

fn ended(process: usize) -> Event {
    Event::Ended { process, exit_status: "exit status: 0".to_owned(), failed: false }
}

fn failed(process: usize) -> Event {
    Event::Ended { process, exit_status: "exit status: 1".to_owned(), failed: true }
}

use Signal::{Interrupt, Kill, Terminate};

fn send(process: usize, signal: Signal) -> Vec<Action> {
    vec![Action::Send(process, signal)]
}

#[test]
fn a_process_starts_when_the_one_before_is_ready() {
    let mut bench = Bench::new();
    assert_eq!(bench.at(5.0, Event::Tick), []);
    assert_eq!(bench.at(6.0, Event::Ready(SIM)), [Action::Start(BRIDGE)]);
    assert_eq!(bench.at(6.5, Event::Ready(SIM)), [], "said twice");
    assert_eq!(bench.at(7.0, Event::Ready(BRIDGE)), [Action::Start(PLANNER)]);
    assert_eq!(bench.at(8.0, Event::Ready(PLANNER)), []);
    assert!(bench.has_logged("everything is ready"));
    assert_eq!(bench.supervisor.deadline(), None);
}

#[test]
fn a_process_that_never_gets_ready_stops_what_was_started_in_order() {
    let mut bench = Bench::new();
    bench.at(1.0, Event::Ready(SIM));
    assert_eq!(bench.next(), (21.0, send(BRIDGE, Interrupt)));
    assert_eq!(bench.at(22.0, ended(BRIDGE)), send(SIM, Interrupt));
    assert_eq!(bench.supervisor.outcome(), None);
    assert_eq!(bench.at(23.0, ended(SIM)), []);
    assert_eq!(bench.why_given_up(), (BRIDGE, "it did not get ready within 20 s".to_owned()));
}

#[test]
fn a_process_that_dies_at_its_first_start_is_not_tried_again() {
    for (event, why) in [
        (died(BRIDGE), "it never got ready: it ended (signal: 9)"),
        (
            Event::NotStarted { process: BRIDGE, error: "no such file".to_owned() },
            "it never got ready: it cannot be started (no such file)",
        ),
    ] {
        let mut bench = Bench::new();
        bench.at(1.0, Event::Ready(SIM));
        assert_eq!(bench.at(1.5, event), send(SIM, Interrupt));
        bench.at(2.0, ended(SIM));
        assert_eq!(bench.why_given_up(), (BRIDGE, why.to_owned()));
    }
}

#[test]
fn a_process_that_dies_meanwhile_does_not_hold_up_the_start_of_the_others() {
    let mut bench = Bench::new();
    bench.at(1.0, Event::Ready(SIM));
    assert_eq!(bench.at(1.2, died(SIM)), []);
    assert_eq!(bench.at(1.3, Event::Ready(BRIDGE)), [Action::Start(PLANNER)]);
    assert_eq!(bench.next(), (1.7, vec![Action::Start(SIM)]));
    assert_eq!(bench.at(2.0, Event::Ready(SIM)), [], "its successors are up already");
    assert!(bench.has_logged("sim: the world begins anew"));
}

#[test]
fn waits_before_restarts_double_and_the_fifth_early_exit_is_the_last() {
    let mut bench = Bench::up();
    let mut now_s = 10.0;
    for delay_s in [0.5, 1.0, 2.0, 4.0] {
        assert_eq!(bench.at(now_s, died(PLANNER)), []);
        assert_eq!(bench.next(), (now_s + delay_s, vec![Action::Start(PLANNER)]));
        now_s = bench.now_s + 3.0;
        assert_eq!(bench.at(now_s - 1.0, Event::Ready(PLANNER)), []);
    }
    assert_eq!(bench.at(now_s, died(PLANNER)), send(BRIDGE, Interrupt));
    assert_eq!(bench.at(now_s + 1.0, ended(BRIDGE)), send(SIM, Interrupt));
    assert_eq!(bench.at(now_s + 2.0, ended(SIM)), []);
    let (process, why) = bench.why_given_up();
    assert!(process == PLANNER && why.contains("5 times"), "{why}");
}

#[test]
fn a_healthy_life_ends_the_row_of_early_exits() {
    let mut bench = Bench::up();
    let mut now_s = 10.0;
    for _ in 0..4 {
        bench.at(now_s, died(PLANNER));
        let (started_s, _) = bench.next();
        bench.at(started_s + 1.0, Event::Ready(PLANNER));
        now_s = started_s + 2.0;
    }
    // Counted from the last start, 2 s before.
    now_s += 58.0;
    for _ in 0..10 {
        assert_eq!(bench.at(now_s, died(PLANNER)), [], "not the fifth in a row");
        assert_eq!(bench.next(), (now_s + 0.5, vec![Action::Start(PLANNER)]));
        bench.at(now_s + 1.0, Event::Ready(PLANNER));
        now_s += 60.5;
    }
}

#[test]
fn the_bridge_is_restarted_at_once_to_let_the_motors_go() {
    let mut bench = Bench::up();
    let mut now_s = 100.0;
    for delay_s in [0.125, 0.125, 0.25, 0.5, 1.0] {
        // Nothing else is stopped meanwhile. The first of them comes after a healthy status.
        assert_eq!(bench.at(now_s, died(BRIDGE)), []);
        assert_eq!(bench.next(), (now_s + delay_s, vec![Action::Start(BRIDGE)]));
        bench.at(bench.now_s + 0.5, Event::Ready(BRIDGE));
        now_s = bench.now_s + 0.5;
    }
}

#[test]
fn a_restart_that_hangs_is_ended_and_counts_as_a_death() {
    let mut bench = Bench::up();
    bench.at(10.0, died(BRIDGE));
    assert_eq!(bench.next(), (10.125, vec![Action::Start(BRIDGE)]));
    assert_eq!(bench.next(), (30.125, send(BRIDGE, Interrupt)));
    assert_eq!(bench.next(), (40.125, send(BRIDGE, Terminate)));
    assert_eq!(bench.next(), (42.125, send(BRIDGE, Kill)));
    assert_eq!(bench.at(42.5, died(BRIDGE)), []);
    assert_eq!(bench.next(), (42.75, vec![Action::Start(BRIDGE)]));
}

#[test]
fn a_restart_that_cannot_be_made_counts_as_a_death() {
    let mut bench = Bench::up();
    bench.at(10.0, died(SIM));
    let (started_s, _) = bench.next();
    let not_started = Event::NotStarted { process: SIM, error: "no such file".to_owned() };
    assert_eq!(bench.at(started_s, not_started), []);
    assert_eq!(bench.next(), (started_s + 1.0, vec![Action::Start(SIM)]));
}

#[test]
fn a_stop_lets_each_process_end_before_the_next() {
    let mut bench = Bench::up();
    assert_eq!(bench.at(50.0, Event::StopRequested), send(PLANNER, Interrupt));
    assert_eq!(bench.at(64.0, Event::Tick), [], "the robot lies down");
    assert_eq!(bench.at(64.9, ended(PLANNER)), send(BRIDGE, Interrupt));
    assert_eq!(bench.at(70.0, ended(BRIDGE)), send(SIM, Interrupt));
    assert_eq!(bench.supervisor.outcome(), None);
    assert_eq!(bench.at(71.0, ended(SIM)), []);
    assert_eq!(bench.supervisor.outcome(), Some(&Ok(StopOutcome::Orderly)));
    assert_eq!(bench.supervisor.deadline(), None);
}

/// A mission was lost with its planner, the one that was started again knew it, and `adit up` ended with 0.
#[test]
fn a_process_that_says_at_its_end_that_its_work_failed_is_told() {
    let mut bench = Bench::up();
    bench.at(50.0, Event::StopRequested);
    assert_eq!(bench.at(51.0, failed(PLANNER)), send(BRIDGE, Interrupt), "the stop goes on");
    bench.at(52.0, ended(BRIDGE));
    bench.at(53.0, ended(SIM));
    assert_eq!(bench.supervisor.outcome(), Some(&Ok(StopOutcome::Failed)));

    let mut bench = Bench::up();
    bench.at(10.0, failed(PLANNER));
    let (started_s, _) = bench.next();
    bench.at(started_s + 1.0, Event::Ready(PLANNER));
    bench.at(50.0, Event::StopRequested);
    bench.at(51.0, ended(PLANNER));
    bench.at(52.0, ended(BRIDGE));
    assert_eq!(bench.next(), (57.0, send(SIM, Terminate)));
    bench.at(58.0, failed(SIM));
    let outcome = bench.supervisor.outcome();
    assert_eq!(
        outcome,
        Some(&Ok(StopOutcome::Orderly)),
        "a restart, and one that was made to end, are other matters"
    );
}

#[test]
fn who_does_not_end_gets_stronger_signals_and_the_log_says_so() {
    let mut bench = Bench::up();
    bench.at(50.0, Event::StopRequested);
    assert_eq!(bench.next(), (65.0, send(PLANNER, Terminate)));
    assert_eq!(bench.next(), (67.0, send(PLANNER, Kill)));
    for word in ["planner does not end by SIGINT", "planner does not end by SIGTERM", "planner gets SIGKILL"]
    {
        assert!(bench.has_logged(word), "{word}");
    }
    assert_eq!(bench.at(67.1, died(PLANNER)), send(BRIDGE, Interrupt));
    assert_eq!(bench.next(), (77.1, send(BRIDGE, Terminate)));
    assert_eq!(bench.at(78.0, died(BRIDGE)), send(SIM, Interrupt));
    // Nothing ends this one: a driver holds it.
    assert_eq!(bench.next(), (83.0, send(SIM, Terminate)));
    assert_eq!(bench.next(), (85.0, send(SIM, Kill)));
    assert_eq!(bench.next(), (90.0, vec![]));
    assert_eq!(bench.supervisor.outcome(), Some(&Ok(StopOutcome::Orderly)));
    assert!(bench.has_logged("sim: it does not end even by SIGKILL"));
}

#[test]
fn a_second_request_kills_all_but_the_bridge_which_has_two_seconds() {
    let mut bench = Bench::up();
    bench.at(50.0, Event::StopRequested);
    assert_eq!(
        bench.at(51.0, Event::StopRequested),
        [Action::Send(SIM, Kill), Action::Send(BRIDGE, Terminate), Action::Send(PLANNER, Kill)]
    );
    assert_eq!(bench.at(51.1, died(SIM)), []);
    assert_eq!(bench.at(51.1, died(PLANNER)), []);
    assert_eq!(bench.at(52.0, Event::StopRequested), [], "a third changes nothing");
    assert_eq!(bench.next(), (53.0, send(BRIDGE, Kill)));
    assert_eq!(bench.at(53.1, died(BRIDGE)), []);
    assert_eq!(bench.supervisor.outcome(), Some(&Ok(StopOutcome::Forced)));
}

#[test]
fn one_ctrl_c_that_arrives_twice_is_one() {
    let mut bench = Bench::up();
    assert_eq!(bench.at(50.0, Event::StopRequested), send(PLANNER, Interrupt));
    assert_eq!(bench.at(50.01, Event::StopRequested), []);
    assert_eq!(bench.at(50.49, Event::StopRequested), []);
    assert_eq!(bench.at(50.5, Event::StopRequested).len(), 3);
}

#[test]
fn a_stop_during_the_start_or_a_wait_starts_nothing_more() {
    let mut bench = Bench::new();
    bench.at(1.0, Event::Ready(SIM));
    assert_eq!(bench.at(2.0, Event::StopRequested), send(BRIDGE, Interrupt));
    assert_eq!(bench.at(2.1, Event::Ready(BRIDGE)), []);
    assert_eq!(bench.at(3.0, ended(BRIDGE)), send(SIM, Interrupt));
    bench.at(4.0, ended(SIM));
    assert_eq!(bench.supervisor.outcome(), Some(&Ok(StopOutcome::Orderly)));

    let mut bench = Bench::up();
    bench.at(10.0, died(BRIDGE));
    assert_eq!(bench.at(11.0, Event::StopRequested), send(PLANNER, Interrupt));
    assert_eq!(bench.at(14.0, Event::Tick), [], "no new bridge");
    assert_eq!(bench.at(15.0, ended(PLANNER)), send(SIM, Interrupt));
}

#[test]
fn a_process_that_starts_during_a_long_stop_waits_for_its_turn() {
    let mut bench = Bench::up();
    bench.at(10.0, died(SIM));
    bench.next();
    // It would be late at 30.5, when the planner still lets the robot lie down.
    assert_eq!(bench.at(29.0, Event::StopRequested), send(PLANNER, Interrupt));
    assert_eq!(bench.at(31.0, Event::Tick), []);
    assert_eq!(bench.at(32.0, ended(PLANNER)), send(BRIDGE, Interrupt));
    assert_eq!(bench.at(33.0, ended(BRIDGE)), send(SIM, Interrupt));
}

#[test]
fn who_dies_during_the_stop_is_not_restarted() {
    let mut bench = Bench::up();
    bench.at(50.0, Event::StopRequested);
    assert_eq!(bench.at(51.0, died(BRIDGE)), []);
    assert_eq!(bench.at(60.0, Event::Tick), []);
    assert_eq!(bench.at(61.0, ended(PLANNER)), send(SIM, Interrupt));
}

#[test]
fn a_request_while_a_process_is_given_up_still_stops_in_order() {
    let mut bench = Bench::up();
    bench.supervisor.statuses[SIM].early_exits = 4;
    assert_eq!(bench.at(10.0, died(SIM)), send(PLANNER, Interrupt));
    assert_eq!(bench.at(11.0, Event::StopRequested), [], "the robot has its time to lie down");
    assert_eq!(
        bench.at(12.0, Event::StopRequested),
        [Action::Send(BRIDGE, Terminate), Action::Send(PLANNER, Kill)]
    );
    bench.at(12.1, died(PLANNER));
    bench.at(12.2, died(BRIDGE));
    assert_eq!(bench.why_given_up().0, SIM);
}

#[test]
fn no_stop_takes_longer_than_the_longest() {
    let mut bench = Bench::up();
    let longest = Supervisor::max_stop_duration(&bench.supervisor.plan);
    let begun_s = 100.0;
    bench.at(begun_s, Event::StopRequested);
    // Nothing ends by any signal.
    while bench.supervisor.outcome().is_none() {
        let due = bench.supervisor.deadline().expect("it waits for something");
        bench.at(due.as_secs_f64(), Event::Tick);
    }
    assert_eq!(seconds(bench.now_s - begun_s), longest);
}
