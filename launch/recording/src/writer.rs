//! Writer of messages: turns Adit's types into ROS messages, as they come, and hands them to a sink, a file or a graph.
//!
//! Frames follow REP 105: `map` to `odom` is the identity because the estimate is of `map` already, `odom` to
//! `base_link` is that estimate, and the sensors hang fixed below `base_link`. The same calls give the same
//! bytes: stamps come from the caller.

mod pictures;

use std::fs::File;
use std::path::Path;

use nalgebra::{Isometry3, UnitQuaternion};
use robot_interface::defect::Defect;
use robot_interface::joints::{JOINT_NAMES, JOINTS, JointStates};
use robot_interface::robot::RobotDescription;
use robot_interface::sensors::{BatterySample, ImuSample, LidarScan};
use robot_interface::state::RobotState;
use robot_interface::status::MissionState;
use robot_interface::terrain::TerrainGrid;
use robot_interface::time::Stamp;
use robot_interface::tunnel::TunnelDesign;

use crate::disk::{self, Output};
use crate::error::{RecordError, Recorded, check_shape};
use crate::findings;
use crate::frame_ids::{BASE, IMU, LIDAR, MAP, ODOM, optical_frame};
use crate::messages::{
    BatteryState, Bytes, Covariance6, Header, Imu, JointState, MapMetaData, Message, MissionStatus,
    OccupancyGrid, Odometry, Path as PlannedPath, Pose, PoseStamped, PoseWithCovariance, Quaternion,
    TfMessage, TransformStamped, Twist, TwistWithCovariance,
};
use crate::qos::{Durability, Reliability, qos_profile};
use crate::sink::McapSink;
use crate::topics::{self, Qos, TopicSpec};
use crate::{cdr, clouds};

/// A lock-step run is saved each time this much of its time has gone by. Not the clock's time: the bytes of the
/// file must not depend on how fast a machine is.
const SAVE_NANOS: u64 = 1_000_000_000;

/// A fixed mount of a sensor.
struct Mount {
    frame: String,
    base_from_sensor: Isometry3<f64>,
}

/// Destination of messages: a file, or ROS topics.
pub trait MessageSink {
    /// Hands a message on.
    ///
    /// # Errors
    /// If it cannot be put into bytes, or (said once) the outlet takes no more.
    fn publish<M: Message>(
        &mut self,
        topic: &str,
        qos: Qos,
        stamp: Stamp,
        message: &M,
    ) -> Result<(), RecordError>;
}

/// Turns what Adit knows into ROS messages, as they come, and hands them to an outlet: by default a recording,
/// which, dropped without [`MessageWriter::finish`], still closes its file as well as it can.
pub struct MessageWriter<O = RunFile> {
    outlet: O,
    mounts: Vec<Mount>,
    /// True if `/tf_static` goes before the next message.
    mounts_due: bool,
    /// Space for the bytes of a cloud, grid or picture.
    bytes: Vec<u8>,
}

/// The recording of a lock-step run.
pub struct RunFile<W: Output = File> {
    sink: McapSink<W>,
    /// Space for one serialised message.
    message: Vec<u8>,
}

impl MessageWriter {
    /// A recording in a new file at `path`, which is replaced where it exists.
    ///
    /// # Errors
    /// If the file cannot be made or written.
    pub fn create(path: &Path, robot: &RobotDescription) -> Result<Self, RecordError> {
        Self::new(disk::create(path)?, robot)
    }
}

impl<W: Output> MessageWriter<RunFile<W>> {
    /// A recording into `output`, from its beginning.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn new(output: W, robot: &RobotDescription) -> Result<Self, RecordError> {
        let file = RunFile { sink: McapSink::new(output)?, message: Vec::new() };
        // Logged with the first message, so that the recording does not begin before it.
        Ok(Self { mounts_due: true, ..Self::through(file, robot) })
    }

    /// Saves what is not saved yet and closes the file.
    ///
    /// # Errors
    /// If the file cannot be written and that was not said before.
    pub fn finish(mut self) -> Result<Recorded, RecordError> {
        self.outlet.sink.finish()?;
        Ok(self.outlet.sink.recorded())
    }
}

