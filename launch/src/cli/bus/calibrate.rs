//! `adit bus calibrate`: a person moves the joints, this reads them and saves what it finds.

use std::io::{BufRead, IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::time::SystemTime;

use firmware_bridge::calibrate::{Calibration as Procedure, Stop, Task, Trouble, Zero};
use robot_interface::joints::{JOINT_NAMES, JOINTS};
use robot_interface::robot::JointDescription;
use robot_interface::time::Stamp;

use super::common::{RobotArgs, bad_input, stop_on_ctrl_c};
use super::table::columns;
use crate::bus_tools::ports::Buses;
use crate::bus_tools::reading::read_once;
use crate::cli::exit::INTERRUPTED;
use crate::terminal::{eprint, eprint_line, print};
use stack::config::{Calibration, Robot};
use stack::realtime::{monotonic, sleep_until};

/// Interval between two readings, ns.
const PERIOD_NANOS: u64 = 20_000_000;
/// Time that a joint which was said to be at its stop may take to come to rest, ns.
const MAX_SETTLING_NANOS: u64 = 3_000_000_000;
/// By how much a virtual robot's zeros differ from its file's, rad, so that there is something to find.
const VIRTUAL_ERROR_RAD: f64 = 0.05;
/// Most that is taken from standard input, bytes: what a program answers without end (`yes`) is not kept in memory.
const MAX_TYPED: u64 = 1 << 16;
/// Distance from its goal at which the virtual hand has arrived, rad at the rotor.
const ARRIVED_RAD: f64 = 0.01;

/// Arguments of `adit bus calibrate`.
#[derive(clap::Args)]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    which: RobotArgs,
    /// Where to save; calibration.toml beside the robot's file if it is left out, where it is then used
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// The robot lies as its file's lying_pose_rad says: no joint is moved to its stops
    #[arg(long)]
    lying: bool,
    /// How far a joint's travel may be from the file's, rad
    #[arg(long, value_name = "RAD", default_value_t = 0.1)]
    tolerance: f64,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    if !(args.tolerance > 0.0 && args.tolerance < 1.0) {
        return Err(bad_input(
            format!("--tolerance is {}", args.tolerance),
            "give a number above 0 and below 1 rad",
        ));
    }
    let out = place(args)?;
    if let Some(out) = &out {
        // Before somebody moves the first joint.
        Calibration::try_place(out).map_err(|error| {
            bad_input(error.to_string(), "name a file in a folder that is there and can be written")
        })?;
    }
    let mut buses = match &args.which.robot {
        // The calibration to be replaced may be the reason to calibrate.
        Some(name) => Buses::of(Robot::load_uncalibrated(name)?, name, PERIOD_NANOS)?,
        None => args.which.open(PERIOD_NANOS)?,
    };
    let stop = stop_on_ctrl_c()?;
    let robot = buses.robot.description.clone();
    let joints = robot.joints.0;
    let mut procedure = match args.lying {
        true => Procedure::by_pose(joints, robot.lying_pose()),
        false => Procedure::by_stops(joints, args.tolerance),
    };
    print("Motors are read and not driven. Support the robot: its legs give way. Enter goes on, q ends.\n");
    let ended =
        Session { joints, lying: robot.lying_pose(), answers: answers(), confirmed: None, shown: false }
            .run(&mut buses, &mut procedure, &stop)?;
    let Some(zeros) = procedure.zeros().filter(|_| ended) else {
        eprint_line("ended before every joint was known: nothing has been saved");
        let interrupted = stop.load(Ordering::Relaxed);
        return Ok(if interrupted { ExitCode::from(INTERRUPTED) } else { ExitCode::FAILURE });
    };
    print(table(&joints, &zeros));
    let Some(out) = out else { return Ok(ExitCode::SUCCESS) };
    let Some(calibration) = Calibration::new(&robot, &zeros, now()) else {
        anyhow::bail!("a zero is no number")
    };
    if let Err(error) = calibration.save(&out) {
        // What took somebody an hour is not lost with its file.
        print(format_args!("\n{}", calibration.text()?));
        let there = out.display();
        eprint_line(format_args!(
            "error: {error}; or put what was to be saved, printed above, into {there} by hand"
        ));
        return Ok(ExitCode::FAILURE);
    }
    print(format_args!("saved: {}\n", out.display()));
    Ok(ExitCode::SUCCESS)
}

/// The place to save at; a virtual robot's result is only shown if none is given.
fn place(args: &Args) -> anyhow::Result<Option<PathBuf>> {
    match (&args.out, &args.which.robot) {
        (Some(out), _) => Ok(Some(out.clone())),
        (None, Some(name)) if name.ends_with(".toml") => Ok(Some(Calibration::beside(Path::new(name)))),
        (None, Some(name)) => Err(bad_input(
            format!("{name} is a built-in robot, and a calibration belongs to a single one"),
            "copy its file, name your robot and its ports in it, and give that file; or give --out",
        )),
        (None, None) => Ok(None),
    }
}

/// Lines of standard input, from a thread of their own: reading must not wait for a person.
fn answers() -> Receiver<String> {
    let (lines, answers) = channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().take(MAX_TYPED).lines() {
            let Ok(line) = line else { return };
            if lines.send(line).is_err() {
                return;
            }
        }
    });
    answers
}

/// The conversation with the person.
struct Session {
    joints: [JointDescription; JOINTS],
    lying: [f64; JOINTS],
    answers: Receiver<String>,
    /// Time since which the person says that the task is done.
    confirmed: Option<Stamp>,
    /// True if there is a line on the terminal that is written over again and again.
    shown: bool,
}

