//! What the runs came to, kind by kind.

use std::fmt;

use super::episode::Outcome;
use super::kind::Kind;

/// The whole campaign.
#[derive(Default)]
pub(crate) struct Table {
    rows: Vec<Row>,
    /// What must not be, spelt out.
    pub(crate) told: Vec<String>,
    /// How often the system itself was too slow.
    pub(crate) stuck: u64,
}

struct Row {
    kind: Kind,
    runs: u64,
    injected: u64,
    accepted: u64,
    counterfeit: u64,
    violations: u64,
    lost: u64,
    stale: u64,
    oldest: u64,
    false_readings: u64,
    blind: u64,
    worst_share: f64,
    trips: u64,
    recovery_nanos: Vec<u64>,
}

impl Row {
    const fn new(kind: Kind) -> Self {
        Self {
            kind,
            runs: 0,
            injected: 0,
            accepted: 0,
            counterfeit: 0,
            violations: 0,
            lost: 0,
            stale: 0,
            oldest: 0,
            false_readings: 0,
            blind: 0,
            worst_share: 0.0,
            trips: 0,
            recovery_nanos: Vec::new(),
        }
    }
}

impl Table {
    pub(crate) fn add(&mut self, outcome: &Outcome) {
        let row = self.row(outcome.kind);
        let found = &outcome.findings;
        row.runs += 1;
        row.injected += outcome.injected;
        row.accepted += found.accepted;
        row.counterfeit += found.counterfeit;
        row.lost += outcome.lost;
        row.stale += found.stale;
        row.oldest = row.oldest.max(found.oldest);
        row.false_readings += found.false_readings;
        row.blind += found.blind;
        row.worst_share = row.worst_share.max(found.worst_share);
        row.trips += outcome.trips;
        row.violations += found.violations;
        row.recovery_nanos.extend(outcome.recovery_nanos);
        let mut told = found.told.clone();
        if outcome.recovery_nanos.is_none() {
            row.violations += 1;
            told.push("not every motor answered again".to_owned());
        }
        if outcome.missing_after > 0 {
            row.violations += 1;
            told.push(format!("{} answers were missing after the recovery", outcome.missing_after));
        }
        let name = outcome.kind.name();
        self.told.extend(told.iter().map(|what| format!("{name}, seed {}: {what}", outcome.seed)));
        self.stuck += outcome.stuck;
    }

    pub(crate) fn add_panic(&mut self, kind: Kind, seed: u64) {
        let row = self.row(kind);
        (row.runs, row.violations) = (row.runs + 1, row.violations + 1);
        self.told.push(format!("{}, seed {seed}: it panicked", kind.name()));
    }

    pub(crate) fn violations(&self) -> u64 {
        self.rows.iter().map(|row| row.violations).sum()
    }

    /// Commands taken that nobody had sent.
    pub(crate) fn forged(&self) -> u64 {
        self.rows.iter().map(|row| row.counterfeit).sum()
    }

    pub(crate) fn runs(&self) -> u64 {
        self.rows.iter().map(|row| row.runs).sum()
    }

    /// Commands taken, of all kinds or of one.
    pub(crate) fn accepted(&self, kind: Kind) -> u64 {
        self.rows.iter().filter(|row| row.kind == kind).map(|row| row.accepted).sum()
    }

    /// Faults of a kind.
    pub(crate) fn injected(&self, kind: Kind) -> u64 {
        self.rows.iter().filter(|row| row.kind == kind).map(|row| row.injected).sum()
    }

    fn row(&mut self, kind: Kind) -> &mut Row {
        let at = self.rows.iter().position(|row| row.kind == kind);
        let at = at.unwrap_or_else(|| {
            self.rows.push(Row::new(kind));
            self.rows.len() - 1
        });
        &mut self.rows[at]
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "| fault | runs | injected | commands taken | violations | forged | replies lost | stale (oldest) | false | blind | worst torque | trips | recovery p50 | p99 | max, ms |"
        )?;
        writeln!(f, "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|")?;
        for kind in Kind::ALL {
            let Some(row) = self.rows.iter().find(|row| row.kind == kind) else { continue };
            let mut times = row.recovery_nanos.clone();
            times.sort_unstable();
            let quantile = |share: f64| {
                let at = ((times.len() as f64 * share).ceil() as usize).clamp(1, times.len().max(1));
                times.get(at - 1).map_or(f64::NAN, |&nanos| nanos as f64 * 1e-6)
            };
            writeln!(
                f,
                "| {} | {} | {} | {} | {} | {} | {} | {} ({}) | {} | {} | {:.2} | {} | {:.1} | {:.1} | {:.1} |",
                kind.name(),
                row.runs,
                row.injected,
                row.accepted,
                row.violations,
                row.counterfeit,
                row.lost,
                row.stale,
                row.oldest,
                row.false_readings,
                row.blind,
                row.worst_share,
                row.trips,
                quantile(0.5),
                quantile(0.99),
                quantile(1.0),
            )?;
        }
        Ok(())
    }
}
