//! A run in simulated time: the robot's side and the simulated side stepped in turn, faster than real time.
//!
//! Two runs of the same mission and seed give the same results to the bit: whatever works beside the physics
//! (lidar, terrain, pictures) gives its results back at fixed simulated times, not when it is done.

mod eyes;
mod legs;
mod log;
mod mosaic;
mod replay;
mod survey;
mod trace;

use firmware_bridge::port::Loopback;
use planner::mission::{AbortReason, Order, Phase};
use robot_interface::time::Stamp;
use sim::tunnel::TrueDefect;

use eyes::{Eyes, Moment};
use legs::Legs;
pub use log::Detail;
use log::{Kept, Log};
pub use mosaic::Mosaic;
pub use replay::{Replayed, Source, replay};
pub use survey::survey;
pub use trace::{FarEnd, Sample, Trace};

use crate::config::{Mission, Robot};
use crate::record::Recorder;
use crate::stack::{Findings, Navigator, Surroundings, ending};
use crate::world::{World, start_pose};

/// Physics steps between two scans, and between two decisions of the mission: 10 Hz.
const WINDOW: u64 = 50;
/// Control steps between two lines of joints, inertial samples and odometry in the recording: 50 Hz.
const KEEP_EVERY: u64 = 10;

/// What is shown while a run goes on.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// Simulated time, s.
    pub simulated_s: f64,
    /// Estimated chainage, m.
    pub chainage_m: f64,
    /// Estimated way along the tunnel out and back, m.
    pub way_m: f64,
    /// What the mission is doing.
    pub phase: &'static str,
    /// Defects found so far.
    pub defects: usize,
}

/// Whoever watches a run.
pub trait Observer {
    /// Called ten times a simulated second.
    fn progress(&mut self, progress: &Progress);

    /// Whether the run should end: the robot lies down first.
    fn stop_requested(&self) -> bool;
}

/// What was really there; for scoring only.
#[derive(Clone, Debug)]
pub struct Truth {
    /// Every defect of the tunnel.
    pub defects: Vec<TrueDefect>,
    /// Ids of those that some camera could have seen.
    pub visible: Vec<u16>,
}

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Why it was given up, if it was.
    pub abort: Option<AbortReason>,
    /// Length of the run, s.
    pub simulated_s: f64,
    /// Its log.
    pub trace: Trace,
    /// The ground as mapped.
    pub mosaic: Mosaic,
    /// What the cameras found.
    pub findings: Findings,
    /// What was really there, where that is known.
    pub truth: Option<Truth>,
    /// Scans that did not fit the tunnel's design.
    pub refused_scans: u64,
    /// Motor replies that did not come.
    pub missed_replies: u64,
}

