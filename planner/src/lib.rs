//! Estimates to motion: mission, path, velocity, gait.
//!
//! State machines without I/O: they take estimates with their time and give commands. Nothing here reads a clock, a
//! socket or a file.
//!
//! # Data flow
//!
//! ```text
//! place, posture, gait mode, orders,
//! battery::BatteryMonitor -----------------> mission::Mission (table of transitions)     10 Hz
//!                                                | goal chainage    | gait mode, pictures to take
//!                                                v                  |
//! TerrainGrid, pose ------------------------> path::PathPlanner     |                    10 Hz
//!                                             (costmap, A*)         |
//!                                                | path             |
//!                                                v                  |
//! RobotState -------------------------------> follow::Follower      |                    50 Hz
//!                                             (pure pursuit)        |
//!                                                | VelocityCommand  |
//!                                                v                  v
//! RobotState, JointStates ------------------> gait::Gait (PD targets, learned policy)   500 Hz
//!                                                | JointCommand x 12
//!                                                v
//!                                             firmware_bridge::safety, and the motor buses
//! ```
//!
//! | module      | what it is                                                                                     |
//! |-------------|------------------------------------------------------------------------------------------------|
//! | [`mission`] | mission state machine: out from station to station, and home; one [table](mission::TABLE)        |
//! | [`path`]    | local path planner: A* over a costmap of traversability, then string pulling                    |
//! | [`follow`]  | path follower: regulated pure pursuit                                                           |
//! | [`gait`]    | gait controller: stands up, walks by a learned policy, lies down                                |
//! | [`battery`] | battery monitor: what is left, whether its gauge can be believed, what the way home takes        |
//!
//! What happens when an input falls silent, who may move the robot and who may stop it is not decided here but in the
//! crate `stack`.
//!
//! # Around a block
//!
//! ```
//! use nalgebra::{Matrix3, Vector3};
//! use planner::follow::Follower;
//! use planner::path::PathPlanner;
//! use robot_interface::fixtures::go2;
//! use robot_interface::frames::Transform;
//! use robot_interface::state::RobotState;
//! use robot_interface::terrain::TerrainGrid;
//! use robot_interface::time::Stamp;
//!
//! // 4 x 4 m of easy ground, with a block of 0.4 m in the way.
//! let mut grid = TerrainGrid {
//!     stamp: Stamp::ZERO,
//!     origin_m: [-2.0, -2.0],
//!     resolution_m: 0.05,
//!     size: 80,
//!     elevation_m: vec![0.0; 80 * 80],
//!     traversability: vec![1.0; 80 * 80],
//! };
//! for cell in 0..80 * 80 {
//!     let [x, y] = grid.centre_of(cell);
//!     if x.abs() < 0.2 && y.abs() < 0.2 {
//!         grid.traversability[cell] = 0.0;
//!     }
//! }
//! let robot = go2();
//! let mut planner = PathPlanner::new(&robot);
//! let path = planner.plan(&grid, [-1.5, 0.0], [1.5, 0.0])?;
//! assert_eq!((path[0], path[path.len() - 1]), ([-1.5, 0.0], [1.5, 0.0]));
//! assert!(path.iter().any(|[_, y]| y.abs() > 0.4), "it goes round: {path:?}");
//!
//! let mut follower = Follower::new(&robot);
//! follower.set_path(&path);
//! let state = RobotState {
//!     stamp: Stamp::ZERO,
//!     map_from_base: Transform::from_xyz_rpy([-1.5, 0.0, 0.31], [0.0; 3]),
//!     velocity_m_s: Vector3::zeros(),
//!     angular_velocity_rad_s: Vector3::zeros(),
//!     contacts: [true; 4],
//!     position_covariance_m2: Matrix3::zeros(),
//!     yaw_sigma_rad: 0.0,
//! };
//! let command = follower.command(&state, 0.6);
//! assert!(command.vx_m_s > 0.1 && command.wz_rad_s.abs() > 0.1, "it walks and turns: {command:?}");
//! # Ok::<(), planner::path::NoPath>(())
//! ```
//!
//! A program to run and change, which draws the ground and the path as text:
//!
//! ```text
//! cargo run -p planner --example plan_path
//! ```

pub mod battery;
pub mod follow;
pub mod gait;
pub mod mission;
pub mod path;
