//! Licences, bans and sources of dependencies, judged by the lists of `deny.toml`.
//!
//! ```text
//! deny.toml ------> Policy --+
//!                            +--> violations: crate, version, what is wrong, what to do
//! cargo metadata -> Package -+
//! ```
//!
//! `cargo deny check licenses bans sources` says the same; compiling it takes minutes, and this takes seconds. What it
//! knows of `deny.toml` is what Adit's has: a key that it does not know is refused, not passed over, so that nobody
//! relies on a list which nothing reads. Advisories are cargo-deny's alone (CONTRIBUTING.md), since their database is
//! on the network.
//!
//! ```
//! use dependency_policy::{Package, Policy};
//!
//! let policy = Policy::parse(
//!     r#"
//!     [licenses]
//!     allow = ["MIT", "Apache-2.0"]
//!     [bans]
//!     multiple-versions = "allow"
//!     [sources]
//!     unknown-registry = "deny"
//!     unknown-git = "deny"
//!     "#,
//! )?;
//! let package = Package {
//!     name: "copyleft".to_owned(),
//!     version: "1.0.0".to_owned(),
//!     license: Some("MIT AND GPL-3.0-only".to_owned()),
//!     source: None,
//!     rust_version: None,
//! };
//! let violations = policy.violations(&package);
//! assert!(violations[0].to_string().starts_with("copyleft 1.0.0: its licence `MIT AND GPL-3.0-only`"));
//! # Ok::<(), dependency_policy::PolicyError>(())
//! ```

mod metadata;
mod policy;

pub use metadata::{Metadata, Package, RustVersion};
pub use policy::{Graph, Policy, PolicyError, Violation};
