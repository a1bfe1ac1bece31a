//! `adit robot`: what it says of a network, whom it refuses to drive. Walks are `launch/tests/vendor` (`just robots`), in real time.

use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use adit_dds::Participant;
use firmware_bridge::robot::RobotProtocol;

fn adit(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_adit")).arg("robot").args(args).output().expect("adit starts")
}

fn code(output: &Output) -> Option<i32> {
    output.status.code()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Domains that nobody else on this machine is likely to use, one for each test.
fn domain(test: u32) -> String {
    (10 + (3 * std::process::id() + test) % 30).to_string()
}

/// A simulated robot on the loopback interface, until it is dropped.
struct Simulated(Child);

impl Simulated {
    fn start(domain: &str) -> Self {
        let child = Command::new(env!("CARGO_BIN_EXE_adit"))
            .args([
                "robot",
                "simulate",
                "--interface",
                "lo",
                "--domain",
                domain,
                "--seconds",
                "120",
                "--quiet",
            ])
            .stdout(Stdio::null())
            .spawn();
        Self(child.expect("adit starts"))
    }
}

impl Drop for Simulated {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_simulated_robot_is_found_and_its_own_gait_has_it() {
    let domain = domain(0);
    let _robot = Simulated::start(&domain);
    // Found within a second on an idle machine.
    let found = (0..10).find_map(|_| {
        let output = adit(&[
            "find",
            "--interface",
            "lo",
            "--domain",
            &domain,
            "--only",
            "unitree",
            "--seconds",
            "3",
            "--json",
        ]);
        (code(&output) == Some(0)).then(|| serde_json::from_slice::<serde_json::Value>(&output.stdout))
    });
    let robot = found.expect("a robot within half a minute").expect("JSON");
    assert_eq!((&robot["transport"], &robot["own_gait"]), (&"dds".into(), &true.into()), "{robot}");
    assert!(robot["battery_percent"].as_u64().is_some_and(|percent| percent > 90), "{robot}");
    assert!(robot["states_per_s"].as_f64().is_some_and(|rate| rate > 10.0), "{robot}");
    assert_eq!(robot["other_masters"], 0, "{robot}");
}

#[test]
fn a_robot_that_somebody_else_commands_is_not_driven() {
    let domain = domain(1);
    let _robot = Simulated::start(&domain);
    let number: u16 = domain.parse().expect("a number");
    let other = Participant::open(number, &[[127, 0, 0, 1].into()]).expect("a participant");
    let commands = other.publish("rt/lowcmd", "unitree_go::msg::dds_::LowCmd_").expect("a writer");
    let mut sample = Vec::new();
    RobotProtocol::UnitreeGo.encode_command(&[None; 12], &mut sample);
    let ended = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !ended.load(std::sync::atomic::Ordering::Relaxed) {
                commands.write(&sample).expect("a sample");
                std::thread::sleep(Duration::from_millis(10));
            }
        });
        let walk = adit(&["walk", "--interface", "lo", "--domain", &domain]);
        ended.store(true, std::sync::atomic::Ordering::Relaxed);
        assert_eq!(code(&walk), Some(1), "{}", err(&walk));
        assert!(
            err(&walk).contains("commanded by 127.0.0.1") && err(&walk).contains("help:"),
            "{}",
            err(&walk)
        );
    });
}

#[test]
fn what_is_missing_or_cannot_be_is_told_before_anything_is_sent() {
    for (args, told) in [
        (&["find"][..], "--interface"),
        (&["find", "--interface", "nowhere0"], "there is none of that name"),
        (&["find", "--interface", "lo", "--seconds", "0"], "0.1"),
        (&["walk", "--robot", "go2-serial", "--interface", "lo"], "serial motors"),
        (&["walk", "--interface", "lo", "--distance", "2000"], "--distance"),
        (&["walk", "--interface", "lo", "--domain", "233"], "233"),
        (&["simulate", "--interface", "lo", "--seconds", "0"], "--seconds"),
        (&["walk", "--robot", "nobody"], "go2-serial"),
    ] {
        let output = adit(args);
        assert_eq!(code(&output), Some(2), "{args:?}: {}", err(&output));
        assert!(err(&output).contains(told), "{args:?}: {}", err(&output));
    }
}
