//! `docs/add-a-robot.md` against the description that it is about: each key that a robot file may have stands there.

use robot_interface::robot::RobotDescription;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

fn read(path: &str) -> String {
    std::fs::read_to_string(format!("{ROOT}/{path}")).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Returns what the reader would have taken in place of `nonsense`, by its own word.
fn expected_instead(robot_file: &str) -> Vec<String> {
    let error = toml::from_str::<RobotDescription>(robot_file).expect_err("nonsense is refused");
    let message = error.message();
    assert!(message.contains("`nonsense`"), "{message}");
    message.split('`').skip(1).step_by(2).filter(|word| *word != "nonsense").map(str::to_owned).collect()
}

#[test]
fn the_page_about_robots_has_every_key() {
    let (good, page) = (read("launch/robots/go2-serial.toml"), read("docs/add-a-robot.md"));
    let tables = ["[body]", "[legs]", "[joints.FL_hip_joint]", "[gait]", "[battery]", "[imu]", "[lidar]"];
    let lists = ["[[cameras]]", "[[thermal]]"];
    let mut keys = expected_instead(&format!("nonsense = 1\n{good}"));
    for table in tables.into_iter().chain(lists) {
        assert!(good.contains(table), "{table}");
        keys.extend(expected_instead(&good.replacen(table, &format!("{table}\nnonsense = 1"), 1)));
    }
    for table in ["[motors]", "[protection]", "[ports]", "[network]"] {
        keys.extend(expected_instead(&format!("{good}\n{table}\nnonsense = 1\n")));
    }
    assert!(keys.len() > 80, "{} keys", keys.len());
    let has = |key: &&String| {
        let ways = ["`KEY`", "`[KEY]`", "`[[KEY]]`", "`[KEY.NAME]`"];
        ways.iter().any(|written| page.contains(&written.replace("KEY", key)))
    };
    let missing: Vec<&String> = keys.iter().filter(|key| !has(key)).collect();
    assert!(missing.is_empty(), "docs/add-a-robot.md lacks {missing:?}");
}

#[test]
fn the_page_about_robots_has_every_motor_protocol() {
    let (good, page) = (read("launch/robots/go2-serial.toml"), read("docs/add-a-robot.md"));
    let protocols = expected_instead(&format!("{good}\n[motors]\nprotocol = \"nonsense\"\n"));
    assert!(protocols.len() >= 5, "{protocols:?}");
    for protocol in protocols {
        assert!(page.contains(&format!("`\"{protocol}\"`")), "docs/add-a-robot.md lacks {protocol}");
    }
}
