//! Authority over the robot: who may move it ([`lease`]), who may stop it ([`estop`]), and what stops it by itself
//! ([`failsafe`]).

pub mod estop;
pub mod failsafe;
pub mod lease;
