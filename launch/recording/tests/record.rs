//! A recording is read back by its own schemas alone: what each message's text says must be what its bytes
//! hold, to the last one. `check_recording.py` does the same with two libraries that others wrote.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{self, Cursor, Seek, SeekFrom, Write};
use std::rc::Rc;

use nalgebra::{Matrix3, Vector3};
use recording::{Durability, MessageWriter, Output, Qos, RecordError, durability_of, topics};
use robot_interface::defect::{CrackWidth, Defect, DefectClass, LiningBox};
use robot_interface::fixtures::{go2, straight_tunnel};
use robot_interface::frames::Transform;
use robot_interface::joints::{JOINT_NAMES, JOINTS, JointMeasurement, JointStates};
use robot_interface::sensors::{BatterySample, ImuSample, LidarPoint, LidarScan, RgbImage, ThermalFrame};
use robot_interface::state::RobotState;
use robot_interface::status::{MissionPhase, MissionState};
use robot_interface::terrain::TerrainGrid;
use robot_interface::time::Stamp;
use robot_interface::tunnel::{LiningPoint, SectionShape, TunnelDesign};

const INSPECTING: MissionState = MissionState::Underway(MissionPhase::Inspect);

/// A stamp of so many milliseconds.
fn at(milliseconds: u64) -> Stamp {
    Stamp::from_nanos(milliseconds * 1_000_000)
}

fn joints(stamp: Stamp) -> JointStates {
    let joint = |i| JointMeasurement {
        position_rad: i as f64,
        velocity_rad_s: -(i as f64),
        torque_nm: 0.5 * i as f64,
        temperature_c: 30.0,
    };
    JointStates { stamp, joints: std::array::from_fn::<_, JOINTS, _>(joint) }
}

fn state(stamp: Stamp) -> RobotState {
    RobotState {
        stamp,
        map_from_base: Transform::from_xyz_rpy([12.5, -0.25, 0.31], [0.0, 0.0, 0.1]),
        velocity_m_s: Vector3::new(0.5, 0.0, 0.0),
        angular_velocity_rad_s: Vector3::new(0.0, 0.0, 0.2),
        contacts: [true; 4],
        position_covariance_m2: Matrix3::new(0.01, 0.005, 0.0, 0.005, 0.04, 0.0, 0.0, 0.0, 0.09),
        yaw_sigma_rad: 0.01,
    }
}

fn scan(stamp: Stamp, points: usize) -> LidarScan {
    let point = |i: usize| LidarPoint {
        position_m: [i as f32, (i * 7919 % 1000) as f32 * 0.003, 0.5],
        intensity: (i % 256) as f32,
        offset_s: i as f32 * 5e-6,
    };
    LidarScan { stamp, points: (0..points).map(point).collect() }
}

fn design() -> TunnelDesign {
    straight_tunnel(SectionShape::Box { width_m: 2.6, height_m: 2.2 }, 20.0)
}

fn crack() -> Defect {
    Defect {
        class: DefectClass::Crack,
        bounds: LiningBox { chainage_min_m: 9.4, chainage_max_m: 10.6, arc_min_m: -1.2, arc_max_m: -0.8 },
        centre: LiningPoint { chainage_m: 10.0, arc_m: -1.0 },
        clock_h: 9.5,
        length_m: 1.3,
        width: Some(CrackWidth::Measured { width_mm: 0.4, sigma_mm: 0.2 }),
        area_m2: 0.001,
        temperature: None,
        score: 0.9,
        views: 3,
        mm_per_px: Some(1.2),
        code: "CR1".to_owned(),
        outline: Vec::new(),
        evidence: None,
    }
}

