//! Whatever a file says of a key: it is refused by file and key, or a world starts up with it.
//!
//! The keys are those of the shipped files, walked as trees, with the optional ones that these leave out. That none is
//! forgotten is the reader's own word: it lists the keys of a table when it is given one that it does not know.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rayon::prelude::*;
use robot_interface::frames::{Base, Map, Transform};
use robot_interface::joints::JOINT_NAMES;
use robot_interface::time::Stamp;
use sim::camera::{Camera, Exposure};
use sim::thermal::ThermalCamera;
use sim::tunnel::TunnelDescription;
use stack::config::{ConfigError, Robot};
use stack::{Control, Navigator};
use toml::Value;

use super::MissionFile;
use crate::world::World;

const ROBOTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/robots");
const WEIGHTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../perception/weights/defects.safetensors");

/// Keys and places on the way to a value.
type Way = Vec<String>;

/// All values of a tree, tables and arrays included.
fn ways(value: &Value, at: &Way, found: &mut Vec<Way>) {
    let mut inner = |name: String, value: &Value| {
        let way = [at.as_slice(), &[name]].concat();
        found.push(way.clone());
        ways(value, &way, found);
    };
    match value {
        Value::Table(table) => table.iter().for_each(|(key, value)| inner(key.clone(), value)),
        Value::Array(array) => array.iter().enumerate().for_each(|(i, value)| inner(i.to_string(), value)),
        _ => (),
    }
}

fn value_at<'a>(tree: &'a Value, way: &[String]) -> &'a Value {
    way.iter().fold(tree, |value, name| match name.parse::<usize>() {
        Ok(i) => &value[i],
        Err(_) => &value[name.as_str()],
    })
}

/// The tree with another value there; without one, the key is taken away.
fn with(tree: &Value, way: &[String], new: Option<Value>) -> Value {
    let mut tree = tree.clone();
    let (last, table) = way.split_last().expect("a key");
    let place = table.iter().fold(&mut tree, |value, name| match name.parse::<usize>() {
        Ok(i) => &mut value[i],
        Err(_) => &mut value[name.as_str()],
    });
    match (place, new) {
        (Value::Array(array), new) => {
            let i: usize = last.parse().expect("a place");
            array.remove(i);
            new.into_iter().for_each(|value| array.insert(i, value));
        }
        (Value::Table(table), Some(new)) => drop(table.insert(last.clone(), new)),
        (Value::Table(table), None) => drop(table.remove(last)),
        _ => unreachable!("a value inside of a table or an array"),
    }
    tree
}

/// What may stand in a value's place.
fn extremes(value: &Value) -> Vec<Option<Value>> {
    let mut all: Vec<Value> =
        [0.0, -1.0, 1.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e-300, 1e300, -1e300]
            .map(Value::Float)
            .into();
    all.extend([0, -1, 1, 300, i64::from(u32::MAX), i64::MAX, i64::MIN].map(Value::Integer));
    all.extend(["", " ", "../x", "\u{0}\n", &"x".repeat(5000)].map(|text| Value::String(text.to_owned())));
    all.extend([Value::Boolean(true), Value::Array(Vec::new()), Value::Table(toml::Table::new())]);
    match value {
        Value::Float(number) => {
            all.extend([-1.0, 1e-6, 1e-3, 0.1, 10.0, 1e3, 1e9].map(|factor| Value::Float(factor * number)));
        }
        Value::Integer(number) => all.extend([number + 1, number + 5].map(Value::Integer)),
        Value::Array(array) => {
            let reversed: Vec<Value> = array.iter().rev().cloned().collect();
            let twice: Vec<Value> = array.iter().chain(array).cloned().collect();
            let many = array.iter().cycle().take(1000 * array.len()).cloned().collect();
            all.extend([reversed, twice, many, vec![Value::Float(f64::NAN); array.len()]].map(Value::Array));
        }
        _ => (),
    }
    all.into_iter().map(Some).chain([None]).collect()
}

/// The tree with each value replaced by each extreme, and with any two numbers of a table swapped; with what was changed.
fn cases(tree: &Value) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    ways(tree, &Vec::new(), &mut found);
    let mut cases = Vec::new();
    for way in &found {
        for extreme in extremes(value_at(tree, way)) {
            let shown: String = format!("{} = {extreme:?}", way.join(".")).chars().take(200).collect();
            cases.push((shown, with(tree, way, extreme)));
        }
        let sibling =
            |other: &&Way| other.len() == way.len() && other[..way.len() - 1] == way[..way.len() - 1];
        for other in found.iter().filter(sibling).filter(|other| *other > way) {
            let (a, b) = (value_at(tree, way), value_at(tree, other));
            if a.is_float() && b.is_float() && a != b {
                let swapped = with(&with(tree, way, Some(b.clone())), other, Some(a.clone()));
                cases.push((format!("{} and {} swapped", way.join("."), other.join(".")), swapped));
            }
        }
    }
    cases
}

