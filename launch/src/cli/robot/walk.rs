//! `adit robot walk`: a robot as it is sold, taken over, walked and given back, without ROS.

use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use firmware_bridge::port::BusDriver;
use robot_interface::frames::{Base, Map, Transform};
use robot_interface::joints::JOINTS;
use robot_interface::state::VelocityCommand;
use robot_interface::status::GaitMode;
use robot_interface::time::Stamp;
use stack::Control;
use stack::realtime::{
    CONTROL_PRIORITY, ControlHandle, ControlLoop, ControlPorts, ControlReport, Target, TimeBase, monotonic,
    prioritise,
};

use super::network::NetworkArgs;
use crate::cli::exit::{BadInput, FAILED, INTERRUPTED};
use crate::cli::gait::GaitArg;
use crate::cli::mission::stop_on_ctrl_c;
use crate::robot_link::{NetworkPort, RobotHold, SampleCounts, SampleSnapshot, VendorService, acquire};
use crate::terminal::{eprint_line, print_line};
use stack::config::Robot;

/// Time in which the estimate is ready, the robot rises, and it lies again, s.
const READY_WITHIN_S: f64 = 10.0;
const RISES_WITHIN_S: f64 = 10.0;
const LIES_WITHIN_S: f64 = 8.0;
/// Interval of targets: 50 Hz.
const TARGET_EVERY: Duration = Duration::from_millis(20);
/// Share of the cycles without a state from which that is told.
const MISSED_SHARE: f64 = 0.02;
/// Time that it stands before and after the walk, s.
const STAND_S: f64 = 1.0;
/// Turning per radian and metre off the line ahead, rad/s.
const HEADING_GAIN: f64 = 1.5;
const OFFSET_GAIN: f64 = 0.8;
const MAX_TURN_RAD_S: f64 = 0.4;
/// Trunk's height above the floor when it lies, m.
const LYING_HEIGHT_M: f64 = 0.10;

#[derive(clap::Args)]
pub(in crate::cli) struct WalkArgs {
    #[command(flatten)]
    network: NetworkArgs,
    /// Distance ahead, m; 0 only stands up and lies down again
    #[arg(long, value_name = "M", default_value_t = 0.0, allow_negative_numbers = true)]
    distance: f64,
    /// Speed, m/s
    #[arg(long, value_name = "M_S", default_value_t = 0.4)]
    speed: f64,
    /// Whose gait walks
    #[arg(long, value_enum, default_value_t)]
    gait: GaitArg,
    /// The robot has room, and whoever stands by has its remote control at hand: needed wherever it is not the loopback interface
    #[arg(long)]
    yes: bool,
    /// Do not ask the vendor's service to release the motors: of a simulator that has none
    #[arg(long)]
    assume_released: bool,
    /// Give the motors to the vendor's service again at the end, if it had them
    #[arg(long)]
    give_back: bool,
    /// Print the figures as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &WalkArgs) -> anyhow::Result<ExitCode> {
    check(args)?;
    let (robot, network) = args.network.load()?;
    if !args.yes && !network.interface.is_loopback {
        return Err(BadInput::new(
            "the robot will move, and --yes is missing".to_owned(),
            "hang it on a stand or give it room, have its remote control at hand, then add --yes",
        )
        .into());
    }
    let stop = stop_on_ctrl_c("the robot lies down")?;
    let vendor = match args.gait {
        GaitArg::Vendor => VendorService::Use,
        GaitArg::Adit if args.assume_released => VendorService::AssumeReleased,
        GaitArg::Adit => VendorService::Release,
    };
    let say = |phase| eprint_line(format_args!("{phase}"));
    let acquired =
        acquire(&network, vendor, say, || stop.load(Ordering::Relaxed)).map_err(super::network::explained);
    let (port, mut hold) = match acquired {
        Ok(acquired) => acquired,
        Err(error) if stop.load(Ordering::Relaxed) => {
            eprint_line(format_args!("{error:#}"));
            return Ok(ExitCode::from(INTERRUPTED));
        }
        Err(error) => return Err(error),
    };
    let counts =
        |hold: &RobotHold| hold.link.counts.as_deref().map(SampleCounts::snapshot).unwrap_or_default();
    let before = counts(&hold);
    let walked = walk(args, &robot, port, &mut hold, &stop)?;
    let counted = counts(&hold).since(&before);
    if args.give_back
        && let Some(name) = hold.give_back()
    {
        eprint_line(format_args!("given back to the robot's service {name}"));
    } else if let Some(name) = hold.released() {
        eprint_line(format_args!(
            "the robot's service {name} stays released; --give-back, the vendor's app or a restart of the robot gives it the motors again"
        ));
    }
    walked.print(&counted, args.json)?;
    Ok(match walked.failure {
        None => ExitCode::SUCCESS,
        Some(_) if stop.load(Ordering::Relaxed) => ExitCode::from(INTERRUPTED),
        Some(_) => ExitCode::from(FAILED),
    })
}

