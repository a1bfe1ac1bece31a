//! Puts the parts of Adit together: the `adit` command, lock-step runs, recordings and reports.

pub mod config;
pub mod lockstep;
pub mod score;
