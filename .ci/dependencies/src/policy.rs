//! `deny.toml` and what it says of one package.

use serde::Deserialize;
use spdx::{Expression, Licensee, ParseMode};

use crate::Package;

/// The registry that is known unless `[sources] allow-registry` names others.
const CRATES_IO: &str = "https://github.com/rust-lang/crates.io-index";

/// `deny.toml`, checked.
#[derive(Debug)]
pub struct Policy {
    graph: Graph,
    allowed: Vec<Licensee>,
    exceptions: Vec<(String, Vec<Licensee>)>,
    bans: Vec<Ban>,
    sources: Sources,
}

/// Which dependencies are judged: the graph that cargo is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Graph {
    /// Target triples; all there are if none is named.
    #[serde(default)]
    pub targets: Vec<String>,
    /// All features of the workspace's crates instead of those that are on by default.
    #[serde(default)]
    pub all_features: bool,
}

/// Why a `deny.toml` cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// No TOML, or a key that this crate does not know.
    #[error(
        "deny.toml: {0}\n  help: a key of cargo-deny's that is not known here is read by nobody in CI; teach \
         .ci/dependencies to read it, or leave it out"
    )]
    Unreadable(#[from] toml::de::Error),
    /// An entry of a list of licences that is none.
    #[error(
        "deny.toml: `{text}` is no SPDX licence: {reason}\n  help: write it as on https://spdx.org/licenses"
    )]
    NoLicence {
        /// The entry.
        text: String,
        /// The reader's word.
        reason: String,
    },
    /// A ban or an exception that names versions.
    #[error(
        "deny.toml: `{0}` names versions, which are not compared here\n  help: give the crate's name alone"
    )]
    Versions(String),
}