impl<O: MessageSink> MessageWriter<O> {
    /// Messages of a robot through an outlet.
    pub fn through(outlet: O, robot: &RobotDescription) -> Self {
        let imu = nalgebra::Vector3::from(robot.imu.xyz_m);
        let mut mounts = vec![
            // Samples are in the base frame's axes.
            Mount {
                frame: IMU.to_owned(),
                base_from_sensor: Isometry3::from_parts(imu.into(), UnitQuaternion::identity()),
            },
            Mount { frame: LIDAR.to_owned(), base_from_sensor: robot.lidar.base_from_lidar().isometry },
        ];
        mounts.extend(robot.cameras.iter().map(|camera| Mount {
            frame: optical_frame(&camera.name),
            base_from_sensor: camera.base_from_camera().isometry,
        }));
        mounts.extend(robot.thermal.iter().map(|camera| Mount {
            frame: optical_frame(&camera.name),
            base_from_sensor: camera.base_from_camera().isometry,
        }));
        Self { outlet, mounts, mounts_due: false, bytes: Vec::new() }
    }

    /// `/joint_states`.
    ///
    /// # Errors
    /// If the file cannot be written; said once.
    pub fn joint_states(&mut self, states: &JointStates) -> Result<(), RecordError> {
        self.some_joint_states(states, &[true; JOINTS])
    }

    /// `/joint_states` of those joints that `measured`, `[12]`, names: what its stamp says is true of all that are in the
    /// message. Nothing where it names none.
    ///
    /// # Errors
    /// If the file cannot be written; said once.
    pub fn some_joint_states(
        &mut self,
        states: &JointStates,
        measured: &[bool; JOINTS],
    ) -> Result<(), RecordError> {
        let those: Vec<_> = (0..JOINTS).filter(|joint| measured[*joint]).collect();
        if those.is_empty() {
            return Ok(());
        }
        let of = |all: [f64; JOINTS]| those.iter().map(|joint| all[*joint]).collect::<Vec<_>>();
        let message = JointState {
            header: Header::new(states.stamp, ""),
            name: those.iter().map(|joint| JOINT_NAMES[*joint]).collect(),
            position: of(states.positions()).into(),
            velocity: of(states.velocities()).into(),
            effort: of(states.torques()).into(),
        };
        self.publish(&topics::JOINT_STATES, states.stamp, &message)
    }

    /// `/imu/data`. Orientation is not measured (covariance -1).
    ///
    /// # Errors
    /// If the file cannot be written; said once.
    pub fn imu(&mut self, sample: &ImuSample) -> Result<(), RecordError> {
        let mut not_measured = [0.0; 9];
        not_measured[0] = -1.0;
        let message = Imu {
            header: Header::new(sample.stamp, IMU),
            orientation: Quaternion::default(),
            orientation_covariance: not_measured,
            angular_velocity: sample.angular_velocity_rad_s.into(),
            angular_velocity_covariance: [0.0; 9],
            linear_acceleration: sample.linear_acceleration_m_s2.into(),
            linear_acceleration_covariance: [0.0; 9],
        };
        self.publish(&topics::IMU, sample.stamp, &message)
    }

    /// `/battery_state`.
    ///
    /// # Errors
    /// If the file cannot be written; said once.
    pub fn battery(&mut self, sample: &BatterySample) -> Result<(), RecordError> {
        let message = BatteryState {
            header: Header::new(sample.stamp, ""),
            voltage: sample.voltage_v as f32,
            temperature: f32::NAN,
            current: sample.current_a as f32,
            charge: sample.charge_ah as f32,
            capacity: sample.capacity_ah as f32,
            design_capacity: sample.capacity_ah as f32,
            percentage: sample.charged as f32,
            power_supply_status: BatteryState::DISCHARGING,
            // Health and chemistry are not known.
            power_supply_health: 0,
            power_supply_technology: 0,
            present: true,
            cell_voltage: &[],
            cell_temperature: &[],
            location: "",
            serial_number: "",
        };
        self.publish(&topics::BATTERY_STATE, sample.stamp, &message)
    }