impl Session {
    /// Returns whether it came to its end.
    fn run(
        mut self,
        buses: &mut Buses,
        procedure: &mut Procedure,
        stop: &AtomicBool,
    ) -> anyhow::Result<bool> {
        let mut due = monotonic();
        let mut asked = None;
        while let Some(task) = procedure.task() {
            if stop.load(Ordering::Relaxed) {
                return Ok(false);
            }
            if asked != Some(task) {
                self.ask(task, buses);
                asked = Some(task);
            }
            let cycle = read_once(buses, PERIOD_NANOS);
            let now = monotonic();
            let mut rotors = [None; JOINTS];
            for joint in (0..JOINTS).filter(|joint| cycle.answered[*joint]) {
                let rotor_rad =
                    self.joints[joint].rotor_position_rad(cycle.states.joints[joint].position_rad);
                rotors[joint] = Some(rotor_rad);
                self.report(procedure.handle_reading(now, joint, rotor_rad), &mut asked);
            }
            self.report(procedure.handle_time(now), &mut asked);
            self.show(task, procedure);
            if self.confirmed.is_none() && self.hand_is_there(task, &rotors, buses) {
                match self.answers.try_recv() {
                    Ok(line) if matches!(line.trim(), "q" | "Q") => return Ok(false),
                    Ok(_) => self.confirmed = Some(now),
                    Err(TryRecvError::Empty) => {}
                    Err(TryRecvError::Disconnected) => return Ok(false),
                }
            }
            if let Some(since) = self.confirmed {
                let result = procedure.confirm(now);
                let waits = matches!(result, Err(Trouble::Moving { .. }))
                    && now.nanos() - since.nanos() < MAX_SETTLING_NANOS;
                if !waits {
                    self.confirmed = None;
                    self.report(result, &mut asked);
                }
            }
            due = due.plus_nanos(PERIOD_NANOS).max(now);
            sleep_until(due);
        }
        self.end_line();
        Ok(true)
    }

    fn ask(&mut self, task: Task, buses: &Buses) {
        self.end_line();
        let text = match task {
            Task::Pose => {
                "Lay the robot on its belly, legs folded as its file says, let go, and press Enter.\n"
                    .to_owned()
            }
            Task::Move { joint, stop } => {
                let (word, rad) = self.stop(joint, stop);
                format!(
                    "{}: move it to its {word} stop ({rad:.3} rad), hold it there, and press Enter.\n",
                    JOINT_NAMES[joint]
                )
            }
        };
        print(&text);
        if let Some(motors) = &buses.motors {
            for (joint, rotor_rad) in self.hand(task) {
                motors.hold(joint, rotor_rad);
            }
        }
    }

    fn stop(&self, joint: usize, stop: Stop) -> (&'static str, f64) {
        match stop {
            Stop::Lower => ("lower", self.joints[joint].lower_rad.get()),
            Stop::Upper => ("upper", self.joints[joint].upper_rad.get()),
        }
    }

    /// Rotors that the hand of a virtual robot moves, and where to.
    fn hand(&self, task: Task) -> Vec<(usize, f64)> {
        let rotor = |joint: usize, rad: f64| self.joints[joint].rotor_position_rad(rad - VIRTUAL_ERROR_RAD);
        match task {
            Task::Pose => (0..JOINTS).map(|joint| (joint, rotor(joint, self.lying[joint]))).collect(),
            Task::Move { joint, stop } => vec![(joint, rotor(joint, self.stop(joint, stop).1))],
        }
    }

    /// A person presses Enter when the joint is there, and so must whoever pipes it in for a virtual robot.
    fn hand_is_there(&self, task: Task, rotors: &[Option<f64>; JOINTS], buses: &Buses) -> bool {
        let there = |(joint, target): (usize, f64)| {
            rotors[joint].is_some_and(|rad| (rad - target).abs() < ARRIVED_RAD)
        };
        buses.motors.is_none() || self.hand(task).into_iter().all(there)
    }

    /// Reports what is wrong, and has the task asked again.
    fn report(&mut self, result: Result<(), Trouble>, asked: &mut Option<Task>) {
        if let Err(trouble) = result {
            self.end_line();
            eprint_line(trouble);
            *asked = None;
        }
    }

    /// Shows how far the joint has come, for a person to see that it is the right one.
    fn show(&mut self, task: Task, procedure: &Procedure) {
        let Task::Move { joint, .. } = task else { return };
        if std::io::stderr().is_terminal() {
            let moved = procedure
                .moved_rad(joint)
                .map_or("does not answer".to_owned(), |rad| format!("moved {rad:+.2} rad"));
            eprint(format_args!("\r  {moved:20}"));
            self.shown = true;
        }
    }

    fn end_line(&mut self) {
        if std::mem::take(&mut self.shown) {
            eprint(format_args!("\r{:30}\r", ""));
        }
    }
}

fn table(joints: &[JointDescription; JOINTS], zeros: &[Zero; JOINTS]) -> String {
    let rows: Vec<_> = (JOINT_NAMES.iter().zip(joints).zip(zeros))
        .map(|((name, joint), zero)| {
            let was = joint.zero_offset_rad.get();
            vec![
                (*name).to_owned(),
                format!("{was:.4}"),
                format!("{:.4}", zero.zero_offset_rad),
                format!("{:+.4}", zero.zero_offset_rad - was),
                zero.reversed.to_string() + if zero.reversed == joint.reversed { "" } else { " (changed)" },
            ]
        })
        .collect();
    columns(&["joint", "zero in the file, rad", "found, rad", "difference", "reversed"], &rows)
}

#[expect(clippy::disallowed_methods, reason = "the date is for people")]
fn now() -> SystemTime {
    SystemTime::now()
}