fn tree(text: &str) -> Value {
    Value::Table(text.parse().expect("TOML"))
}

fn set(tree: &mut Value, way: &str, new: Value) {
    let way: Way = way.split('.').map(str::to_owned).collect();
    *tree = with(tree, &way, Some(new));
}

/// A mission of each section's shape with every key that there is, in tunnels that are soon made.
fn missions() -> Vec<Value> {
    let shipped = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/missions/cable-tunnel.toml"));
    let mut mission = tree(&shipped.expect("shipped"));
    set(&mut mission, "simulation", Value::try_from(TunnelDescription::default()).expect("values"));
    let stretch = |text: &str| tree(text);
    let alignment = vec![
        stretch("length_m = 4.0"),
        stretch("length_m = 4.0\nradius_m = 60.0\nturn = 'left'\ngrade_percent = 1.5"),
    ];
    set(&mut mission, "tunnel.alignment", Value::Array(alignment));
    set(&mut mission, "inspection.end_m", Value::Float(7.0));
    set(&mut mission, "inspection.joint_emissivity", Value::Float(0.95));
    let sections = [
        "shape = 'circular'\ndiameter_m = 3.0\nfloor_height_m = 0.45",
        "shape = 'horseshoe'\nwidth_m = 2.8\nwall_height_m = 1.2",
        "shape = 'box'\nwidth_m = 2.4\nheight_m = 2.2",
    ];
    let with_section = |section: &str| {
        let mut mission = mission.clone();
        set(&mut mission, "tunnel.section", tree(section));
        mission
    };
    let mut missions: Vec<Value> = sections.into_iter().map(with_section).collect();
    // One is enough: they are read for each case.
    set(&mut missions[0], "inspection.weights", Value::String(WEIGHTS.to_owned()));
    missions
}

/// The shipped robot that is reached over a network, with every key of that, and with pictures that are soon made.
fn networked_robot() -> Value {
    let mut robot = shipped_robot("go2");
    set(&mut robot, "network", tree("interface = 'lo'\ndomain = 7\naddress = '192.168.1.120'"));
    robot
}

fn shipped_robot(name: &str) -> Value {
    let mut robot = tree(&std::fs::read_to_string(format!("{ROBOTS}/{name}.toml")).expect("shipped"));
    for camera in ["cameras.0", "cameras.1", "cameras.2", "thermal.0", "thermal.1"] {
        set(&mut robot, &format!("{camera}.width"), Value::Integer(32));
        set(&mut robot, &format!("{camera}.height"), Value::Integer(24));
    }
    set(&mut robot, "lidar.points_per_second", Value::Float(2000.0));
    robot
}

/// The shipped robot with serial motors, with every key that there is but those of a network.
fn robot() -> Value {
    let mut robot = shipped_robot("go2-serial");
    set(&mut robot, "body.max_grade_percent", Value::Float(10.0));
    set(&mut robot, "battery.walking_wh_per_km", Value::Float(126.0));
    for joint in JOINT_NAMES {
        set(&mut robot, &format!("joints.{joint}.reversed"), Value::Boolean(joint[1..].starts_with('R')));
    }
    set(&mut robot, "motors", tree("protocol = 'go-m8010-6'\nmodel = 'DM4310'"));
    set(
        &mut robot,
        "protection",
        tree("warm_c = 70.0\ncut_c = 85.0\nmax_power_w = 2000.0\nmax_kp = 200.0\nmax_kd = 10.0"),
    );
    set(&mut robot, "ports", tree("motors = ['/dev/a', '/dev/b', '/dev/c', '/dev/d']\nimu = '/dev/e'"));
    robot
}

fn text(tree: &Value) -> String {
    toml::to_string(tree).expect("TOML")
}

/// A folder in which a robot's file finds what it names.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::os::unix::fs::symlink(format!("{ROBOTS}/go2"), folder.path().join("go2")).expect("a link");
        Self(folder)
    }

    fn write(&self, number: usize, text: &str) -> PathBuf {
        let path = self.0.path().join(format!("{number}.toml"));
        std::fs::write(&path, text).expect("written");
        path
    }
}