/// Why a package may not be built from. Each names the crate, its version and a remedy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// No combination of allowed licences satisfies its expression.
    #[error(
        "{package}: its licence `{license}` is not allowed\n  help: use another crate, or, if the licence suits an \
         Apache-2.0 work, add it to [licenses] allow in deny.toml"
    )]
    Licence {
        /// Crate and version.
        package: String,
        /// Its expression.
        license: String,
    },
    /// The expression cannot be read.
    #[error(
        "{package}: its licence `{license}` is no SPDX expression: {reason}\n  help: read its licence file, and use \
         another crate if it cannot be told"
    )]
    UnreadableLicence {
        /// Crate and version.
        package: String,
        /// What it says.
        license: String,
        /// The reader's word.
        reason: String,
    },
    /// It declares none.
    #[error("{package}: it declares no licence\n  help: use another crate")]
    NoLicence {
        /// Crate and version.
        package: String,
    },
    /// It is on the list of banned ones.
    #[error("{package}: it is banned: {reason}\n  help: `cargo tree --invert {package}` tells who brings it")]
    Banned {
        /// Crate and version, as cargo writes it: `name@1.2.3`.
        package: String,
        /// The list's reason.
        reason: String,
    },
    /// It comes from a registry or a repository that is not on the list.
    #[error("{package}: it comes from an unknown {kind}, {source_id}\n  help: take it from crates.io")]
    Source {
        /// Crate and version.
        package: String,
        /// Registry, or git repository.
        kind: &'static str,
        /// Where from, as cargo writes it.
        source_id: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    graph: Graph,
    /// Cargo-deny's alone.
    #[serde(rename = "advisories")]
    _advisories: Option<toml::Table>,
    licenses: LicencesTable,
    bans: BansTable,
    sources: Sources,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LicencesTable {
    allow: Vec<String>,
    #[serde(default)]
    exceptions: Vec<Exception>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Exception {
    #[serde(rename = "crate")]
    name: String,
    allow: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct BansTable {
    /// Two versions of one crate are no fault; the only value that is known here.
    #[serde(rename = "multiple-versions")]
    _multiple_versions: MultipleVersions,
    #[serde(default)]
    deny: Vec<Ban>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum MultipleVersions {
    Allow,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ban {
    #[serde(rename = "crate")]
    name: String,
    reason: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Sources {
    unknown_registry: Level,
    unknown_git: Level,
    #[serde(default = "crates_io")]
    allow_registry: Vec<String>,
    #[serde(default)]
    allow_git: Vec<String>,
}

/// `warn` is not among them: a warning in CI is read by nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Level {
    Deny,
    Allow,
}

fn crates_io() -> Vec<String> {
    vec![CRATES_IO.to_owned()]
}

impl Policy {
    /// Reads a `deny.toml`.
    ///
    /// # Errors
    /// When it is no TOML, names what is no licence, or has a key that is not known here.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        let file: File = toml::from_str(text)?;
        let bans = file.bans.deny;
        let exceptions = file.licenses.exceptions;
        let names = bans.iter().map(|b| &b.name).chain(exceptions.iter().map(|e| &e.name));
        if let Some(versions) = names.into_iter().find(|name| name.contains(['@', ':', ' '])) {
            return Err(PolicyError::Versions(versions.clone()));
        }
        let exceptions = exceptions.into_iter().map(|e| Ok((e.name, licences(&e.allow)?)));
        Ok(Self {
            graph: file.graph,
            allowed: licences(&file.licenses.allow)?,
            exceptions: exceptions.collect::<Result<_, PolicyError>>()?,
            bans,
            sources: file.sources,
        })
    }

    /// Returns which dependencies cargo is to be asked for.
    pub const fn graph(&self) -> &Graph {
        &self.graph
    }

    /// Returns all that is wrong with one package; nothing if it may be used.
    pub fn violations(&self, package: &Package) -> Vec<Violation> {
        [self.licence(package), self.ban(package), self.source(package)].into_iter().flatten().collect()
    }

    fn licence(&self, package: &Package) -> Option<Violation> {
        let name = format!("{} {}", package.name, package.version);
        let Some(license) = package.license.clone() else {
            return Some(Violation::NoLicence { package: name });
        };
        // Lax, as authors are: `MIT/Apache-2.0` is an old way to write `MIT OR Apache-2.0`.
        let expression = match Expression::parse_mode(&license, ParseMode::LAX) {
            Ok(expression) => expression,
            Err(error) => {
                let reason = error.reason.to_string();
                return Some(Violation::UnreadableLicence { package: name, license, reason });
            }
        };
        let excepted = self.exceptions.iter().filter(|(of, _)| *of == package.name).flat_map(|(_, l)| l);
        let allowed: Vec<&Licensee> = self.allowed.iter().chain(excepted).collect();
        let may = expression.evaluate(|required| allowed.iter().any(|licence| licence.satisfies(required)));
        (!may).then_some(Violation::Licence { package: name, license })
    }

    fn ban(&self, package: &Package) -> Option<Violation> {
        let ban = self.bans.iter().find(|ban| ban.name == package.name)?;
        let package = format!("{}@{}", package.name, package.version);
        Some(Violation::Banned { package, reason: ban.reason.clone() })
    }

    fn source(&self, package: &Package) -> Option<Violation> {
        // A path is this repository's own.
        let source = package.source.as_ref()?;
        let (kind, known) = if let Some(git) = source.strip_prefix("git+") {
            let repository = git.split(['?', '#']).next().unwrap_or(git);
            let listed = self.sources.allow_git.iter().any(|allowed| allowed == repository);
            ("git repository", listed || self.sources.unknown_git == Level::Allow)
        } else {
            let registry = source.strip_prefix("registry+").unwrap_or(source);
            let listed = self.sources.allow_registry.iter().any(|allowed| allowed == registry);
            ("registry", listed || self.sources.unknown_registry == Level::Allow)
        };
        let package = format!("{} {}", package.name, package.version);
        (!known).then(|| Violation::Source { package, kind, source_id: source.clone() })
    }
}

fn licences(texts: &[String]) -> Result<Vec<Licensee>, PolicyError> {
    let parse = |text: &String| {
        Licensee::parse(text)
            .map_err(|error| PolicyError::NoLicence { text: text.clone(), reason: error.reason.to_string() })
    };
    texts.iter().map(parse).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DENY: &str = r#"
        [advisories]
        ignore = [{ id = "RUSTSEC-2024-0436", reason = "cargo-deny's alone" }]
        [licenses]
        allow = ["MIT", "Apache-2.0", "Unicode-3.0", "Apache-2.0 WITH LLVM-exception"]
        exceptions = [{ crate = "excepted", allow = ["MPL-2.0"] }]
        [bans]
        multiple-versions = "allow"
        deny = [{ crate = "banned", reason = "it needs a C library" }]
        [sources]
        unknown-registry = "deny"
        unknown-git = "deny"
        allow-git = ["https://example.org/known"]
    "#;

    fn policy() -> Policy {
        Policy::parse(DENY).expect("good")
    }

    fn package(name: &str, license: &str, source: &str) -> Package {
        Package {
            name: name.to_owned(),
            version: "1.2.3".to_owned(),
            license: Some(license.to_owned()),
            source: Some(source.to_owned()),
            rust_version: None,
        }
    }

    fn from_crates_io(name: &str, license: &str) -> Package {
        package(name, license, &format!("registry+{CRATES_IO}"))
    }

    #[test]
    fn expressions_are_judged_as_a_whole() {
        for allowed in [
            "MIT",
            "MIT OR GPL-3.0-only",
            "MIT/Apache-2.0",
            "Apache-2.0 / MIT",
            "(MIT OR Apache-2.0) AND Unicode-3.0",
            "Apache-2.0 WITH LLVM-exception",
            "Unlicense OR MIT",
        ] {
            assert_eq!(policy().violations(&from_crates_io("good", allowed)), [], "{allowed}");
        }
        for refused in [
            "GPL-3.0-only",
            "MIT AND GPL-3.0-only",
            "(MIT OR Apache-2.0) AND OpenSSL",
            "MPL-2.0",
            "MIT WITH LLVM-exception",
            "Apache-2.0 WITH Classpath-exception-2.0",
            "LicenseRef-own",
        ] {
            let violations = policy().violations(&from_crates_io("bad", refused));
            let [Violation::Licence { package, license }] = &violations[..] else {
                panic!("{refused}: {violations:?}")
            };
            assert_eq!((package.as_str(), license.as_str()), ("bad 1.2.3", refused));
        }
    }

    #[test]
    fn what_is_no_licence_is_refused() {
        let violations = policy().violations(&from_crates_io("odd", "see LICENSE"));
        assert!(matches!(violations[..], [Violation::UnreadableLicence { .. }]), "{violations:?}");
        let none = Package { license: None, ..from_crates_io("none", "") };
        assert_eq!(policy().violations(&none), [Violation::NoLicence { package: "none 1.2.3".to_owned() }]);
    }

    #[test]
    fn an_exception_is_for_its_crate_alone() {
        assert_eq!(policy().violations(&from_crates_io("excepted", "MPL-2.0")), []);
        assert_eq!(policy().violations(&from_crates_io("other", "MPL-2.0")).len(), 1);
    }

    #[test]
    fn a_banned_crate_is_refused_with_its_reason() {
        let violations = policy().violations(&from_crates_io("banned", "MIT"));
        let [violation] = &violations[..] else { panic!("{violations:?}") };
        let text = violation.to_string();
        assert!(text.contains("banned@1.2.3") && text.contains("it needs a C library"), "{text}");
        assert_eq!(policy().violations(&from_crates_io("banned-not", "MIT")), []);
    }

    #[test]
    fn sources_are_those_of_the_list() {
        let ours = Package { source: None, ..from_crates_io("ours", "Apache-2.0") };
        let known = package("known", "MIT", "git+https://example.org/known?branch=main#0123abc");
        for good in [ours, known] {
            assert_eq!(policy().violations(&good), []);
        }
        for (source, expected) in [
            ("registry+https://example.org/index", "registry"),
            ("sparse+https://example.org/index/", "registry"),
            ("git+https://example.org/unknown#0123abc", "git repository"),
            ("git+https://example.org/known-not#0123abc", "git repository"),
        ] {
            let violations = policy().violations(&package("stray", "MIT", source));
            let [Violation::Source { kind, source_id, .. }] = &violations[..] else {
                panic!("{source}: {violations:?}")
            };
            assert_eq!((*kind, source_id.as_str()), (expected, source));
        }
    }

    #[test]
    fn a_list_that_nobody_would_read_is_refused() {
        for (from, to, expected) in [
            ("exceptions =", "clarify =", "unknown field `clarify`"),
            ("deny = [", "skip = [", "unknown field `skip`"),
            ("multiple-versions = \"allow\"", "multiple-versions = \"deny\"", "unknown variant `deny`"),
            ("crate = \"banned\"", "crate = \"banned@1\"", "names versions"),
            ("\"MIT\", ", "\"MTI\", ", "`MTI` is no SPDX licence"),
            ("unknown-git = \"deny\"", "unknown-git = \"warn\"", "unknown variant `warn`"),
        ] {
            assert!(DENY.contains(from), "{from}");
            let error = Policy::parse(&DENY.replacen(from, to, 1)).expect_err(to).to_string();
            assert!(error.contains(expected) && error.contains("help:"), "{to}: {error}");
        }
    }
}
