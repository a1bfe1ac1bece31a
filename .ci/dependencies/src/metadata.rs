//! The part of `cargo metadata`'s answer that the policy is about.

use std::collections::HashSet;
use std::fmt;

use serde::Deserialize;

/// Answer of `cargo metadata --format-version 1`.
#[derive(Debug, Deserialize)]
pub struct Metadata {
    /// All packages of the graph, the workspace's own among them.
    pub packages: Vec<Package>,
}

/// One version of a crate.
#[derive(Clone, Debug, Deserialize)]
pub struct Package {
    /// Name in the registry.
    pub name: String,
    /// Version.
    pub version: String,
    /// SPDX expression, as its author wrote it.
    pub license: Option<String>,
    /// Registry or repository, as cargo writes it; `None` for a path.
    pub source: Option<String>,
    /// The oldest compiler that it says it builds with.
    pub rust_version: Option<RustVersion>,
}

/// A compiler's version: major, minor, patch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct RustVersion([u32; 3]);

impl TryFrom<String> for RustVersion {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let mut version = [0; 3];
        let parts = text.split('.').enumerate();
        for (place, part) in parts {
            let number = part.parse().ok();
            let (Some(slot), Some(number)) = (version.get_mut(place), number) else {
                return Err(format!("`{text}` is not a compiler's version: write it as 1.94 or 1.94.0"));
            };
            *slot = number;
        }
        Ok(Self(version))
    }
}

impl fmt::Display for RustVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, patch] = self.0;
        write!(f, "{major}.{minor}.{patch}")
    }
}

impl Metadata {
    /// Returns what the workspace's own crates declare. More than one: they do not agree.
    pub fn declared_rust_versions(&self) -> HashSet<Option<RustVersion>> {
        self.packages.iter().filter(|p| p.source.is_none()).map(|p| p.rust_version).collect()
    }

    /// Returns the packages that ask for a newer compiler than `declared`.
    pub fn newer_than(&self, declared: RustVersion) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(move |p| p.rust_version > Some(declared))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata(text: &str) -> Metadata {
        serde_json::from_str(text).expect("metadata")
    }

    #[test]
    fn versions_are_compared_by_number_and_not_by_text() {
        let version = |text: &str| RustVersion::try_from(text.to_owned());
        assert!(version("1.9").expect("two parts") < version("1.89").expect("two parts"));
        assert_eq!(version("1.89"), version("1.89.0"));
        for bad in ["", "1.89-nightly", "stable", "1.2.3.4"] {
            assert!(version(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_dependency_that_asks_for_a_newer_compiler_is_found() {
        let metadata = metadata(
            r#"{ "packages": [
                { "name": "ours", "version": "0.1.0", "license": null, "source": null, "rust_version": "1.89" },
                { "name": "old", "version": "1.0.0", "license": null, "source": "s", "rust_version": null },
                { "name": "same", "version": "1.0.0", "license": null, "source": "s", "rust_version": "1.89.0" },
                { "name": "new", "version": "2.0.0", "license": null, "source": "s", "rust_version": "1.90" }
            ] }"#,
        );
        let declared: Vec<_> = metadata.declared_rust_versions().into_iter().flatten().collect();
        let [declared] = declared[..] else { panic!("one version: {declared:?}") };
        let newer: Vec<&str> = metadata.newer_than(declared).map(|p| p.name.as_str()).collect();
        assert_eq!(newer, ["new"]);
    }
}