/// Makes what a run begins with, lets every sensor give one sample, and goes a few steps.
fn start_up(file: &MissionFile, robot: &Robot) {
    let description = &robot.description;
    let start: Transform<Map, Base> = file.mission.start_pose();
    let mut control = Control::new(robot, start, Stamp::ZERO, 2_000_000).expect("checked");
    let (bridge, _) = control.bus();
    let ports = (0..bridge.buses()).map(|_| firmware_bridge::port::loopback().1).collect();
    let mut world = World::new(file, robot, ports).expect("checked");
    let _ = Navigator::new(&file.mission, description);
    let mut now = Stamp::ZERO;
    for _ in 0..5 {
        world.serve_motors(now);
        let imu = world.step(now);
        control.handle_imu(&imu);
        control.step(now, (now, Default::default()));
        now = now.plus_nanos(world.step_nanos());
    }
    let _ = world.battery(now);
    let scene = world.scene();
    let _ = world.take_poses().expect("made").scan();
    for (i, camera) in description.cameras.iter().enumerate() {
        let exposure = Exposure::still(start * camera.base_from_camera(), now);
        let _ = Camera::new(camera, i).render(&scene.tunnel, scene.caster.as_ref(), &exposure, 1);
    }
    for (i, camera) in description.thermal.iter().enumerate() {
        let pose = start * camera.base_from_camera();
        let _ = ThermalCamera::new(camera, i).render(&scene.tunnel, scene.caster.as_ref(), pose, now, 1);
    }
}

/// Reads and, if that is not refused, starts up. Returns what is wrong, if anything is.
fn judge(file: &Path, read: impl Fn() -> Result<(MissionFile, Robot), ConfigError>) -> Option<String> {
    // A generous bound of what nobody waits for: machines under load take their time.
    const PATIENCE: Duration = Duration::from_secs(60);
    #[allow(clippy::disallowed_methods)]
    let begun = Instant::now();
    let done = catch_unwind(AssertUnwindSafe(|| match read() {
        Ok((mission, robot)) => {
            start_up(&mission, &robot);
            None
        }
        Err(error) => {
            let (name, text) = (file.display().to_string(), error.to_string());
            let after = text.strip_prefix(&name).unwrap_or_default();
            // What only both files together make wrong is told by the mission's line, and names the robot's file.
            let names_both = text.starts_with("m.toml:") && text.contains(&name);
            let is_located = (after.starts_with(':') || names_both) && text.contains("\n  help: ");
            let is_short = text.lines().all(|line| line.len() < 1500);
            (!is_located || !is_short).then(|| format!("refused with {text}"))
        }
    }));
    match done {
        Err(_) => Some("a panic".to_owned()),
        Ok(None) if begun.elapsed() > PATIENCE => Some(format!("took {:?}", begun.elapsed())),
        Ok(wrong) => wrong,
    }
}