    /// `/odom` and the same pose on `/tf`. Covariances hold what the estimate says of itself: position and
    /// heading; the others are zero, which is to say not known.
    ///
    /// # Errors
    /// If the file cannot be written; said once.
    pub fn odometry(&mut self, state: &RobotState) -> Result<(), RecordError> {
        let header = Header::new(state.stamp, ODOM);
        let isometry = state.map_from_base.isometry;
        let (position, yaw_variance) =
            (&state.position_covariance_m2, state.yaw_sigma_rad * state.yaw_sigma_rad);
        let message = Odometry {
            header,
            child_frame_id: BASE,
            pose: PoseWithCovariance {
                pose: isometry.into(),
                covariance: Covariance6::of_position_and_yaw(position, yaw_variance),
            },
            twist: TwistWithCovariance {
                twist: Twist {
                    linear: state.velocity_m_s.into(),
                    angular: state.angular_velocity_rad_s.into(),
                },
                covariance: Covariance6::diagonal([0.0; 6]),
            },
        };
        self.publish(&topics::ODOM, state.stamp, &message)?;
        let transform = TransformStamped { header, child_frame_id: BASE, transform: isometry.into() };
        self.publish(&topics::TF, state.stamp, &TfMessage { transforms: vec![transform] })
    }

    /// `/lidar/points`: every `keep_every`-th return, in the lidar's frame at the moment each was measured.
    ///
    /// # Errors
    /// If the file cannot be written; said once.
    pub fn lidar(&mut self, now: Stamp, scan: &LidarScan, keep_every: usize) -> Result<(), RecordError> {
        self.with_bytes(|recorder, bytes| {
            clouds::lidar_bytes(bytes, scan, keep_every);
            let message = clouds::cloud(Header::new(scan.stamp, LIDAR), &clouds::LIDAR_FIELDS, bytes);
            recorder.publish(&topics::LIDAR_POINTS, now, &message)
        })
    }

    /// `/plan`: the path that the robot means to take, in `map`, each pose facing the next.
    ///
    /// # Errors
    /// If the file cannot be written; said once.
    pub fn path(&mut self, now: Stamp, points_m: &[[f64; 3]]) -> Result<(), RecordError> {
        let header = Header::new(now, MAP);
        let mut facing = Quaternion::default();
        let poses = (0..points_m.len())
            .map(|i| {
                if let Some([x, y, _]) = points_m.get(i + 1) {
                    let yaw = (y - points_m[i][1]).atan2(x - points_m[i][0]);
                    facing = UnitQuaternion::from_euler_angles(0.0, 0.0, yaw).into();
                }
                PoseStamped { header, pose: Pose { position: points_m[i].into(), orientation: facing } }
            })
            .collect();
        self.publish(&topics::PLAN, now, &PlannedPath { header, poses })
    }

    /// `/terrain/elevation` (the cells whose height is known) and `/terrain/traversability` (0 easy to 100
    /// impassable, -1 not known).
    ///
    /// # Errors
    /// If the grid does not have the cells of its size, or (said once) the file cannot be written.
    pub fn terrain(&mut self, grid: &TerrainGrid) -> Result<(), RecordError> {
        for found in [grid.elevation_m.len(), grid.traversability.len()] {
            check_shape(|| "a terrain grid".to_owned(), grid.size * grid.size, found)?;
        }
        let header = Header::new(grid.stamp, MAP);
        self.with_bytes(|recorder, bytes| {
            clouds::elevation_bytes(bytes, grid);
            let message = clouds::cloud(header, &clouds::ELEVATION_FIELDS, bytes);
            recorder.publish(&topics::ELEVATION, grid.stamp, &message)?;
            clouds::occupancy_bytes(bytes, grid);
            let [x, y] = grid.origin_m;
            let message = OccupancyGrid {
                header,
                info: MapMetaData {
                    map_load_time: grid.stamp.into(),
                    resolution: grid.resolution_m as f32,
                    width: grid.size as u32,
                    height: grid.size as u32,
                    origin: Pose { position: [x, y, 0.0].into(), ..Pose::default() },
                },
                data: Bytes(bytes),
            };
            recorder.publish(&topics::TRAVERSABILITY, grid.stamp, &message)
        })
    }

