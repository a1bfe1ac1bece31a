//! `adit doctor`: checks of the machine for what would keep a robot's control loop from its 500 Hz, with remedies.
//!
//! [`Facts`] reads the machine's files below a root, which tests replace by a folder of their own; the checks in
//! `checks` see facts alone, and turn them into [`CheckResult`]s. Nothing is changed, and nothing is opened that could
//! disturb a device: a port's settings are read from sysfs. What each check means, and by whose word, stands in
//! `launch/deploy/README.md`; the files that remedies name are there too, and in the program ([`deploy`]).

mod assessment;
mod checks;
pub mod deploy;
mod facts;
#[cfg(test)]
mod fixture;

pub use assessment::{CheckResult, Verdict, worst_verdict};
pub use checks::run_checks;
pub use facts::{Facts, PortRequirement, RobotPorts};
