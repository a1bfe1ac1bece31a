//! Checks of a robot that is reached over a network: the way to it, and what it says.

use std::net::IpAddr;
use std::time::Duration;

use firmware_bridge::robot::RobotProtocol;
use host::doctor::{CheckResult, Verdict};
use robot_interface::robot::RobotDescription;

use crate::robot_finder::{FoundRobot, Search, find};
use crate::robot_link::{LinkError, RobotNetwork};

/// How long it is listened.
const LISTEN: Duration = Duration::from_secs(5);
/// A Unitree robot's network, its first three numbers.
const UNITREE_NETWORK: [u8; 3] = [192, 168, 123];
/// States a second that a robot sends, less what may be missing while it is found.
const LEAST_STATES_PER_S: f64 = 300.0;
/// Share of the states that may be lost.
const MOST_LOST: f64 = 0.01;
/// A battery with less is to be charged, percent.
const LOW_PERCENT: u8 = 25;
/// The robot's clock may differ by so much, s: stamps of its sensors are compared with this computer's.
const MOST_AHEAD_S: f64 = 0.05;

/// Listens to the robot, and says what is to be done.
pub(super) fn checks(
    robot: &RobotDescription,
    interface: Option<&str>,
    domain: Option<u16>,
) -> anyhow::Result<Vec<CheckResult>> {
    let network = match RobotNetwork::of(robot, interface, domain) {
        Ok(network) => network,
        Err(error @ (LinkError::NoInterface { .. } | LinkError::Interface { .. })) => {
            let text = error.to_string();
            let (found, help) = text.split_once("\n  help: ").unwrap_or((&text, ""));
            return Ok(vec![result("robot interface", Verdict::Fault, found, Some(help))]);
        }
        Err(other) => return Err(other.into()),
    };
    let is_unitree = network.protocol == RobotProtocol::UnitreeGo;
    let search = Search {
        interface: &network.interface,
        domain: network.domain,
        duration: LISTEN,
        unitree: is_unitree,
        deeprobotics: !is_unitree,
    };
    let found = find(&search, |_| ())?;
    let mut all = vec![interface_check(&network)];
    all.extend(robot_checks(&found, &network));
    Ok(all)
}

fn result(
    name: &'static str,
    verdict: Verdict,
    found: impl Into<String>,
    remedy: Option<&str>,
) -> CheckResult {
    CheckResult { name, verdict, found: found.into(), remedy: remedy.map(str::to_owned) }
}

fn interface_check(network: &RobotNetwork) -> CheckResult {
    let interface = &network.interface;
    let addresses: Vec<String> = interface.addresses.iter().map(ToString::to_string).collect();
    let found = format!("{} ({})", interface.name, addresses.join(", "));
    let in_network =
        |address: &IpAddr| matches!(address, IpAddr::V4(v4) if v4.octets()[..3] == UNITREE_NETWORK);
    let is_theirs = interface.is_loopback || interface.addresses.iter().any(in_network);
    if network.protocol == RobotProtocol::UnitreeGo && !is_theirs {
        return result(
            "robot interface",
            Verdict::Warning,
            format!("{found}: not in the robot's network, 192.168.123.0/24"),
            Some(
                "give this computer's port an address there, such as 192.168.123.99 (.161 and .18 are the robot's)",
            ),
        );
    }
    result("robot interface", Verdict::Ok, found, None)
}

/// What the robot says of itself.
fn robot_checks(found: &[FoundRobot], network: &RobotNetwork) -> Vec<CheckResult> {
    let robot = match found {
        [] => {
            let remedy = "switch the robot on; check the cable, this computer's address, and that nothing filters multicast\n\
                          adit robot find --interface NAME    # looks on another network";
            let text = format!("no robot reports on {}, domain {}", network.interface.name, network.domain);
            return vec![result("robot", Verdict::Fault, text, Some(remedy))];
        }
        [robot] => robot,
        several => {
            let places: Vec<String> =
                several.iter().map(|robot| robot.address.map_or("?".to_owned(), |a| a.to_string())).collect();
            let text = format!("{} robots report: {}", several.len(), places.join(", "));
            return vec![result(
                "robot",
                Verdict::Fault,
                text,
                Some("switch the others off, or keep them on a network of their own"),
            )];
        }
    };
    let place = robot.address.map_or("an address that it does not say".to_owned(), |a| a.to_string());
    let mut all = vec![result("robot", Verdict::Ok, format!("{} at {place}", robot.kind), None)];
    all.push(states_check(robot));
    if robot.other_masters > 0 {
        let text = format!("somebody else commands its joints: {}", robot.drivers.join("; "));
        all.push(result(
            "robot masters",
            Verdict::Fault,
            text,
            Some("stop that program: two masters fight over the motors"),
        ));
    } else {
        all.push(result("robot masters", Verdict::Ok, "nobody else commands its joints", None));
    }
    if robot.transport == "dds" {
        let text = if robot.own_gait {
            "has the motors: use it with --gait vendor; with --gait adit it lays the robot down and is released first"
        } else {
            "is silent: it was released, or is switched off; --gait vendor needs it (the vendor's app switches it on)"
        };
        all.push(result("robot gait", Verdict::Note, text, None));
        all.push(sensors_check(robot));
    }
    all.extend(robot.battery_percent.map(|percent| {
        let text =
            format!("{percent} %{}", robot.supply_v.map_or(String::new(), |volt| format!(", {volt:.1} V")));
        let (verdict, remedy) =
            if percent < LOW_PERCENT { (Verdict::Warning, Some("charge it")) } else { (Verdict::Ok, None) };
        result("robot battery", verdict, text, remedy)
    }));
    all.push(clock_check(robot));
    for remark in &robot.remarks {
        all.push(result("robot remark", Verdict::Warning, remark.clone(), None));
    }
    all
}

