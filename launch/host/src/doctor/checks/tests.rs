//! Each verdict on a machine that deserves it, and on none that does not.

use super::*;
use crate::doctor::facts::fixture::{FT232H, Machine, Plug};
use crate::doctor::facts::{Port, Wanted};
use crate::doctor::{Check, examine, worst};
use proptest::prelude::*;

mod cases;

use cases::{CASES, IDLE_LATENCY, KERNEL_VERSION, LATENCY, RUNTIME};

fn named<'a>(checks: &'a [Check], name: &str) -> &'a Check {
    checks.iter().find(|check| check.name == name).unwrap_or_else(|| panic!("no check {name}"))
}

#[test]
fn a_good_machine_gets_no_word_of_blame() {
    let checks = Machine::good().robot_checks();
    for check in &checks {
        // That no processor is kept free is worth knowing even there.
        let most = if check.name == "cpu isolation" { Verdict::Note } else { Verdict::Ok };
        assert!(check.verdict <= most, "{check:?}");
    }
    assert_eq!(checks.len(), ALL.len());
}

#[test]
fn each_trouble_is_noticed_and_has_its_remedy() {
    for (change, name, verdict, found, remedy) in CASES {
        let machine = Machine::good();
        change(&machine);
        let checks = machine.robot_checks();
        let check = named(&checks, name);
        assert_eq!(check.verdict, verdict, "{check:?}");
        assert!(check.found.contains(found), "{check:?}");
        assert!(check.remedy.as_deref().unwrap_or_default().contains(remedy), "{check:?}");
        if verdict == Verdict::Ok {
            assert_eq!(check.remedy, None);
        }
    }
}

/// What an idle state that is switched off would take no longer matters.
#[test]
fn idle_states_that_are_off_do_not_count() {
    let machine = Machine::good();
    machine.file(IDLE_LATENCY, "133\n");
    machine.file("sys/devices/system/cpu/cpu0/cpuidle/state1/disable", "1\n");
    assert_eq!(named(&machine.robot_checks(), "cpu idle states").verdict, Verdict::Ok);
}

/// Judged without files: whoever runs the tests as root may open everything.
#[test]
fn a_port_without_permission_is_a_fault_for_its_robot_alone() {
    let check = |wanted: bool, mode: u32, group: &str| {
        let mut facts = Machine::good().facts(wanted.then_some(&["/dev/ttyUSB0", "/dev/ttyUSB1"][..]));
        for port in &mut facts.ports {
            *port = Port { usable: false, mode, group: group.to_owned(), ..port.clone() };
        }
        named(&examine(&facts), "port permission").clone()
    };
    let for_robot = check(true, 0o660, "dialout");
    assert_eq!(for_robot.verdict, Verdict::Fault);
    assert!(for_robot.remedy.expect("one").starts_with("sudo usermod -aG dialout $USER"));
    assert_eq!(check(false, 0o660, "dialout").verdict, Verdict::Warning);
    // Being in the group would not help.
    for (mode, group) in [(0o600, "dialout"), (0o660, "root")] {
        assert!(check(true, mode, group).remedy.expect("one").contains("99-adit.rules"));
    }
}

#[test]
fn names_that_replugging_changes_are_told() {
    let machine = Machine::good();
    let check = |ports: &[&str]| named(&examine(&machine.facts(Some(ports))), "ports").clone();
    let unstable = check(&["/dev/ttyUSB0", "/dev/serial/by-id/usb-ttyUSB1"]);
    assert_eq!(unstable.verdict, Verdict::Warning);
    assert!(unstable.remedy.expect("one").contains("/dev/serial/by-id/usb-ttyUSB0"));
    let twice = check(&["/dev/serial/by-id/usb-ttyUSB0", "/dev/ttyUSB0"]);
    assert_eq!(twice.verdict, Verdict::Fault);
    assert!(twice.found.contains("is the port of motor bus 0 too"), "{twice:?}");

    let mut facts = machine.facts(Some(&["/dev/ttyUSB0", "/dev/ttyUSB1"]));
    facts.robot.as_mut().expect("given").buses = 4;
    assert!(named(&examine(&facts), "ports").found.contains("1 motor ports are named for 4 motor buses"));
    facts.robot.as_mut().expect("given").wanted = None;
    let checks = examine(&facts);
    assert_eq!(named(&checks, "ports").verdict, Verdict::Warning);
    assert!(worst(&checks) < Verdict::Fault, "the simulator is enough for that one");
}

