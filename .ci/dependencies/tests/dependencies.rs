//! Adit's own dependencies, as `Cargo.lock` has them, against Adit's own `deny.toml`.
//!
//! The fuzz targets (`firmware-bridge/fuzz`) and the benchmark's peer beside them are workspaces of their own, and are
//! not judged: nothing of them becomes part of Adit.

use std::process::Command;

use dependency_policy::{Metadata, Policy};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

fn policy() -> Policy {
    let text = std::fs::read_to_string(format!("{ROOT}/deny.toml")).expect("deny.toml reads");
    Policy::parse(&text).unwrap_or_else(|error| panic!("{error}"))
}

fn metadata(policy: &Policy) -> Metadata {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["metadata", "--format-version", "1", "--locked"]).current_dir(ROOT);
    let graph = policy.graph();
    cargo.args(graph.all_features.then_some("--all-features"));
    cargo.args(graph.targets.iter().flat_map(|target| ["--filter-platform", target]));
    let output = cargo.output().expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("metadata")
}

#[test]
fn dependencies_are_what_deny_toml_allows() {
    let policy = policy();
    let packages = metadata(&policy).packages;
    // The graph is whole: features that are off by default count too.
    for name in ["launch", "nalgebra", "r2r"] {
        assert!(packages.iter().any(|package| package.name == name), "{name} is not in the graph");
    }
    let violations: Vec<String> =
        packages.iter().flat_map(|package| policy.violations(package)).map(|v| v.to_string()).collect();
    assert!(violations.is_empty(), "\n{}\n", violations.join("\n"));
}

#[test]
fn the_declared_rust_version_is_no_older_than_any_dependency_asks_for() {
    let metadata = metadata(&policy());
    let declared: Vec<_> = metadata.declared_rust_versions().into_iter().collect();
    let [Some(declared)] = declared[..] else {
        panic!("each crate takes rust-version from the workspace: {declared:?}")
    };
    let newer: Vec<String> = metadata
        .newer_than(declared)
        .filter_map(|p| Some(format!("{} {} asks for Rust {}", p.name, p.version, p.rust_version?)))
        .collect();
    assert!(
        newer.is_empty(),
        "rust-version is {declared}, but {}\n  help: raise it in Cargo.toml and README.md, or take an older version",
        newer.join(", ")
    );
}