    /// `/defects` (markers) and `/defects/list`: every finding so far, each time, numbered in their order; `design` says where
    /// the lining is in `map`.
    ///
    /// # Errors
    /// If the file cannot be written; said once.
    pub fn defects(
        &mut self,
        now: Stamp,
        defects: &[Defect],
        design: &TunnelDesign,
    ) -> Result<(), RecordError> {
        self.publish(&topics::DEFECTS, now, &findings::markers(now, defects, design))?;
        self.publish(&topics::DEFECT_LIST, now, &findings::list(now, defects, design))
    }

    /// `/mission/status`: the state of the mission, the estimated chainage, the length of the way so far, and how many
    /// findings there are.
    ///
    /// # Errors
    /// If the file cannot be written; said once.
    pub fn status(
        &mut self,
        now: Stamp,
        state: &MissionState,
        chainage_m: f64,
        distance_walked_m: f64,
        defects: u32,
    ) -> Result<(), RecordError> {
        let message = MissionStatus {
            header: Header::new(now, MAP),
            state: state.number(),
            phase: state.phase_number(),
            abort_reason: state.abort_number(),
            text: state.text(),
            chainage_m,
            distance_walked_m,
            defects,
        };
        self.publish(&topics::MISSION_STATUS, now, &message)
    }

    /// `/tf_static`: where the sensors sit, and that `odom` is `map`.
    ///
    /// # Errors
    /// If the file cannot be written; said once.
    pub fn static_transforms(&mut self, stamp: Stamp) -> Result<(), RecordError> {
        let mut transforms = vec![TransformStamped {
            header: Header::new(stamp, MAP),
            child_frame_id: ODOM,
            transform: Default::default(),
        }];
        transforms.extend(self.mounts.iter().map(|mount| TransformStamped {
            header: Header::new(stamp, BASE),
            child_frame_id: &mount.frame,
            transform: mount.base_from_sensor.into(),
        }));
        // Latched: whoever comes late, or subscribes to a replay late, still gets it.
        self.outlet.publish(topics::TF_STATIC.name, topics::TF_STATIC.qos, stamp, &TfMessage { transforms })
    }

    fn publish<M: Message>(
        &mut self,
        topic: &TopicSpec,
        stamp: Stamp,
        message: &M,
    ) -> Result<(), RecordError> {
        self.publish_as(topic.name, topic.qos, stamp, message)
    }

    /// Publishes on the topic of one camera.
    fn publish_of<M: Message>(
        &mut self,
        topic: &TopicSpec,
        camera: &str,
        stamp: Stamp,
        message: &M,
    ) -> Result<(), RecordError> {
        self.publish_as(&topic.of_camera(camera), topic.qos, stamp, message)
    }

    fn publish_as<M: Message>(
        &mut self,
        topic: &str,
        qos: Qos,
        stamp: Stamp,
        message: &M,
    ) -> Result<(), RecordError> {
        if std::mem::take(&mut self.mounts_due) {
            self.static_transforms(stamp)?;
        }
        self.outlet.publish(topic, qos, stamp, message)
    }

    /// Lends the recorder's byte buffer to a step that also publishes.
    fn with_bytes<T>(&mut self, step: impl FnOnce(&mut Self, &mut Vec<u8>) -> T) -> T {
        let mut bytes = std::mem::take(&mut self.bytes);
        let result = step(self, &mut bytes);
        self.bytes = bytes;
        result
    }
}

impl<W: Output> MessageSink for RunFile<W> {
    fn publish<M: Message>(
        &mut self,
        topic: &str,
        qos: Qos,
        stamp: Stamp,
        message: &M,
    ) -> Result<(), RecordError> {
        cdr::serialize_into(&mut self.message, message)
            .map_err(|source| RecordError::Encode { topic: topic.to_owned(), source })?;
        if self.sink.type_of(topic).is_none() {
            let qos = match qos {
                Qos::Latched => qos_profile(Reliability::Reliable, Durability::TransientLocal, 1),
                Qos::State | Qos::Sensor | Qos::Command | Qos::Event | Qos::Clock => String::new(),
            };
            let definition = M::DEFINITION;
            self.sink.add_topic(topic, &definition.type_name(), Some(&definition.schema()), &qos)?;
        }
        // Sent and logged at once, whatever the message says of when it was measured.
        let now = self.sink.log_time(stamp);
        self.sink.write(topic, now, now, &self.message)?;
        self.sink.save_each(SAVE_NANOS)
    }
}
