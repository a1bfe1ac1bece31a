//! The help of commands that are handed over to the program with ROS 2: given by this one, with or without ROS 2.

use std::process::{Command, Output};

fn adit(args: &[&str]) -> Output {
    // Nothing of ROS 2 is there.
    let nowhere = tempfile::tempdir().expect("a folder");
    let mut adit = Command::new(env!("CARGO_BIN_EXE_adit"));
    adit.args(args).current_dir(nowhere.path()).env("ADIT_ROS", nowhere.path()).output().expect("adit starts")
}

#[test]
fn every_command_gives_its_help_without_ros() {
    let cases: [(&[&str], &[&str]); 6] = [
        (
            &["record", "--help"],
            &["Usage: adit record", "--out <DIR>", "an earlier one is kept", "--ros-args"],
        ),
        (&["record", "-h"], &["--out <DIR>"]),
        (&["help", "record"], &["--out <DIR>"]),
        (
            &["node", "--help"],
            &["Usage: adit node", "--ports-dir <DIR>", "perception", "Mission, path, velocity"],
        ),
        (&["node", "sim", "--help"], &["--mission <FILE>"]),
        (&["replay", "--help"], &["--lockstep"]),
    ];
    for (args, expected) in cases {
        let output = adit(args);
        let (said, error) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(0), "{args:?}: {error}");
        for part in expected {
            assert!(said.contains(part), "{args:?}: {part}: {said}");
        }
    }
}

/// Wrong arguments are found before ROS 2 is looked for, and what is right asks for it.
#[test]
fn arguments_are_checked_here_and_then_handed_over() {
    for (args, told) in [
        (&["node"][..], "<NAME>"),
        (&["node", "brige"], "bridge"),
        (&["node", "sim", "--seed", "x"], "--seed"),
        (&["node", "sim", "stray"], "stands behind --ros-args"),
        (&["record", "--outt", "x"], "stands behind --ros-args"),
        (&["record", "--out", "x"], "adit setup ros"),
        (&["node", "planner", "--ros-args", "-p", "a:=1"], "adit setup ros"),
    ] {
        let output = adit(args);
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {error}");
        assert!(error.contains(told) && output.stdout.is_empty(), "{args:?}: {error}");
    }
}
