//! The robot's side of a run: the control process, the perception pipeline with its two workers, the navigator, and the
//! authority over the robot. A lock-step run, a replay and the ROS 2 nodes of the crate `launch` are shells around the same
//! parts.
//!
//! | part                                       | does                                                             |
//! |--------------------------------------------|------------------------------------------------------------------|
//! | [`Control`]                                | motor cycles and inertial samples in, joint commands and the state estimate out |
//! | [`PerceptionPipeline`]                     | matches scans and pictures with the odometry of their time, and keeps the run's history |
//! | [`LocalisationAndMapping`]                 | one scan at a time: position against the tunnel's design, elevation map |
//! | [`Inspector`]                              | pictures of one moment: segmented, laid on the lining, merged to defects |
//! | [`Navigator`], [`VelocityController`]      | mission's state machine, path over the terrain, and the body velocity that follows it |
//! | [`authority`]                              | lease (who may move the robot), emergency stop (who may stop it), failsafe (what stops it by itself) |
//! | [`realtime`]                               | the thread that runs [`Control`] on real ports at 500 Hz         |
//! | [`config`]                                 | robot, calibration and mission: checked values, or one error with file, line and remedy |
//! | [`RunHistory`], [`Trace`], [`ElevationMosaic`], [`picture`] | what is kept for the report                     |
//!
//! # Data flow
//!
//! ```text
//!  motor buses, inertial sensor        lidar        cameras
//!        |            ^                  |             |
//!        v            | joint commands   v             v
//!  +------------------+--+  estimate  +--------------------+  InspectionJob   +-----------+
//!  | Control             |----------->| PerceptionPipeline |----------------->| Inspector |
//!  | estimator, gait,    |            | odometry track,    |<-----------------|           |
//!  | motor safety        |<-----------| queues, history    | defects          +-----------+
//!  +---------------------+ correction +--------------------+
//!        ^                               |            ^
//!        | target                ScanJob v            | ScanResult
//!  +-----------------------+   grid   +--------------------------+
//!  | Navigator,            |<---------| LocalisationAndMapping   |
//!  | VelocityController    |          +--------------------------+
//!  +-----------------------+
//!
//!  authority: a target passes if its sender holds the Lease, the Estop is at StopLevel::None, and Failsafe has heard
//!  of every input lately
//! ```
//!
//! # Limits
//!
//! - The crate must never see the simulator. It is built from sensor samples and [`config::Mission`] alone, does not depend
//!   on `sim` but for its tests, and `launch/tests/architecture.rs` asserts that no other crate brings it in.
//! - All but [`realtime`] (threads, ports, the monotonic clock) and [`config`] (files) is sans-IO: time is an argument, and
//!   the same inputs in the same order give the same outputs to the bit.
//! - Nothing here knows ROS 2, a message's bytes or a report's layout.
//!
//! # Perception, step by step
//!
//! The odometry says 0.2 m to the left of the tunnel's axis; a scan of the walls and the roof says 0.1 m more.
//!
//! ```
//! use nalgebra::{Matrix3, Vector3};
//! use robot_interface::fixtures::{go2, straight_tunnel};
//! use robot_interface::frames::{Point, Transform};
//! use robot_interface::sensors::{LidarPoint, LidarScan};
//! use robot_interface::state::RobotState;
//! use robot_interface::time::Stamp;
//! use robot_interface::tunnel::SectionShape;
//! use stack::config::Mission;
//! use stack::{LocalisationAndMapping, PerceptionPipeline, Source};
//!
//! let (robot, design) = (go2(), straight_tunnel(SectionShape::Box { width_m: 2.6, height_m: 2.2 }, 30.0));
//! let mission = Mission {
//!     name: "culvert".to_owned(),
//!     robot: "go2".to_owned(),
//!     design: design.clone(),
//!     inspection: toml::from_str(
//!         "start_m = 1.0\nend_m = 28.0\nstation_every_m = 9.0\npicture_every_m = 1.1\ndwell_s = 1.0
//!          speed_m_s = 0.6\nreturn_speed_m_s = 0.9\nhot_joint_above_c = 45.0",
//!     )?,
//!     limits: toml::from_str("timeout_s = 240.0\nstuck_after_s = 20.0")?,
//!     model: None,
//! };
//! let at = |ms: u64| Stamp::from_nanos(ms * 1_000_000);
//! let pose = |left_m| Transform::from_xyz_rpy([15.0, left_m, 0.31], [0.0; 3]);
//!
//! // The walls, the roof and the floor within five metres, as a lidar sees them from 0.3 m left of the axis.
//! let lidar_from_map = (pose(0.3) * robot.lidar.base_from_lidar()).inverse();
//! let rings = (0..100).flat_map(|ring| {
//!     let x = 10.0 + 0.1 * f64::from(ring);
//!     let heights = (0..22).map(move |step| 0.1 * f64::from(step));
//!     let widths = (-12..13).map(move |step| 0.1 * f64::from(step));
//!     heights.flat_map(move |z| [[x, -1.3, z], [x, 1.3, z]]).chain(widths.flat_map(move |y| [[x, y, 0.0], [x, y, 2.2]]))
//! });
//! let points = rings.map(|[x, y, z]| {
//!     let seen = (lidar_from_map * Point::new(x, y, z)).coords;
//!     LidarPoint { position_m: [seen.x as f32, seen.y as f32, seen.z as f32], intensity: 100.0, offset_s: 0.0 }
//! });
//! let scan = LidarScan { stamp: at(500), points: points.collect() };
//!
//! let mut pipeline = PerceptionPipeline::new(&mission, &robot, Source::Live);
//! let mut mapping = LocalisationAndMapping::new(&robot, &design);
//! pipeline.handle_scan(scan);
//! let mut corrections = Vec::new();
//! for ms in (0..600).step_by(20) {
//!     pipeline.handle_odometry(&RobotState {
//!         stamp: at(ms),
//!         map_from_base: pose(0.2),
//!         velocity_m_s: Vector3::zeros(),
//!         angular_velocity_rad_s: Vector3::zeros(),
//!         contacts: [true; 4],
//!         position_covariance_m2: Matrix3::identity() * 0.01,
//!         yaw_sigma_rad: 0.01,
//!     });
//!     // The scan waits until the odometry has caught up with its end.
//!     while let Some(job) = pipeline.poll_scan() {
//!         let result = mapping.handle_scan(&job);
//!         if pipeline.handle_scan_result(&result) {
//!             corrections.extend(result.correction);
//!         }
//!     }
//! }
//! // For the state estimator: `Control::handle_correction`.
//! let [correction] = corrections[..] else { return Err("one scan, one correction".into()) };
//! assert_eq!((correction.stamp, mapping.refused_scans()), (at(500), 0));
//! assert!((correction.lateral_m - 0.3).abs() < 0.02, "{} m", correction.lateral_m);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Authority, step by step
//!
//! Ages go by the machine's monotonic clock, which a test may make up.
//!
//! ```
//! use robot_interface::status::GaitMode;
//! use robot_interface::time::Stamp;
//! use stack::authority::estop::{Estop, StopLevel, answer};
//! use stack::authority::failsafe::{Failsafe, HoldReason, InputAges, SENSOR_LIFE_S};
//! use stack::authority::lease::{Lease, LeaseRefused};
//!
//! let at = |ms: u64| Stamp::from_nanos(ms * 1_000_000);
//!
//! // One node leads, and a second one is refused by the first one's name.
//! let mut lease = Lease::default();
//! let token = lease.acquire(at(0), "planner", "", 5.0, || "a secret".to_owned())?.token.clone();
//! let refused = lease.acquire(at(100), "teleop", "", 5.0, || "another".to_owned());
//! assert!(matches!(refused, Err(LeaseRefused::Held { owner, .. }) if owner == "planner"));
//! assert!(lease.admits(at(4_900), &token) && !lease.admits(at(5_100), &token));
//!
//! // A holder of an emergency stop answers each challenge; when it falls silent, the level rises.
//! let mut estop = Estop::default();
//! let challenge = estop.register(at(0), "tablet", 1.0, || 7)?;
//! estop.check_in(at(0), "tablet", answer(challenge), StopLevel::None, || 8)?;
//! estop.reset(at(0))?;
//! assert_eq!(estop.level(at(900)), StopLevel::None);
//! assert_eq!(estop.level(at(1_100)), StopLevel::SettleThenCut);
//!
//! // The failsafe goes by it, and by the age of every input.
//! let mut failsafe = Failsafe::new(SENSOR_LIFE_S);
//! let heard = Some(at(1_000));
//! let mut ages = InputAges { imu: heard, joints: heard, target: heard, stop: StopLevel::None };
//! assert!(failsafe.judge(at(1_050), &ages, GaitMode::Walk).obey);
//! let action = failsafe.judge(at(1_200), &ages, GaitMode::Walk);
//! assert_eq!((action.mode, action.hold), (Some(GaitMode::LieDown), Some(HoldReason::NoImu)));
//! ages.stop = estop.level(at(5_200));
//! assert_eq!(failsafe.judge(at(5_200), &ages, GaitMode::LieDown).mode, Some(GaitMode::Damped));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod authority;
mod blockage;
mod camera_use;
pub mod config;
mod control;
mod elevation_mosaic;
mod ending;
mod error;
mod inspector;
mod localisation_and_mapping;
mod navigator;
mod odometry_gate;
pub mod picture;
mod pipeline;
mod pose_track;
mod posture;
pub mod realtime;
mod run_history;
mod standing;
#[cfg(test)]
mod testing;
mod trace;
mod vendor_gait;

pub use camera_use::CameraUse;
pub use control::{Control, ControlStatus, ModeRefused, WhoseGait};
pub use elevation_mosaic::{ElevationMosaic, ElevationRaster};
pub use error::StackError;
pub use inspector::{CameraImage, Findings, InspectionJob, Inspector};
pub use localisation_and_mapping::{LocalisationAndMapping, ScanJob, ScanResult};
pub use navigator::{MissionProgress, Navigator, NavigatorInput, VelocityController, battery_warning};
pub use odometry_gate::{OdometryGate, Outlier, Passage};
pub use pipeline::{OdometryEvent, PerceptionPipeline, Source};
pub use run_history::{RunHistory, RunOutcome};
pub use trace::{Sample, Trace};
pub use vendor_gait::{VendorGait, VendorOrder};
