//! The finished ROS 2 environment: the variables that programs in it need, and the `adit-ros` program.

use std::env;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::state::State;
use super::underlay::{self, Underlay};
use super::{SetupError, binary, interfaces, wheels};

/// Names the folder that `adit setup ros --prefix` was given, for commands without that option.
const FOLDER: &str = "ADIT_ROS";

/// The packages whose messages the nodes use or that those contain: r2r generates code for no others.
const MESSAGES: [&str; 16] = [
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

/// A ROS 2 environment that `adit setup ros` has made.
#[derive(Clone, Debug)]
pub struct RosEnvironment {
    folder: PathBuf,
    underlay: Underlay,
    interfaces: String,
    interface_python: PathBuf,
    binary: PathBuf,
}

impl RosEnvironment {
    /// The environment in `prefix`; without one in `$ADIT_ROS`, else in `.ros` of the workspace.
    ///
    /// # Errors
    /// When it is not set up, or has been moved since. It is not looked at more closely than that.
    pub fn find(prefix: Option<&Path>) -> Result<Self, SetupError> {
        let folder = folder(prefix)?;
        let state = State::load(&folder);
        let found = Self::on(&state).filter(|found| {
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

    /// The environment so far: the program may not have been built yet.
    pub(super) fn on(state: &State) -> Option<Self> {
        Some(Self {
            folder: state.folder.clone(),
            underlay: state.underlay.clone()?,
            interfaces: state.interfaces.clone()?,
            interface_python: state.interface_python.clone(),
            binary: state.binary.clone().unwrap_or_default(),
        })
    }

    /// The `adit-ros` program: the `adit` command with the ROS 2 nodes in it.
    pub fn binary(&self) -> PathBuf {
        self.binary.clone()
    }

    /// What the programs of this environment need, with the values of this process kept behind.
    pub fn variables(&self) -> Vec<(String, OsString)> {
        let shell = underlay::own_variables();
        let joined = |(name, entries): (&str, Vec<PathBuf>)| {
            let kept = underlay::split(shell.get(name)).into_iter().filter(|entry| !of_cargo(name, entry));
            (name.to_owned(), join(entries.into_iter().chain(kept)))
        };
        self.lists().into_iter().map(joined).chain(self.values()).collect()
    }

    /// What compiles against this environment needs. Values of this process stay out where r2r takes a
    /// change of them for another environment and generates everything anew.
    pub(super) fn build_variables(&self) -> Vec<(String, OsString)> {
        let watched = ["AMENT_PREFIX_PATH", "CMAKE_PREFIX_PATH"];
        let ours = self.lists().into_iter().filter(|(name, _)| watched.contains(name));
        let ours = ours.map(|(name, entries)| (name.to_owned(), join(entries)));
        self.variables().into_iter().chain(ours).collect()
    }

    /// Compiles `adit-ros` again if the sources of Adit that this program was made from have changed
    /// since; a second or so if not. Without the sources, the program has to be there.
    ///
    /// # Errors
    /// When it does not compile, or the interface packages have changed and have to be set up again.
    pub fn ensure_built(&self) -> Result<PathBuf, SetupError> {
        let Some(workspace) = super::workspace() else { return Ok(self.binary()) };
        if interfaces::stamp(&workspace, &self.underlay)? != self.interfaces {
            return Err(SetupError::missing(
                "the messages of Adit, or the ROS 2 installation, have changed since the setup",
                "run `adit setup ros`",
            ));
        }
        binary::build(&mut super::Steps::quiet(&self.folder)?, &workspace, self)
    }

    fn lists(&self) -> [(&'static str, Vec<PathBuf>); 5] {
        let install = interfaces::install(&self.folder);
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
            (FOLDER.to_owned(), self.folder.clone().into()),
            ("ROS_DISTRO".to_owned(), self.underlay.distro.clone().into()),
            ("IDL_PACKAGE_FILTER".to_owned(), self.message_filter().into()),
        ];
        if self.underlay.from_wheels {
            // Their rcl is linked to this one; another one that the shell may ask for cannot be loaded.
            values.push(("RMW_IMPLEMENTATION".to_owned(), wheels::MIDDLEWARE.into()));
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
        format!("{};adit_msgs_as_of_{}", MESSAGES.join(";"), self.interfaces)
    }
}

/// The folder that is meant, absolute.
pub(super) fn folder(prefix: Option<&Path>) -> Result<PathBuf, SetupError> {
    let named = prefix.map(Path::to_owned).or_else(|| env::var_os(FOLDER).map(PathBuf::from));
    let folder = named.unwrap_or_else(|| super::workspace().unwrap_or_default().join(".ros"));
    let folder = std::path::absolute(&folder).map_err(SetupError::at(&folder))?;
    // A folder and a link to it are the same, and so is what is found through either.
    Ok(folder.canonicalize().unwrap_or(folder))
}

/// `text` as a shell reads it back.
pub fn quoted(text: &OsStr) -> String {
    let text = text.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-+=:,./@%".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.into_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// Joins the entries of a list of paths, each once, where it comes first.
fn join(entries: impl IntoIterator<Item = PathBuf>) -> OsString {
    let mut all: Vec<PathBuf> = Vec::new();
    for entry in entries {
        if !entry.as_os_str().is_empty() && !all.contains(&entry) {
            all.push(entry);
        }
    }
    let mut joined = OsString::new();
    for (n, entry) in all.iter().enumerate() {
        if n > 0 {
            joined.push(":");
        }
        joined.push(entry);
    }
    joined
}

/// `cargo run` puts folders of its own before the libraries, which no shell should keep.
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
    fn the_shell_reads_back_what_was_quoted() {
        let cases = [
            ("/opt/ros/jazzy:/a", "/opt/ros/jazzy:/a"),
            ("", "''"),
            ("std_msgs;nav_msgs", "'std_msgs;nav_msgs'"),
            ("a b", "'a b'"),
            ("it's $HOME `x`", r"'it'\''s $HOME `x`'"),
        ];
        for (text, expected) in cases {
            assert_eq!(quoted(OsStr::new(text)), expected);
            let script = format!("printf %s {expected}");
            let output = std::process::Command::new("sh").args(["-c", &script]).output().expect("a shell");
            assert_eq!(String::from_utf8_lossy(&output.stdout), text);
        }
    }

    #[test]
    fn lists_have_each_entry_once() {
        let entries = ["/a", "/b", "/a", "", "/c", "/b"].map(PathBuf::from);
        assert_eq!(join(entries.clone()), "/a:/b:/c");
        let again = underlay::split(Some(&join(entries.clone())));
        assert_eq!(join(entries.into_iter().chain(again)), "/a:/b:/c");
        assert_eq!(join([]), "");
    }

    #[test]
    fn what_is_not_set_up_names_the_remedy() {
        let folder = tempfile::tempdir().expect("a folder");
        let error = RosEnvironment::find(Some(&folder.path().join("a b"))).expect_err("nothing there");
        let text = error.to_string();
        assert!(text.contains("adit setup ros --prefix '") && text.contains("a b'"), "{text}");
    }
}