#[test]
fn full_speed_adapters_are_not_to_share_a_hub() {
    let machine = Machine::good();
    let slow =
        Plug { vendor: "1a86", product: "55d3", revision: "0443", driver: "cdc_acm", speed: "12", ..FT232H };
    machine.plug(Plug { name: "ttyACM0", at: "usb1/1-4/1-4.1", ..slow });
    machine.plug(Plug { name: "ttyACM1", at: "usb1/1-4/1-4.2", ..slow });
    machine.file("sys/devices/pci0000:00/usb1/1-4/speed", "480");
    let check =
        named(&examine(&machine.facts(Some(&["/dev/ttyACM0", "/dev/ttyACM1"]))), "usb wiring").clone();
    assert_eq!(check.verdict, Verdict::Warning);
    assert!(check.found.contains("2 full-speed adapters share 1-4"), "{check:?}");
    assert!(!check.found.contains("slows it down"), "{check:?}");
    machine.file("sys/devices/pci0000:00/usb1/1-4/speed", "12");
    let check =
        named(&examine(&machine.facts(Some(&["/dev/ttyACM0", "/dev/ttyUSB0"]))), "usb wiring").clone();
    assert!(check.found.contains("ttyACM0: the hub 1-4 slows it down"), "{check:?}");
    assert!(!check.found.contains("share"), "{check:?}");
}

#[test]
fn on_board_uarts_are_known_through_the_layers() {
    let machine = Machine::good();
    machine.uart("ttyAMA0", "uart-pl011", "0x11000040", "48000000");
    let of =
        |name: &str| named(&examine(&machine.facts(Some(&["/dev/ttyAMA0", "/dev/ttyUSB1"]))), name).clone();
    assert!(of("ports").found.contains("ttyAMA0, uart-pl011"));
    assert!(of("baud rate").remedy.expect("3 Mbaud are too few").contains("init_uart_clock=64000000"));
    let latency = of("uart latency");
    assert_eq!(latency.verdict, Verdict::Note);
    let remedy = latency.remedy.expect("one");
    assert!(
        remedy.contains("setserial /dev/ttyAMA0 low_latency") && remedy.contains("99-adit.rules"),
        "{remedy}"
    );
    machine.uart("ttyS3", "dw-apb-uart", "0x11000040", "24000000");
    let of_plain = examine(&machine.facts(Some(&["/dev/ttyS3", "/dev/ttyUSB1"])));
    let remedy = named(&of_plain, "uart latency").remedy.clone().expect("one");
    assert!(!remedy.contains("99-adit.rules"), "the rules leave ttyS alone: {remedy}");
    machine.file("sys/class/tty/ttyAMA0/flags", "0x11002040");
    assert_eq!(of("uart latency").verdict, Verdict::Ok);
    machine.remove("sys/class/tty/ttyAMA0/flags");
    assert!(of("uart latency").remedy.expect("one").contains("setserial -g /dev/ttyAMA0"));
}

/// A clock that may be raised, and chips whose papers promise less than is wanted.
#[test]
fn rates_that_are_not_sure_are_no_faults() {
    let machine = Machine::good();
    machine.uart("ttyTHS1", "serial-tegra", "0x11002040", "0");
    let wch = Plug { vendor: "1a86", product: "55d4", driver: "cdc_acm", ..FT232H };
    machine.plug(Plug { name: "ttyACM0", at: "usb1/1-5", ..wch });
    let of = |port: &str| named(&examine(&machine.facts(Some(&[port, "/dev/ttyUSB1"]))), "baud rate").clone();
    let tegra = of("/dev/ttyTHS1");
    assert_eq!(tegra.verdict, Verdict::Warning, "{tegra:?}");
    assert!(tegra.remedy.expect("one").contains("FT232H"));
    assert_eq!(of("/dev/ttyACM0").verdict, Verdict::Ok);
}

