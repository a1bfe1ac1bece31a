//! `adit bus scan`: who is on which port.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use firmware_bridge::port::{OpenError, available_ports};
use firmware_bridge::scan::Protocol;
use indicatif::{ProgressBar, ProgressStyle};
use robot_interface::robot::MotorProtocol;

use super::common::bad_input;
use super::table::{NONE, columns, number};
use crate::bus_tools::VirtualRobot;
use crate::bus_tools::scan::{PortReport, Wanted, scan_port};
use crate::terminal::print;
use crate::wire_tools::ProtocolName;
use stack::config::Robot;

/// Arguments of `adit bus scan`.
#[derive(clap::Args)]
pub(in crate::cli) struct Args {
    /// Serial port to look at, may be given several times; all that there are if it is left out
    #[arg(long = "port", value_name = "PATH", conflicts_with = "virtual_robot")]
    ports: Vec<PathBuf>,
    /// Language of the motors, may be given several times; if it is left out, all in turn until one is answered
    #[arg(long = "protocol", value_name = "NAME", value_enum)]
    protocols: Vec<ProtocolName>,
    /// Rate of the line, instead of each protocol's usual ones
    #[arg(long, value_name = "BITS_PER_S", value_parser = clap::value_parser!(u32).range(1..))]
    baud: Option<u32>,
    /// How long each id may take to answer, ms; a USB adapter alone may take 16
    #[arg(long, value_name = "MS", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=1000))]
    wait_ms: u16,
    /// Motors that are not there, wired as this robot's
    #[arg(long = "virtual", value_name = "ROBOT")]
    virtual_robot: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let robot = args.virtual_robot.as_deref().map(Robot::load).transpose()?;
    let motors = robot.as_ref().map(|robot| VirtualRobot::start(&robot.description)).transpose()?;
    let ports = match &motors {
        Some(motors) => motors.paths().to_vec(),
        None if args.ports.is_empty() => available_ports(),
        None => args.ports.clone(),
    };
    if ports.is_empty() {
        return Err(bad_input(
            "no serial port is plugged in",
            "plug in the adapter, name a port with --port, or try it with --virtual go2-serial",
        ));
    }
    let wanted = wanted(args, robot.map(|robot| robot.description.motors.protocol));
    // A port that was not named may be somebody else's.
    let leave_alone = motors.is_none() && args.ports.is_empty();
    let reports = scan_ports(&ports, &wanted, leave_alone)?;
    let found = reports.iter().map(|report| report.found.len()).sum::<usize>();
    print(if args.json { json(&reports)? } else { text(&reports, &wanted) });
    Ok(if found > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn wanted(args: &Args, own: Option<MotorProtocol>) -> Wanted {
    let named: Vec<_> = args.protocols.iter().map(|name| name.0).collect();
    let protocols = match own.and_then(Protocol::of) {
        _ if !named.is_empty() => named.clone(),
        // The virtual motors have one language, and a line without a rate would be asked at each.
        Some(own) => vec![own],
        None => Protocol::ALL.to_vec(),
    };
    let budget = Duration::from_millis(args.wait_ms.into());
    Wanted { protocols, baud: args.baud, budget, all: !named.is_empty() }
}

/// All ports at the same time: they do not hear each other. Those in use are refused, or left alone.
fn scan_ports(ports: &[PathBuf], wanted: &Wanted, leave_alone: bool) -> anyhow::Result<Vec<PortReport>> {
    let bar = ProgressBar::new((wanted.most_ids() * ports.len()) as u64);
    let style = ProgressStyle::with_template("{elapsed:>4} [{bar:30}] {pos} of {len} ids asked");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> "));
    let reports: Vec<Result<PortReport, OpenError>> = std::thread::scope(|scope| {
        let bar = &bar;
        let scan = |port: &'_ PathBuf| {
            let port = port.clone();
            move || match scan_port(&port, wanted, |asked| bar.inc(asked as u64)) {
                Err(refused @ OpenError::Busy { .. }) if leave_alone => {
                    Ok(PortReport::left_alone(&port, &refused))
                }
                scanned => scanned,
            }
        };
        let threads: Vec<_> = ports.iter().map(|port| scope.spawn(scan(port))).collect();
        threads.into_iter().filter_map(|thread| thread.join().ok()).collect()
    });
    bar.finish_and_clear();
    Ok(reports.into_iter().collect::<Result<_, _>>()?)
}

fn json(reports: &[PortReport]) -> anyhow::Result<String> {
    Ok(serde_json::to_string_pretty(&serde_json::json!({ "ports": reports }))? + "\n")
}

fn text(reports: &[PortReport], wanted: &Wanted) -> String {
    let mut text = String::new();
    let rows: Vec<Vec<String>> = reports.iter().flat_map(rows).collect();
    let head = [
        "port",
        "protocol",
        "baud",
        "id",
        "model",
        "firmware",
        "position rad",
        "temp C",
        "supply V",
        "errors",
    ];
    if !rows.is_empty() {
        text += &columns(&head, &rows);
    }
    for report in reports {
        let port = report.port.display();
        if report.echo {
            text += &format!(
                "{port}: what is sent comes back (the adapter hears itself); no harm, it is told apart\n"
            );
        }
        for note in &report.notes {
            text += &format!("{port}: {note}\n");
        }
        for found in report.found.iter().filter(|found| !found.errors.is_empty()) {
            text += &format!("{port}: id {}: {}\n", found.id, found.errors.join("; "));
        }
        if report.found.is_empty() && !report.in_use {
            text += &nothing(report, wanted);
        }
    }
    text
}

fn rows(report: &PortReport) -> Vec<Vec<String>> {
    let word = |text: &Option<String>| text.clone().unwrap_or_else(|| NONE.to_owned());
    let row = |found: &crate::bus_tools::scan::Found| {
        vec![
            report.port.display().to_string(),
            found.protocol.to_owned(),
            found.baud.to_string(),
            found.id.to_string(),
            word(&found.model),
            word(&found.firmware),
            number(found.position_rad, 3),
            number(found.temperature_c, 0),
            number(found.voltage_v, 1),
            if found.errors.is_empty() { NONE.to_owned() } else { "see below".to_owned() },
        ]
    };
    report.found.iter().map(row).collect()
}

/// The things to check where nothing answered.
fn nothing(report: &PortReport, wanted: &Wanted) -> String {
    let asked: Vec<String> = wanted
        .protocols
        .iter()
        .map(|protocol| {
            let bauds: Vec<_> = wanted.bauds(*protocol).iter().map(u32::to_string).collect();
            format!("{} ({})", protocol.name(), bauds.join(", "))
        })
        .collect();
    let wait_ms = wanted.budget.as_millis();
    format!(
        "{}: nothing answered. Asked: {}.\n  \
         check: the motors have power; A and B of the line are not exchanged, and its ends are terminated;\n  \
         the ids are within the protocol's range, and the rate is theirs (--baud);\n  \
         the adapter answers in time (latency_timer of 1 ms, or --wait-ms above {wait_ms}); nothing else is master on this bus\n",
        report.port.display(),
        asked.join(", "),
    )
}

#[cfg(test)]
mod tests {
    use firmware_bridge::port::SerialPort;

    use super::*;

    /// One port in use ended the scan of all.
    #[test]
    fn a_port_in_use_is_left_alone_unless_it_was_named() {
        let robot = Robot::load("go2-serial").expect("built in");
        let motors = VirtualRobot::start(&robot.description).expect("a virtual robot");
        let ports = &motors.paths()[..2];
        let taken = SerialPort::open(&ports[0], 4_000_000).expect("opens");
        let budget = Duration::from_millis(10);
        let wanted = Wanted { protocols: vec![Protocol::GoM8010], baud: None, budget, all: false };
        let reports = scan_ports(ports, &wanted, true).expect("the others are asked");
        assert!(reports[0].in_use && reports[1].found.len() == 3, "{reports:?}");
        let text = text(&reports, &wanted);
        assert!(
            text.contains("another program uses the port") && !text.contains("nothing answered"),
            "{text}"
        );
        assert!(scan_ports(ports, &wanted, false).is_err(), "named ones are wanted");
        drop(taken);
    }
}
