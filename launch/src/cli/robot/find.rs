//! `adit robot find`: robots on the network.

use std::process::ExitCode;
use std::time::Duration;

use adit_dds::interfaces;
use clap::ValueEnum;

use crate::cli::exit::{BadInput, FAILED};
use crate::robot_finder::{FoundRobot, Search, find};
use crate::robot_link::chosen_interface;
use crate::terminal::{eprint_line, print_line};

/// Seconds that are listened at most.
const LONGEST_S: f64 = 600.0;

#[derive(clap::Args)]
pub(in crate::cli) struct FindArgs {
    /// Network interface that leads to the robots; without it those that there are are listed
    #[arg(long, value_name = "NAME")]
    interface: Option<String>,
    /// DDS domain: a robot's is 0, the vendor's simulator has 1
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u16).range(0..=232))]
    domain: u16,
    /// How long to listen, s; a simulator on lo that runs already may need 15
    #[arg(long, value_name = "S", default_value_t = 5.0)]
    seconds: f64,
    /// Look for one maker's robots alone
    #[arg(long, value_name = "MAKER")]
    only: Option<Maker>,
    /// Print a JSON object for each robot
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Maker {
    /// Unitree, by DDS
    Unitree,
    /// DEEP Robotics, by UDP
    Deeprobotics,
}

pub(super) fn run(args: &FindArgs) -> anyhow::Result<ExitCode> {
    if !(0.1..=LONGEST_S).contains(&args.seconds) {
        return Err(BadInput::new(
            format!("--seconds {} is not from 0.1 to {LONGEST_S}", args.seconds),
            "give some seconds",
        )
        .into());
    }
    let interface =
        chosen_interface(args.interface.as_deref(), &interfaces()).map_err(super::network::refused)?;
    let search = Search {
        interface: &interface,
        domain: args.domain,
        duration: Duration::from_secs_f64(args.seconds),
        unitree: args.only != Some(Maker::Deeprobotics),
        deeprobotics: args.only != Some(Maker::Unitree),
    };
    let robots = find(&search, |trouble| {
        eprint_line(format_args!("DEEP Robotics' robots are not looked for: {trouble}"))
    })?;
    for robot in &robots {
        if args.json {
            print_line(serde_json::to_string(robot)?);
        } else {
            show(robot);
        }
    }
    if robots.is_empty() {
        eprint_line(format_args!(
            "no robot reported on {} within {} s\n  help: check the cable, this machine's address (a Go2's network is 192.168.123.0/24), \
             --interface and --domain, and listen longer (--seconds 15: on lo it may take that); Go2 Air and Pro offer no DDS; a Lite3 or X30 reports to the address in its network.toml",
            interface.name, args.seconds
        ));
        return Ok(ExitCode::from(FAILED));
    }
    Ok(ExitCode::SUCCESS)
}

fn show(robot: &FoundRobot) {
    let place = robot.address.map_or_else(|| "an address that it does not say".to_owned(), |a| a.to_string());
    let by = if robot.transport == "dds" { "DDS" } else { "UDP" };
    print_line(format_args!("{} at {place}, by {by}", robot.kind));
    print_line(format_args!("  states       {:.0} a second", robot.states_per_s));
    if let Some(percent) = robot.battery_percent {
        let supply = robot.supply_v.map_or_else(String::new, |volt| format!(", {volt:.1} V"));
        print_line(format_args!("  battery      {percent} %{supply}"));
    }
    if robot.transport == "dds" {
        let nobody = ["nobody that can be seen".to_owned()];
        let drivers = if robot.drivers.is_empty() { &nobody[..] } else { &robot.drivers };
        print_line(format_args!("  driven by    {}", drivers.join("; ")));
    }
    for remark in &robot.remarks {
        print_line(format_args!("  note         {remark}"));
    }
}
