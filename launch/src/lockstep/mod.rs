//! A run in simulated time: the robot's side and the simulated side stepped in turn, faster than real time.
//!
//! Two runs of the same mission and seed give the same results to the bit: whatever works beside the physics
//! (lidar, terrain, pictures) gives its results back at fixed simulated times, not when it is done.

mod control_process;
mod detail;
mod inspection_worker;
mod observer;
mod recording_failure;
mod replay;
mod run_recorder;
mod survey;

use firmware_bridge::port::Loopback;
use recording::MessageWriter;
use robot_interface::status::{MissionOrder, MissionPhase};
use robot_interface::time::Stamp;
use stack::config::Robot;
use stack::{LocalisationAndMapping, Navigator, NavigatorInput, PerceptionPipeline, RunOutcome, Source};

use self::control_process::ControlProcess;
pub use self::detail::Detail;
use self::inspection_worker::{CaptureRequest, InspectionWorker};
pub use self::observer::{Observer, Progress};
pub use self::replay::{Recorded, Replayed, replay};
use self::run_recorder::{ControlStep, MissionStep, RunRecorder};
pub use self::survey::survey;
use crate::ground_truth::Truth;
use crate::mission_file::MissionFile;
use crate::world::World;

/// Physics steps between two scans, and between two decisions of the mission: 10 Hz.
const WINDOW: u64 = 50;
/// Control steps between two lines of joints, inertial samples and odometry in the recording: 50 Hz.
const RECORD_EVERY: u64 = 10;

/// Runs a mission, into a recording if there is one. Returns what came of it, and the truth to judge that by.
///
/// # Errors
/// If the robot or the tunnel cannot be built, or the defect model fails.
pub fn run(
    file: &MissionFile,
    robot: &Robot,
    recording: Option<(&mut MessageWriter, Detail)>,
    observer: &mut dyn Observer,
) -> anyhow::Result<(RunOutcome, Truth)> {
    let (writer, detail) =
        recording.map_or((None, Detail::Reduced), |(writer, detail)| (Some(writer), detail));
    let (mission, description) = (&file.mission, &robot.description);
    // The robot's side is built from the mission alone.
    let (mut control, ports) = ControlProcess::new(robot, mission.start_pose())?;
    let mut mapping = LocalisationAndMapping::new(description, &mission.design);
    let mut navigator = Navigator::new(mission, description);
    let mut pipeline = PerceptionPipeline::new(mission, description, Source::Live);
    // The simulated side.
    observer.preparing("making the tunnel around the robot");
    let mut world = World::new(file, robot, ports)?;
    observer.preparing("");
    let mut inspection = InspectionWorker::start(file, description, detail)?;
    let mut recorder = RunRecorder::new(writer, detail, description, &mission.design);
    let (mut now, mut phase, mut true_poses) = (Stamp::ZERO, MissionPhase::Idle, Vec::new());
    control.publish_to(&mut pipeline);
    pipeline.keep_all(Some(now));
    while phase != MissionPhase::Done {
        // The scan of the window before is worked on while the physics of this one goes on.
        let poses = world.take_poses()?;
        let (mut steps, scanned) = rayon::join(
            || walk(&mut control, &mut world, &mut now),
            || {
                let job = pipeline.scan_job(poses.scan())?;
                let result = mapping.handle_scan(&job);
                Some((job.scan, result))
            },
        );
        // There has been an estimate since before the first window.
        let Some((scan, result)) = scanned else { break };
        if pipeline.handle_scan_result(&result)
            && let Some(correction) = &result.correction
        {
            control.control.handle_correction(correction);
        }
        // The newest line of the recording is the estimate by which pictures of now are laid out.
        if let Some(newest) = steps.last_mut() {
            newest.state = control.control.state();
        }
        let order = observer.stop_requested().then_some(MissionOrder::Stop);
        let battery = world.battery(now);
        let wanted = navigator.step(&NavigatorInput {
            now,
            status: &control.control.status(),
            grid: &result.grid,
            battery: battery.as_ref(),
            order,
        });
        control.follow(&wanted, navigator.path(), now);
        if wanted.phase != phase {
            tracing::info!("{:8.2} s  {}", now.seconds(), wanted.phase.name());
            phase = wanted.phase;
        }
        recorder.window(now, &steps, &scan, &result.grid, battery.as_ref());

        let estimate = control.control.state().map_from_base;
        if wanted.picture {
            let (scene, truth) = (world.scene(), world.last_poses());
            inspection.capture(CaptureRequest { stamp: now, scene, truth, estimate })?;
        }
        while let Some(result) = inspection.take(phase == MissionPhase::Done)? {
            pipeline.handle_inspection(&result.defects);
            recorder.inspection(now, &result);
        }
        let state = navigator.state();
        let (progress, defects) = (navigator.progress(), pipeline.defects());
        recorder.mission(
            now,
            &MissionStep {
                path: navigator.path().unwrap_or_default(),
                height_m: estimate.origin().z,
                state: &state,
                progress,
                defects,
            },
        );
        recorder.failure.tell(observer);
        pipeline.handle_mission(state);
        control.publish_to(&mut pipeline);
        true_poses.push(world.truth().map_from_base);
        observer.progress(&Progress {
            simulated_s: now.seconds(),
            chainage_m: progress.chainage_m,
            way_m: progress.way_m,
            doing: phase.name(),
            defects,
        });
    }
    control.log_limits();
    let (findings, visible) = inspection.close()?;
    let inspected_m = [mission.inspection.start_m.get(), mission.inspection.end_m.get()];
    let truth = Truth::of_run(world.true_defects(), visible, true_poses, inspected_m);
    Ok((pipeline.outcome(findings, mapping.refused_scans()), truth))
}

/// Steps physics and control through a tenth of a second; `now` moves along.
fn walk(control: &mut ControlProcess, world: &mut World<Loopback>, now: &mut Stamp) -> Vec<ControlStep> {
    let mut steps = Vec::new();
    for step in 1..=WINDOW {
        control.step(*now, |t| world.serve_motors(t));
        let imu = world.step(*now);
        control.control.handle_imu(&imu);
        *now = now.plus_nanos(world.step_nanos());
        if step.is_multiple_of(RECORD_EVERY) {
            let (joints, state) = (*control.control.joints(), control.control.state());
            steps.push(ControlStep { joints, imu, state });
        }
    }
    steps
}
