//! `adit up` as a user starts it: bad input.

use std::process::{Command, Stdio};

/// `adit up` with real nodes is tested by `launch/tests/ros/`, where ROS 2 is.
#[test]
fn bad_input_is_refused_before_anything_is_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let refused = |args: &[&str], text: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_adit"));
        command.current_dir(folder.path()).arg("up").args(args).stdin(Stdio::null());
        // A setup that is not there, wherever else one may be.
        let output = command.env("ADIT_ROS", folder.path().join("none")).output().expect("runs");
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(error.contains(text), "{args:?}: {error}");
        assert_eq!(output.status.code(), Some(2), "{args:?}: {error}");
        assert!(!folder.path().join("runs").exists(), "nothing is written");
    };
    refused(&["--sim"], "adit setup ros");
    refused(&["--robot", "go2-serial"], "names no serial ports");
    refused(&[], "which network leads to the robot is not said");
    refused(&["--interface", "nowhere0"], "there is none of that name");
    refused(&["--sim", "--robot", "go2-serial", "--gait", "vendor"], "has no gait of a vendor's");
    refused(&["--sim", "--mission", "none.toml"], "none.toml");
    refused(&["--sim", "--robot", "cat"], "there is no robot of that name");
    refused(&["--sim", "--namespace", "a-b"], "not a ROS namespace");
    refused(&["--sim", "--domain-id", "1000"], "1000");
}
