//! A recording as a source of perception's inputs, in the order in which they were recorded.

use std::collections::BTreeMap;
use std::path::Path;

use recording::cdr::deserialize;
use recording::from_ros;
use recording::messages::{CameraInfo, JointState, MissionStatus};
use recording::{Playback, PlaybackError, Played};
use robot_interface::robot::RobotDescription;
use robot_interface::sensors::LidarScan;
use robot_interface::state::RobotState;
use robot_interface::status::MissionState;
use robot_interface::time::Stamp;
use stack::CameraImage;
use stack::config::ConfigError;

use super::topics::{Role, roles};

/// A lens that differs by more than this share from the robot file's is said.
const INTRINSICS_TOLERANCE: f64 = 0.02;
/// A distortion below this moves no pixel.
const DISTORTION: f64 = 1e-6;

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
    name: String,
    playback: Playback,
    robot: RobotDescription,
    roles: BTreeMap<String, Role>,
    /// Messages that are not used, by topic, with the first one's reason.
    refused: BTreeMap<String, (u64, String)>,
    damaged: u64,
    notes: Vec<String>,
}

impl Recorded {
    /// Opens a recording of a robot whose topics stand in `namespace` (empty: in none). It has been seen then that it
    /// holds odometry and pictures that can be used.
    ///
    /// # Errors
    /// [`PlaybackError`] when the file cannot be read, [`ConfigError`] when it does not hold what is needed.
    pub fn open(path: &Path, namespace: &str, robot: &RobotDescription) -> anyhow::Result<Self> {
        // Read once up to the first picture, then from the beginning.
        Self::begin(path, namespace, robot)?.probe(path)?;
        Self::begin(path, namespace, robot)
    }

    fn begin(path: &Path, namespace: &str, robot: &RobotDescription) -> anyhow::Result<Self> {
        let playback = Playback::open(path)?;
        let file = path.display().to_string();
        let topics: Vec<_> = playback.topics().map(AsRef::as_ref).collect();
        let (roles, mut notes) = roles(&file, namespace, &topics, robot)?;
        if let Some(missing) = playback.missing() {
            notes.push(format!("{}.", sentence(&missing.to_string())));
        }
        let name = path.file_name().map_or(file, |name| name.to_string_lossy().into_owned());
        let (refused, robot) = (BTreeMap::new(), robot.clone());
        Ok(Self { name, playback, robot, roles, refused, damaged: 0, notes })
    }

    /// Reads up to the first odometry and the first picture that can be used.
    fn probe(mut self, path: &Path) -> anyhow::Result<()> {
        let (mut moved, mut seen) = (false, false);
        while let Some(input) = self.next()? {
            moved |= matches!(input, Input::Odometry(_));
            seen |= matches!(input, Input::Image(..));
            if moved && seen {
                return Ok(());
            }
        }
        let what = if moved { "picture" } else { "odometry" };
        let mut reasons = self.closing_notes();
        reasons.insert(0, format!("it holds no {what} that can be used."));
        let help = "replay the recording of a run that took pictures; copy the file again if it is damaged";
        Err(ConfigError::of_file(&path.display().to_string(), reasons.join(" "), help).into())
    }

    /// The file's name.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Returns true if there is a status of a mission.
    pub(super) fn has_status(&self) -> bool {
        self.roles.values().any(|role| *role == Role::Status)
    }

    /// Parts of the file that were damaged so far.
    pub(super) fn damaged(&self) -> u64 {
        self.damaged
    }

    /// Returns what a reader of the report must know of the recording, once it has been read.
    pub(super) fn closing_notes(&mut self) -> Vec<String> {
        let mut notes = std::mem::take(&mut self.notes);
        if self.damaged > 0 {
            notes.push(format!(
                "Damaged parts of the recording, whose messages are left out: {}. Copy the file again from where it was \
                 recorded.",
                self.damaged
            ));
        }
        for (topic, (count, reason)) in &self.refused {
            notes.push(format!("Messages on {topic} that were not used: {count}; of the first, {reason}."));
        }
        notes
    }

    /// The next message that says something, if there is one. What cannot be used is counted.
    pub(super) fn next(&mut self) -> Result<Option<Input>, PlaybackError> {
        while let Some(played) = self.playback.next() {
            let played = match played {
                Ok(played) => played,
                Err(error @ PlaybackError::Damaged { .. }) => {
                    tracing::warn!("{error}");
                    self.damaged += 1;
                    continue;
                }
                Err(error) => return Err(error),
            };
            let Some(role) = self.roles.get(&played.topic.name).copied() else { continue };
            match self.read(role, &played) {
                Ok(Some(input)) => return Ok(Some(input)),
                Ok(None) => {}
                Err(error) => {
                    let (count, first) = self.refused.entry(played.topic.name.clone()).or_default();
                    *count += 1;
                    if *count == 1 {
                        *first = error.to_string();
                        tracing::warn!("a message on {} is not used: {first}", played.topic.name);
                    }
                    if role == Role::Status {
                        return Ok(Some(Input::UnreadableMission));
                    }
                }
            }
        }
        Ok(None)
    }

    fn read(&mut self, role: Role, played: &Played) -> anyhow::Result<Option<Input>> {
        let data = &played.data;
        Ok(Some(match role {
            Role::Odometry => Input::Odometry(from_ros::state(&deserialize(data)?, [true; 4])?),
            Role::Scan => Input::Scan(from_ros::scan(&deserialize(data)?)?),
            Role::Picture(camera) => {
                let (stamp, image) = from_ros::picture(&deserialize(data)?)?;
                Input::Image(stamp, CameraImage::Visible { camera, image })
            }
            Role::Compressed(camera) => {
                let (stamp, image) = from_ros::compressed_picture(&deserialize(data)?)?;
                Input::Image(stamp, CameraImage::Visible { camera, image })
            }
            Role::Thermal(camera) => {
                let frame = from_ros::thermal(&deserialize(data)?, camera)?;
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
                self.check_intrinsics(camera, &deserialize(data)?);
                return Ok(None);
            }
        }))
    }

    /// Says, once a camera, if pictures were taken through another lens than the robot's file tells.
    fn check_intrinsics(&mut self, camera: usize, info: &CameraInfo<'_>) {
        let Some(description) = self.robot.cameras.get(camera) else { return };
        let expected_px = description.intrinsics().at_size(info.width, info.height).focal_px;
        let (focal_px, name) = (info.k[0], &description.name);
        let mut notes = Vec::new();
        // A lens that was not calibrated says zero.
        if focal_px > 0.0 && (focal_px / expected_px - 1.0).abs() > INTRINSICS_TOLERANCE {
            notes.push(format!(
                "Camera {name} was recorded with a focal length of {focal_px:.0} pixels, its robot file says \
                 {expected_px:.0}: what it shows is laid out wrongly. Give the robot's own file with --robot."
            ));
        }
        if info.d.iter().any(|d| d.abs() > DISTORTION) {
            notes.push(format!(
                "Camera {name} was recorded with a distorting lens, which is not accounted for: rectify its pictures."
            ));
        }
        notes.retain(|note| !self.notes.contains(note));
        self.notes.append(&mut notes);
    }
}

/// Returns the text with a capital letter at its beginning.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
