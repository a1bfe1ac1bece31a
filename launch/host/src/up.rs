//! Process supervision: starts processes in order, shows what they say, restarts what dies, and stops them so that a
//! standing robot lies down first.
//!
//! It knows nothing of ROS, nor of what the processes do: that is in the [`LaunchPlan`]. All decisions are made by
//! [`Supervisor`], which has neither processes nor a clock; [`ProcessManager`] gives it both.
//!
//! # What happens when something dies
//! - **A process** is restarted with back-off ([`RestartPolicy`]); one that keeps dying is given up and all others
//!   are stopped in order.
//! - **The supervisor** itself, even by SIGKILL: each process has asked the system for a signal in that case
//!   ([`die_with_parent`]).
//! - **A process's own children** are in its process group, which is killed once the process has ended. Only a
//!   process that leaves its group on purpose (`setsid`) escapes, and so do the children of one that dies
//!   with a supervisor killed by SIGKILL: nobody is left to signal the group then.
//!
//! A service manager must leave the order of the stop to the supervisor, and give it the time: for systemd
//! that is `KillMode=mixed` and a `TimeoutStopSec=` above [`Supervisor::max_stop_duration`].

mod launch_plan;
mod line_splitter;
mod output;
mod parent_death;
mod process;
mod process_manager;
mod process_spec;
mod signal;
mod supervisor;

pub use launch_plan::{LaunchPlan, LaunchPlanError};
pub use output::Console;
pub use parent_death::{ParentDeathError, SUPERVISOR_PID, die_with_parent, die_with_supervisor};
pub use process_manager::{ProcessManager, ProcessManagerError, StopHandle};
pub use process_spec::{ProcessSpec, RestartPolicy};
pub use signal::Signal;
pub use supervisor::{Action, Event, ProcessFailure, StopOutcome, Supervisor};
