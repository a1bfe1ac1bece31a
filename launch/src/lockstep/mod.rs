//! A run in simulated time: the robot's side and the simulated side stepped in turn, faster than real time.
//!
//! Two runs of the same mission and seed give the same results to the bit: whatever works beside the physics
//! (lidar, terrain, pictures) gives its results back at fixed simulated times, not when it is done.

mod mosaic;
mod stack;
mod trace;
mod world;

use planner::mission::{AbortReason, Phase};
use robot_interface::sensors::LidarScan;
use robot_interface::time::Stamp;

pub use mosaic::Mosaic;
use stack::{Control, Navigator, Perceived, Surroundings, is_standing};
pub use trace::{FarEnd, Sample, Trace};
use world::{World, start_pose};

use crate::config::{Mission, Robot};

/// Physics steps between two scans, and between two decisions of the mission: 10 Hz.
const WINDOW: u64 = 50;

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
    /// Scans that did not fit the tunnel's design.
    pub refused_scans: u64,
    /// Motor replies that did not come.
    pub missed_replies: u64,
}

/// Runs a mission.
///
/// # Errors
/// When the robot or the tunnel cannot be built.
pub fn run(mission: &Mission, robot: &Robot, observer: &mut dyn Observer) -> anyhow::Result<Outcome> {
    let (mut control, ports) = Control::new(robot, start_pose(mission))?;
    let mut world = World::new(mission, robot, ports)?;
    let mut surroundings = Surroundings::new(&robot.description, &mission.design);
    let mut navigator = Navigator::new(mission, &robot.description);
    let mut mosaic = Mosaic::new(&mission.design);
    let mut trace = Trace::default();
    let (lidar, caster) = (world.lidar(), world.caster.clone());
    let mut now = Stamp::ZERO;
    let mut farthest_m = mission.inspection.start_m.get();
    loop {
        // The scan of the window before is worked on while the physics of this one goes on.
        let poses = world.take_poses();
        let (state, history, standing) = (control.state(), control.history(), is_standing(&control));
        let ((), (_scan, perceived)): ((), (LidarScan, Perceived)) = rayon::join(
            || {
                for _ in 0..WINDOW {
                    control.step(now, |t| world.serve_motors(t));
                    control.handle_imu(&world.step(now));
                    now = now.plus_nanos(world.step_nanos());
                }
            },
            || {
                let scan = World::scan(&lidar, caster.as_ref(), &poses);
                let perceived = surroundings.perceive(&scan, &state, &history, standing);
                (scan, perceived)
            },
        );
        if let Some(correction) = &perceived.correction {
            control.correct(correction);
        }
        let wanted = navigator.step(&control, &perceived.grid, now, observer.stop_requested());
        control.follow(&wanted, navigator.path(), now);
        if standing {
            mosaic.add(&perceived.grid);
        }

        let state = control.state();
        let chainage_m = navigator.place(&state).chainage_m;
        let outbound = navigator.mission.outbound();
        trace.samples.push(Sample {
            stamp: now,
            estimate: state.map_from_base,
            truth: world.truth().map_from_base,
            chainage_m,
            speed_m_s: state.velocity_m_s.xy().norm(),
            torque_peak_nm: control.take_torque_peak(),
            outbound,
        });
        let out_m = chainage_m - mission.inspection.start_m.get();
        farthest_m = farthest_m.max(out_m);
        observer.progress(&Progress {
            simulated_s: now.seconds(),
            chainage_m,
            way_m: if outbound { out_m } else { 2.0 * farthest_m - out_m }.max(0.0),
            phase: wanted.phase.name(),
            defects: 0,
        });
        if wanted.phase == Phase::Done {
            break;
        }
    }
    Ok(Outcome {
        abort: navigator.mission.abort_reason(),
        simulated_s: now.seconds(),
        trace,
        mosaic,
        refused_scans: surroundings.refused_scans(),
        missed_replies: control.missed_replies(),
    })
}