/// Half a second with a message of every kind.
fn record<W: Output>(output: W) -> Result<(), RecordError> {
    let robot = go2();
    let mut recorder = MessageWriter::new(output, &robot)?;
    for ms in (1000..1500).step_by(2) {
        let angular = Vector3::new(0.01, 0.02, 0.03);
        recorder.joint_states(&joints(at(ms)))?;
        recorder.imu(&ImuSample {
            stamp: at(ms),
            angular_velocity_rad_s: angular,
            linear_acceleration_m_s2: Vector3::new(0.0, 0.0, 9.81),
        })?;
        if ms % 20 == 0 {
            recorder.odometry(&state(at(ms)))?;
        }
        if ms % 100 == 0 {
            recorder.lidar(at(ms), &scan(at(ms - 100), 20_000), 4)?;
            recorder.status(at(ms), &INSPECTING, 12.5, 13.0, 1)?;
            recorder.path(at(ms), &[[0.0; 3], [1.0, 1.0, 0.0], [2.0, 1.0, 0.0]])?;
            recorder.terrain(&TerrainGrid {
                stamp: at(ms - 10),
                origin_m: [9.0, -3.0],
                resolution_m: 0.05,
                size: 100,
                elevation_m: (0..10_000).map(|i| if i % 3 == 0 { f32::NAN } else { 0.01 }).collect(),
                traversability: vec![0.75; 10_000],
            })?;
        }
    }
    recorder.battery(&BatterySample {
        stamp: at(1500),
        voltage_v: 29.5,
        current_a: -4.0,
        charge_ah: 6.0,
        capacity_ah: 8.0,
        charged: 0.75,
    })?;
    let image = RgbImage { width: 64, height: 80, data: (0..64 * 80 * 3).map(|i| (i / 60) as u8).collect() };
    for camera in &robot.cameras {
        recorder.picture(at(1500), &camera.name, at(1495), &image, &camera.intrinsics())?;
    }
    for (camera, description) in robot.thermal.iter().enumerate() {
        let frame =
            ThermalFrame { stamp: at(1495), camera, width: 16, height: 12, celsius: vec![21.5; 16 * 12] };
        recorder.thermal(at(1500), &description.name, &frame)?;
    }
    let hot = Defect { class: DefectClass::HotJoint, width: None, ..crack() };
    recorder.defects(at(1500), &[crack(), hot], &design())?;
    let recorded = recorder.finish()?;
    assert_eq!(recorded.dropped, 0);
    Ok(())
}

fn recording() -> Vec<u8> {
    let mut output = Cursor::new(Vec::new());
    record(&mut output).expect("memory does not fill up");
    output.into_inner()
}

/// A decoded field.
#[derive(Debug, PartialEq)]
enum Value {
    Number(f64),
    Text(String),
    List(Vec<Self>),
    Record(BTreeMap<String, Self>),
}

impl Value {
    /// The value at a path such as `header.stamp.sec` or `name.0`.
    fn at(&self, path: &str) -> &Self {
        path.split('.').fold(self, |value, step| match value {
            Self::Record(fields) => &fields[step],
            Self::List(items) => &items[step.parse::<usize>().expect("an index")],
            leaf => panic!("{leaf:?} has no {step}"),
        })
    }

    fn number(&self, path: &str) -> f64 {
        match self.at(path) {
            Self::Number(number) => *number,
            other => panic!("{path} is {other:?}"),
        }
    }

    fn text(&self, path: &str) -> &str {
        match self.at(path) {
            Self::Text(text) => text,
            other => panic!("{path} is {other:?}"),
        }
    }

    fn length(&self, path: &str) -> usize {
        match self.at(path) {
            Self::List(items) => items.len(),
            other => panic!("{path} is {other:?}"),
        }
    }
}

/// Reads CDR by a `ros2msg` schema.
struct Decoder<'a> {
    /// Type and name of each interface's fields.
    interfaces: BTreeMap<&'a str, Vec<[&'a str; 2]>>,
    data: &'a [u8],
    position: usize,
}

