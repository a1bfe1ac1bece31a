//! Results of checks: a verdict, what was found, and the remedy.

use serde::Serialize;

/// Severity of a result.
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
    /// Returns the verdict as it is printed.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Warning => "WARNING",
            Self::Fault => "FAULT",
        }
    }
}

/// Result of one check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CheckResult {
    /// Name of the check, the same from version to version.
    pub name: &'static str,
    /// Severity.
    pub verdict: Verdict,
    /// Findings, a line for each.
    pub found: String,
    /// Steps to take, with the commands to paste; a line for each.
    pub remedy: Option<String>,
}

/// Returns the worst verdict of all results.
pub fn worst_verdict(results: &[CheckResult]) -> Verdict {
    results.iter().map(|result| result.verdict).max().unwrap_or(Verdict::Ok)
}

/// Findings of a check, collected one by one, with the remedies.
#[derive(Debug, Default)]
pub(super) struct Assessment {
    verdict: Option<Verdict>,
    found: Vec<String>,
    remedies: Vec<String>,
}

impl Assessment {
    /// Creates an assessment with its first finding.
    pub(super) fn new(verdict: Verdict, found: impl Into<String>) -> Self {
        let mut assessment = Self::default();
        assessment.add(verdict, found);
        assessment
    }

    /// Adds a finding; the worst verdict stands.
    pub(super) fn add(&mut self, verdict: Verdict, found: impl Into<String>) {
        self.verdict = self.verdict.max(Some(verdict));
        self.found.push(found.into());
    }

    /// Adds a finding where there is none yet.
    pub(super) fn add_if_empty(&mut self, verdict: Verdict, found: impl Into<String>) {
        if self.found.is_empty() {
            self.add(verdict, found);
        }
    }

    /// Adds a step of the remedy; each stands there once.
    pub(super) fn remedy(&mut self, step: impl Into<String>) {
        let step = step.into();
        if !self.remedies.contains(&step) {
            self.remedies.push(step);
        }
    }

    /// Returns the assessment with a step of the remedy.
    pub(super) fn with_remedy(mut self, step: impl Into<String>) -> Self {
        self.remedy(step);
        self
    }

    /// Returns the result under the check's name.
    pub(super) fn into_result(self, name: &'static str) -> CheckResult {
        let remedy = (!self.remedies.is_empty()).then(|| self.remedies.join("\n"));
        CheckResult {
            name,
            verdict: self.verdict.unwrap_or(Verdict::Ok),
            found: self.found.join("\n"),
            remedy,
        }
    }
}
