//! Plan of what is to run: the processes, the order in which they start, and the order in which they stop.

use super::process_spec::ProcessSpec;

/// Processes in the order in which they start, with the order in which they stop. At least one.
#[derive(Clone, Debug)]
pub struct LaunchPlan {
    processes: Vec<ProcessSpec>,
    /// Indices into `processes`, each once.
    stop_order: Vec<usize>,
}

/// Reason why processes and a stop order do not make a plan.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum LaunchPlanError {
    /// Nothing to run.
    #[error("there is no process to run; give at least one")]
    Empty,
    /// Two processes of one name.
    #[error("two processes are called {0}; give each a name of its own")]
    Twice(String),
    /// The stop order names what is not there, or names it twice.
    #[error("the stop order names {0}, which is not a process or stands there twice; name each process once")]
    Unknown(String),
    /// A process would never be stopped.
    #[error("the stop order does not name {0}; name each process once")]
    NeverStopped(String),
}

impl LaunchPlan {
    /// Creates a plan from processes in the order in which they start, and their names in the order in which they stop.
    ///
    /// # Errors
    /// [`LaunchPlanError`] when names are not unique or the stop order is not an order of these processes.
    pub fn new(processes: Vec<ProcessSpec>, stop_order: &[&str]) -> Result<Self, LaunchPlanError> {
        if processes.is_empty() {
            return Err(LaunchPlanError::Empty);
        }
        for (i, process) in processes.iter().enumerate() {
            if processes[..i].iter().any(|earlier| earlier.name == process.name) {
                return Err(LaunchPlanError::Twice(process.name.clone()));
            }
        }
        let mut order = Vec::with_capacity(processes.len());
        for name in stop_order {
            match processes.iter().position(|p| p.name == *name) {
                Some(i) if !order.contains(&i) => order.push(i),
                _ => return Err(LaunchPlanError::Unknown((*name).to_owned())),
            }
        }
        if let Some(i) = (0..processes.len()).find(|i| !order.contains(i)) {
            return Err(LaunchPlanError::NeverStopped(processes[i].name.clone()));
        }
        Ok(Self { processes, stop_order: order })
    }

    /// Returns the processes in the order in which they start.
    pub fn processes(&self) -> &[ProcessSpec] {
        &self.processes
    }

    /// Returns the indices of the processes in the order in which they stop.
    pub fn stop_order(&self) -> &[usize] {
        &self.stop_order
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::time::Duration;

    use super::*;
    use crate::up::process_spec::RestartPolicy;
    use crate::up::signal::Signal;

    fn process(name: &str) -> ProcessSpec {
        ProcessSpec {
            name: name.to_owned(),
            program: PathBuf::from("true"),
            args: Vec::new(),
            env: Vec::new(),
            restart: RestartPolicy::soon(),
            stop_timeout: Duration::from_secs(1),
            ready_timeout: Duration::from_secs(1),
            forced_stop_signal: Signal::Kill,
            restart_notice: None,
        }
    }

    #[test]
    fn a_stop_order_names_each_process_once() {
        let check = |processes: &[&str], stop: &[&str]| {
            LaunchPlan::new(processes.iter().map(|n| process(n)).collect(), stop)
                .map(|p| p.stop_order().to_vec())
        };
        assert_eq!(check(&["a", "b", "c"], &["c", "a", "b"]), Ok(vec![2, 0, 1]));
        assert_eq!(check(&[], &[]), Err(LaunchPlanError::Empty));
        assert_eq!(check(&["a", "a"], &["a", "a"]), Err(LaunchPlanError::Twice("a".to_owned())));
        assert_eq!(check(&["a", "b"], &["a", "c"]), Err(LaunchPlanError::Unknown("c".to_owned())));
        assert_eq!(check(&["a", "b"], &["a", "a"]), Err(LaunchPlanError::Unknown("a".to_owned())));
        assert_eq!(check(&["a", "b"], &["a"]), Err(LaunchPlanError::NeverStopped("b".to_owned())));
    }
}