impl<'a> Decoder<'a> {
    fn decode(schema: &'a str, message: &'a [u8]) -> Value {
        let separator = "=".repeat(80);
        let interfaces = schema.split(&separator).map(|part| {
            let (name, text) = match part.trim_start().strip_prefix("MSG: ") {
                Some(part) => part.split_once('\n').expect("a name and a text"),
                None => ("", part),
            };
            let lines = text.lines().filter(|line| !line.is_empty() && !line.contains('='));
            let fields = lines.map(|line| line.split_once(' ').map(<[&str; 2]>::from).expect("type name"));
            (name, fields.collect())
        });
        let interfaces = interfaces.collect();
        assert_eq!(message[..4], [0, 1, 0, 0], "little endian, plain CDR");
        let mut decoder = Self { interfaces, data: &message[4..], position: 0 };
        let value = decoder.record("");
        assert_eq!(decoder.position, decoder.data.len(), "nothing is left over");
        value
    }

    fn record(&mut self, name: &str) -> Value {
        let fields = self.interfaces[name].clone();
        Value::Record(fields.into_iter().map(|[kind, name]| (name.to_owned(), self.field(kind))).collect())
    }

    fn field(&mut self, kind: &str) -> Value {
        let Some((element, count)) = kind.strip_suffix(']').and_then(|kind| kind.split_once('[')) else {
            return self.single(kind);
        };
        let count = if count.is_empty() { self.length() } else { count.parse().expect("a count") };
        Value::List((0..count).map(|_| self.single(element)).collect())
    }

    fn single(&mut self, kind: &str) -> Value {
        Value::Number(match kind {
            "string" => {
                let length = self.length();
                let bytes = self.bytes(length);
                let (zero, text) = bytes.split_last().expect("a string has its zero");
                assert_eq!(*zero, 0);
                return Value::Text(String::from_utf8(text.to_vec()).expect("UTF-8"));
            }
            "bool" | "uint8" => f64::from(self.take::<1>()[0]),
            "int8" => f64::from(i8::from_le_bytes(self.take())),
            "int32" => f64::from(i32::from_le_bytes(self.take())),
            "uint32" => f64::from(u32::from_le_bytes(self.take())),
            "float32" => f64::from(f32::from_le_bytes(self.take())),
            "float64" => f64::from_le_bytes(self.take()),
            interface => return self.record(interface),
        })
    }

    fn length(&mut self) -> usize {
        u32::from_le_bytes(self.take()) as usize
    }

    fn take<const N: usize>(&mut self) -> [u8; N] {
        self.position = self.position.next_multiple_of(N);
        self.bytes(N).try_into().expect("as many as asked for")
    }

    fn bytes(&mut self, count: usize) -> &'a [u8] {
        let bytes = &self.data[self.position..self.position + count];
        self.position += count;
        bytes
    }
}

/// Every message by topic, decoded by its schema; checks what holds for all.
fn read(file: &[u8]) -> BTreeMap<String, Vec<Value>> {
    let mut topics = BTreeMap::<String, Vec<Value>>::new();
    let mut newest = 0;
    for message in mcap::MessageStream::new(file).expect("an MCAP file") {
        let message = message.expect("a whole message");
        assert!(message.log_time >= newest, "time runs backwards on {}", message.channel.topic);
        newest = message.log_time;
        assert_eq!(message.publish_time, message.log_time);
        assert_eq!(message.channel.message_encoding, "cdr");
        let schema = message.channel.schema.as_ref().expect("a schema");
        assert_eq!(schema.encoding, "ros2msg");
        let text = std::str::from_utf8(&schema.data).expect("text");
        let messages = topics.entry(message.channel.topic.clone()).or_default();
        assert_eq!(message.sequence as usize, messages.len());
        messages.push(Decoder::decode(text, &message.data));
    }
    topics
}

