//! ROS 2 environment that a setup has made: the variables that programs in it need, and the `adit-ros` program.

use std::env;
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::error::SetupError;
use super::layout::{self, FOLDER_VARIABLE};
use super::state::State;
use super::underlay::{Underlay, WHEELS_MIDDLEWARE};
use super::variables::{join_paths, own_variables, quoted, split_paths};

/// Packages whose messages the nodes use or that those contain: r2r generates code for no others.
const MESSAGE_PACKAGES: [&str; 16] = [
    "action_msgs",
    "adit_msgs",
    "builtin_interfaces",
    "diagnostic_msgs",
    "geometry_msgs",
    "lifecycle_msgs",
    "nav_msgs",
    "rcl_interfaces",
    "rosgraph_msgs",
    "sensor_msgs",
    "service_msgs",
    "std_msgs",
    "std_srvs",
    "tf2_msgs",
    "unique_identifier_msgs",
    "visualization_msgs",
];

/// ROS 2 environment that `adit setup ros` has made.
#[derive(Clone, Debug)]
pub struct RosEnvironment {
    pub(super) folder: PathBuf,
    pub(super) underlay: Underlay,
    /// Stamp of the interface packages.
    pub(super) interfaces: String,
    interface_python: PathBuf,
    binary: PathBuf,
}

impl RosEnvironment {
    /// Finds the environment in `prefix`; without one in `$ADIT_ROS`, else in `.ros` of the workspace.
    ///
    /// # Errors
    /// When it is not set up, or has been moved since. It is not looked at more closely than that.
    pub fn find(prefix: Option<&Path>) -> Result<Self, SetupError> {
        let folder = layout::folder(prefix)?;
        let state = State::load(&folder);
        let found = Self::from_state(&state).filter(|found| {
            let parts = found.underlay.prefixes.iter().chain([&found.interface_python]);
            // An interrupted repair leaves no stamp of the wheels.
            let whole = state.wheels.is_some() || !found.underlay.from_wheels;
            whole && found.binary.is_file() && parts.into_iter().all(|part| part.is_dir())
        });
        found.ok_or_else(|| {
            let option = prefix.map(|p| format!(" --prefix {}", quoted(p.as_os_str()))).unwrap_or_default();
            let command = format!("cargo run --release -- setup ros{option}");
            SetupError::missing(
                format!("ROS 2 is not set up in {}", folder.display()),
                format!("run `adit setup ros{option}` (in a checkout: {command})"),
            )
        })
    }

    /// Returns the environment so far: the program may not have been built yet.
    pub(super) fn from_state(state: &State) -> Option<Self> {
        Some(Self {
            folder: state.folder.clone(),
            underlay: state.underlay.clone()?,
            interfaces: state.interfaces.clone()?,
            interface_python: state.interface_python.clone(),
            binary: state.binary.clone().unwrap_or_default(),
        })
    }

    /// Returns the path of `adit-ros`: the `adit` command with the ROS 2 nodes in it.
    pub fn binary(&self) -> PathBuf {
        self.binary.clone()
    }

    /// Returns the variables that programs of this environment need, with the values of this process kept behind.
    pub fn variables(&self) -> Vec<(String, OsString)> {
        let shell = own_variables();
        let joined = |(name, entries): (&str, Vec<PathBuf>)| {
            let kept = split_paths(shell.get(name)).into_iter().filter(|entry| !of_cargo(name, entry));
            (name.to_owned(), join_paths(entries.into_iter().chain(kept)))
        };
        self.lists().into_iter().map(joined).chain(self.values()).collect()
    }

    /// Returns the variables for compiling against this environment. Values of this process stay out where r2r takes
    /// a change of them for another environment and generates everything anew.
    pub(super) fn build_variables(&self) -> Vec<(String, OsString)> {
        let watched = ["AMENT_PREFIX_PATH", "CMAKE_PREFIX_PATH"];
        let ours = self.lists().into_iter().filter(|(name, _)| watched.contains(name));
        let ours = ours.map(|(name, entries)| (name.to_owned(), join_paths(entries)));
        self.variables().into_iter().chain(ours).collect()
    }

    fn lists(&self) -> [(&'static str, Vec<PathBuf>); 5] {
        let install = layout::install_prefix(&self.folder);
        let first = |path: PathBuf, rest: &[PathBuf]| [&[path], rest].concat();
        let below = &self.underlay;
        [
            ("AMENT_PREFIX_PATH", first(install.clone(), &below.prefixes)),
            ("CMAKE_PREFIX_PATH", first(install.clone(), &below.cmake_prefixes)),
            ("LD_LIBRARY_PATH", first(install.join("lib"), &below.libraries)),
            ("PYTHONPATH", first(self.interface_python.clone(), &below.python_path)),
            ("PATH", below.programs.clone()),
        ]
    }

    fn values(&self) -> Vec<(String, OsString)> {
        let mut values: Vec<(String, OsString)> = vec![
            (FOLDER_VARIABLE.to_owned(), self.folder.clone().into()),
            ("ROS_DISTRO".to_owned(), self.underlay.distro.clone().into()),
            ("IDL_PACKAGE_FILTER".to_owned(), self.message_filter().into()),
        ];
        if self.underlay.from_wheels {
            // Their rcl is linked to this one; another one that the shell may ask for cannot be loaded.
            values.push(("RMW_IMPLEMENTATION".to_owned(), WHEELS_MIDDLEWARE.into()));
        }
        if let Some(folder) = &self.underlay.libclang {
            values.push(("LIBCLANG_PATH".to_owned(), folder.into()));
        }
        if let Some(ours) = &self.underlay.clang_arguments {
            let theirs = env::var("BINDGEN_EXTRA_CLANG_ARGS").unwrap_or_default();
            let kept =
                if theirs.contains(ours) { theirs } else { format!("{ours} {theirs}").trim().to_owned() };
            values.push(("BINDGEN_EXTRA_CLANG_ARGS".to_owned(), kept.into()));
        }
        values
    }

    /// r2r knows a changed environment by its variables alone and would keep its code for messages that
    /// have changed. So the filter also names a package that does not exist, after their contents.
    fn message_filter(&self) -> String {
        format!("{};adit_msgs_as_of_{}", MESSAGE_PACKAGES.join(";"), self.interfaces)
    }
}

/// Returns true for a folder that `cargo run` puts before the libraries, which no shell should keep.
fn of_cargo(name: &str, entry: &Path) -> bool {
    let run_by_cargo = name == "LD_LIBRARY_PATH" && env::var_os("CARGO").is_some();
    let beside = |exe: PathBuf| exe.parent().is_some_and(|folder| entry.starts_with(folder));
    run_by_cargo
        && (env::current_exe().is_ok_and(beside)
            || entry.as_os_str().as_bytes().ends_with(b"/lib") && {
                // The standard library of the toolchain, found by the compiler that lies beside it.
                entry.parent().is_some_and(|toolchain| toolchain.join("bin/rustc").is_file())
            }
            || entry.components().any(|c| c.as_os_str() == "rustlib"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_set_up_names_the_remedy() {
        let folder = tempfile::tempdir().expect("a folder");
        let error = RosEnvironment::find(Some(&folder.path().join("a b"))).expect_err("nothing there");
        let text = error.to_string();
        assert!(text.contains("adit setup ros --prefix '") && text.contains("a b'"), "{text}");
    }
}
