//! `adit doctor`: what of this machine would keep a robot's control loop from its 500 Hz, and what to do about it.
//!
//! [`Facts`] reads the machine's files below a root, which tests replace by a folder of their own; the judges in
//! `checks` see facts alone, and turn them into [`Check`]s. Nothing is changed, and nothing is opened that could
//! disturb a device: a port's settings are read from sysfs. What each check means, and by whose word, stands in
//! `launch/deploy/README.md`; the files that remedies name are there too, and in the program ([`deploy`]).

mod checks;
pub mod deploy;
mod facts;

use serde::Serialize;

pub use facts::{Facts, RobotPorts, Wanted};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// Worth knowing; the robot walks with it.
    Note,
    /// Deadlines will be missed, data lost, or the like.
    Warning,
    /// The bridge cannot work on this robot.
    Fault,
}

impl Verdict {
    /// As it is printed.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Warning => "WARNING",
            Self::Fault => "FAULT",
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Stays the same from version to version.
    pub name: &'static str,
    pub verdict: Verdict,
    /// What was found; a line for each thing.
    pub found: String,
    /// What to do, with the commands to paste; a line for each step.
    pub remedy: Option<String>,
}

/// All checks, in the order in which they are worth reading.
pub fn examine(facts: &Facts) -> Vec<Check> {
    checks::ALL.iter().map(|(name, judge)| judge(facts).into_check(name)).collect()
}

/// The worst of all.
pub fn worst(checks: &[Check]) -> Verdict {
    checks.iter().map(|check| check.verdict).max().unwrap_or(Verdict::Ok)
}

/// What a judge has come to, as it goes on.
#[derive(Debug, Default)]
struct Opinion {
    verdict: Option<Verdict>,
    found: Vec<String>,
    remedies: Vec<String>,
}

impl Opinion {
    fn new(verdict: Verdict, found: impl Into<String>) -> Self {
        let mut opinion = Self::default();
        opinion.add(verdict, found);
        opinion
    }

    /// Another thing that was found; the worst verdict stands.
    fn add(&mut self, verdict: Verdict, found: impl Into<String>) {
        self.verdict = self.verdict.max(Some(verdict));
        self.found.push(found.into());
    }

    /// A step of the remedy; each stands there once.
    fn remedy(&mut self, step: impl Into<String>) {
        let step = step.into();
        if !self.remedies.contains(&step) {
            self.remedies.push(step);
        }
    }

    fn with_remedy(mut self, step: impl Into<String>) -> Self {
        self.remedy(step);
        self
    }

    fn into_check(self, name: &'static str) -> Check {
        let remedy = (!self.remedies.is_empty()).then(|| self.remedies.join("\n"));
        Check { name, verdict: self.verdict.unwrap_or(Verdict::Ok), found: self.found.join("\n"), remedy }
    }
}
