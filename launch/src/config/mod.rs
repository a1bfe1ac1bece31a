//! Mission and robot files: TOML in, checked values or one clear error out.
//!
//! The files of `launch/missions/` and `launch/robots/` are part of the binary, so that `adit` runs from
//! any folder; a path names a file of the user's own.

mod calibration;
mod error;
mod mission;
mod robot;

pub(crate) use calibration::Calibration;
pub use error::ConfigError;
pub use mission::{Inspection, Limits, Mission};
pub use robot::Robot;

use include_dir::{Dir, include_dir};

static MISSIONS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/missions");
static ROBOTS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/robots");

/// Names of the TOML files of a built-in folder, sorted, without their ending.
fn built_in_names(dir: &Dir<'_>) -> Vec<String> {
    let mut names: Vec<String> = dir
        .files()
        .filter(|f| f.path().extension().is_some_and(|e| e == "toml"))
        .filter_map(|f| Some(f.path().file_stem()?.to_str()?.to_owned()))
        .collect();
    names.sort();
    names
}
