//! The ROS 2 installation to build on: the one that the shell has sourced, else the newest in `/opt/ros`.

use std::collections::BTreeMap;
use std::env;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::{Deserialize, Serialize};

use super::{SetupError, state};

/// Where a distribution is installed by its packages.
pub(super) const OPT_ROS: &str = "/opt/ros";

/// The distributions that r2r 0.9.7 builds against, oldest first.
const USABLE: [&str; 5] = ["humble", "iron", "jazzy", "lyrical", "rolling"];

/// A ROS 2 installation, as later steps and commands need to know it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct Underlay {
    /// Made by `adit setup ros` from Python wheels.
    pub(super) from_wheels: bool,
    /// Such as `jazzy`.
    pub(super) distro: String,
    /// Of `AMENT_PREFIX_PATH`.
    pub(super) prefixes: Vec<PathBuf>,
    /// Of `CMAKE_PREFIX_PATH`.
    pub(super) cmake_prefixes: Vec<PathBuf>,
    /// Of `LD_LIBRARY_PATH`.
    pub(super) libraries: Vec<PathBuf>,
    /// Of `PYTHONPATH`.
    pub(super) python_path: Vec<PathBuf>,
    /// Of `PATH`.
    pub(super) programs: Vec<PathBuf>,
    /// The interpreter that its Python packages are for.
    pub(super) python: PathBuf,
    /// Folder of libclang, where bindgen does not find it by itself.
    pub(super) libclang: Option<PathBuf>,
    /// What bindgen has to tell a libclang that came without its headers.
    pub(super) clang_arguments: Option<String>,
}

/// Variables of a shell.
pub(super) type Variables = BTreeMap<String, OsString>;

/// What there is to build on.
#[derive(Debug, PartialEq)]
pub(super) enum Found {
    /// The shell has sourced an installation.
    Sourced,
    /// This one was used before, and is still there.
    Recorded(Underlay),
    /// There is one here that was not sourced.
    Installed(PathBuf),
    /// A prefix of wheels has to be made.
    Nothing,
}

/// Looks for an installation: a sourced one wins, then the one used before.
pub(super) fn detect(
    variables: &Variables,
    recorded: Option<&Underlay>,
    opt_ros: &Path,
) -> Result<Found, SetupError> {
    let distro = variables.get("ROS_DISTRO").and_then(|d| d.to_str()).unwrap_or_default();
    if !distro.is_empty() && foreign_prefixes(variables).iter().any(|p| has_rcl(p)) {
        return if USABLE.contains(&distro) {
            Ok(Found::Sourced)
        } else {
            Err(SetupError::missing(
                format!("the sourced ROS 2 distribution is {distro}, which the Rust bindings cannot use"),
                "source ROS 2 Jazzy (or Humble, Iron, Lyrical, Rolling), or begin in a shell that has sourced none",
            ))
        };
    }
    if let Some(underlay) = recorded.filter(|u| !u.from_wheels && u.prefixes.iter().any(|p| has_rcl(p))) {
        return Ok(Found::Recorded(underlay.clone()));
    }
    let mut newest_first = USABLE.iter().rev().map(|distro| opt_ros.join(distro));
    let newest = newest_first.find(|folder| has_rcl(folder) && folder.join("setup.bash").is_file());
    Ok(newest.map_or(Found::Nothing, Found::Installed))
}

impl Underlay {
    /// A prefix and nothing else.
    #[cfg(test)]
    pub(super) fn bare(prefix: &Path) -> Self {
        Self {
            from_wheels: false,
            distro: "jazzy".to_owned(),
            prefixes: vec![prefix.to_owned()],
            cmake_prefixes: vec![],
            libraries: vec![],
            python_path: vec![],
            programs: vec![],
            python: "python3".into(),
            libclang: None,
            clang_arguments: None,
        }
    }

