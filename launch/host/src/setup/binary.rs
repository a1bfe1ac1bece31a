//! Build of `adit-ros`: the `adit` command with the ROS 2 nodes in it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::environment::RosEnvironment;
use super::error::SetupError;
use super::steps::{Steps, say};
use super::{interfaces, layout};

impl RosEnvironment {
    /// Compiles `adit-ros` again if the sources of Adit that this program was made from have changed
    /// since, or it was built into another folder, and says so; a second or so if not. Without the sources, the program has to be there.
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
    let mut command = Command::new(cargo());
    command.args(["build", "--package=launch", "--bin=adit-ros", "--features=ros"]);
    command.arg("--message-format=json-render-diagnostics");
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    command.current_dir(workspace).envs(environment.build_variables());
    let name = "adit-ros (some minutes the first time)";
    let mut is_told = steps.is_shown();
    let mut show = |line: &str| {
        if is_compiling(line) && !std::mem::replace(&mut is_told, true) {
            say(compiles_because(&environment.binary(), target_folder(workspace).as_deref()));
        }
    };
    let messages = steps.step(name, |s| s.output_shown(&mut command, &mut show))?;
    messages.lines().filter_map(executable).next_back().ok_or_else(|| {
        SetupError::missing("cargo did not say where it put adit-ros", "update cargo (rustup update)")
    })
}

/// Returns true if cargo says that it compiles something, rather than that everything is there.
fn is_compiling(line: &str) -> bool {
    line.starts_with("Compiling ")
}

/// Returns what is said when `adit-ros` is compiled unasked: that, and why.
fn compiles_because(binary: &Path, target: Option<&Path>) -> String {
    match target.filter(|target| !binary.starts_with(target)) {
        Some(target) => format!(
            "compiling adit-ros into {}, which takes minutes the first time: `adit setup ros` built it elsewhere, as {}",
            target.display(),
            binary.display()
        ),
        None => "compiling adit-ros: sources or settings have changed since it was built (a minute or some)"
            .to_owned(),
    }
}

/// Returns the folder into which cargo compiles.
fn target_folder(workspace: &Path) -> Option<PathBuf> {
    let mut metadata = Command::new(cargo());
    metadata.args(["metadata", "--format-version=1", "--no-deps", "--offline"]).current_dir(workspace);
    let printed = metadata.output().ok()?.stdout;
    let metadata: serde_json::Value = serde_json::from_slice(&printed).ok()?;
    metadata["target_directory"].as_str().map(PathBuf::from)
}

fn cargo() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
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

    /// `adit up` stood still for minutes and said nothing.
    #[test]
    fn what_is_compiled_unasked_is_said_with_its_reason() {
        assert!(is_compiling("Compiling launch v0.1.0 (/src/launch)"));
        assert!(!is_compiling("Finished `dev` profile") && !is_compiling("Compilingx"));
        let built = Path::new("/src/target/debug/adit-ros");
        let elsewhere = compiles_because(built, Some(Path::new("/tmp/t")));
        assert!(
            elsewhere.contains("into /tmp/t") && elsewhere.contains("as /src/target/debug/adit-ros"),
            "{elsewhere}"
        );
        for target in [Some(Path::new("/src/target")), None] {
            assert!(compiles_because(built, target).contains("have changed"));
        }
        let workspace = layout::workspace().expect("the sources are there");
        assert!(target_folder(&workspace).is_some_and(|folder| folder.is_absolute()));
    }

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
