//! Environment variables: those of this process, lists of paths, and quoting for a shell.

use std::collections::BTreeMap;
use std::env;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// Variables of a shell.
pub(super) type Variables = BTreeMap<String, OsString>;

/// Returns the variables of this process.
pub(super) fn own_variables() -> Variables {
    env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value))).collect()
}

/// Returns the entries of a variable that is a list of paths.
pub(super) fn split_paths(value: Option<&OsString>) -> Vec<PathBuf> {
    let entries = value.map(OsString::as_os_str).unwrap_or_default().as_bytes().split(|b| *b == b':');
    entries.filter(|e| !e.is_empty()).map(|e| PathBuf::from(OsStr::from_bytes(e))).collect()
}

/// Joins the entries of a list of paths, each once, where it comes first.
pub(super) fn join_paths(entries: impl IntoIterator<Item = PathBuf>) -> OsString {
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

/// Returns `text` quoted so that a shell reads it back.
pub fn quoted(text: &OsStr) -> String {
    let text = text.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-+=:,./@%".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.into_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
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
        assert_eq!(join_paths(entries.clone()), "/a:/b:/c");
        let again = split_paths(Some(&join_paths(entries.clone())));
        assert_eq!(join_paths(entries.into_iter().chain(again)), "/a:/b:/c");
        assert_eq!(join_paths([]), "");
    }
}