#[test]
fn without_a_robot_nothing_is_at_fault() {
    let machine = Machine::good();
    machine.file("sys/devices/pci0000:00/usb1/1-1/bcdDevice", "0600");
    machine.file(LATENCY, "16\n");
    machine.link("proc/700/fd/5", "/dev/ttyUSB0");
    let checks = examine(&machine.facts(None));
    assert!(worst(&checks) <= Verdict::Note, "{checks:?}");
    assert!(named(&checks, "baud rate").found.contains("ttyUSB0: at most 3 Mbaud"));
    assert!(named(&checks, "ftdi latency").remedy.is_some());
    machine.remove("dev/ttyUSB0");
    machine.remove("dev/ttyUSB1");
    let ports = named(&examine(&machine.facts(None)), "ports").clone();
    assert!(ports.verdict == Verdict::Note && ports.found.contains("no serial port"), "{ports:?}");
}

#[test]
fn a_disk_has_room_for_half_an_hour() {
    for (minutes, expected) in [(30, Verdict::Ok), (29, Verdict::Warning)] {
        let room = Some(("/data".into(), minutes * 300_000_000));
        let facts = Facts { room, ..Facts::default() };
        assert_eq!(named(&examine(&facts), "disk").verdict, expected);
    }
}

/// Files that doctor names are in the program and in the repository.
#[test]
fn every_file_that_a_remedy_names_exists() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy");
    let mut seen = std::collections::BTreeSet::new();
    let wanted = |m: &Machine| m.facts(Some(&["/dev/ttyUSB0", "/dev/ttyUSB1"]));
    for (change, ..) in CASES {
        let machine = Machine::good();
        change(&machine);
        let mut facts = wanted(&machine);
        facts.ports.iter_mut().for_each(|port| port.usable = false);
        for remedy in examine(&facts).into_iter().filter_map(|check| check.remedy) {
            for (before, _) in remedy.match_indices("--show ").chain(remedy.match_indices("launch/deploy/")) {
                let rest =
                    &remedy[before..].trim_start_matches("--show ").trim_start_matches("launch/deploy/");
                let name: String =
                    rest.chars().take_while(|c| c.is_ascii_alphanumeric() || "-.".contains(*c)).collect();
                assert!(deploy::FILES.iter().any(|file| file.name == name), "{name}");
                assert!(folder.join(&name).is_file(), "{name}");
                seen.insert(name);
            }
        }
    }
    assert!(seen.len() >= 4, "{seen:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever stands in the files: an answer, and a remedy with each blame.
    #[test]
    fn odd_files_are_no_trouble(junk in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 8), seed in any::<usize>()) {
        let machine = Machine::good();
        let files = [
            LATENCY, KERNEL_VERSION, RUNTIME, IDLE_LATENCY, "proc/self/limits", "proc/self/status", "proc/self/cgroup",
            "proc/swaps", "proc/cmdline", "proc/cpuinfo", "proc/700/comm", "etc/group", "sys/class/net/lo/flags",
            "sys/devices/system/cpu/online", "sys/devices/pci0000:00/usb1/1-1/speed",
            "sys/devices/pci0000:00/usb1/1-1/bcdDevice", "proc/sys/net/core/rmem_max",
        ];
        for (n, junk) in junk.iter().enumerate() {
            machine.file(files[seed.wrapping_add(n * 5) % files.len()], junk);
        }
        for check in machine.robot_checks() {
            prop_assert!(!check.found.is_empty(), "{:?}", check);
            prop_assert!(check.verdict < Verdict::Warning || check.remedy.is_some(), "{:?}", check);
        }
    }
}

#[test]
fn an_empty_machine_is_judged_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let wanted = |path: &str| Wanted {
        role: "motor bus 0".to_owned(),
        is_motor_bus: true,
        path: path.into(),
        baud: 4_000_000,
        device: None,
    };
    // A folder, a way out of the root, and nothing at all.
    let ports = ["/", "/../..", ""].map(wanted).to_vec();
    let robot = crate::doctor::RobotPorts { robot: "Odd".to_owned(), buses: 3, wanted: Some(ports) };
    let checks = examine(&Facts::read(folder.path(), Some(robot), folder.path(), 80));
    assert_eq!(named(&checks, "ports").verdict, Verdict::Fault);
    assert!(checks.iter().all(|check| !check.found.is_empty()), "{checks:?}");
}