/// Judges all cases, on all cores; the mistakes of all are told at once.
fn judge_all(cases: Vec<(String, Value)>, judge: impl Fn(usize, &str) -> Option<String> + Sync) {
    let judged = cases.into_par_iter().enumerate();
    let wrong: Vec<String> = judged
        .filter_map(|(number, (changed, tree))| Some(format!("{changed}: {}", judge(number, &text(&tree))?)))
        .collect();
    assert!(wrong.is_empty(), "{} cases:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_extreme_of_a_mission_file_is_refused_or_starts_up() {
    let folder = Folder::new();
    let robot = folder.write(usize::MAX, &text(&robot()));
    let robot = Robot::load(robot).expect("good");
    for mission in missions() {
        judge_all(cases(&mission), |number, text| {
            let path = folder.write(number, text);
            judge(&path, || {
                let file = MissionFile::load(&path)?;
                // Its own robot first, as `adit mission` does it; then one whose pictures are small.
                file.check_simulation(&file.load_robot(None)?)?;
                Ok((file, robot.clone()))
            })
        });
    }
}

#[test]
fn every_extreme_of_a_robot_file_is_refused_or_starts_up() {
    let folder = Folder::new();
    let file = MissionFile::parse("m.toml", &text(&missions()[2])).expect("good");
    // Of the other robot only what it alone has.
    let networked = cases(&networked_robot());
    let networked = networked.into_iter().filter(|(changed, _)| changed.starts_with("network"));
    judge_all(cases(&robot()).into_iter().chain(networked).collect(), |number, text| {
        let path = folder.write(number, text);
        judge(&path, || {
            let robot = file.load_robot(Some(&path))?;
            file.check_simulation(&robot)?;
            Ok((file.clone(), robot))
        })
    });
}

#[test]
fn no_key_is_forgotten() {
    let folder = Folder::new();
    let expected = |error: ConfigError| -> Vec<String> {
        let message = error.to_string();
        let message = message.lines().next().unwrap_or_default();
        assert!(message.contains("`nonsense`"), "{message}");
        message.split('`').skip(1).step_by(2).filter(|word| *word != "nonsense").map(str::to_owned).collect()
    };
    let robots = [robot(), networked_robot()];
    let trees = missions().into_iter().chain(robots.clone());
    let mut known = std::collections::BTreeSet::new();
    let mut wanted = std::collections::BTreeSet::new();
    for (number, tree) in trees.enumerate() {
        let mut found = vec![Way::new()];
        ways(&tree, &Way::new(), &mut found);
        // A joint is named freely as far as the reader of the table knows.
        for way in found.iter().filter(|way| value_at(&tree, way).is_table() && way.join(".") != "joints") {
            let table = value_at(&tree, way).as_table().expect("a table");
            let general: String = way.iter().filter(|name| name.parse::<usize>().is_err()).cloned().collect();
            known.extend(table.keys().map(|key| format!("{general}.{key}")));
            let key = [way.as_slice(), &["nonsense".to_owned()]].concat();
            let path = folder.write(number, &text(&with(&tree, &key, Some(Value::Integer(1)))));
            let refused = if robots.contains(&tree) {
                Robot::load(&path).map(|_| ()).expect_err("nonsense")
            } else {
                MissionFile::load(&path).map(|_| ()).expect_err("nonsense")
            };
            wanted.extend(expected(refused).into_iter().map(|key| format!("{general}.{key}")));
        }
    }
    let forgotten: Vec<_> = wanted.difference(&known).collect();
    assert!(known.len() > 130 && forgotten.is_empty(), "{} keys, without {forgotten:?}", known.len());
}

/// A robot whose physics model or policy is cut anywhere, or has a number that cannot be, is refused by the key that names it.
#[test]
fn damaged_files_that_a_robot_names_are_refused_or_start_up() {
    let folder = tempfile::tempdir().expect("a folder");
    let read = |name: &str| std::fs::read(format!("{ROBOTS}/go2/{name}")).expect("shipped");
    let (model, policy) = (read("go2.xml"), read("policy/policy.safetensors"));
    let file = MissionFile::parse("m.toml", &text(&missions()[2])).expect("good");
    let small = text(&robot()).replace("go2/go2.xml", "m.xml").replace("go2/policy/policy.safetensors", "p");
    let mut pairs: Vec<(String, Vec<u8>, Vec<u8>)> = Vec::new();
    for cut in (0..model.len()).step_by(model.len() / 150) {
        pairs.push((format!("model cut at {cut}"), model[..cut].to_vec(), policy.clone()));
    }
    let words: Vec<(usize, &str)> = {
        let text = std::str::from_utf8(&model).expect("text");
        let is_number = |word: &&str| word.trim_matches('"').parse::<f64>().is_ok();
        let starts = text.split([' ', '"']).filter(is_number);
        starts.map(|word| (word.as_ptr() as usize - text.as_ptr() as usize, word)).collect()
    };
    assert!(words.len() > 200, "{} numbers", words.len());
    for (at, word) in words.into_iter().step_by(7) {
        for new in ["nan", "inf", "1e300", "-1", "0", ""] {
            let changed = [&model[..at], new.as_bytes(), &model[at + word.len()..]].concat();
            pairs.push((format!("model: {word} at {at} is {new}"), changed, policy.clone()));
        }
    }
    for cut in (0..policy.len()).step_by(policy.len() / 40).chain(0..16) {
        pairs.push((format!("policy cut at {cut}"), model.clone(), policy[..cut].to_vec()));
    }
    let wrong: Vec<String> = pairs
        .into_par_iter()
        .enumerate()
        .filter_map(|(number, (changed, model, policy))| {
            let folder = folder.path().join(number.to_string());
            std::fs::create_dir(&folder).expect("made");
            for (name, bytes) in [("m.xml", &model[..]), ("p", &policy), ("r.toml", small.as_bytes())] {
                std::fs::write(folder.join(name), bytes).expect("written");
            }
            let path = folder.join("r.toml");
            let read = || {
                let robot = file.load_robot(Some(&path))?;
                file.check_simulation(&robot)?;
                Ok((file.clone(), robot))
            };
            let is_whole = changed.starts_with("model:");
            let wrong = judge(&path, read);
            let accepted = !is_whole && read().is_ok();
            let wrong = wrong.or_else(|| accepted.then(|| "accepted".to_owned()))?;
            Some(format!("{changed}: {wrong}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{} cases:\n{}", wrong.len(), wrong.join("\n"));
}
