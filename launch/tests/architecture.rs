//! The map of the parts, asserted: who may depend on whom, and who alone may know ROS 2, physics and ports.

mod workspace;

use std::collections::{BTreeMap, BTreeSet};

/// Direct dependencies of each workspace crate, development ones left out.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let text = |v: &serde_json::Value| v.as_str().expect("text").to_owned();
    workspace::packages()
        .iter()
        .map(|package| {
            let deps = package["dependencies"].as_array().expect("dependencies");
            let normal = deps.iter().filter(|d| d["kind"] != "dev").map(|d| text(&d["name"]));
            (text(&package["name"]), normal.collect())
        })
        .collect()
}

#[test]
fn arrows_point_down_only() {
    const MIDDLE: [&str; 4] = ["perception", "planner", "firmware-bridge", "robot-interface"];
    let allowed: [(&str, &[&str]); 14] = [
        (
            "launch",
            &[
                "host",
                "recording",
                "report",
                "stack",
                "perception",
                "planner",
                "sim",
                "firmware-bridge",
                "robot-interface",
                "adit-link",
                "adit-dds",
            ],
        ),
        // Never `sim`: what the robot does is built without ground truth.
        ("stack", &MIDDLE),
        ("recording", &["robot-interface", "adit-cdr"]),
        ("report", &["robot-interface"]),
        ("host", &[]),
        ("perception", &["robot-interface"]),
        ("planner", &["robot-interface"]),
        // The virtual motors use the wire codecs; sim's Cargo.toml tells why.
        ("sim", &["robot-interface", "firmware-bridge"]),
        ("firmware-bridge", &["robot-interface", "adit-link", "adit-cdr"]),
        ("robot-interface", &[]),
        // Firmware is built from it.
        ("adit-link", &[]),
        ("adit-cdr", &[]),
        ("adit-dds", &[]),
        // It judges their dependencies, and is no part of Adit.
        ("dependency-policy", &[]),
    ];
    let all = dependencies();
    let ours: BTreeSet<&String> = all.keys().collect();
    assert_eq!(ours.len(), allowed.len(), "a crate came or went: {ours:?}");
    for (name, may) in allowed {
        for dependency in all[name].iter().filter(|d| ours.contains(d)) {
            assert!(may.contains(&dependency.as_str()), "{name} must not depend on {dependency}");
        }
    }
    // The arrow that must never be there, however it came: through another crate, too.
    let (mut reached, mut open) = (BTreeSet::new(), vec!["stack".to_owned()]);
    while let Some(name) = open.pop() {
        for dependency in all[&name].iter().filter(|d| ours.contains(d)) {
            if reached.insert(dependency.clone()) {
                open.push(dependency.clone());
            }
        }
    }
    assert!(!reached.contains("sim"), "the robot's side could see the simulator: {reached:?}");
}

#[test]
fn special_knowledge_stays_in_its_crate() {
    let keepers = [
        ("r2r", &["launch"][..]),
        ("rapier3d", &["sim"]),
        ("rapier3d-mjcf", &["sim"]),
        ("serialport", &["firmware-bridge"]),
        ("rustdds", &["adit-dds"]),
        ("rustix", &["launch", "host", "recording", "stack", "firmware-bridge"]),
        ("candle-core", &["perception"]),
        ("mcap", &["recording"]),
        ("minijinja", &["report"]),
        ("anyhow", &["launch"]),
        // Shells wait; what decides is handed events and times.
        ("tokio", &["host"]),
    ];
    let all = dependencies();
    for (library, may) in keepers {
        let knows: Vec<&str> =
            all.iter().filter(|(_, has)| has.contains(library)).map(|(name, _)| name.as_str()).collect();
        assert!(!knows.is_empty(), "nobody uses {library} any more: take it out of this list");
        for name in knows {
            assert!(may.contains(&name), "{name} must not know {library}");
        }
    }
}