fn check(args: &WalkArgs) -> Result<(), BadInput> {
    if args.gait == GaitArg::Vendor && args.give_back {
        let message = "--give-back has nothing to give with --gait vendor, which releases nothing";
        return Err(BadInput::new(message.to_owned(), "leave one of them out"));
    }
    for (key, value, range) in
        [("--distance", args.distance, 0.0..=1000.0), ("--speed", args.speed, 0.05..=1.0)]
    {
        if !range.contains(&value) {
            let message = format!("{key} {value} is not from {} to {}", range.start(), range.end());
            return Err(BadInput::new(message, "give a number within that"));
        }
    }
    Ok(())
}

/// The outcome.
struct Walked {
    distance_m: f64,
    failure: Option<String>,
    report: Option<ControlReport>,
}

impl Walked {
    fn print(&self, counts: &SampleSnapshot, json: bool) -> anyhow::Result<()> {
        let late = self.report.map(|report| report.timing.late);
        let us = |share: f64| late.map(|late| late.quantile_nanos(share) as f64 / 1e3);
        if json {
            let value = serde_json::json!({
                "completed": self.failure.is_none(),
                "failure": self.failure,
                "distance_m": self.distance_m,
                "cycles": late.map(|late| late.count()),
                "late_us": { "p50": us(0.5), "p99": us(0.99) },
                "commands_sent": counts.sent,
                "commands_overtaken": counts.late,
                "states_received": counts.received,
                "states_dropped": counts.dropped,
                "missed_states": self.report.map(|report| report.missed_replies / JOINTS as u64),
            });
            print_line(serde_json::to_string(&value)?);
            return Ok(());
        }
        match &self.failure {
            None => print_line(format_args!("completed: {:.2} m ahead by its own estimate", self.distance_m)),
            Some(why) => print_line(format_args!("NOT completed, {:.2} m ahead: {why}", self.distance_m)),
        }
        if let Some(report) = &self.report {
            let late = report.timing.late;
            print_line(format_args!("  cycles     {}, begun late by us: {}", late.count(), late.in_us()));
            print_line(format_args!(
                "  states     none came in {} cycles",
                report.missed_replies / JOINTS as u64
            ));
        }
        if counts.sent > 0 {
            print_line(format_args!(
                "  over DDS   {} commands sent, {} overtaken by newer ones; {} states received, {} dropped",
                counts.sent, counts.late, counts.received, counts.dropped
            ));
        }
        Ok(())
    }
}

/// Stands, walks, lies: the control loop on a thread of its own, led from here.
fn walk(
    args: &WalkArgs,
    robot: &Robot,
    port: NetworkPort,
    hold: &mut RobotHold,
    stop: &AtomicBool,
) -> anyhow::Result<Walked> {
    let start = Transform::<Map, Base>::from_xyz_rpy([0.0, 0.0, LYING_HEIGHT_M], [0.0; 3]);
    let time = TimeBase::System(0);
    let mut control =
        Control::new(robot, start, monotonic(), time.bus_nanos())?.with_gait_of(args.gait.whose(), robot);
    let buses = BusDriver::new(control.bus().0, vec![port])?;
    let (mut control, handle) =
        ControlLoop::new(robot, start, control, ControlPorts { buses, imu: None }, time);
    let thread = std::thread::Builder::new().name("control".to_owned()).spawn(move || {
        if let Err(warning) = prioritise(CONTROL_PRIORITY) {
            tracing::warn!("{warning}");
        }
        control.run();
    })?;
    let mut leader = Leader { handle, latest: None, stop, hold, stands: false };
    let failure = leader.lead(args).err().map(|why| leader.with_missed_states(why));
    let distance_m = leader.ahead_m();
    leader.handle.quit.store(true, Ordering::Release);
    let lying = monotonic();
    while !thread.is_finished() && monotonic().seconds_since(lying) < LIES_WITHIN_S {
        leader.listen();
        std::thread::sleep(TARGET_EVERY);
    }
    anyhow::ensure!(thread.is_finished(), "the control loop does not end: keep clear of the robot");
    let report = leader.latest;
    anyhow::ensure!(thread.join().is_ok(), "the control loop panicked");
    Ok(Walked { distance_m, failure, report })
}

/// Whoever says where the robot goes.
struct Leader<'a> {
    handle: ControlHandle,
    latest: Option<ControlReport>,
    stop: &'a AtomicBool,
    hold: &'a mut RobotHold,
    /// It has risen, and is not asked to lie down yet.
    stands: bool,
}

