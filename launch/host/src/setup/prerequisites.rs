//! Conditions of a setup that are checked before anything is changed.

use std::env;
use std::path::Path;

use super::error::SetupError;
use super::variables::split_paths;

/// Remedy where there is no compiler.
pub(super) const INSTALL_COMPILERS: &str = "install the compilers (sudo apt install build-essential)";

/// Checks that there are compilers.
pub(super) fn check_programs() -> Result<(), SetupError> {
    for program in ["gcc", "g++", "make"] {
        if !on_path(program) {
            return Err(SetupError::missing(format!("{program} is missing"), INSTALL_COMPILERS));
        }
    }
    Ok(())
}

/// Returns true for a program on the `PATH`.
pub(super) fn on_path(program: &str) -> bool {
    let path = env::var_os("PATH");
    split_paths(path.as_ref()).iter().any(|folder| folder.join(program).is_file())
}

/// Checks the folder's path: lists of paths have no way to carry some characters, and neither has cmake.
pub(super) fn check_path(folder: &Path) -> Result<(), SetupError> {
    let refused = |c: char| c.is_control() || ":;\"'\\$`#*?[]".contains(c);
    match folder.to_str() {
        Some(text) if !text.contains(refused) => Ok(()),
        _ => Err(SetupError::missing(
            format!(
                "ROS 2 cannot live in {}: its path has a character that its tools cannot carry",
                folder.display()
            ),
            "choose a --prefix of plain letters, digits and -_./",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_no_list_can_carry_are_refused() {
        assert!(check_path(Path::new("/some/where/.ros")).is_ok());
        for path in ["/a:b", "/a;b", "/a'b", "/a\nb", "/$a"] {
            assert!(check_path(Path::new(path)).is_err(), "{path}");
        }
    }
}
