//! Compiles `adit-ros`: the `adit` command with the ROS 2 nodes in it.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::env::RosEnvironment;
use super::{SetupError, Steps};

/// Compiles it in the profile of this program, and into the same folder, so that they share what they
/// have in common. Gives its path.
pub(super) fn build(
    steps: &mut Steps,
    workspace: &Path,
    environment: &RosEnvironment,
) -> Result<PathBuf, SetupError> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["build", "--package=launch", "--bin=adit-ros", "--features=ros"]);
    command.arg("--message-format=json-render-diagnostics");
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    command.current_dir(workspace).envs(environment.build_variables());
    let name = "adit-ros (some minutes the first time)";
    let messages = steps.step(name, |s| s.output(&mut command))?;
    messages.lines().filter_map(executable).next_back().ok_or_else(|| {
        SetupError::missing("cargo did not say where it put adit-ros", "update cargo (rustup update)")
    })
}

/// The program that one of cargo's messages tells of.
fn executable(message: &str) -> Option<PathBuf> {
    let message: serde_json::Value = serde_json::from_str(message).ok()?;
    (message["target"]["name"] == "adit-ros").then_some(())?;
    message["executable"].as_str().map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_the_one_that_cargo_names() {
        let library = r#"{"reason":"compiler-artifact","target":{"name":"launch"},"executable":null}"#;
        let program =
            r#"{"reason":"compiler-artifact","target":{"name":"adit-ros"},"executable":"/t/adit-ros"}"#;
        assert_eq!(executable(library), None);
        assert_eq!(executable("{"), None);
        assert_eq!(executable(program), Some(PathBuf::from("/t/adit-ros")));
    }
}
