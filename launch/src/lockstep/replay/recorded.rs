//! A recording as a source of perception's inputs, in the order in which they were recorded.

use std::collections::BTreeMap;
use std::path::PathBuf;

use recording::cdr::deserialize;
use recording::from_ros;
use recording::messages::{
    CameraInfo, CompressedImage, Image, JointState, MissionStatus, Odometry, PointCloud2,
};
use recording::{Bag, PlaybackError, Played};
use robot_interface::robot::RobotDescription;
use robot_interface::sensors::LidarScan;
use robot_interface::state::RobotState;
use robot_interface::status::MissionState;
use robot_interface::time::Stamp;
use stack::CameraImage;
use stack::config::ConfigError;

use super::mounts::Mounts;
use super::stamps::StampWatch;
use super::topics::{Role, roles};

/// A distortion below this moves no pixel.
const DISTORTION: f64 = 1e-6;
/// Mounts are looked for in the first part of a recording, s: a topic that never comes is not waited for to its end.
const MOUNTS_WITHIN_S: f64 = 60.0;

/// Input that one message gives.
pub(super) enum Input {
    /// Estimate of the robot's own.
    Odometry(RobotState),
    Scan(LidarScan),
    Image(Stamp, CameraImage),
    /// Greatest torque of any joint, N m.
    Torque(f64),
    /// State of the mission, and the way along the tunnel so far, m.
    Mission(MissionState, f64),
    /// A state of the mission that cannot be read, as of a recording by another version of Adit.
    UnreadableMission,
}

/// A recording that is good enough to be replayed.
pub struct Recorded {
    bag: Bag,
    robot: RobotDescription,
    roles: BTreeMap<String, Role>,
    mounts: Mounts,
    /// Stamps of the messages of each topic.
    stamps: BTreeMap<String, StampWatch>,
    /// Messages that are not used, by topic, with the first one's reason.
    refused: BTreeMap<String, (u64, String)>,
    /// Parts of the files that are damaged, and their bytes.
    damaged: u64,
    lost_bytes: u64,
    /// Messages that were read, of all topics; and those with a scan.
    messages: u64,
    scans: u64,
    /// True once all was read.
    ended: bool,
    notes: Vec<String>,
}

impl Recorded {
    /// Opens a recording, in one file or several, of a robot whose topics stand in `namespace` (empty: in none). It has been
    /// seen then that it holds odometry and pictures that can be used, and that what it says of the sensors' mounts and
    /// lenses is what the robot's file says; the latter is only noted where `other_mounts` are allowed.
    ///
    /// # Errors
    /// [`PlaybackError`] when a file cannot be read, [`ConfigError`] when it does not hold what is needed or contradicts the
    /// robot's file.
    pub fn open(
        paths: &[PathBuf],
        namespace: &str,
        robot: &RobotDescription,
        other_mounts: bool,
    ) -> anyhow::Result<Self> {
        // Read once up to the first picture, then from the beginning.
        Self::begin(paths, namespace, robot)?.probe(other_mounts)?;
        Self::begin(paths, namespace, robot)
    }

    fn begin(paths: &[PathBuf], namespace: &str, robot: &RobotDescription) -> anyhow::Result<Self> {
        let bag = Bag::open(paths)?;
        let topics: Vec<_> = bag.topics().map(AsRef::as_ref).collect();
        // What it lacks may be what was lost of it.
        let damage = (!bag.is_whole()).then(|| bag.notes().join(" "));
        let (roles, mut notes) = roles(bag.name(), namespace, &topics, robot, damage.as_deref())?;
        notes.extend(bag.notes().iter().cloned());
        Ok(Self {
            bag,
            roles,
            mounts: Mounts::new(robot),
            robot: robot.clone(),
            stamps: BTreeMap::new(),
            refused: BTreeMap::new(),
            damaged: 0,
            lost_bytes: 0,
            messages: 0,
            scans: 0,
            ended: false,
            notes,
        })
    }

