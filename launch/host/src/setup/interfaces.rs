//! Builds the message packages of Adit, and tf2_msgs where the installation lacks it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::env::RosEnvironment;
use super::state::{self, State, stamp_of_files};
use super::underlay::Underlay;
use super::{SetupError, Steps, clear};

/// Where the packages are installed.
pub(super) fn install(folder: &Path) -> PathBuf {
    folder.join("install")
}

/// A stamp of the packages' sources and of what they are built against.
pub(super) fn stamp(workspace: &Path, underlay: &Underlay) -> Result<String, SetupError> {
    let mut sources = Vec::new();
    for package in packages(underlay) {
        read(&workspace.join("launch").join(package), &mut sources)?;
    }
    Ok(state::stamp((sources, underlay)))
}

/// Builds and installs the packages, unless that has been done with the same sources and is still whole.
pub(super) fn ensure(steps: &mut Steps, state: &mut State, workspace: &Path) -> Result<(), SetupError> {
    let Some(underlay) = state.underlay.clone() else { return Ok(()) };
    let wanted = stamp(workspace, &underlay)?;
    let installed = install(&state.folder);
    let files = || Some(stamp_of_files(std::slice::from_ref(&installed), true));
    if state.interfaces.as_ref() == Some(&wanted) && state.interface_files == files() {
        return Ok(());
    }
    (state.interfaces, state.interface_files) = (None, None);
    state.save()?;
    for package in packages(&underlay) {
        steps.step(&format!("messages: {package}"), |s| {
            build(s, &state.folder, workspace, package, &underlay)
        })?;
    }
    // The old ones stay until the new ones are ready, and leave nothing behind: a message that was deleted
    // must not be found any more.
    clear(&installed)?;
    for package in packages(&underlay) {
        let build = build_folder(&state.folder, package);
        steps.step(&format!("messages: install {package}"), |s| {
            s.run(command("cmake", &state.folder, &underlay).arg("--install").arg(build))
        })?;
    }
    state.interface_python = python_folder(&installed).unwrap_or_default();
    (state.interfaces, state.interface_files) = (Some(wanted), files());
    state.save()
}

/// The packages to build, in this order.
fn packages(underlay: &Underlay) -> Vec<&'static str> {
    let has_tf2 = underlay.prefixes.iter().any(|p| p.join("share/tf2_msgs/package.xml").is_file());
    if has_tf2 { vec!["adit_msgs"] } else { vec!["tf2_msgs", "adit_msgs"] }
}

fn build(
    steps: &mut Steps,
    folder: &Path,
    workspace: &Path,
    package: &str,
    underlay: &Underlay,
) -> Result<(), SetupError> {
    let build = build_folder(folder, package);
    clear(&build)?;
    let set = |name: &str, value: &Path| format!("-D{name}={}", value.display());
    let mut configure = command("cmake", folder, underlay);
    configure.arg("-S").arg(workspace.join("launch").join(package)).arg("-B").arg(&build);
    configure.args([set("CMAKE_INSTALL_PREFIX", &install(folder)), "-DBUILD_TESTING=OFF".to_owned()]);
    // Both spellings are in use among the generators.
    configure.args([set("Python3_EXECUTABLE", &underlay.python), set("PYTHON_EXECUTABLE", &underlay.python)]);
    steps.run(&mut configure)?;
    let jobs = std::thread::available_parallelism().map_or(1, usize::from);
    steps.run(command("cmake", folder, underlay).arg("--build").arg(&build).args(["-j", &jobs.to_string()]))
}

/// A program in the environment of the installation, before there is anything on top of it.
fn command(program: &str, folder: &Path, underlay: &Underlay) -> Command {
    let bare = State {
        folder: folder.to_owned(),
        underlay: Some(underlay.clone()),
        interfaces: Some(String::new()),
        ..State::default()
    };
    let mut command = Command::new(program);
    command.envs(RosEnvironment::on(&bare).into_iter().flat_map(|e| e.build_variables()));
    command
}

fn build_folder(folder: &Path, package: &str) -> PathBuf {
    folder.join("build").join(package)
}

/// Where Python finds the installed packages: distributions differ in it.
fn python_folder(installed: &Path) -> Option<PathBuf> {
    ["lib", "local/lib"].iter().find_map(|lib| {
        let versions = fs::read_dir(installed.join(lib)).ok()?.flatten();
        let folders =
            versions.flat_map(|v| ["site-packages", "dist-packages"].map(|name| v.path().join(name)));
        folders.into_iter().find(|folder| folder.join("adit_msgs").is_dir())
    })
}

/// The names and contents of the files below a folder, in a fixed order.
fn read(folder: &Path, files: &mut Vec<(PathBuf, Vec<u8>)>) -> Result<(), SetupError> {
    let entries = fs::read_dir(folder).map_err(SetupError::at(folder))?;
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            read(&path, files)?;
        } else {
            let content = fs::read(&path).map_err(SetupError::at(&path))?;
            files.push((path, content));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_message_changes_the_stamp_and_so_does_another_installation() {
        let root = tempfile::tempdir().expect("a folder");
        for file in ["adit_msgs/msg/A.msg", "tf2_msgs/msg/T.msg"] {
            let path = root.path().join("launch").join(file);
            fs::create_dir_all(path.parent().expect("inside")).expect("made");
            fs::write(path, "int32 a\n").expect("written");
        }
        let mut underlay = Underlay::bare(root.path());
        let first = stamp(root.path(), &underlay).expect("read");
        assert_eq!(stamp(root.path(), &underlay).expect("read"), first);

        let message = root.path().join("launch/adit_msgs/msg/A.msg");
        fs::write(&message, "int64 a\n").expect("written");
        let changed = stamp(root.path(), &underlay).expect("read");
        assert_ne!(changed, first);
        fs::rename(&message, message.with_file_name("B.msg")).expect("renamed");
        assert_ne!(stamp(root.path(), &underlay).expect("read"), changed);

        underlay.distro = "rolling".to_owned();
        let there = root.path().join("share/tf2_msgs");
        assert_eq!(packages(&underlay), ["tf2_msgs", "adit_msgs"]);
        fs::create_dir_all(&there).expect("made");
        fs::write(there.join("package.xml"), "").expect("written");
        assert_eq!(packages(&underlay), ["adit_msgs"]);
    }

    #[test]
    fn python_packages_are_found_where_distributions_put_them() {
        for place in ["lib/python3.11/site-packages", "local/lib/python3.12/dist-packages"] {
            let root = tempfile::tempdir().expect("a folder");
            assert_eq!(python_folder(root.path()), None);
            fs::create_dir_all(root.path().join(place).join("adit_msgs")).expect("made");
            assert_eq!(python_folder(root.path()), Some(root.path().join(place)));
        }
    }
}