fn states_check(robot: &FoundRobot) -> CheckResult {
    let came = robot.states_per_s * LISTEN.as_secs_f64();
    let share = robot.states_lost as f64 / (came + robot.states_lost as f64).max(1.0);
    let text = format!("{:.0} states a second, {:.1} % lost on the way", robot.states_per_s, 100.0 * share);
    if robot.states_per_s < LEAST_STATES_PER_S || share > MOST_LOST {
        let remedy = "use a cable and not Wi-Fi, straight to the robot; look what else uses the network and this computer";
        return result("robot states", Verdict::Warning, text, Some(remedy));
    }
    result("robot states", Verdict::Ok, text, None)
}

fn sensors_check(robot: &FoundRobot) -> CheckResult {
    if robot.sensors.is_empty() {
        let text = "no rt/utlidar topics: its own lidar is off or missing, or another one is mounted";
        return result("robot sensors", Verdict::Note, text, None);
    }
    result("robot sensors", Verdict::Ok, robot.sensors.join(", "), None)
}

fn clock_check(robot: &FoundRobot) -> CheckResult {
    match robot.clock_ahead_s {
        None => result("robot clock", Verdict::Note, "it does not tell its time", None),
        Some(ahead_s) if ahead_s.abs() > MOST_AHEAD_S => {
            let text = format!("{ahead_s:+.3} s from this computer's");
            let remedy = "stamps of its own sensors do not fit: have both go by one clock (chrony), or use drivers that stamp by this computer's";
            result("robot clock", Verdict::Warning, text, Some(remedy))
        }
        Some(ahead_s) => {
            result("robot clock", Verdict::Ok, format!("{:+.1} ms from this computer's", 1e3 * ahead_s), None)
        }
    }
}

#[cfg(test)]
mod tests {
    use adit_dds::Interface;

    use super::*;

    fn network(last: u8, third: u8) -> RobotNetwork {
        RobotNetwork {
            interface: Interface {
                name: "eth0".to_owned(),
                addresses: vec![IpAddr::from([192, 168, third, last])],
                is_up: true,
                is_loopback: false,
            },
            domain: 0,
            address: None,
            protocol: RobotProtocol::UnitreeGo,
        }
    }

    fn robot() -> FoundRobot {
        FoundRobot {
            kind: "Unitree Go2".to_owned(),
            transport: "dds",
            states_per_s: 500.0,
            battery_percent: Some(80),
            clock_ahead_s: Some(0.001),
            ..FoundRobot::default()
        }
    }

    fn worst(robot: FoundRobot) -> (Verdict, Vec<&'static str>) {
        let checks = robot_checks(&[robot], &network(99, 123));
        let worst = host::doctor::worst_verdict(&checks);
        (worst, checks.iter().filter(|check| check.verdict > Verdict::Note).map(|check| check.name).collect())
    }

    #[test]
    fn a_good_robot_has_nothing_to_be_told() {
        assert_eq!(worst(robot()), (Verdict::Note, vec![]));
        assert_eq!(interface_check(&network(99, 123)).verdict, Verdict::Ok);
        assert_eq!(interface_check(&network(99, 1)).verdict, Verdict::Warning);
    }

    #[test]
    fn each_trouble_is_told_by_its_name() {
        let cases: [(&str, Verdict, FoundRobot); 4] = [
            ("robot states", Verdict::Warning, FoundRobot { states_lost: 400, ..robot() }),
            ("robot masters", Verdict::Fault, FoundRobot { other_masters: 1, ..robot() }),
            ("robot battery", Verdict::Warning, FoundRobot { battery_percent: Some(9), ..robot() }),
            ("robot clock", Verdict::Warning, FoundRobot { clock_ahead_s: Some(-3600.0), ..robot() }),
        ];
        for (name, verdict, robot) in cases {
            assert_eq!(worst(robot), (verdict, vec![name]));
        }
        let nobody = robot_checks(&[], &network(99, 123));
        assert_eq!((nobody[0].name, nobody[0].verdict), ("robot", Verdict::Fault));
        let two = robot_checks(&[robot(), robot()], &network(99, 123));
        assert!(two[0].found.contains("2 robots"), "{two:?}");
    }
}