/// Runs a mission, into a recording if there is one.
///
/// # Errors
/// When the robot or the tunnel cannot be built, or the defect model fails.
pub fn run(
    mission: &Mission,
    robot: &Robot,
    recorder: Option<(&mut Recorder, Detail)>,
    observer: &mut dyn Observer,
) -> anyhow::Result<Outcome> {
    let (recorder, detail) = recorder.map_or((None, Detail::Reduced), |(file, detail)| (Some(file), detail));
    let description = &robot.description;
    let (mut legs, ports) = Legs::new(robot, start_pose(mission))?;
    let mut world = World::new(mission, robot, ports)?;
    let mut surroundings = Surroundings::new(description, &mission.design);
    let mut navigator = Navigator::new(mission, description);
    let mut eyes = Eyes::open(mission, description, world.tunnel.clone(), world.caster.clone(), detail)?;
    let mut log = Log::new(recorder, detail, description, &mission.design);
    let mut mosaic = Mosaic::new(&mission.design);
    let mut trace = Trace::default();
    let (lidar, caster) = (world.lidar(), world.caster.clone());
    let start_m = mission.inspection.start_m.get();
    let (mut now, mut farthest_m, mut found) = (Stamp::ZERO, 0.0f64, 0);
    let mut phase = Phase::Idle;
    while phase != Phase::Done {
        // The scan of the window before is worked on while the physics of this one goes on.
        let poses = world.take_poses();
        let body = legs.control.body();
        let (history, standing) = (legs.control.history(), body.is_standing());
        let (mut kept, (scan, perceived)) = rayon::join(
            || walk(&mut legs, &mut world, &mut now),
            || {
                let scan = poses.scan(&lidar, caster.as_ref());
                let perceived = surroundings.perceive(&scan, &body.state, &history, standing);
                (scan, perceived)
            },
        );
        if let Some(correction) = &perceived.correction {
            legs.control.handle_correction(correction);
        }
        // The newest line of the recording is the estimate by which pictures of now are laid out.
        if let Some(newest) = kept.last_mut() {
            newest.state = legs.control.state();
        }
        let order = observer.stop_requested().then_some(Order::Stop);
        let wanted = navigator.step(&legs.control.body(), &perceived.grid, now, order);
        legs.follow(&wanted, navigator.path(), now);
        if wanted.phase != phase {
            tracing::info!("{:8.2} s  {}", now.seconds(), wanted.phase.name());
            phase = wanted.phase;
        }
        if standing {
            mosaic.add(&perceived.grid);
        }
        log.window(now, &kept, &scan, &perceived.grid, world.battery(now).as_ref());

        let state = legs.control.state();
        if wanted.picture {
            eyes.look(Moment { stamp: now, truth: world.last_poses(), estimate: state.map_from_base })?;
        }
        while let Some(looked) = eyes.take(phase == Phase::Done)? {
            found = looked.defects.len();
            log.looked(now, &looked);
        }
        let chainage_m = navigator.place(&state).chainage_m;
        let outbound = navigator.mission.outbound();
        let out_m = chainage_m - start_m;
        farthest_m = farthest_m.max(out_m);
        let way_m = if outbound { out_m } else { 2.0 * farthest_m - out_m }.max(0.0);
        let ended = (phase == Phase::Done)
            .then(|| ending(navigator.mission.abort_reason().map(|reason| reason.to_string()).as_deref()));
        log.decision(
            now,
            navigator.path(),
            state.map_from_base.origin().z,
            (phase, ended.as_deref().unwrap_or(phase.name())),
            [chainage_m, way_m],
            found,
        );
        trace.samples.push(Sample {
            stamp: now,
            estimate: state.map_from_base,
            truth: Some(world.truth().map_from_base),
            chainage_m,
            speed_m_s: state.velocity_m_s.xy().norm(),
            torque_peak_nm: legs.control.take_torque_peak(),
            outbound,
        });
        observer.progress(&Progress {
            simulated_s: now.seconds(),
            chainage_m,
            way_m,
            phase: phase.name(),
            defects: found,
        });
    }
    legs.tell_limits();
    let (findings, visible) = eyes.close()?;
    Ok(Outcome {
        abort: navigator.mission.abort_reason(),
        simulated_s: now.seconds(),
        trace,
        mosaic,
        findings,
        truth: Some(Truth { defects: world.tunnel.defects().to_vec(), visible }),
        refused_scans: surroundings.refused_scans(),
        missed_replies: legs.control.missed_replies(),
    })
}

/// A tenth of a second of physics and control; `now` moves along.
fn walk(legs: &mut Legs, world: &mut World<Loopback>, now: &mut Stamp) -> Vec<Kept> {
    let mut kept = Vec::new();
    for step in 1..=WINDOW {
        legs.step(*now, |t| world.serve_motors(t));
        let imu = world.step(*now);
        legs.control.handle_imu(&imu);
        *now = now.plus_nanos(world.step_nanos());
        if step.is_multiple_of(KEEP_EVERY) {
            kept.push(Kept { joints: *legs.control.joints(), imu, state: legs.control.state() });
        }
    }
    kept
}
