//! A tunnel, a robot, its sensors and motors, when there is no real one.
//!
//! Everything here is a function of its inputs and a seed: no clock, no file, no order of threads shows
//! in a result.

pub mod battery;
pub mod camera;
pub mod engine;
pub mod geometry;
pub mod imu;
pub mod lidar;
pub mod motors;
mod noise;
pub mod thermal;
pub mod tunnel;