impl Leader<'_> {
    fn lead(&mut self, args: &WalkArgs) -> Result<(), String> {
        self.until("the estimate is ready", READY_WITHIN_S, None, |report| report.status.ready)?;
        eprint_line("standing up");
        self.ask(Some(GaitMode::StandUp), VelocityCommand::default());
        self.until("the robot stands", RISES_WITHIN_S, Some(VelocityCommand::default()), |report| {
            report.status.mode == GaitMode::Walk
        })?;
        self.stands = true;
        self.hold(STAND_S)?;
        if args.distance > 0.0 {
            eprint_line(format_args!("walking {} m ahead", args.distance));
            let limit_s = 3.0 * args.distance / args.speed + 5.0;
            let begun = monotonic();
            while self.ahead_m() < args.distance {
                self.check()?;
                if monotonic().seconds_since(begun) > limit_s {
                    return Err(format!("it is not there after {limit_s:.0} s"));
                }
                self.ask(None, self.ahead(args.speed));
                std::thread::sleep(TARGET_EVERY);
            }
            self.hold(STAND_S)?;
        }
        eprint_line("lying down");
        Ok(())
    }

    /// A failure, and that too few states came if that is so.
    fn with_missed_states(&self, why: String) -> String {
        let Some(report) = &self.latest else { return why };
        let share = report.missed_replies as f64 / (JOINTS as u64 * report.timing.late.count()).max(1) as f64;
        if share < MISSED_SHARE {
            return why;
        }
        format!(
            "{why}; in {:.0} % of the cycles no state came: this computer or the network is too slow",
            100.0 * share
        )
    }

    /// Velocity along the x axis of the start.
    fn ahead(&self, speed_m_s: f64) -> VelocityCommand {
        let Some(report) = &self.latest else { return VelocityCommand::default() };
        let pose = report.status.state.map_from_base.isometry;
        let (_, _, yaw) = pose.rotation.euler_angles();
        let turn = -HEADING_GAIN * (yaw + (OFFSET_GAIN * pose.translation.y).atan());
        VelocityCommand {
            vx_m_s: speed_m_s,
            vy_m_s: 0.0,
            wz_rad_s: turn.clamp(-MAX_TURN_RAD_S, MAX_TURN_RAD_S),
        }
    }

    fn ahead_m(&self) -> f64 {
        self.latest.map_or(0.0, |report| report.status.state.map_from_base.isometry.translation.x)
    }

    /// Stands for a while.
    fn hold(&mut self, seconds: f64) -> Result<(), String> {
        let begun = monotonic();
        while monotonic().seconds_since(begun) < seconds {
            self.check()?;
            self.ask(None, VelocityCommand::default());
            std::thread::sleep(TARGET_EVERY);
        }
        Ok(())
    }

    /// Waits for something, with a velocity to be told meanwhile.
    fn until(
        &mut self,
        what: &str,
        seconds: f64,
        velocity: Option<VelocityCommand>,
        is_so: impl Fn(&ControlReport) -> bool,
    ) -> Result<(), String> {
        let begun = monotonic();
        loop {
            self.check()?;
            if self.latest.as_ref().is_some_and(&is_so) {
                return Ok(());
            }
            if monotonic().seconds_since(begun) > seconds {
                return Err(format!("{seconds:.0} s went by before {what}"));
            }
            if let Some(velocity) = velocity {
                self.ask(None, velocity);
            }
            std::thread::sleep(TARGET_EVERY);
        }
    }

    /// Takes the newest report, and passes on what the vendor's gait is to do.
    fn listen(&mut self) {
        while let Ok(order) = self.handle.orders.pop() {
            self.hold.order(order);
        }
        while let Ok(report) = self.handle.reports.pop() {
            self.latest = Some(report);
        }
    }

    /// An error if the robot must lie down.
    fn check(&mut self) -> Result<(), String> {
        self.listen();
        self.hold.link.check(monotonic()).map_err(|ended| ended.to_string())?;
        let others = self.hold.link.intruders();
        if !others.is_empty() {
            return Err(format!("another program commands the robot, at {others}: nothing is sent any more"));
        }
        if self.stop.load(Ordering::Relaxed) {
            return Err("stopped by Ctrl-C, or a signal".to_owned());
        }
        let Some(report) = &self.latest else { return Ok(()) };
        if report.remote_stopped {
            return Err("the robot's remote control said stop (L2 and B): the legs were let go".to_owned());
        }
        if let Some(trip) = &report.trip {
            return Err(trip.to_string());
        }
        if let Some(refused) = &report.refused {
            return Err(refused.to_string());
        }
        if report.status.fallen {
            return Err("the robot fell, and its legs were let go".to_owned());
        }
        if self.stands && report.status.mode != GaitMode::Walk {
            let why = report.hold.map_or_else(
                || "a sensor or a joint was silent for a moment".to_owned(),
                |hold| hold.to_string(),
            );
            return Err(format!("the robot lies down by itself: {why}"));
        }
        Ok(())
    }

    fn ask(&mut self, mode: Option<GaitMode>, velocity: VelocityCommand) {
        let at: Stamp = monotonic();
        // A full ring means that the loop has ended, which shows elsewhere.
        let _ = self.handle.targets.push(Target { at, velocity, mode });
    }
}
