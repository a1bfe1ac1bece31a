//! The control process on real ports and by the real clock: one thread that reads the motor buses and the inertial
//! sensor, steps estimate and gait, and writes the buses, at 500 Hz. After its start it neither allocates, locks
//! nor logs; its reports leave through rings.
//!
//! Commands come to it in rings too, stamped on arrival by the monotonic clock. Whatever becomes of their sender,
//! the [`Failsafe`](crate::authority::failsafe::Failsafe) sees to it that an old one moves nothing.
//!
//! The clock, the threads' priorities and the exchange on the buses serve `adit bus` too.

mod clock;
mod control_loop;
mod exchange;
mod handle;
mod histogram;
mod sensor_clock;
mod thread;
mod watchdog;

pub use clock::{monotonic, sleep_until, thread_cpu_nanos};
pub use control_loop::{ControlLoop, ControlPorts};
pub use exchange::exchange;
pub use handle::{ControlHandle, ControlReport, PERIOD_NANOS, Target, TimeBase, Timing};
pub use histogram::Histogram;
pub use thread::{CONTROL_PRIORITY, computations_stand_back, lock_memory, prioritise, stand_back};
pub use watchdog::LoopWatchdog;
