//! A tunnel, a robot, its sensors and its motors, when there is no real one.
//!
//! Everything here is a function of its inputs and a seed: no clock, no file, no order of threads shows in a result.
//!
//! # Data flow
//!
//! ```text
//! TunnelDesign, TunnelDescription, seed
//!        |
//!        v
//! tunnel::TunnelPlan
//!        | stretch by stretch, as the robot comes to them
//!        v                   solids
//! tunnel::Tunnel ------------------------> engine::rapier::RapierEngine <-- MJCF, RobotDescription
//!   | surfaces, true defects                 | ^               | ^
//!   |                          GroundTruth   | | JointDrive    | | rays (engine::Engine::ray_caster, or geometry::Bvh)
//!   |                                        v |               v |
//!   |      imu::ImuSensor --> ImuSample   JointReading      lidar::LidarSensor     --> LidarScan
//!   |                                        v ^            camera::Camera         --> CameraFrame, true labels
//!   |                              motors::VirtualBus       thermal::ThermalCamera --> ThermalFrame
//!   v                                        ^ |
//! scoring                    bytes of the motor bus, to and from firmware_bridge      battery::Battery --> BatterySample
//! ```
//!
//! | module       | what it is                                                                            |
//! |--------------|---------------------------------------------------------------------------------------|
//! | [`tunnel`]   | procedural tunnel: lining, floor, furniture, defects with their ground truth           |
//! | [`geometry`] | solids, raycasting, and a bounding volume hierarchy (BVH) that needs no engine          |
//! | [`engine`]   | physics engine as a trait, and rapier behind it                                       |
//! | [`motors`]   | virtual motors that decode and answer the bus' bytes, heat up, and damp on a timeout    |
//! | [`imu`]      | inertial sensor with noise and bias walk                                              |
//! | [`lidar`]    | lidar with the firing pattern of a Livox Mid-360                                      |
//! | [`camera`]   | colour cameras: raycasting, shading, image sensor; with labels for every pixel         |
//! | [`thermal`]  | thermal cameras                                                                       |
//! | [`battery`]  | battery                                                                               |
//!
//! A tunnel of up to 90 m is one stretch; a longer one has a border every 60 m, over which the shell, cables and pipe go on,
//! and nothing else. [`tunnel::Tunnel::generate`] makes all stretches, [`tunnel::Tunnel::of`] holds those that were made, and
//! [`engine::rapier::RapierEngine::set_scene`] exchanges them under the robot. Coordinates are of single precision: 0.1 mm
//! at 2 km from the portal, 0.5 mm at 5 km.
//!
//! Ground truth leaves this crate for scoring and for the report's comparison only; the robot's side of a run is built
//! by a crate that cannot see this one.
//!
//! # A scan and a picture
//!
//! ```
//! use nalgebra::Point3;
//! use robot_interface::fixtures::{BORED, go2, straight_tunnel};
//! use robot_interface::frames::Transform;
//! use robot_interface::sensors::Intrinsics;
//! use robot_interface::time::Stamp;
//! use sim::camera::{Camera, Exposure, looking_at};
//! use sim::geometry::Bvh;
//! use sim::lidar::LidarSensor;
//! use sim::tunnel::{Tunnel, TunnelDescription};
//!
//! let robot = go2();
//! let tunnel = Tunnel::generate(&straight_tunnel(BORED, 8.0), &TunnelDescription::default(), 1)?;
//! let bvh = Bvh::new(tunnel.geometry());
//!
//! let pose = Transform::from_xyz_rpy([4.0, 0.0, 0.31], [0.0; 3]);
//! let scan = LidarSensor::new(&robot, 1)?.in_tunnel(&tunnel).scan(&bvh, Stamp::ZERO, |_| pose);
//! assert!(scan.points.len() > 10_000);
//!
//! let (eye, wall) = (Point3::new(4.0, 0.0, 0.6), Point3::new(4.0, 1.0, 1.0));
//! let camera = Camera { lens: Intrinsics::from_fov(64, 64, 1.2), ..Camera::new(&robot.cameras[0], 0) };
//! let picture = camera.render(&tunnel, &bvh, &Exposure::still(looking_at(eye, wall), Stamp::ZERO), 1);
//! assert_eq!((picture.frame.image.data.len(), picture.labels.len()), (64 * 64 * 3, 64 * 64));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A program to run and change, which drops the robot into a tunnel and writes what its sensors see:
//!
//! ```text
//! cargo run -p sim --example tunnel_sensors
//! ```

pub mod battery;
pub mod camera;
pub mod engine;
pub mod geometry;
pub mod imu;
pub mod lidar;
pub mod motors;
mod noise;
pub mod thermal;
pub mod tunnel;
