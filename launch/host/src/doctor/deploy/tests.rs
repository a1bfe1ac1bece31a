//! The files for a robot's computer, held against what systemd, udev and PAM say of their keys.

use super::*;

#[test]
fn the_folder_holds_these_files_and_no_others() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy");
    let entries = std::fs::read_dir(folder).expect("there");
    let mut found: Vec<String> =
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    found.sort();
    let mut known = FILES.map(|file| file.name.to_owned());
    known.sort();
    assert_eq!(found, known);
    for file in FILES {
        assert!(file.contents.ends_with('\n'), "{}", file.name);
        if file.name != README.name {
            assert!(README.contents.contains(&file.install()), "README.md does not install {}", file.name);
        }
    }
}

/// `systemd-analyze verify` says the same, where there is one (it wants the program to exist).
#[test]
fn the_unit_has_known_keys_in_their_sections() {
    let known: [(&str, &[&str]); 3] = [
        (
            "[Unit]",
            &["Description", "Documentation", "After", "Wants", "StartLimitIntervalSec", "StartLimitBurst"],
        ),
        (
            "[Service]",
            &[
                "Type",
                "User",
                "Group",
                "SupplementaryGroups",
                "Environment",
                "EnvironmentFile",
                "WorkingDirectory",
                "StateDirectory",
                "LogsDirectory",
                "ExecStart",
                "KillMode",
                "KillSignal",
                "TimeoutStopSec",
                "Restart",
                "RestartSec",
                "RestartPreventExitStatus",
                "SuccessExitStatus",
                "LimitRTPRIO",
                "LimitMEMLOCK",
                "LimitCORE",
                "OOMScoreAdjust",
                "NoNewPrivileges",
                "CapabilityBoundingSet",
                "AmbientCapabilities",
                "ProtectSystem",
                "ProtectHome",
                "PrivateTmp",
                "ProtectControlGroups",
                "TemporaryFileSystem",
                "DevicePolicy",
                "DeviceAllow",
                "RestrictRealtime",
            ],
        ),
        ("[Install]", &["WantedBy"]),
    ];
    let mut section = "";
    for line in lines(SERVICE) {
        if line.starts_with('[') {
            section = line;
            continue;
        }
        let (_, keys) = known.iter().find(|(name, _)| *name == section).expect("a known section");
        let (key, _) = line.split_once('=').expect("key=value");
        assert!(keys.contains(&key), "{section} {key}");
    }
}

#[test]
fn the_unit_lets_the_control_loop_be_in_time() {
    assert_eq!(unit_values("LimitRTPRIO"), ["99"]);
    assert_eq!(unit_values("LimitMEMLOCK"), ["infinity"]);
    assert_eq!(unit_values("RestrictRealtime"), ["no"]);
    // The supervisor alone is asked to stop, as by Ctrl-C.
    assert_eq!((unit_values("KillMode"), unit_values("KillSignal")), (vec!["mixed"], vec!["SIGINT"]));
    // Ports cannot be opened behind this one, and these put a filter before each call of the control loop.
    for key in [
        "PrivateDevices",
        "SystemCallFilter",
        "SystemCallArchitectures",
        "RestrictNamespaces",
        "RestrictAddressFamilies",
        "LockPersonality",
        "MemoryDenyWriteExecute",
        "RestrictSUIDSGID",
        "ProtectKernelTunables",
        "ProtectKernelModules",
        "ProtectKernelLogs",
        "ProtectClock",
        "ProtectHostname",
    ] {
        assert!(unit_values(key).is_empty(), "{key}");
    }
    assert!(unit_values("DeviceAllow").contains(&"char-ttyUSB rw"));
}

#[test]
fn rules_are_matches_and_assignments() {
    let keys = [
        "ACTION",
        "SUBSYSTEM",
        "KERNEL",
        "DRIVERS",
        "GROUP",
        "MODE",
        "GOTO",
        "LABEL",
        "RUN",
        "TEST",
        "SYMLINK",
    ];
    let with_braces = ["ENV", "ATTR", "ATTRS"];
    let mut labels = 0;
    // The example that is commented out has to be one that works.
    let example =
        RULES.contents.lines().filter_map(|line| line.strip_prefix('#')).filter(|l| l.starts_with("ENV{"));
    for line in lines(RULES).chain(example) {
        for item in line.split(", ") {
            let (left, value) = item.split_once('"').unwrap_or_else(|| panic!("no value: {item}"));
            assert!(value.ends_with('"') && value.matches('"').count() == 1, "{item}");
            let key = left.trim_end_matches(['=', '!', '+']);
            assert!(["==", "!=", "=", "+="].contains(&&left[key.len()..]), "{item}");
            let known = match key.split_once('{') {
                Some((key, attribute)) => with_braces.contains(&key) && attribute.ends_with('}'),
                None => keys.contains(&key),
            };
            assert!(known, "{item}");
            labels += usize::from(key == "LABEL");
        }
    }
    assert_eq!(labels, 1);
    assert!(
        lines(RULES)
            .any(|line| line.contains("ftdi_sio") && line.ends_with("ATTR{device/latency_timer}=\"1\""))
    );
}

#[test]
fn limits_and_sysctl_are_rows_of_their_kind() {
    for line in lines(LIMITS) {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [who, kind, item, value] = fields[..] else { panic!("{line}") };
        assert!(who == "@realtime" && kind == "-", "{line}");
        assert!([("rtprio", "99"), ("memlock", "unlimited")].contains(&(item, value)), "{line}");
    }
    for line in lines(SYSCTL) {
        let (key, value) = line.split_once(" = ").expect("key = value");
        assert!(key.contains('.') && value.parse::<u64>().is_ok(), "{line}");
    }
}
