//! Build of `adit-ros`: the `adit` command with the ROS 2 nodes in it.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::environment::RosEnvironment;
use super::error::SetupError;
use super::steps::Steps;
use super::{interfaces, layout};

impl RosEnvironment {
    /// Compiles `adit-ros` again if the sources of Adit that this program was made from have changed
    /// since; a second or so if not. Without the sources, the program has to be there.
    ///
    /// # Errors
    /// When it does not compile, or the interface packages have changed and have to be set up again.
    pub fn ensure_built(&self) -> Result<PathBuf, SetupError> {
        let Some(workspace) = layout::workspace() else { return Ok(self.binary()) };
        if interfaces::stamp(&workspace, &self.underlay)? != self.interfaces {
            return Err(SetupError::missing(
                "the messages of Adit, or the ROS 2 installation, have changed since the setup",
                "run `adit setup ros`",
            ));
        }
        build(&mut Steps::quiet(&self.folder)?, &workspace, self)
    }
}

/// Compiles it in the profile of this program, and into the same folder, so that they share what they
/// have in common. Returns its path.
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

/// Returns the program that one of cargo's messages tells of.
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
