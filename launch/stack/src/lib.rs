//! The robot's side of a run.

pub mod authority;
pub mod config;
mod control;
mod elevation_mosaic;
mod error;
mod inspector;
mod localisation_and_mapping;
mod navigator;
pub mod picture;
mod pipeline;
mod pose_track;
pub mod realtime;
mod run_history;
mod standing;
#[cfg(test)]
mod testing;
mod trace;

pub use control::{Control, ControlStatus, ModeRefused};
pub use elevation_mosaic::ElevationMosaic;
pub use error::StackError;
pub use inspector::{CameraImage, Findings, InspectionJob, InspectionResult, Inspector};
pub use localisation_and_mapping::{LocalisationAndMapping, ScanJob, ScanResult};
pub use navigator::{MissionProgress, Navigator, VelocityController};
pub use pipeline::{OdometryEvent, PerceptionPipeline, Source};
pub use run_history::{RunHistory, RunOutcome};
pub use trace::{Sample, Trace};