    /// The installation that a shell with these variables has sourced.
    pub(super) fn sourced(variables: &Variables) -> Result<Self, SetupError> {
        let prefixes = foreign_prefixes(variables);
        let paths = |name: &str| split(variables.get(name));
        // What does not belong to ROS 2 stays out of the record: each shell adds its own.
        let below = |name: &str| {
            let inside = |p: &PathBuf| prefixes.iter().any(|prefix| p.starts_with(prefix));
            paths(name).into_iter().filter(inside).collect::<Vec<_>>()
        };
        let mut cmake_prefixes = prefixes.clone();
        cmake_prefixes.extend(below("CMAKE_PREFIX_PATH").into_iter().filter(|p| !prefixes.contains(p)));
        let distro =
            variables.get("ROS_DISTRO").map(|d| d.to_string_lossy().into_owned()).unwrap_or_default();
        let (libraries, python_path) = (below("LD_LIBRARY_PATH"), below("PYTHONPATH"));
        let python = python_of(variables).ok_or_else(|| {
            SetupError::missing(
                format!("no Python here can import rclpy of ROS 2 {distro}"),
                format!(
                    "install it (sudo apt install ros-{distro}-rclpy), or deactivate the virtual environment"
                ),
            )
        })?;
        let libclang = libclang()?;
        Ok(Self {
            from_wheels: false,
            distro,
            cmake_prefixes,
            libraries,
            python_path,
            programs: below("PATH"),
            python,
            libclang,
            clang_arguments: None,
            prefixes,
        })
    }

    /// The installation in `folder`, which no shell has sourced.
    pub(super) fn installed(folder: &Path) -> Result<Self, SetupError> {
        let remedy = format!("source {}/setup.bash and begin again", folder.display());
        let output = Command::new("bash")
            .args(["-c", "source \"$1/setup.bash\" >&2 && env -0", "bash"])
            .arg(folder)
            .output()
            .map_err(|e| SetupError::missing(format!("cannot start bash: {e}"), remedy.clone()))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(SetupError::missing(
                format!("{} cannot be sourced: {said}", folder.display()),
                remedy,
            ));
        }
        let lines = output.stdout.split(|b| *b == 0);
        let pair = |line: &[u8]| {
            let at = line.iter().position(|b| *b == b'=')?;
            let name = String::from_utf8(line[..at].to_vec()).ok()?;
            Some((name, OsString::from_vec(line[at + 1..].to_vec())))
        };
        Self::sourced(&lines.filter_map(pair).collect())
    }
}

/// The variables of this process.
pub(super) fn own_variables() -> Variables {
    env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value))).collect()
}

/// The entries of a variable that is a list of paths.
pub(super) fn split(value: Option<&OsString>) -> Vec<PathBuf> {
    let entries = value.map(OsString::as_os_str).unwrap_or_default().as_bytes().split(|b| *b == b':');
    entries.filter(|e| !e.is_empty()).map(|e| PathBuf::from(OsStr::from_bytes(e))).collect()
}

/// The sourced prefixes, without those that Adit made: they are the answer here, not the question.
fn foreign_prefixes(variables: &Variables) -> Vec<PathBuf> {
    let ours = |p: &PathBuf| p.parent().is_some_and(|parent| state::file(parent).is_file());
    split(variables.get("AMENT_PREFIX_PATH")).into_iter().filter(|p| !ours(p)).collect()
}

fn has_rcl(prefix: &Path) -> bool {
    prefix.join("share/rcl/package.xml").is_file()
}

/// The Python that can import rclpy in a shell with these variables: a virtual environment or pyenv may
/// stand before the one that ROS 2 was built for.
fn python_of(variables: &Variables) -> Option<PathBuf> {
    let can = |python: &&&str| {
        let mut command = Command::new(python);
        command.args(["-c", "import rclpy, sys; print(sys.executable)"]).env_clear().envs(variables);
        command.output().is_ok_and(|output| output.status.success())
    };
    ["python3", "/usr/bin/python3"].iter().find(can).map(PathBuf::from)
}

