//! The vocabulary that Adit's crates share: frames, joints, sensor samples, the robot's description, tunnel coordinates,
//! defects and states. Data and geometry only: no I/O, no clock, no estimation, no control.
//!
//! Units are SI and `f64` unless a name says otherwise; axes follow REP 103 (x forward, y left, z up)
//! and frames REP 105 (`map`, `odom`, `base_link`).
//!
//! # Who speaks it
//!
//! ```text
//!              launch, stack, recording, report
//!                |          |           |          \
//!           perception   planner   firmware-bridge   sim
//!                \          |           |           /
//!                            robot-interface
//!
//! sensors::{ImuSample, LidarScan, CameraFrame, ...}, joints::JointStates --> perception
//! perception --> state::RobotState, terrain::TerrainGrid                 --> planner
//! planner    --> state::VelocityCommand, joints::JointCommand            --> firmware-bridge
//! perception --> defect::Defect                                          --> report
//! ```
//!
//! | module       | what it is                                                                                    |
//! |--------------|-----------------------------------------------------------------------------------------------|
//! | [`frames`]   | [`Transform`](frames::Transform) and [`Point`](frames::Point) with their frames as types         |
//! | [`time`]     | [`Stamp`](time::Stamp), nanoseconds that somebody else measured                                  |
//! | [`joints`]   | legs, joint order, impedance commands, measurements                                            |
//! | [`robot`]    | a robot's description, as its TOML file has it; the transmission between joint and rotor         |
//! | [`sensors`]  | samples of IMU, lidar, cameras, battery; camera intrinsics                                     |
//! | [`state`]    | estimated state, velocity command                                                             |
//! | [`status`]   | states that travel in messages, as enums with numbers that stay                                |
//! | [`terrain`]  | terrain grid: elevation and traversability                                                    |
//! | [`tunnel`]   | a tunnel's design; chainage, clock position, the lining unrolled                               |
//! | [`defect`]   | defects as found, their classes, boxes on the lining                                           |
//! | [`angles`]   | angle wrapping                                                                                |
//! | [`units`]    | numbers that refuse a senseless value when a file is read                                      |
//! | [`checks`]   | refusals by key of values that contradict each other, or that nothing has                      |
//! | `fixtures`   | a robot and tunnels for tests, benches and examples; with the feature `fixtures` only            |
//!
//! # From a pixel to chainage and clock
//!
//! ```
//! use robot_interface::frames::{Base, Map, Point, Transform};
//! use robot_interface::robot::CameraDescription;
//! use robot_interface::tunnel::{Alignment, Section, SectionShape, Segment, TunnelDesign, clock_text};
//!
//! let straight = Segment { length_m: 60.0, curvature_per_m: 0.0, grade: 0.0 };
//! let bored = SectionShape::Circular { diameter_m: 3.0, floor_height_m: 0.45 };
//! let tunnel = TunnelDesign { alignment: Alignment::new(vec![straight])?, section: Section::new(bored)? };
//!
//! // One [[cameras]] table of a robot's file: on the right side of the trunk, looking to the right.
//! let camera: CameraDescription = toml::from_str(
//!     "name = 'right'
//!     xyz_m = [0.2, -0.1, 0.1]
//!     rpy_deg = [0.0, 0.0, -90.0]
//!     width = 640
//!     height = 480
//!     horizontal_fov_deg = 68.0
//!     exposure_s = 0.002
//!     noise = 0.01",
//! )?;
//! // The robot stands on the axis, 20 m from the portal.
//! let map_from_base = Transform::<Map, Base>::from_xyz_rpy([20.0, 0.0, 0.31], [0.0; 3]);
//! let map_from_camera = map_from_base * camera.base_from_camera();
//!
//! // The lining behind a pixel in the middle of the picture's upper half.
//! let ray = map_from_camera.rotation() * camera.intrinsics().ray(320.0, 100.0).normalize();
//! let eye = Point::from_coords(map_from_camera.origin());
//! let range_m = tunnel.raycast(eye, ray, 10.0).expect("it sees the lining");
//! let seen = Point::from_coords(eye.coords + ray * range_m);
//!
//! let place = tunnel.to_lining(tunnel.to_tunnel(seen));
//! assert!((place.chainage_m - 20.2).abs() < 0.01);
//! assert_eq!(clock_text(tunnel.clock_h(place)), "3:18");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod angles;
pub mod checks;
pub mod defect;
#[cfg(any(test, feature = "fixtures"))]
pub mod fixtures;
pub mod frames;
pub mod joints;
pub mod robot;
pub mod sensors;
pub mod state;
pub mod status;
pub mod terrain;
pub mod time;
pub mod tunnel;
pub mod units;
