//! Stamps: a step is done again when the stamp of its inputs, or of the files that it left, is another one.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

/// Returns a stamp of some inputs. Should a new version of Rust hash differently, the steps are done once more.
pub(super) fn stamp(inputs: impl Hash) -> String {
    let mut hasher = DefaultHasher::new();
    inputs.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

/// Returns a stamp of the names and sizes of the files below `folders`, which notices what was deleted or cut
/// short. Files that Python compiles at run time do not count.
pub(super) fn stamp_of_files(folders: &[PathBuf], deep: bool) -> String {
    let mut files = Vec::new();
    for folder in folders {
        list_files(folder, deep, &mut files);
    }
    files.sort();
    stamp(files)
}

fn list_files(folder: &Path, deep: bool, files: &mut Vec<(PathBuf, u64)>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        // Links are followed, so that a link to nothing counts as missing.
        match fs::metadata(&path) {
            Ok(data) if data.is_file() => files.push((path, data.len())),
            Ok(data) if data.is_dir() && deep && !path.ends_with("__pycache__") => {
                list_files(&path, deep, files)
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_go_or_shrink_change_the_stamp() {
        let folder = tempfile::tempdir().expect("a folder");
        let deep = folder.path().join("deep");
        fs::create_dir(&deep).expect("made");
        let library = deep.join("librcl.so");
        let of = |deep| stamp_of_files(&[folder.path().to_owned()], deep);
        let empty = of(true);
        fs::write(&library, "12345").expect("written");
        let whole = of(true);
        assert_ne!(whole, empty);
        assert_eq!(of(false), empty);
        fs::create_dir(folder.path().join("__pycache__")).expect("made");
        fs::write(folder.path().join("__pycache__/x.pyc"), "1").expect("written");
        assert_eq!(of(true), whole);
        fs::write(&library, "1234").expect("written");
        assert_ne!(of(true), whole);
        fs::remove_file(&library).expect("removed");
        assert_eq!(of(true), empty);
    }
}
