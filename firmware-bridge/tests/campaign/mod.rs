//! Many seeded runs of the whole chain over pseudo-terminals, with faults: what `fault_campaign` runs at length, as
//! an example, and in short, as a test.

#![allow(clippy::print_stderr, reason = "runs that are stuck can be told of in no other way")]

mod controller;
mod episode;
mod far;
mod judge;
mod kind;
mod table;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::channel;
use std::time::Duration;

use robot_interface::robot::RobotDescription;

pub(crate) use self::episode::with_a_dead_motor;
pub(crate) use self::kind::Kind;
pub(crate) use self::table::Table;

/// No run takes nearly as long: one that does is stuck.
const WATCHDOG: Duration = Duration::from_secs(60);

/// Runs so many, the kinds in turn, each with a seed that follows from `seed`.
///
/// A run that panics, and one that does not end, are told as such.
pub(crate) fn run(robot: &RobotDescription, runs: u64, seed: u64, threads: u64, directory: &Path) -> Table {
    let next = AtomicU64::new(0);
    let (tell, told) = channel();
    let running = Mutex::new(BTreeMap::new());
    let mut table = Table::default();
    // Detached in effect: a stuck thread ends with the process, which the caller ends on a failure.
    std::thread::scope(|scope| {
        for _ in 0..threads {
            let (tell, next, running) = (tell.clone(), &next, &running);
            scope.spawn(move || {
                loop {
                    let run = next.fetch_add(1, Ordering::Relaxed);
                    if run >= runs {
                        return;
                    }
                    let kind = Kind::ALL[(run % Kind::ALL.len() as u64) as usize];
                    let own_seed = seed.wrapping_add(run).wrapping_mul(0x9E37_79B9_7F4A_7C15);
                    let own = directory.join(format!("run{run}"));
                    running.lock().expect("not poisoned").insert(run, (kind, own_seed));
                    let outcome = std::panic::catch_unwind(|| {
                        std::fs::create_dir_all(&own).expect("a directory");
                        episode::run(robot, kind, own_seed, &own)
                    });
                    let _ = std::fs::remove_dir_all(&own);
                    running.lock().expect("not poisoned").remove(&run);
                    if tell.send((kind, own_seed, outcome.ok())).is_err() {
                        return;
                    }
                }
            });
        }
        for _ in 0..runs {
            let Ok((kind, own_seed, outcome)) = told.recv_timeout(WATCHDOG) else {
                let running = running.lock().expect("not poisoned");
                // The threads cannot be ended from outside, and a scope would wait for them for ever.
                eprintln!("no run has ended for {WATCHDOG:?}; these are stuck: {running:?}");
                std::process::exit(2);
            };
            match outcome {
                Some(outcome) => table.add(&outcome),
                None => table.add_panic(kind, own_seed),
            }
        }
    });
    table
}