/// The folder of libclang where bindgen has to be told it; an error where there is none.
fn libclang() -> Result<Option<PathBuf>, SetupError> {
    if let Some(folder) = env::var_os("LIBCLANG_PATH") {
        return Ok(Some(folder.into()));
    }
    let named = |folder: &Path| {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let names = entries.map(|e| e.file_name().to_string_lossy().into_owned()).collect::<Vec<_>>();
        names.iter().any(|n| n.starts_with("libclang.so") || n.starts_with("libclang-"))
    };
    let arch = env::consts::ARCH;
    let mut folders: Vec<PathBuf> =
        ["/usr/lib64", "/usr/lib", "/usr/local/lib"].iter().map(PathBuf::from).collect();
    folders.push(format!("/usr/lib/{arch}-linux-gnu").into());
    let versions = std::fs::read_dir("/usr/lib").into_iter().flatten().flatten().map(|e| e.path());
    folders.extend(versions.filter(|p| p.to_string_lossy().contains("/llvm")).map(|p| p.join("lib")));
    if folders.iter().any(|folder| named(folder)) {
        return Ok(None);
    }
    Err(SetupError::missing(
        "libclang is missing, which reads the headers of ROS 2",
        "install it (sudo apt install libclang-dev), or set LIBCLANG_PATH to the folder of libclang.so",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_rcl(folder: &Path) -> PathBuf {
        std::fs::create_dir_all(folder.join("share/rcl")).expect("made");
        for file in ["share/rcl/package.xml", "setup.bash"] {
            std::fs::write(folder.join(file), "").expect("written");
        }
        folder.to_owned()
    }

    fn shell(prefixes: &[&Path], distro: &str) -> Variables {
        let path = env::join_paths(prefixes).expect("paths");
        [("AMENT_PREFIX_PATH".to_owned(), path), ("ROS_DISTRO".to_owned(), distro.into())].into()
    }

    fn recorded(from_wheels: bool, prefix: &Path) -> Underlay {
        Underlay { from_wheels, ..Underlay::bare(prefix) }
    }

    #[test]
    fn a_sourced_installation_wins_then_the_recorded_then_the_newest() {
        let root = tempfile::tempdir().expect("a folder");
        let (opt, own) = (root.path().join("opt"), root.path().join("own"));
        let none = Variables::new();
        let found = |shell: &Variables, old: Option<&Underlay>| detect(shell, old, &opt).expect("found");
        assert_eq!(found(&none, None), Found::Nothing);

        // A sourced prefix that is not really there does not count.
        assert_eq!(found(&shell(&[&own], "jazzy"), None), Found::Nothing);
        with_rcl(&own);
        assert_eq!(found(&shell(&[&own], "jazzy"), None), Found::Sourced);
        assert!(detect(&shell(&[&own], "kilted"), None, &opt).is_err());

        with_rcl(&opt.join("humble"));
        let jazzy = with_rcl(&opt.join("jazzy"));
        with_rcl(&opt.join("kilted"));
        assert_eq!(found(&none, None), Found::Installed(jazzy));
        let old = recorded(false, &own);
        assert_eq!(found(&none, Some(&old)), Found::Recorded(old.clone()));
        assert_eq!(found(&shell(&[&own], "jazzy"), Some(&old)), Found::Sourced);
        assert!(matches!(found(&none, Some(&recorded(true, &own))), Found::Installed(_)));
    }

    #[test]
    fn what_adit_made_is_not_taken_for_an_installation() {
        let root = tempfile::tempdir().expect("a folder");
        let made = with_rcl(&root.path().join(".ros/jazzy"));
        std::fs::write(root.path().join(".ros/setup.toml"), "").expect("written");
        let found = detect(&shell(&[&made], "jazzy"), None, &root.path().join("opt")).expect("found");
        assert_eq!(found, Found::Nothing);
    }
}
