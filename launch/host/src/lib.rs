//! The computer that Adit runs on, as apart from the robot: what it lacks for real time, how it gets ROS 2, and the
//! processes that run on it.
//!
//! | module     | command                     | does                                                              |
//! |------------|-----------------------------|-------------------------------------------------------------------|
//! | [`doctor`] | `adit doctor`               | reads facts from `/proc`, `/sys` and `/dev`, checks them, and names remedies; changes nothing |
//! | [`setup`]  | `adit setup ros`, `adit env ros` | finds or makes a ROS 2 installation, and builds Adit's messages and nodes against it |
//! | [`up`]     | `adit up`                   | supervises the nodes' processes: start, restart with back-off, stop in order |
//!
//! The crate knows no robot, no motor and no ROS message, and depends on no other crate of Adit: the `adit` command
//! hands in the ports that a robot's file names and the processes that are to run.
//!
//! # Supervision
//!
//! [`up::Supervisor`] decides and has neither processes nor a clock; [`up::ProcessManager`], on tokio, starts processes,
//! reads their pipes and keeps the time, and decides nothing.
//!
//! ```text
//!    LaunchPlan                                 StopHandle (Ctrl-C)
//!        |                                              |
//!        v                                              v
//!  +------------+  Ready, Ended, NotStarted,   +----------------+   pipes, SIGCHLD   +-----------------+
//!  |            |  StopRequested, Tick         |                |<-------------------| processes, each |
//!  | Supervisor |<-----------------------------| ProcessManager |                    | the leader of a |
//!  |            |----------------------------->|                |------------------->| group           |
//!  +------------+  Start, Send, Log; deadline  +----------------+   start, signals   +-----------------+
//!                                                       | lines, each after its process's name
//!                                                       v
//!                                                console, up.log
//! ```
//!
//! A process is ready when it writes the line `ready`; then the next one starts. One that ends by itself is started
//! again after its [`up::RestartPolicy`]'s delay:
//!
//! ```text
//!   Stopped ----start----> Starting ---"ready"---> Ready
//!                            ^  |                    |
//!      after the back-off's  |  +--------ends--------+----> too early too often, or before it was ever ready:
//!                     delay  |            |                 given up, and everything is stopped in order
//!                            |            v
//!                            +-------- Backoff
//!
//!   Starting, Ready ----stop, or not ready in time----> Stopping ----ends----> Stopped, or Backoff
//!                                                       SIGINT, then SIGTERM, then SIGKILL
//! ```
//!
//! The same in steps: two processes start one after the other, the first dies and is restarted, and a stop lets the
//! second end before the first.
//!
//! ```
//! use std::time::Duration;
//!
//! use host::up::{Action, Event, LaunchPlan, ProcessSpec, RestartPolicy, Signal, StopOutcome, Supervisor};
//!
//! let process = |name: &str| ProcessSpec {
//!     name: name.to_owned(),
//!     program: "/usr/bin/some-node".into(),
//!     args: Vec::new(),
//!     env: Vec::new(),
//!     restart: RestartPolicy::soon(),
//!     stop_timeout: Duration::from_secs(10),
//!     ready_timeout: Duration::from_secs(30),
//!     forced_stop_signal: Signal::Kill,
//!     restart_notice: None,
//! };
//! const BRIDGE: usize = 0;
//! const PLANNER: usize = 1;
//! let plan = LaunchPlan::new(vec![process("bridge"), process("planner")], &["planner", "bridge"])?;
//!
//! // A shell carries the actions out; here they are only looked at. Times count from the beginning.
//! let at = Duration::from_millis;
//! let (mut supervisor, actions) = Supervisor::new(plan);
//! assert!(actions.contains(&Action::Start(BRIDGE)));
//! assert!(supervisor.handle(Event::Ready(BRIDGE), at(900)).contains(&Action::Start(PLANNER)));
//! supervisor.handle(Event::Ready(PLANNER), at(2_000));
//!
//! // A death: nothing happens but the wait, and the shell comes back when that is over.
//! let death = Event::Ended { process: BRIDGE, exit_status: "signal: 9 (SIGKILL)".to_owned(), failed: false };
//! let actions = supervisor.handle(death, at(5_000));
//! assert!(matches!(&actions[..], [Action::Log(text)] if text.contains("is restarted in 0.5 s")));
//! assert_eq!(supervisor.deadline(), Some(at(5_500)));
//! assert!(supervisor.handle(Event::Tick, at(5_500)).contains(&Action::Start(BRIDGE)));
//! supervisor.handle(Event::Ready(BRIDGE), at(6_000));
//!
//! // Ctrl-C: the planner ends the mission first, and the bridge lays the robot down after it.
//! let ended = |process| Event::Ended { process, exit_status: "exit status: 0".to_owned(), failed: false };
//! let interrupt = |process| Action::Send(process, Signal::Interrupt);
//! assert!(supervisor.handle(Event::StopRequested, at(60_000)).contains(&interrupt(PLANNER)));
//! assert!(supervisor.handle(ended(PLANNER), at(64_000)).contains(&interrupt(BRIDGE)));
//! supervisor.handle(ended(BRIDGE), at(70_000));
//! assert_eq!(supervisor.outcome(), Some(&Ok(StopOutcome::Orderly)));
//! # Ok::<(), host::up::LaunchPlanError>(())
//! ```
//!
//! # Checks
//!
//! [`doctor::Facts`] reads files below a root, which is `/` but in tests, and [`doctor::run_checks`] sees the facts
//! alone. A machine may therefore be made up:
//!
//! ```
//! use host::doctor::{Facts, Verdict, run_checks};
//!
//! let root = tempfile::tempdir()?;
//! let governor = root.path().join("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
//! std::fs::create_dir_all(governor.parent().ok_or("no folder")?)?;
//! std::fs::write(governor, "powersave\n")?;
//!
//! const CONTROL_PRIORITY: u8 = 80;
//! let results = run_checks(&Facts::read(root.path(), None, root.path(), CONTROL_PRIORITY));
//! let frequency = results.iter().find(|result| result.name == "cpu frequency").ok_or("no such check")?;
//! assert_eq!((frequency.verdict, frequency.found.as_str()), (Verdict::Warning, "powersave"));
//! assert!(frequency.remedy.as_ref().is_some_and(|remedy| remedy.contains("echo performance")));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod doctor;
pub mod setup;
pub mod up;
