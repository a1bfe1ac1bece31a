//! Each verdict on a machine that deserves it, and on none that does not.

use super::*;
use crate::doctor::facts::fixture::{FT232H, Machine, Plug};
use crate::doctor::facts::{Port, Wanted};
use crate::doctor::{Check, examine, worst};
use proptest::prelude::*;

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

/// A change of the good machine; the check that has to notice; its verdict; a part of what was found; and of the remedy.
type Case = (fn(&Machine), &'static str, Verdict, &'static str, &'static str);

/// The files that most changes are made to.
const LATENCY: &str = "sys/devices/pci0000:00/usb1/1-1/interface/ttyUSB0/latency_timer";
const KERNEL_VERSION: &str = "proc/sys/kernel/version";
const RUNTIME: &str = "proc/sys/kernel/sched_rt_runtime_us";
const IDLE_LATENCY: &str = "sys/devices/system/cpu/cpu0/cpuidle/state1/latency";
const CLOCKSOURCE: &str = "sys/devices/system/clocksource/clocksource0/current_clocksource";
const RULES: &str = "etc/udev/rules.d/99-adit.rules";
const GOVERNOR: &str = "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor";

const CASES: [Case; 34] = {
    use Verdict::{Fault, Note, Ok, Warning};
    [
        (|m| m.remove("dev/ttyUSB0"), "ports", Fault, "motor bus 0", "plug in the adapter"),
        (
            |m| {
                m.remove("dev/ttyUSB0");
                m.plug(Plug { name: "ttyUSB7", at: "usb1/1-7", ..FT232H });
            },
            "ports",
            Fault,
            "usb-ttyUSB0 is not there",
            "/dev/serial/by-id/usb-ttyUSB7",
        ),
        (
            |m| {
                m.remove("dev/ttyUSB0");
                m.file("usr/lib/udev/rules.d/85-brltty.rules", "");
            },
            "ports",
            Fault,
            "not there",
            "apt remove brltty",
        ),
        (
            |m| m.link("proc/700/fd/5", "/dev/ttyUSB0"),
            "port holders",
            Fault,
            "chronyd (700)",
            "fuser -v /dev/ttyUSB0",
        ),
        (
            |m| {
                m.file("proc/9/comm", "adit-ros\n");
                m.link("proc/9/fd/5", "/dev/ttyUSB0");
            },
            "port holders",
            Note,
            "adit-ros (9)",
            "",
        ),
        (
            |m| m.file("proc/cmdline", "console=ttyUSB0,115200"),
            "port holders",
            Fault,
            "console",
            "console=ttyUSB0",
        ),
        (
            |m| {
                m.remove(RULES);
                m.file("proc/9/comm", "ModemManager\n");
            },
            "port holders",
            Warning,
            "ModemManager",
            "99-adit.rules",
        ),
        // With the rules installed it leaves the ports alone.
        (|m| m.file("proc/9/comm", "ModemManager\n"), "port holders", Ok, "none", ""),
        (
            |m| m.file("usr/lib/udev/rules.d/85-brltty.rules", ""),
            "port holders",
            Warning,
            "brltty",
            "apt remove brltty",
        ),
        (
            |m| m.file("sys/devices/pci0000:00/usb1/1-1/bcdDevice", "0600"),
            "baud rate",
            Fault,
            "ttyUSB0 does at most 3 Mbaud, wanted are 4 Mbaud",
            "FT232H",
        ),
        (|m| m.file("sys/devices/pci0000:00/usb1/1-1/bcdDevice", "ffff"), "baud rate", Note, "not known", ""),
        (|m| m.file(LATENCY, "16\n"), "ftdi latency", Warning, "is 16 ms", "ttyUSB0/latency_timer"),
        (|m| m.file(LATENCY, "2\n"), "ftdi latency", Warning, "is 2 ms", "/etc/udev/rules.d/99-adit.rules"),
        (
            |m| m.file("sys/devices/pci0000:00/usb1/1-1/speed", "12"),
            "usb wiring",
            Warning,
            "12 Mbit/s",
            "high-speed adapter",
        ),
        (|m| m.file("proc/self/status", "Uid:\t0\t0\t0\t0\n"), "user", Note, "root", "sudo -u adit"),
        (
            |m| m.file("proc/self/limits", "Max realtime priority  79  99\n"),
            "real-time priority",
            Warning,
            "up to 79",
            "/etc/security/limits.d/99-adit-limits.conf",
        ),
        (
            |m| m.file("proc/self/limits", "Max realtime priority  80  80\n"),
            "real-time priority",
            Ok,
            "up to 80",
            "",
        ),
        (
            |m| m.file("proc/self/limits", "Max locked memory  8388608  8388608  bytes\n"),
            "locked memory",
            Warning,
            "8 MiB",
            "usermod -aG realtime",
        ),
        (
            |m| {
                m.file("proc/self/limits", "Max locked memory  0  0  bytes\nMax realtime priority  0  0\n");
                m.file("proc/self/status", "Uid:\t0\t0\t0\t0\nCapEff:\t0000000000804000\n");
            },
            "locked memory",
            Ok,
            "CAP_IPC_LOCK",
            "",
        ),
        (
            |m| m.file("proc/swaps", "F T S U P\n/dev/zram0 partition 99 2048 5\n"),
            "swap",
            Warning,
            "2 MiB",
            "nvzramconfig",
        ),
        (|m| m.file("proc/swaps", "F T S U P\n/swapfile file 99 0 5\n"), "swap", Note, "0 MiB", "swapoff"),
        (
            |m| m.file(KERNEL_VERSION, "#1 SMP PREEMPT_DYNAMIC"),
            "kernel",
            Warning,
            "without PREEMPT_RT",
            "realtime-kernel",
        ),
        (|m| m.file(RUNTIME, "-1\n"), "real-time throttling", Note, "no limit", "sched_rt_runtime_us=950000"),
        (
            |m| m.file(RUNTIME, "0\n"),
            "real-time throttling",
            Warning,
            "not run at all",
            "sched_rt_runtime_us=950000",
        ),
        (
            |m| {
                m.file("proc/self/cgroup", "3:cpu,cpuacct:/user\n");
                m.file("sys/fs/cgroup/cpu,cpuacct/user/cpu.rt_runtime_us", "0\n");
            },
            "real-time throttling",
            Warning,
            "no real-time share",
            "cpu.rt_runtime_us",
        ),
        (|m| m.file("sys/devices/system/cpu/online", "0\n"), "cpus", Warning, "1", "four cores"),
        (|m| m.file("sys/devices/system/cpu/smt/active", "1\n"), "cpus", Note, "two threads a core", "nosmt"),
        (
            |m| m.file("sys/devices/system/cpu/isolated", "3\n"),
            "cpu isolation",
            Note,
            "isolcpus=3",
            "taskset -apc 3",
        ),
        (|m| m.file(GOVERNOR, "powersave\n"), "cpu frequency", Warning, "powersave", "echo performance"),
        (|m| m.file(IDLE_LATENCY, "133\n"), "cpu idle states", Warning, "133 us", "cpupower idle-set -D 100"),
        (|m| m.file(CLOCKSOURCE, "hpet\n"), "clocksource", Warning, "hpet", "tsc=reliable"),
        (
            |m| m.file("proc/cpuinfo", "flags : fpu hypervisor\n"),
            "virtualisation",
            Note,
            "virtual machine",
            "simulator",
        ),
        (
            |m| m.file("proc/sys/net/core/rmem_max", "212992\n"),
            "network",
            Warning,
            "208 KiB",
            "99-adit-sysctl.conf",
        ),
        (|m| m.remove("proc/700/comm"), "clock", Warning, "nobody", "set-ntp true"),
    ]
};

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
    assert!(latency.remedy.expect("one").contains("setserial /dev/ttyAMA0 low_latency"));
    machine.file("sys/class/tty/ttyAMA0/flags", "0x11002040");
    assert_eq!(of("uart latency").verdict, Verdict::Ok);
    machine.remove("sys/class/tty/ttyAMA0/flags");
    assert!(of("uart latency").remedy.expect("one").contains("setserial -g /dev/ttyAMA0"));
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
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy");
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
    let checks = examine(&Facts::read(folder.path(), Some(robot), folder.path()));
    assert_eq!(named(&checks, "ports").verdict, Verdict::Fault);
    assert!(checks.iter().all(|check| !check.found.is_empty()), "{checks:?}");
}
