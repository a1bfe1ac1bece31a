//! A Python that the wheels of ROS 2 fit.

use std::path::PathBuf;
use std::process::Command;

use super::SetupError;

/// The minor versions of Python 3 for which there are wheels.
const VERSIONS: std::ops::RangeInclusive<u32> = 10..=13;

/// A usable Python 3.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Python {
    program: PathBuf,
    /// Such as 12 for Python 3.12.
    pub(super) minor: u32,
}

/// What a Python says of itself. In a virtual environment it names the one that this was made from: the
/// environment may be the very one that is about to be made anew.
const ASK: &str = "
import importlib.util as u, os, platform, sys, sysconfig
print(sys.version_info[1])
print(os.path.realpath(getattr(sys, '_base_executable', sys.executable)))
print(bool(u.find_spec('venv') and u.find_spec('ensurepip')))
print(os.path.isfile(os.path.join(sysconfig.get_paths()['include'], 'Python.h')))
print(platform.system() + ' ' + platform.machine() + ' ' + platform.libc_ver()[0])
";

impl Python {
    /// The first of the usual names that the wheels fit; the error is about `python3`, if there is one.
    pub(super) fn find() -> Result<Self, SetupError> {
        let mut first = None;
        for name in ["python3", "python3.12", "python3.13", "python3.11", "python3.10"] {
            let Ok(output) = Command::new(name).args(["-c", ASK]).output() else { continue };
            if !output.status.success() {
                continue;
            }
            match Self::judge(&String::from_utf8_lossy(&output.stdout)) {
                Ok(python) => return Ok(python),
                Err(error) => first = first.or(Some(error)),
            }
        }
        Err(first.unwrap_or_else(|| {
            SetupError::missing(
                "Python 3 is missing, which ROS 2 needs",
                "install it (sudo apt install python3 python3-venv python3-dev)",
            )
        }))
    }

    /// Whether the wheels fit a Python that gave this answer.
    fn judge(answer: &str) -> Result<Self, SetupError> {
        let answer: Vec<&str> = answer.lines().collect();
        let [minor, program, venv, headers, machine] = answer[..] else {
            return Err(SetupError::missing("python3 gives no sensible answer", "install Python 3 anew"));
        };
        let minor: u32 = minor.parse().unwrap_or_default();
        if machine != "Linux x86_64 glibc" {
            return Err(SetupError::missing(
                format!("no ROS 2 installation here, and there are no wheels of it for {machine}"),
                "install ROS 2 Jazzy from its vendor's packages (https://docs.ros.org/en/jazzy/Installation.html), \
                 source /opt/ros/jazzy/setup.bash and begin again",
            ));
        }
        if !VERSIONS.contains(&minor) {
            return Err(SetupError::missing(
                format!("Python 3.{minor} is not one that ROS 2 has wheels for: 3.10 to 3.13"),
                "put one of those on the PATH (python3.12, say), or install and source ROS 2 Jazzy",
            ));
        }
        if venv != "True" {
            return Err(SetupError::missing(
                format!("{program} cannot make virtual environments"),
                format!("install what it lacks (sudo apt install python3.{minor}-venv)"),
            ));
        }
        if headers != "True" {
            return Err(SetupError::missing(
                format!("{program} lacks its C headers, which message packages are compiled against"),
                format!("install them (sudo apt install python3.{minor}-dev)"),
            ));
        }
        Ok(Self { program: program.into(), minor })
    }

    /// A command that runs it, free of what would lead it astray.
    pub(super) fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.env_remove("PYTHONHOME").env_remove("PYTHONPATH");
        command
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_refused_with_its_remedy() {
        let cases = [
            ("9\n/usr/bin/python3\nTrue\nTrue\nLinux x86_64 glibc\n", "3.10 to 3.13"),
            ("14\n/usr/bin/python3\nTrue\nTrue\nLinux x86_64 glibc\n", "python3.12, say"),
            ("12\n/usr/bin/python3\nFalse\nTrue\nLinux x86_64 glibc\n", "python3.12-venv"),
            ("12\n/usr/bin/python3\nTrue\nFalse\nLinux x86_64 glibc\n", "python3.12-dev"),
            ("12\n/usr/bin/python3\nTrue\nTrue\nLinux aarch64 glibc\n", "vendor's packages"),
            ("12\n/usr/bin/python3\nTrue\nTrue\nLinux x86_64 \n", "no wheels"),
            ("?", "no sensible answer"),
        ];
        for (answer, expected) in cases {
            let error = Python::judge(answer).expect_err(answer).to_string();
            assert!(error.contains(expected) && error.contains("help:"), "{answer}: {error}");
        }
        let fits = Python::judge("12\n/usr/bin/python3\nTrue\nTrue\nLinux x86_64 glibc\n").expect("fits");
        assert_eq!(fits, Python { program: "/usr/bin/python3".into(), minor: 12 });
    }
}
