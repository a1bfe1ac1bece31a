//! Whole robots as they are sold: one message has the targets of all joints, another the state of all joints, of the inertial sensor
//! and of what else the robot tells.
//!
//! ```text
//! MotorTarget [12] -> RobotProtocol::encode_command -> bytes -> CommandReader -> MotorTarget [12]    (the robot's side: simulators)
//! RobotReport      <- ReportReader   <- bytes <- RobotProtocol::encode_report <- RobotReport
//! ```
//!
//! The order is the vendor's, by the numbers that a robot file has as `id`; angles are those of the joint, in the vendor's sense.
//! Bytes may come in pieces and with noise between messages. Sans-IO; nothing is allocated once the buffers have their size.

mod deeprobotics;
mod messages;
mod report;
mod take_over;
#[cfg(test)]
mod tests;
mod unitree_go;

pub use messages::{CommandReader, ReportReader, RobotProtocol};
pub use report::{BatteryReport, MotorReport, MotorTarget, RemoteControl, RobotReport};
pub use take_over::{Service, TakeOver, TakeOverError, mode_name};