#[test]
fn every_message_reads_back_by_its_schema() {
    let file = recording();
    // Kept for check_recording.py.
    std::fs::write(concat!(env!("CARGO_TARGET_TMPDIR"), "/recording.mcap"), &file).expect("written");
    let topics = read(&file);
    let counts: Vec<_> = topics.iter().map(|(topic, messages)| (topic.as_str(), messages.len())).collect();
    assert_eq!(
        counts,
        [
            ("/battery_state", 1),
            ("/camera/crown/camera_info", 1),
            ("/camera/crown/image_raw/compressed", 1),
            ("/camera/left/camera_info", 1),
            ("/camera/left/image_raw/compressed", 1),
            ("/camera/right/camera_info", 1),
            ("/camera/right/image_raw/compressed", 1),
            ("/defects", 1),
            ("/defects/list", 1),
            ("/imu/data", 250),
            ("/joint_states", 250),
            ("/lidar/points", 5),
            ("/mission/status", 5),
            ("/odom", 25),
            ("/plan", 5),
            ("/terrain/elevation", 5),
            ("/terrain/traversability", 5),
            ("/tf", 25),
            ("/tf_static", 1),
            ("/thermal/thermal_left/image_raw", 1),
            ("/thermal/thermal_right/image_raw", 1),
        ]
    );

    let joints = &topics["/joint_states"][249];
    assert_eq!((joints.number("header.stamp.sec"), joints.number("header.stamp.nanosec")), (1.0, 498e6));
    assert_eq!(joints.text("name.11"), JOINT_NAMES[11]);
    assert_eq!((joints.number("position.11"), joints.number("effort.3")), (11.0, 1.5));

    let odometry = &topics["/odom"][0];
    assert_eq!((odometry.text("header.frame_id"), odometry.text("child_frame_id")), ("odom", "base_link"));
    assert_eq!(odometry.number("pose.pose.position.x"), 12.5);
    assert!((odometry.number("pose.pose.orientation.z") - 0.05_f64.sin()).abs() < 1e-12);
    assert!((odometry.number("pose.covariance.14") - 0.09).abs() < 1e-12, "z is the third of the diagonal");
    let xy = ["pose.covariance.1", "pose.covariance.6"].map(|at| odometry.number(at));
    assert_eq!(xy, [0.005; 2], "x and y are correlated where the tunnel leads neither along x nor along y");
    assert_eq!(odometry.number("twist.twist.angular.z"), 0.2);

    let battery = &topics["/battery_state"][0];
    assert_eq!(
        (battery.number("voltage"), battery.number("current")),
        (29.5, -4.0),
        "discharging is negative"
    );
    assert_eq!((battery.number("percentage"), battery.number("design_capacity")), (0.75, 8.0));
    assert!(battery.number("temperature").is_nan() && battery.length("cell_voltage") == 0);
    assert_eq!((battery.number("power_supply_status"), battery.number("present")), (2.0, 1.0));

    let cloud = &topics["/lidar/points"][0];
    assert_eq!((cloud.number("width"), cloud.length("data")), (5000.0, 100_000));
    assert_eq!(cloud.text("fields.4.name"), "time");

    let info = &topics["/camera/left/camera_info"][0];
    let full = go2().cameras[0].intrinsics();
    assert!((info.number("k.0") - full.focal_px / 16.0).abs() < 1e-9, "reduced with the picture");
    assert_eq!((info.number("k.2"), info.number("k.5")), (31.5, 39.5));

    let grid = &topics["/terrain/traversability"][0];
    assert_eq!(
        (grid.number("data.0"), grid.length("data"), grid.number("info.origin.position.y")),
        (25.0, 10_000, -3.0)
    );
    assert_eq!(topics["/terrain/elevation"][0].number("width"), 6666.0);

    assert_eq!(topics["/defects"][0].length("markers"), 5);
    let findings = &topics["/defects/list"][0];
    assert_eq!(
        (findings.text("defects.0.class_name"), findings.number("defects.0.width_mm")),
        ("crack", 0.4)
    );
    assert!(findings.number("defects.1.width_mm").is_nan(), "a hot joint has no crack width");
    assert_eq!(topics["/mission/status"][4].text("text"), "inspecting");
}

