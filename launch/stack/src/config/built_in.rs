//! Folders of files that are part of the binary.

use include_dir::Dir;

/// Returns the names of the TOML files of a built-in folder, sorted, without their ending.
pub fn names(dir: &Dir<'_>) -> Vec<String> {
    let mut names: Vec<String> = dir
        .files()
        .filter(|f| f.path().extension().is_some_and(|e| e == "toml"))
        .filter_map(|f| Some(f.path().file_stem()?.to_str()?.to_owned()))
        .collect();
    names.sort();
    names
}
