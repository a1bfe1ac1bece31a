//! Assembly of Adit: the `adit` command, lock-step runs in simulated time, the ROS 2 nodes, and tools for the motor buses.
//!
//! | module           | command                            | does                                                     |
//! |------------------|------------------------------------|----------------------------------------------------------|
//! | [`mission_file`] |                                    | mission files: what the robot knows, and the simulation, checked |
//! | [`lockstep`]     | `adit replay --lockstep`           | robot's side and simulated side stepped in turn, or a recording through perception once more |
//! | [`run`](mod@run) | `adit mission`, `adit campaign`    | a lock-step run with its folder: recording, log, score, report |
//! | [`ground_truth`] |                                    | what was really there: for scoring and the report's comparison alone |
//! | `ros`            | `adit up`, `adit node`, `adit record`, `adit replay` | the same parts as ROS 2 nodes, one process each; feature `ros` |
//! | [`wire_tools`]   | `adit wire`                        | frames of motor buses as JSON and back                   |
//! | `bus_tools`      | `adit bus`                         | scan, monitoring, benchmark and calibration of the motor buses |
//! | [`pty`]          |                                    | pseudo-terminals: serial ports that simulated motors sit behind |
//! | [`cli`]          | all                                | arguments, tables and exit codes                         |
//! | `weights`        | all that judge pictures            | the defect model's weights, from a file or those that come with Adit |
//! | `terminal`       | all                                | the one place that prints                                |
//!
//! # A mission in lock-step
//!
//! ```text
//!                                MissionFile
//!                    mission      |       |  simulation: seed, floor, furniture, defects
//!               +-----------------+       +------------------+
//!               v                                            v
//!  robot's side (crate stack)                       simulated side (crate sim)
//!  +---------------------------+   motor frames    +----------------------------+
//!  | Control                   |<----------------->| virtual motors, physics    |
//!  | PerceptionPipeline        |<------------------| inertial sensor, lidar,    |
//!  | LocalisationAndMapping    |  samples, scans,  | cameras                    |
//!  | Inspector, Navigator      |  pictures         +----------------------------+
//!  +---------------------------+                             |
//!     |               |                                      | Truth
//!     | RunOutcome    +---> recording::MessageWriter         |
//!     v                                                      v
//!  report::score <-------------------------------------------+
//!     |
//!     +---> report::write_all, Observer (progress)
//! ```
//!
//! Nothing crosses from right to left but what a sensor or a motor would give. The ROS 2 nodes are the same boxes with
//! topics between them.
//!
//! # Limits
//!
//! - It is the one crate that sees both the robot's side and the simulator, links ROS 2, talks to the terminal and uses
//!   `anyhow`. Clocks are read here, in `stack::realtime` and in `host`; files where that is a crate's work (robot files,
//!   recordings, reports). `launch/tests/architecture.rs` asserts who may know what.
//! - It must decide nothing about the robot's motion or its findings: that is the work of the crates below, which are tested
//!   without it.
//! - A lock-step run's files depend on mission, robot and seed alone; the one clock that is read says how long it took.
//!
//! # A mission file and a mistake in one
//!
//! Every mistake is refused with file, line and remedy, before anything is written.
//!
//! ```
//! use launch::mission_file::MissionFile;
//!
//! let text = r#"name = "culvert"
//! robot = "go2"
//!
//! [tunnel.section]
//! shape = "box"
//! width_m = 2.4
//! height_m = 2.2
//!
//! [[tunnel.alignment]]
//! length_m = 20.0
//!
//! [inspection]
//! start_m = 1.0
//! end_m = 18.0
//! station_every_m = 5.0
//! picture_every_m = 1.1
//! dwell_s = 0.5
//! speed_m_s = 0.6
//! return_speed_m_s = 0.9
//! hot_joint_above_c = 45.0
//!
//! [limits]
//! timeout_s = 150.0
//! stuck_after_s = 20.0
//! "#;
//! let file = MissionFile::parse("culvert.toml", text)?;
//! assert_eq!((file.mission.design.length_m(), file.simulation.seed), (20.0, 1));
//!
//! let message = |from, to| MissionFile::parse("culvert.toml", &text.replace(from, to)).err().map(|error| error.to_string());
//! let mistake = message("width_m = 2.4", "width_mm = 2400.0").ok_or("not noticed")?;
//! assert!(mistake.starts_with("culvert.toml:6: unknown field `width_mm`"), "{mistake}");
//! assert!(mistake.ends_with("help: `width_mm` has another unit: write `width_m`, in metres"), "{mistake}");
//! assert_eq!(
//!     message("end_m = 18.0", "end_m = 180.0").as_deref(),
//!     Some(
//!         "culvert.toml:14: inspection.end_m 180 and start_m 1 do not fit a tunnel of 20 m
//!   help: keep 0.5 <= start_m < end_m <= 19.5"
//!     ),
//! );
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! To walk it: `cargo run -p launch --example walk_and_report`, a program of a page that runs such a mission and prints what
//! was found and what was missed.

mod bus_tools;
pub mod cli;
pub mod ground_truth;
pub mod lockstep;
pub mod mission_file;
pub mod node_name;
pub mod pty;
mod robot_finder;
mod robot_link;
#[cfg(feature = "ros")]
pub mod ros;
pub mod run;
pub mod run_folder;
mod summary;
mod terminal;
mod virtual_robot;
mod weights;
pub mod wire_tools;
mod world;
