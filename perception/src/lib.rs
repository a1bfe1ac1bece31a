//! Sensors to estimates: where the robot is, what the ground is like, what is wrong with the lining.
//!
//! State machines without I/O: they take a measurement with the time it was taken, and give an estimate. Nothing here
//! reads a clock, a socket or a file, and nothing here sees the simulator's ground truth.
//!
//! # Data flow
//!
//! ```text
//! ImuSample   500 Hz --> state::StateEstimator ---------> RobotState, state::PoseHistory
//! JointStates 500 Hz --> (error-state Kalman filter)          |
//!                            ^                                | poses at the time of each point
//!                            | TunnelCorrection 10 Hz         v
//! LidarScan    10 Hz --> scan::deskew --> localise::TunnelLocaliser (scan matching against the drawings)
//!           \----------> terrain::ElevationMap (rolling grid) --> TerrainGrid, to the planner
//!
//! CameraFrame  ~1 Hz --> defects::Segmenter (network) --> ClassMap --> lining::LiningMap --> Defect
//! ThermalFrame ~1 Hz ------------------------------------------------> thermal::HotJoints --> Defect
//! ```
//!
//! [`kinematics`] holds the legs' forward kinematics and Jacobians, which the estimator uses.
//!
//! | module       | what it is                                                                               |
//! |--------------|------------------------------------------------------------------------------------------|
//! | [`state`]    | legged odometry: IMU and leg kinematics in an invariant error-state Kalman filter          |
//! | [`scan`]     | lidar deskew (motion compensation)                                                        |
//! | [`localise`] | lidar localisation across the tunnel, with the directions in which it is degenerate       |
//! | [`terrain`]  | elevation map and traversability                                                          |
//! | [`defects`]  | semantic segmentation of pictures; its training is in `perception/training`               |
//! | [`lining`]   | defect map of the unrolled lining: size, chainage, clock position and severity of each     |
//! | [`thermal`]  | hot cable joints                                                                          |
//! | [`connected`] | connected parts of a picture                                                              |
//!
//! # A robot that lies still and looks at the floor
//!
//! The estimator is ready after a second of stillness; a scan, with the poses of its time, becomes terrain.
//!
//! ```
//! use nalgebra::{Point3, Vector3};
//! use perception::state::StateEstimator;
//! use perception::terrain::ElevationMap;
//! use robot_interface::fixtures::go2;
//! use robot_interface::frames::{Map, Point, Transform};
//! use robot_interface::joints::{JointMeasurement, JointStates};
//! use robot_interface::sensors::{ImuSample, LidarPoint, LidarScan};
//! use robot_interface::time::Stamp;
//!
//! let robot = go2();
//! let start = Transform::from_xyz_rpy([2.0, 0.0, 0.3], [0.0; 3]);
//! let mut estimator = StateEstimator::new(&robot, start, Stamp::ZERO);
//! let at_rest = |position_rad| JointMeasurement { position_rad, ..JointMeasurement::default() };
//! for step in 1..=600 {
//!     let stamp = Stamp::from_nanos(step * 2_000_000);
//!     estimator.handle_joints(&JointStates { stamp, joints: robot.default_pose().map(at_rest) });
//!     estimator.handle_imu(&ImuSample {
//!         stamp,
//!         angular_velocity_rad_s: Vector3::zeros(),
//!         linear_acceleration_m_s2: Vector3::new(0.0, 0.0, 9.81),
//!     });
//! }
//! assert!(estimator.is_ready());
//! assert!((estimator.state().map_from_base.origin() - start.origin()).norm() < 0.01);
//!
//! // A scan of level ground ahead of the robot, all its points taken at once.
//! let lidar_from_map = (start * robot.lidar.base_from_lidar()).inverse();
//! let ground = (0..2500).map(|k| Point::<Map>::new(2.5 + 0.02 * f64::from(k % 50), -0.5 + 0.02 * f64::from(k / 50), 0.0));
//! let point = |p: Point<Map>| {
//!     let Point { coords: Point3 { coords }, .. } = lidar_from_map * p;
//!     LidarPoint { position_m: coords.cast::<f32>().into(), intensity: 20.0, offset_s: 0.0 }
//! };
//! let scan = LidarScan { stamp: estimator.state().stamp, points: ground.map(point).collect() };
//! let mut map = ElevationMap::new(&robot);
//! assert_eq!(map.integrate(&scan, |stamp| estimator.pose_at(stamp)), 2500);
//! let grid = map.grid();
//! let cell = grid.index_of(3.0, 0.0).expect("on the map");
//! assert!(grid.elevation_m[cell].abs() < 0.01 && grid.traversability[cell] > 0.9);
//! ```
//!
//! A program to run and change, which scans a tunnel with a box in it and prints the elevation map:
//!
//! ```text
//! cargo run -p perception --example elevation_map
//! ```

pub mod connected;
pub mod defects;
pub mod kinematics;
pub mod lining;
pub mod localise;
pub mod scan;
pub mod state;
pub mod terrain;
pub mod thermal;
