//! `adit bus monitor`: a robot's motors and their lines, live.

use std::io::IsTerminal;
use std::process::ExitCode;
use std::sync::atomic::Ordering;

use robot_interface::time::Stamp;

use super::common::{NO_ANSWER, RobotArgs, bad_input, stop_on_ctrl_c};
use super::joint_lines::{COUNTS, JointLine, joint_lines};
use super::screen;
use crate::bus_tools::reading::{Reading, Snapshot};
use crate::terminal::{eprint_line, print};
use stack::realtime::{monotonic, sleep_until};

/// Arguments of `adit bus monitor`.
#[derive(clap::Args)]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    which: RobotArgs,
    /// How often every motor is read, times a second
    #[arg(long, value_name = "HZ", default_value_t = 100.0)]
    rate: f64,
    /// Ends by itself after so long
    #[arg(long, value_name = "S")]
    seconds: Option<f64>,
    /// Print one JSON object per joint and second, even on a terminal
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    if !(1.0..=1000.0).contains(&args.rate) {
        return Err(bad_input(format!("--rate is {}", args.rate), "give 1 to 1000 times a second"));
    }
    if args.seconds.is_some_and(|seconds| !(seconds > 0.0 && seconds <= 1e6)) {
        return Err(bad_input("--seconds is no time", "give a number of seconds above 0, or leave it out"));
    }
    let period_nanos = (1e9 / args.rate) as u64;
    let stop = stop_on_ctrl_c()?;
    let reading = Reading::start(args.which.open(period_nanos)?, period_nanos)?;
    let end = args.seconds.map(|seconds| monotonic().plus_nanos((seconds * 1e9) as u64));
    let is_over = move || stop.load(Ordering::Relaxed) || end.is_some_and(|end| monotonic() >= end);
    if args.json || !std::io::stdout().is_terminal() {
        lines(&reading, args.json, &is_over)?;
    } else {
        screen::show(&reading, &is_over)?;
    }
    let has_answered = reading.latest().cycle.measured_at.map(|at| at.is_some());
    if has_answered.contains(&true) {
        return Ok(ExitCode::SUCCESS);
    }
    eprint_line(NO_ANSWER);
    Ok(ExitCode::FAILURE)
}

fn lines(reading: &Reading, json: bool, is_over: &dyn Fn() -> bool) -> anyhow::Result<()> {
    let mut before = (monotonic(), reading.latest());
    let mut said = None;
    loop {
        let due = before.0.plus_nanos(1_000_000_000);
        let ended = wait(due, is_over);
        let after = (monotonic(), reading.latest());
        let intruders = reading.intruders();
        if let Some(intruders) = intruders.as_ref().filter(|_| intruders != said) {
            eprint_line(format_args!("warning: {intruders}"));
        }
        said = intruders;
        let mut text = String::new();
        for line in joint_lines(reading, &before, &after) {
            text += &(if json { in_json(&line, &after.1)? } else { in_words(&line, &after.1) } + "\n");
        }
        if !print(&text) || ended {
            return Ok(());
        }
        before = after;
    }
}

/// Sleeps until `due`; whether it was over before.
fn wait(due: Stamp, is_over: &dyn Fn() -> bool) -> bool {
    while monotonic() < due {
        if is_over() {
            return true;
        }
        sleep_until(monotonic().plus_nanos(20_000_000).min(due));
    }
    is_over()
}

fn in_words(line: &JointLine, snapshot: &Snapshot) -> String {
    let mut text = format!("{:<14} bus {} id {} {:7.1} Hz", line.name, line.bus, line.id, line.rate_hz);
    for (name, count) in COUNTS.iter().zip(line.counts) {
        text += &format!("  {name} {count}");
    }
    text += &match line.measured {
        None => "  never answered".to_owned(),
        Some([q, dq, tau, c]) => format!("  {q:.3} rad  {dq:.2} rad/s  {tau:.2} N m  {c:.0} C"),
    };
    if let Some(bus) = snapshot.buses.get(line.bus) {
        text += &format!("  round trip us {}", bus.round_trip.in_us());
        if let Some(failure) = bus.last_failure {
            text += &format!("  port: {failure}");
        }
    }
    text + &line.fault.map(|fault| format!("  FAULT {fault}")).unwrap_or_default()
}

fn in_json(line: &JointLine, snapshot: &Snapshot) -> anyhow::Result<String> {
    let [answered, missed, late, checksum, noise, foreign] = line.counts;
    let bus = snapshot.buses.get(line.bus);
    let us = |share| bus.map(|bus| bus.round_trip.quantile_nanos(share) as f64 / 1e3);
    let measured = |at: usize| line.measured.map(|values| values[at]);
    Ok(serde_json::to_string(&serde_json::json!({
        "joint": line.name, "bus": line.bus, "id": line.id, "rate_hz": line.rate_hz,
        "answered": answered, "missed": missed, "late": late, "bad_checksum": checksum, "noise": noise,
        "foreign": foreign,
        "position_rad": measured(0), "velocity_rad_s": measured(1), "torque_nm": measured(2),
        "temperature_c": measured(3), "fault": line.fault,
        "round_trip_us": { "p50": us(0.5), "p99": us(0.99), "max": us(1.0) },
        "echoes": bus.map(|bus| bus.counts.echoes),
        "stray_bytes": bus.map(|bus| bus.counts.stray_bytes),
        "port_failures": bus.map(|bus| bus.port_failures),
    }))?)
}