#[test]
fn fixed_frames_hang_below_the_map() {
    let topics = read(&recording());
    let fixed = &topics["/tf_static"][0];
    let tree: Vec<_> = (0..fixed.length("transforms"))
        .map(|i| {
            let transform = fixed.at(&format!("transforms.{i}"));
            (transform.text("header.frame_id"), transform.text("child_frame_id"))
        })
        .collect();
    assert_eq!(
        tree,
        [
            ("map", "odom"),
            ("base_link", "imu"),
            ("base_link", "lidar"),
            ("base_link", "left_optical_frame"),
            ("base_link", "crown_optical_frame"),
            ("base_link", "right_optical_frame"),
            ("base_link", "thermal_left_optical_frame"),
            ("base_link", "thermal_right_optical_frame"),
        ]
    );
    assert_eq!(fixed.number("transforms.0.transform.rotation.w"), 1.0);
    assert_eq!(fixed.number("transforms.2.transform.translation.x"), go2().lidar.xyz_m[0]);
}

#[test]
fn pictures_are_jpeg() {
    let topics = read(&recording());
    let picture = &topics["/camera/crown/image_raw/compressed"][0];
    assert_eq!(picture.text("format"), "jpeg");
    assert_eq!(picture.number("header.stamp.nanosec"), 495e6, "stamped with its exposure");
    let Value::List(data) = picture.at("data") else { panic!("bytes") };
    let bytes: Vec<u8> =
        data.iter().map(|byte| if let Value::Number(n) = byte { *n as u8 } else { 0 }).collect();
    let decoded = image::load_from_memory_with_format(&bytes, image::ImageFormat::Jpeg).expect("a JPEG");
    assert_eq!((decoded.width(), decoded.height()), (64, 80));
}

#[test]
fn the_same_run_gives_the_same_bytes() {
    assert_eq!(recording(), recording());
}

#[test]
fn a_file_has_a_summary_and_an_index() {
    let file = recording();
    let summary = mcap::Summary::read(&file).expect("reads").expect("there is one");
    let statistics = summary.stats.expect("statistics");
    assert_eq!((statistics.message_start_time, statistics.message_end_time), (1_000_000_000, 1_500_000_000));
    assert!(summary.chunk_indexes.iter().all(|chunk| chunk.compression == "lz4"));
    // A chunk is closed by the message that makes it too large.
    assert!(summary.chunk_indexes.iter().all(|chunk| chunk.uncompressed_size < 1_600_000));
}

#[test]
fn what_does_not_fit_its_size_is_refused_and_the_rest_goes_on() {
    let robot = go2();
    let mut output = Cursor::new(Vec::new());
    let mut recorder = MessageWriter::new(&mut output, &robot).expect("begins");
    let short = RgbImage { width: 10, height: 10, data: vec![0; 299] };
    let error = recorder.picture(at(5), "left", at(5), &short, &robot.cameras[0].intrinsics());
    assert!(matches!(error, Err(RecordError::Shape { expected: 300, found: 299, .. })), "{error:?}");
    let empty = RgbImage { width: 70_000, height: 1, data: vec![0; 210_000] };
    let error = recorder.picture(at(5), "left", at(5), &empty, &robot.cameras[0].intrinsics());
    assert!(matches!(error, Err(RecordError::Jpeg { .. })), "{error:?}");
    let frame = ThermalFrame { stamp: at(5), camera: 0, width: 4, height: 4, celsius: vec![] };
    assert!(recorder.thermal(at(5), "thermal_left", &frame).is_err());
    recorder.joint_states(&joints(at(5))).expect("goes on");
    assert_eq!(recorder.finish().expect("finishes").messages, 2);
    assert_eq!(read(output.get_ref()).len(), 2);
}

/// A message's stamp holds for all that is in it: joints that were not measured then are left out.
#[test]
fn joints_that_were_not_measured_are_left_out() {
    let mut output = Cursor::new(Vec::new());
    let mut recorder = MessageWriter::new(&mut output, &go2()).expect("begins");
    let measured = std::array::from_fn(|joint| joint % 3 == 2);
    recorder.some_joint_states(&joints(at(5)), &measured).expect("fits");
    recorder.some_joint_states(&joints(at(7)), &[false; 12]).expect("nothing to tell");
    recorder.finish().expect("finishes");
    let told = &read(output.get_ref())["/joint_states"];
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].text("name.0"), told[0].text("name.3")), (JOINT_NAMES[2], JOINT_NAMES[11]));
    assert_eq!((told[0].number("position.0"), told[0].number("position.3")), (2.0, 11.0));
}

