//! The computer that Adit runs on.

pub mod doctor;
pub mod setup;
pub mod up;
