//! Many seeded runs of the whole chain with faults, and a judge at the motors' end:
//! `fault_campaign [--runs 1000] [--seed 1] [--threads 2]` prints a table, and fails if anything happened that must
//! not. `docs/faults.md` says what the columns mean.

#![allow(clippy::print_stdout, reason = "the table is what it is for")]
#![allow(clippy::disallowed_methods, reason = "an example is a shell: it may read the clock")]
#![allow(dead_code, reason = "the test uses more of the campaign than this")]

use std::error::Error;
use std::process::ExitCode;
use std::time::Instant;

#[path = "../tests/campaign/mod.rs"]
#[allow(unused_imports, reason = "as above")]
mod campaign;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let (mut runs, mut seed, mut threads) = (1000, 1, 2);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let number = match argument.as_str() {
            "--runs" => &mut runs,
            "--seed" => &mut seed,
            "--threads" => &mut threads,
            other => return Err(format!("{other} is no option: there are --runs, --seed, --threads").into()),
        };
        *number = arguments.next().ok_or(format!("{argument} wants a number behind it"))?.parse()?;
    }
    let robot = robot_interface::fixtures::go2();
    let directory = std::env::temp_dir().join(format!("fault_campaign-{}", std::process::id()));
    let begun = Instant::now();
    let table = campaign::run(&robot, runs, seed, threads.max(1), &directory);
    let _ = std::fs::remove_dir_all(&directory);
    print!("{table}");
    println!("\n{} runs in {:.0} s, seed {seed}", table.runs(), begun.elapsed().as_secs_f64());
    if table.stuck > 0 {
        println!("{} times the system did not carry a terminal's bytes in time", table.stuck);
    }
    table.told.iter().take(40).for_each(|what| println!("violation: {what}"));
    Ok(if table.violations() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