    /// Reads up to the first odometry and the first picture that can be used, and what says where the sensors sit.
    fn probe(mut self, other_mounts: bool) -> anyhow::Result<()> {
        let (mut first, mut moved, mut seen) = (None, false, false);
        let mut began = None;
        while let Some((log_time, input)) = self.next_input()? {
            if let Some(Input::Odometry(state)) = &input {
                moved |= state.stamp != first.get_or_insert(*state).stamp;
            }
            seen |= matches!(input, Some(Input::Image(..)));
            let is_late = log_time.seconds_since(*began.get_or_insert(log_time)) > MOUNTS_WITHIN_S;
            if moved && seen && (is_late || self.mounts.are_known(self.roles.values().copied())) {
                break;
            }
        }
        let file = self.bag.name().to_owned();
        if moved && seen {
            let contradictions = self.mounts.contradictions();
            if other_mounts || contradictions.is_empty() {
                return Ok(());
            }
            return Err(ConfigError::of_file(
                &file,
                format!("it contradicts the robot's file: {}", contradictions.join("; ")),
                "give the file of the robot that made the recording with --robot, or correct these keys; if it is the \
                 recording that is wrong, go by the robot's file with --other-mounts",
            )
            .into());
        }
        if first.is_some() && !moved {
            // The other topics' stamps stand still for the same reason.
            self.stamps.clear();
        }
        let (message, help) = match first {
            Some(state) if !moved => (
                format!("the time of its odometry stands still, at {:.3} s", state.stamp.seconds()),
                "record with `use_sim_time` and `/clock` as they were, or with nodes that stamp their messages",
            ),
            first => (
                format!(
                    "it holds no {} that can be used",
                    if first.is_some() { "picture" } else { "odometry" }
                ),
                "replay the recording of a run that took pictures; copy the file again if it is damaged",
            ),
        };
        let mut reasons = self.closing_notes();
        reasons.insert(0, format!("{message}."));
        Err(ConfigError::of_file(&file, reasons.join(" "), help).into())
    }

    /// The names of its files.
    pub(super) fn name(&self) -> &str {
        self.bag.name()
    }

    /// Returns true if there is a status of a mission.
    pub(super) fn has_status(&self) -> bool {
        self.roles.values().any(|role| *role == Role::Status)
    }

    /// Parts of the files that were damaged so far.
    pub(super) fn damaged(&self) -> u64 {
        self.damaged
    }

    /// Scans that were read so far, those that cannot be used among them.
    pub(super) fn scans(&self) -> u64 {
        self.scans
    }

    /// Returns what a reader of the report must know of the recording, once it has been read.
    pub(super) fn closing_notes(&mut self) -> Vec<String> {
        let mut notes = std::mem::take(&mut self.notes);
        let recorded = self.bag.recorded_messages().filter(|_| self.ended);
        let lost = recorded.map_or(0, |recorded| recorded.saturating_sub(self.messages));
        if self.damaged > 0 {
            let [bytes, all] = [self.lost_bytes, self.bag.size()].map(|bytes| bytes as f64 * 1e-6);
            let messages = recorded.map_or(String::new(), |all| format!(", {lost} of {all} messages"));
            notes.push(format!(
                "Damaged parts of the recording, whose messages are left out: {}, {bytes:.2} of {all:.2} MB{messages}. Copy the \
                 file again from where it was recorded.",
                self.damaged
            ));
        } else if lost > 0 {
            notes.push(format!(
                "The recording says that it holds {lost} messages more than were found in it. Copy the file again from where it \
                 was recorded."
            ));
        }
        for (topic, (count, reason)) in &self.refused {
            notes.push(format!("Messages on {topic} that were not used: {count}; of the first, {reason}."));
        }
        notes.extend(self.stamps.iter().filter_map(|(topic, stamps)| stamps.note(topic)));
        let unknown = self.mounts.unknown();
        if !unknown.is_empty() {
            notes.push(format!(
                "The recording's /tf_static does not tell where these are mounted, so that the robot's file was not checked \
                 against it: {}.",
                unknown.join(", ")
            ));
        }
        notes.extend(self.mounts.contradictions().into_iter().map(|text| {
            format!("The recording contradicts the robot's file: {text}. What stands in the report goes by the robot's file.")
        }));
        notes
    }

    /// The next message that says something, if there is one. What cannot be used is counted.
    pub(super) fn next(&mut self) -> Result<Option<Input>, PlaybackError> {
        loop {
            match self.next_input()? {
                Some((_, Some(input))) => return Ok(Some(input)),
                Some((_, None)) => {}
                None => return Ok(None),
            }
        }
    }

