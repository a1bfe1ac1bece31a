//! What is to run: the parts, the order in which they start, and the order in which they stop.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// A process to be kept running.
#[derive(Clone, Debug)]
pub struct Part {
    /// What it is called in the output; no other part has this name.
    pub name: String,
    /// The program's path.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// Variables set for it, beside those that it inherits.
    pub env: Vec<(OsString, OsString)>,
    /// What happens when it ends by itself.
    pub restart: RestartPolicy,
    /// How long it may take from SIGINT to its end; SIGTERM comes after that.
    pub stop_timeout: Duration,
    /// How long it may take from its start to the line `ready`.
    pub ready_timeout: Duration,
    /// What it gets at once when the user will not wait: [`Signal::Kill`], or [`Signal::Terminate`] for a part
    /// that must have a moment even then (and SIGKILL follows after [`Plan::LAST_WAIT`]).
    pub in_a_hurry: Signal,
    /// What its restart means for the others, said each time.
    pub restart_note: Option<String>,
}

/// When a part that ended by itself is started again.
///
/// There is no default: what is right depends on what the part holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RestartPolicy {
    /// Wait before the first restart; doubled at each quick death in a row.
    pub first_delay: Duration,
    /// The wait is never longer than this, unless `first_delay` is.
    pub longest_delay: Duration,
    /// A part that lived this long was healthy: the next wait is `first_delay` again. One that did not has
    /// died quickly.
    pub healthy_after: Duration,
    /// At this many quick deaths in a row the part is given up.
    pub quick_deaths: u32,
}

impl RestartPolicy {
    /// For a part whose absence hurts nothing: tried again after half a second.
    pub const fn soon() -> Self {
        Self {
            first_delay: Duration::from_millis(500),
            longest_delay: Duration::from_secs(10),
            healthy_after: Duration::from_secs(60),
            quick_deaths: 5,
        }
    }

    /// For the part that holds the motors: at once.
    ///
    /// When it dies, motors with a watchdog of their own let go within 100 ms, but others may hold their last command
    /// for ever (docs/safety.md). The successor's first words are damping, for whatever the motors do, and it moves
    /// nothing until it is asked, so that the others need not be stopped meanwhile.
    pub const fn at_once() -> Self {
        Self { first_delay: Duration::from_millis(125), ..Self::soon() }
    }

    /// The wait after so many quick deaths in a row; none means after a healthy life.
    pub(super) fn delay(&self, quick_deaths: u32) -> Duration {
        let doublings = quick_deaths.saturating_sub(1).min(16);
        let longest = self.longest_delay.max(self.first_delay);
        self.first_delay.saturating_mul(1 << doublings).min(longest)
    }
}

/// What the supervisor sends to a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGINT: end what you are doing, as with Ctrl-C.
    Interrupt,
    /// SIGTERM: end soon.
    Terminate,
    /// SIGKILL: the system ends it.
    Kill,
}

impl Signal {
    /// The signal's usual name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Interrupt => "SIGINT",
            Self::Terminate => "SIGTERM",
            Self::Kill => "SIGKILL",
        }
    }
}

/// Parts in the order in which they start, with the order in which they stop. At least one.
#[derive(Clone, Debug)]
pub struct Plan {
    parts: Vec<Part>,
    /// Indices into `parts`, each once.
    stop_order: Vec<usize>,
}

/// Why parts and a stop order do not make a plan.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// Nothing to run.
    #[error("there is no part to run; give at least one")]
    Empty,
    /// Two parts of one name.
    #[error("two parts are called {0}; give each a name of its own")]
    Twice(String),
    /// The stop order names what is not there, or names it twice.
    #[error("the stop order names {0}, which is not a part or stands there twice; name each part once")]
    Unknown(String),
    /// A part would never be stopped.
    #[error("the stop order does not name {0}; name each part once")]
    NeverStopped(String),
}

impl Plan {
    /// How long a part has from SIGTERM to SIGKILL.
    pub const LAST_WAIT: Duration = Duration::from_secs(2);

    /// A plan from parts in the order in which they start, and their names in the order in which they stop.
    ///
    /// # Errors
    /// [`PlanError`] when names are not unique or the stop order is not an order of these parts.
    pub fn new(parts: Vec<Part>, stop_order: &[&str]) -> Result<Self, PlanError> {
        if parts.is_empty() {
            return Err(PlanError::Empty);
        }
        for (i, part) in parts.iter().enumerate() {
            if parts[..i].iter().any(|earlier| earlier.name == part.name) {
                return Err(PlanError::Twice(part.name.clone()));
            }
        }
        let mut order = Vec::with_capacity(parts.len());
        for name in stop_order {
            match parts.iter().position(|p| p.name == *name) {
                Some(i) if !order.contains(&i) => order.push(i),
                _ => return Err(PlanError::Unknown((*name).to_owned())),
            }
        }
        if let Some(i) = (0..parts.len()).find(|i| !order.contains(i)) {
            return Err(PlanError::NeverStopped(parts[i].name.clone()));
        }
        Ok(Self { parts, stop_order: order })
    }

    /// The parts in the order in which they start.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// Indices of the parts in the order in which they stop.
    pub fn stop_order(&self) -> &[usize] {
        &self.stop_order
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(name: &str) -> Part {
        Part {
            name: name.to_owned(),
            program: PathBuf::from("true"),
            args: Vec::new(),
            env: Vec::new(),
            restart: RestartPolicy::soon(),
            stop_timeout: Duration::from_secs(1),
            ready_timeout: Duration::from_secs(1),
            in_a_hurry: Signal::Kill,
            restart_note: None,
        }
    }

    #[test]
    fn a_stop_order_names_each_part_once() {
        let check = |parts: &[&str], stop: &[&str]| {
            Plan::new(parts.iter().map(|n| part(n)).collect(), stop).map(|p| p.stop_order().to_vec())
        };
        assert_eq!(check(&["a", "b", "c"], &["c", "a", "b"]), Ok(vec![2, 0, 1]));
        assert_eq!(check(&[], &[]), Err(PlanError::Empty));
        assert_eq!(check(&["a", "a"], &["a", "a"]), Err(PlanError::Twice("a".to_owned())));
        assert_eq!(check(&["a", "b"], &["a", "c"]), Err(PlanError::Unknown("c".to_owned())));
        assert_eq!(check(&["a", "b"], &["a", "a"]), Err(PlanError::Unknown("a".to_owned())));
        assert_eq!(check(&["a", "b"], &["a"]), Err(PlanError::NeverStopped("b".to_owned())));
    }

    #[test]
    fn waits_double_up_to_the_longest() {
        let seconds =
            |policy: RestartPolicy| (0..8).map(|n| policy.delay(n).as_secs_f64()).collect::<Vec<_>>();
        assert_eq!(seconds(RestartPolicy::soon()), [0.5, 0.5, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0]);
        assert_eq!(seconds(RestartPolicy::at_once()), [0.125, 0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0]);
        assert_eq!(RestartPolicy::soon().delay(u32::MAX).as_secs(), 10);
    }
}
