//! Configuration of the robot's side: the robot, its calibration, and the mission that it walks. TOML in, checked values or
//! one clear error out.
//!
//! The files of `launch/robots/` are part of the binary, so that `adit` runs from any folder; a path names a file of the
//! user's own. Mission files are read by `launch`, since they also describe a simulation, of which nothing is known here.

mod built_in;
mod calibration;
mod config_file;
mod error;
mod mission;
mod robot;

pub use built_in::names as built_in_names;
pub use calibration::{Calibration, CalibrationSaveError, utc};
pub use config_file::ConfigFile;
pub use error::ConfigError;
pub use mission::{Inspection, Limits, Mission};
pub use robot::Robot;
