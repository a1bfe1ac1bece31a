//! `adit doctor`: checks of the machine that is to run a robot's control loop, with remedies.

mod robot_network;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use firmware_bridge::bridge::baud;
use firmware_bridge::protocol::imu::IMU_BAUD;
use robot_interface::robot::RobotDescription;
use serde::Serialize;

use super::exit::BadInput;
use crate::terminal::print;
use host::doctor::{
    CheckResult, Facts, PortRequirement, RobotPorts, Verdict, deploy, run_checks, worst_verdict,
};
use stack::config::Robot;
use stack::realtime::CONTROL_PRIORITY;

/// Arguments of `adit doctor`.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Robot whose ports are to be there: a built-in name or a .toml file
    #[arg(long, value_name = "NAME")]
    robot: Option<String>,
    /// Network interface that leads to a robot that is reached over one [default: the robot file's]
    #[arg(long, value_name = "NAME", requires = "robot")]
    interface: Option<String>,
    /// DDS domain of such a robot [default: the robot file's]
    #[arg(long, value_name = "N", requires = "robot", value_parser = clap::value_parser!(u16).range(0..=232))]
    robot_domain: Option<u16>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Print a file to install, and look at nothing; README.md tells of all
    #[arg(long, value_name = "FILE", conflicts_with_all = ["robot", "json"])]
    show: Option<String>,
    /// Folder of the runs, whose disk is looked at
    #[arg(long, value_name = "DIR", default_value = "runs")]
    out: PathBuf,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let text = match &args.show {
        Some(name) => contents(name)?.to_owned(),
        None => {
            let robot = args.robot.as_deref().map(Robot::load).transpose()?;
            let description = robot.as_ref().map(|robot| &robot.description);
            let networked = description.filter(|robot| robot.motors.protocol.is_networked());
            let ports = description.filter(|_| networked.is_none()).map(required_ports);
            let mut results = match networked {
                Some(robot) => robot_network::checks(robot, args.interface.as_deref(), args.robot_domain)?,
                None => Vec::new(),
            };
            results.extend(run_checks(&Facts::read(Path::new("/"), ports, &args.out, CONTROL_PRIORITY)));
            print(report(&results, args.json)?);
            let cannot_work = worst_verdict(&results) == Verdict::Fault;
            return Ok(if cannot_work { ExitCode::FAILURE } else { ExitCode::SUCCESS });
        }
    };
    print(text);
    Ok(ExitCode::SUCCESS)
}

fn contents(name: &str) -> Result<&'static str, BadInput> {
    let file = deploy::FILES.iter().find(|file| file.name == name);
    file.map(|file| file.contents).ok_or_else(|| BadInput {
        message: format!("there is no file {name} to install"),
        help: format!("name one of these: {}", deploy::FILES.map(|file| file.name).join(", ")),
    })
}

/// Returns the ports that the bridge would open, as `launch/src/ros/bridge/ports.rs` does.
fn required_ports(robot: &RobotDescription) -> RobotPorts {
    let required = robot.ports.as_ref().map(|ports| {
        let bus = |(n, path): (usize, &PathBuf)| PortRequirement {
            role: format!("motor bus {n}"),
            is_motor_bus: true,
            path: path.clone(),
            baud: baud(robot.motors.protocol),
            device: None,
        };
        let imu = PortRequirement {
            role: "inertial sensor".to_owned(),
            is_motor_bus: false,
            path: ports.imu.clone(),
            baud: IMU_BAUD,
            device: None,
        };
        ports.motors.iter().enumerate().map(bus).chain([imu]).collect()
    });
    RobotPorts { robot: robot.name.clone(), buses: robot.buses(), required }
}

/// Object that `--json` prints.
#[derive(Serialize)]
struct Report<'a> {
    verdict: Verdict,
    checks: &'a [CheckResult],
}

fn report(checks: &[CheckResult], json: bool) -> anyhow::Result<String> {
    if json {
        let report = Report { verdict: worst_verdict(checks), checks };
        return Ok(serde_json::to_string_pretty(&report)? + "\n");
    }
    let names = checks.iter().map(|check| check.name.len()).max().unwrap_or(0);
    let mut text = String::new();
    for check in checks {
        for (n, line) in check.found.lines().enumerate() {
            let (word, name) = if n == 0 { (check.verdict.word(), check.name) } else { ("", "") };
            text += &format!("{word:7}  {name:names$}  {line}\n");
        }
        for step in check.remedy.iter().flat_map(|remedy| remedy.lines()) {
            text += &format!("{:7}  {:names$}    -> {step}\n", "", "");
        }
    }
    let count = |verdict| checks.iter().filter(|check| check.verdict == verdict).count();
    text += &match (count(Verdict::Fault), count(Verdict::Warning)) {
        (0, 0) => "\nNothing stands in the way of a robot.\n".to_owned(),
        (0, warnings) => format!("\nThe bridge can work here; warnings: {warnings}.\n"),
        (faults, warnings) => {
            format!("\nThe bridge cannot work here; faults: {faults}, warnings: {warnings}.\n")
        }
    };
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &'static str, verdict: Verdict, found: &str, remedy: Option<&str>) -> CheckResult {
        CheckResult { name, verdict, found: found.to_owned(), remedy: remedy.map(str::to_owned) }
    }

    #[test]
    fn the_text_stands_in_columns() {
        let checks = [
            check("ports", Verdict::Fault, "one\nanother", Some("plug it in\nlook")),
            check("cpu frequency", Verdict::Ok, "performance", None),
        ];
        let expected = "\
FAULT    ports          one
                        another
                          -> plug it in
                          -> look
ok       cpu frequency  performance

The bridge cannot work here; faults: 1, warnings: 0.
";
        assert_eq!(report(&checks, false).expect("text"), expected);
        assert!(report(&checks[1..], false).expect("text").contains("Nothing stands in the way"));
    }

    #[test]
    fn json_has_each_check() {
        let checks = [check("ports", Verdict::Warning, "one", None)];
        let json: serde_json::Value =
            serde_json::from_str(&report(&checks, true).expect("text")).expect("JSON");
        let expected =
            serde_json::json!({ "name": "ports", "verdict": "warning", "found": "one", "remedy": null });
        assert_eq!(json["checks"][0], expected);
        assert_eq!(json["verdict"], "warning");
    }

    #[test]
    fn files_are_shown_and_wrong_names_answered_with_the_right_ones() {
        assert!(contents("adit.service").expect("there").contains("[Service]"));
        let error = contents("adit.rules").expect_err("no such file").to_string();
        assert!(error.contains("99-adit.rules") && error.contains("help:"), "{error}");
    }

    #[test]
    fn a_robot_wants_its_buses_and_its_inertial_sensor() {
        let mut robot = Robot::load("go2-serial").expect("built in").description;
        assert!(required_ports(&robot).required.is_none());
        robot.ports = Some(robot_interface::robot::PortsDescription {
            motors: vec!["/dev/a".into(), "/dev/b".into()],
            imu: "/dev/c".into(),
        });
        let ports = required_ports(&robot);
        assert_eq!(ports.buses, 4);
        let required: Vec<_> = ports.required.iter().flatten().map(|p| (p.role.as_str(), p.baud)).collect();
        assert_eq!(
            required,
            [("motor bus 0", 4_000_000), ("motor bus 1", 4_000_000), ("inertial sensor", 921_600)]
        );
    }
}
