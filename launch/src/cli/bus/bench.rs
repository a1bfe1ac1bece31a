//! `adit bus bench`: the motors' cycle, measured.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::atomic::Ordering;

use anyhow::Context as _;
use robot_interface::joints::JOINTS;

use super::common::{NO_ANSWER, RobotArgs, bad_input, stop_on_ctrl_c};
use super::table::{NONE, columns, number};
use crate::bus_tools::bench::{Bench, Figures, Samples};
use crate::cli::exit::INTERRUPTED;
use crate::terminal::{eprint_line, print};
use stack::realtime::{CONTROL_PRIORITY, lock_memory, prioritise};

/// The quantiles that are shown.
const SHARES: [(&str, f64); 4] = [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999), ("max", 1.0)];

/// Arguments of `adit bus bench`.
#[derive(clap::Args)]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    which: RobotArgs,
    /// Cycles a second
    #[arg(long, value_name = "HZ", default_value_t = 1000.0)]
    rate: f64,
    /// How long to measure; half of the cycles are the comparison's
    #[arg(long, value_name = "S", default_value_t = 10.0)]
    seconds: f64,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    if !(1.0..=5000.0).contains(&args.rate) {
        return Err(bad_input(format!("--rate is {}", args.rate), "give 1 to 5000 cycles a second"));
    }
    if !(args.seconds >= 2.0 / args.rate && args.seconds <= 3600.0) {
        let help = "give a time of at least two cycles, and at most an hour";
        return Err(bad_input(format!("--seconds is {}", args.seconds), help));
    }
    let period_nanos = (1e9 / args.rate) as u64;
    let buses = args.which.open(period_nanos)?;
    if let Some(motors) = &buses.motors {
        motors.prioritise(CONTROL_PRIORITY - 1);
    }
    let stop = stop_on_ctrl_c()?;
    let cycles = (args.seconds * args.rate / 2.0).round() as usize;
    let mut bench = Bench::new(buses.bridge, buses.driver, period_nanos, cycles);
    let measure = || {
        let warnings: Vec<String> =
            [prioritise(CONTROL_PRIORITY), lock_memory()].into_iter().filter_map(Result::err).collect();
        bench.run(&stop);
        warnings
    };
    // A thread of its own, so that nothing else runs at its priority.
    let warnings = std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("bench".to_owned()).spawn_scoped(scope, measure);
        thread
            .context("cannot start the thread that measures")?
            .join()
            .or_else(|_| anyhow::bail!("it panicked"))
    })?;
    for warning in &warnings {
        eprint_line(format_args!("warning: {warning}"));
    }
    let has_baseline = bench.has_baseline();
    let (ours, least) = (&mut bench.ours, &mut bench.least);
    for samples in [&mut ours.took, &mut ours.late, &mut least.took, &mut least.late] {
        samples.sort();
    }
    let least = has_baseline.then_some(&*least);
    print(if args.json { json(args, ours, least, &warnings)? } else { text(args, ours, least) });
    let silent = ours.missed == ours.cycles * JOINTS as u64;
    if silent {
        eprint_line(NO_ANSWER);
    }
    Ok(match (stop.load(Ordering::Relaxed), silent) {
        (true, _) => ExitCode::from(INTERRUPTED),
        (false, false) => ExitCode::SUCCESS,
        // No motor has ever answered: nothing was measured.
        (false, true) => ExitCode::FAILURE,
    })
}

fn ratio(ours: f64, least: f64) -> Option<f64> {
    (least > 0.0).then(|| ours / least)
}

fn text(args: &Args, ours: &Figures, least: Option<&Figures>) -> String {
    let period_nanos = (1e9 / args.rate) as u64;
    let us = |value: f64| format!("{value:.1}");
    let row = |what: String, ours: f64, least: Option<f64>| {
        let ratio = least.and_then(|least| ratio(ours, least));
        vec![what, us(ours), number(least, 1), number(ratio, 2)]
    };
    let mut rows = Vec::new();
    for (what, of) in
        [("round trip", (|figures| &figures.took) as fn(&Figures) -> &_), ("late", |figures| &figures.late)]
    {
        for (name, share) in SHARES {
            let quantile = |figures| of(figures).quantile_us(share);
            rows.push(row(format!("{what} {name}, us"), quantile(ours), least.map(quantile)));
        }
    }
    let cpu = |figures: &Figures| 100.0 * figures.cpu_share(period_nanos);
    rows.push(row("processor, %".to_owned(), cpu(ours), least.map(cpu)));
    let mut count = |what: &str, of: fn(&Figures) -> u64| {
        let least = least.map_or(NONE.to_owned(), |least| of(least).to_string());
        rows.push(vec![what.to_owned(), of(ours).to_string(), least, NONE.to_owned()]);
    };
    count("cycles", |figures| figures.cycles);
    count("deadlines missed", |figures| figures.overrun);
    count("answers missed", |figures| figures.missed);
    let mut text = columns(&["", "cycle", "floor", "ratio"], &rows);
    text += match least {
        Some(_) => "floor: a loop that only moves the same bytes over the same ports, every other cycle\n",
        None => {
            "floor: none with this protocol: a device answers each frame once, so no loop can only move the same bytes\n"
        }
    };
    if ours.missed > 0 {
        text += "answers are missing, and their cycles count as long as they were waited for: see which with `adit bus \
                 monitor`, or measure at a lower --rate\n";
    }
    text
}

fn json(args: &Args, ours: &Figures, least: Option<&Figures>, warnings: &[String]) -> anyhow::Result<String> {
    let period_nanos = (1e9 / args.rate) as u64;
    let quantiles = |samples: &Samples| -> serde_json::Value {
        let pairs = SHARES.iter().map(|(name, share)| ((*name).to_owned(), samples.quantile_us(*share)));
        pairs.collect::<BTreeMap<_, _>>().into_iter().collect()
    };
    let figures = |figures: &Figures| {
        serde_json::json!({
            "round_trip_us": quantiles(&figures.took),
            "late_us": quantiles(&figures.late),
            "cpu_share": figures.cpu_share(period_nanos),
            "cycles": figures.cycles,
            "deadlines_missed": figures.overrun,
            "answers_missed": figures.missed,
        })
    };
    let p99 = least.and_then(|least| ratio(ours.took.quantile_us(0.99), least.took.quantile_us(0.99)));
    let report = serde_json::json!({
        "rate_hz": args.rate,
        "cycle": figures(ours),
        "floor": least.map(figures),
        "ratio_p99": p99,
        "warnings": warnings,
    });
    Ok(serde_json::to_string_pretty(&report)? + "\n")
}
