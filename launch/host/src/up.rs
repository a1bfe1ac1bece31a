//! Keeps a stack of processes running: starts them in order, shows what they say, restarts what dies, and
//! stops them so that a standing robot lies down first.
//!
//! It knows nothing of ROS, nor of what the parts do: that is in the [`Plan`]. All decisions are made by
//! [`Supervisor`], which has neither processes nor a clock; [`Stack`] gives it both.
//!
//! # What happens when something dies
//! - **A part** is restarted with back-off ([`RestartPolicy`]); one that keeps dying is given up and the
//!   whole stack is stopped in order.
//! - **The supervisor** itself, even by SIGKILL: each part has asked the system for a signal in that case
//!   ([`die_with_parent`]).
//! - **A part's own children** are in its process group, which is killed once the part has ended. Only a
//!   process that leaves its group on purpose (`setsid`) escapes, and so do the children of a part that dies
//!   with a supervisor killed by SIGKILL: nobody is left to signal the group then.
//!
//! A service manager must leave the order of the stop to the supervisor, and give it the time: for systemd
//! that is `KillMode=mixed` and a `TimeoutStopSec=` above the sum of the parts' timeouts.

mod lines;
mod orphan;
mod output;
mod plan;
mod process;
mod stack;
mod supervisor;

pub use orphan::{Orphaned, SUPERVISOR_PID, die_with_parent, die_with_supervisor};
pub use output::Screen;
pub use plan::{Part, Plan, PlanError, RestartPolicy, Signal};
pub use stack::{Stack, StackError, Stopper};
pub use supervisor::{Action, Event, GivenUp, Stopped, Supervisor};