#[test]
fn a_late_stamp_does_not_turn_time_back() {
    let mut output = Cursor::new(Vec::new());
    let mut recorder = MessageWriter::new(&mut output, &go2()).expect("begins");
    recorder.status(at(100), &INSPECTING, 0.0, 0.0, 0).expect("recorded");
    recorder.joint_states(&joints(at(90))).expect("recorded");
    recorder.finish().expect("finishes");
    let topics = read(output.get_ref());
    assert_eq!(
        topics["/joint_states"][0].number("header.stamp.nanosec"),
        90e6,
        "the measurement keeps its time"
    );
}

/// A disk with room for so many bytes.
#[derive(Clone)]
struct SmallDisk {
    room: u64,
    file: Rc<RefCell<Cursor<Vec<u8>>>>,
}

impl Write for SmallDisk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut file = self.file.borrow_mut();
        if file.position() + bytes.len() as u64 > self.room {
            return Err(io::ErrorKind::StorageFull.into());
        }
        file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for SmallDisk {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.borrow_mut().seek(to)
    }
}

impl Output for SmallDisk {
    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.file.borrow_mut().cut(length)
    }
}

#[test]
fn a_full_disk_is_reported_once_and_what_was_written_stays() {
    let file = Rc::new(RefCell::new(Cursor::new(Vec::new())));
    let disk = SmallDisk { room: 2_000_000, file: file.clone() };
    let mut recorder = MessageWriter::new(disk, &go2()).expect("begins");
    let errors: Vec<_> =
        (0..100).filter_map(|i| recorder.lidar(at(i), &scan(at(i), 20_000), 1).err()).collect();
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert_eq!(
        errors[0].to_string(),
        "the recording stops here: no storage space; free space on the disk, or record to another one"
    );
    let recorded = recorder.finish().expect("it was said already");
    assert!(recorded.dropped > 0 && recorded.messages > 3, "{recorded:?}");
    let bytes = file.borrow().get_ref().clone();
    let clouds = read(&bytes)["/lidar/points"].len();
    assert_eq!(clouds as u64 + 1, recorded.messages, "what was saved is whole, /tf_static among it");
}

#[test]
fn dropping_a_recorder_closes_its_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("run.mcap");
    let mut recorder = MessageWriter::create(&path, &go2()).expect("begins");
    recorder.joint_states(&joints(at(5))).expect("recorded");
    drop(recorder);
    let file = std::fs::read(&path).expect("is there");
    assert!(mcap::Summary::read(&file).expect("reads").is_some());
    let error = MessageWriter::create(&folder.path().join("no/run.mcap"), &go2()).map(drop);
    assert!(matches!(error, Err(RecordError::Create { .. })));
}

#[test]
fn a_recorder_may_go_to_another_thread() {
    fn check<T: Send>() {}
    check::<MessageWriter>();
}

/// A subscriber that comes late to a replay gets what is latched on the robot.
#[test]
fn topics_that_are_latched_say_so() {
    let summary = mcap::Summary::read(&recording()).expect("opens").expect("has a summary");
    let profile = |name: &str| {
        let channel = summary.channels.values().find(|channel| channel.topic == name);
        channel.map(|channel| durability_of(&channel.metadata["offered_qos_profiles"]))
    };
    for topic in topics::ALL.iter().filter(|topic| profile(topic.name).is_some()) {
        let latched = topic.qos == Qos::Latched;
        assert_eq!(profile(topic.name) == Some(Durability::TransientLocal), latched, "{}", topic.name);
    }
    assert!(
        profile("/defects").is_some()
            && profile("/defects/list").is_some()
            && profile("/tf_static").is_some()
    );
}
