//! The control process on real ports and by the real clock: one thread that reads the motor buses and the inertial
//! sensor, steps estimate and gait, and writes the buses, at 500 Hz. After its start it neither allocates, locks
//! nor logs; what it has to say leaves through rings.
//!
//! Commands come to it in rings too, stamped on arrival by the monotonic clock. Whatever becomes of their sender,
//! the [`Guard`](planner::guard::Guard) sees to it that an old one moves nothing.
//!
//! The loop itself belongs to the ROS 2 graph; the clock, the threads' priorities and the exchange on the buses serve
//! `adit bus` too.

mod clock;
#[cfg(feature = "ros")]
mod cycle;
mod exchange;
mod histogram;
#[cfg(feature = "ros")]
mod sensor_clock;
mod thread;

pub(crate) use clock::{monotonic, sleep_until, thread_cpu_nanos};
#[cfg(feature = "ros")]
pub(crate) use cycle::PERIOD_NANOS as CONTROL_PERIOD_NANOS;
#[cfg(feature = "ros")]
pub(crate) use cycle::{Lines, Loop, Orders, Report, Target, TimeBase};
pub(crate) use exchange::exchange;
pub(crate) use histogram::Histogram;
pub(crate) use thread::{CONTROL_PRIORITY, lock_memory, prioritise};
#[cfg(feature = "ros")]
pub(crate) use thread::{computations_stand_back, stand_back};