    /// The next message that is of use, with its log time: what it says, unless it cannot be used or only says what this
    /// recording is like.
    fn next_input(&mut self) -> Result<Option<(Stamp, Option<Input>)>, PlaybackError> {
        while let Some(played) = self.bag.next() {
            let played = match played {
                Ok(played) => played,
                Err(error) => {
                    let Some(bytes) = error.lost_bytes() else { return Err(error) };
                    tracing::warn!("{error}");
                    self.damaged += 1;
                    self.lost_bytes += bytes;
                    continue;
                }
            };
            self.messages += 1;
            let Some(role) = self.roles.get(&played.topic.name).copied() else { continue };
            self.scans += u64::from(role == Role::Scan);
            let input = match self.read(role, &played) {
                Ok(input) => input,
                Err(error) => {
                    let (count, first) = self.refused.entry(played.topic.name.clone()).or_default();
                    *count += 1;
                    if *count == 1 {
                        *first = error.to_string();
                        tracing::warn!("a message on {} is not used: {first}", played.topic.name);
                    }
                    (role == Role::Status).then_some(Input::UnreadableMission)
                }
            };
            if let Some(stamp) = input.as_ref().and_then(Input::stamp) {
                self.stamps.entry(played.topic.name.clone()).or_default().add(stamp, played.log_time);
            }
            return Ok(Some((played.log_time, input)));
        }
        self.ended = true;
        Ok(None)
    }

    fn read(&mut self, role: Role, played: &Played) -> anyhow::Result<Option<Input>> {
        let data = &played.data;
        Ok(Some(match role {
            Role::Odometry => {
                let odometry: Odometry<'_> = deserialize(data)?;
                self.mounts.add_base(odometry.child_frame_id);
                Input::Odometry(from_ros::state(&odometry, [true; 4])?)
            }
            Role::Scan => {
                let cloud: PointCloud2<'_> = deserialize(data)?;
                self.mounts.add_frame(role, cloud.header.frame_id);
                Input::Scan(from_ros::scan(&cloud)?)
            }
            Role::Picture(camera) => {
                let image: Image<'_> = deserialize(data)?;
                self.mounts.add_frame(role, image.header.frame_id);
                let (stamp, image) = from_ros::picture(&image)?;
                Input::Image(stamp, CameraImage::Visible { camera, image })
            }
            Role::Compressed(camera) => {
                let image: CompressedImage<'_> = deserialize(data)?;
                self.mounts.add_frame(role, image.header.frame_id);
                let (stamp, image) = from_ros::compressed_picture(&image)?;
                Input::Image(stamp, CameraImage::Visible { camera, image })
            }
            Role::Thermal(camera) => {
                let image: Image<'_> = deserialize(data)?;
                self.mounts.add_frame(role, image.header.frame_id);
                let frame = from_ros::thermal(&image, camera)?;
                Input::Image(frame.stamp, CameraImage::Thermal(frame))
            }
            Role::Joints => {
                let joints: JointState<'_> = deserialize(data)?;
                Input::Torque(joints.effort.iter().fold(0.0, |peak, torque| torque.abs().max(peak)))
            }
            Role::Status => {
                let status: MissionStatus<'_> = deserialize(data)?;
                Input::Mission(status.mission_state()?, status.distance_walked_m)
            }
            Role::Lens(camera) => {
                let info: CameraInfo<'_> = deserialize(data)?;
                self.mounts.add_frame(role, info.header.frame_id);
                self.mounts.add_lens(camera, info.width, info.height, info.k[0]);
                self.check_distortion(camera, &info);
                return Ok(None);
            }
            Role::Mounts => {
                self.mounts.add_transforms(from_ros::static_transforms(&deserialize(data)?)?);
                return Ok(None);
            }
        }))
    }

    /// Says, once a camera, if pictures were taken through a lens that bends them.
    fn check_distortion(&mut self, camera: usize, info: &CameraInfo<'_>) {
        let Some(description) = self.robot.cameras.get(camera) else { return };
        if info.d.iter().any(|d| d.abs() > DISTORTION) {
            let note = format!(
                "Camera {} was recorded with a distorting lens, which is not accounted for: rectify its pictures.",
                description.name
            );
            if !self.notes.contains(&note) {
                self.notes.push(note);
            }
        }
    }
}

impl Input {
    /// The time of a measurement.
    const fn stamp(&self) -> Option<Stamp> {
        match self {
            Self::Odometry(state) => Some(state.stamp),
            Self::Scan(scan) => Some(scan.stamp),
            Self::Image(stamp, _) => Some(*stamp),
            Self::Torque(_) | Self::Mission(..) | Self::UnreadableMission => None,
        }
    }
}
