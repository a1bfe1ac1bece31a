//! Recordings of a robot's run: one MCAP file that rosbag2, Foxglove, Lichtblick and Rerun open, written so that it is a whole
//! file at every moment, and read back even if it is damaged.
//!
//! | part                                  | does                                                                  |
//! |---------------------------------------|-----------------------------------------------------------------------|
//! | [`MessageWriter`]                     | turns Adit's own values (estimate, scan, picture, defects) into ROS 2 messages, for a file or any other [`MessageSink`] |
//! | [`RawRecorder`]                       | records the messages of a ROS 2 graph as the bytes they came in       |
//! | [`Playback`], [`repair`]              | reads a recording in the order of its log time, damaged or not; gives a torn one its summary back |
//! | [`Bag`]                               | the same of several files, as of a folder that rosbag2 split           |
//! | [`topics`], [`qos_profile`]           | table of topics: name, type, quality of service                       |
//! | [`messages`], [`definitions`], [`cdr`] | message structs beside their interface texts, texts of other types, and the bytes of both |
//! | [`from_ros`]                          | conversion of messages into Adit's own types; refuses what is not finite or does not fit |
//! | [`jpeg`]                              | JPEG pictures, decoded only if they are whole                         |
//! | [`Output`]                            | what a recording needs of a file: write, seek, cut                    |
//!
//! # Data flow
//!
//! ```text
//!  estimate, scan, picture ...             bytes from a ROS 2 graph
//!        |                                          |
//!        v                                          v
//!  +---------------+  structs  +-----+  bytes  +-------------+      +------------+
//!  | MessageWriter |---------->| cdr |-------->| MCAP sink   |----->| Output: a  |
//!  +---------------+     |     +-----+         | (channels,  |      | file, kept |
//!                        v                     | log times)  |      | whole      |
//!                 another MessageSink          +-------------+      +------------+
//!                 (topics of a graph)                                     |
//!                                                                         v
//!  Adit's types <---- from_ros <---- messages <---- cdr <---- Played <---- Playback
//! ```
//!
//! # Limits
//!
//! - Bytes depend on the calls and their stamps alone. No clock is read, neither for log times nor for saving: the same
//!   run gives the same file on every machine.
//! - A failed disk never ends a run: writing fails once with an error, and what was saved before stays readable.
//! - What comes in is not believed: `from_ros` checks numbers and sizes, and a chunk counts only if its checksum is right.
//! - The crate knows neither ROS 2's libraries nor the simulator; `mcap` is known to no other crate.
//!
//! # Write and read
//!
//! ```
//! use recording::messages::Odometry;
//! use recording::{MessageWriter, Playback, cdr, from_ros};
//! # use nalgebra::{Matrix3, Vector3};
//! # use robot_interface::fixtures::go2;
//! # use robot_interface::frames::Transform;
//! # use robot_interface::state::RobotState;
//! # use robot_interface::time::Stamp;
//!
//! # let state = |ms: u64, x: f64| RobotState {
//! #     stamp: Stamp::from_nanos(ms * 1_000_000),
//! #     map_from_base: Transform::from_xyz_rpy([x, 0.0, 0.31], [0.0; 3]),
//! #     velocity_m_s: Vector3::new(0.5, 0.0, 0.0),
//! #     angular_velocity_rad_s: Vector3::zeros(),
//! #     contacts: [true; 4],
//! #     position_covariance_m2: Matrix3::identity() * 1e-4,
//! #     yaw_sigma_rad: 0.002,
//! # };
//! let folder = tempfile::tempdir()?;
//! let path = folder.path().join("run.mcap");
//!
//! // `state(ms, x)` is an estimate; each gives `/odom` and `/tf`, and the first brings `/tf_static` with it.
//! let mut writer = MessageWriter::create(&path, &go2())?;
//! writer.odometry(&state(20, 1.00))?;
//! writer.odometry(&state(40, 1.01))?;
//! assert_eq!(writer.finish()?.messages, 5);
//!
//! let playback = Playback::open(&path)?;
//! assert_eq!(playback.missing(), None);
//! let mut chainages = Vec::new();
//! for message in playback {
//!     let message = message?;
//!     if message.topic.name == "/odom" {
//!         let odometry: Odometry = cdr::deserialize(&message.data)?;
//!         chainages.push(from_ros::state(&odometry, [true; 4])?.map_from_base.origin().x);
//!     }
//! }
//! assert_eq!(chainages, [1.00, 1.01]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod bag;
mod clouds;
pub mod definitions;
mod disk;
mod error;
mod findings;
mod frame_ids;
pub mod from_ros;
mod fsync;
pub mod jpeg;
pub mod messages;
mod playback;
mod qos;
mod raw;
mod sink;
mod tail;
pub mod topics;
mod writer;

pub use adit_cdr as cdr;
pub use adit_cdr::{CdrError, CdrReadError};
pub use bag::Bag;
pub use disk::Output;
pub use error::{RecordError, Recorded};
pub use playback::{FileKind, Missing, Playback, PlaybackError, Played, Topic, repair};
pub use qos::{Durability, Reliability, durability_of, qos_profile};
pub use raw::RawRecorder;
pub use topics::{Qos, TopicSpec, topic_name};
pub use writer::{MessageSink, MessageWriter, RunFile};
