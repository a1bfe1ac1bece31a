//! `calibration.toml` beside a robot's file: where that one robot's joints have their zeros, as `adit bus calibrate`
//! has found them. It takes the place of `zero_offset_rad` and `reversed` in the robot's file, or is refused.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use firmware_bridge::calibrate::Zero;
use robot_interface::joints::{JOINT_NAMES, JOINTS};
use robot_interface::robot::{JointDescription, RobotDescription};
use robot_interface::units::Finite;
use serde::{Deserialize, Serialize};

use super::error::ConfigError;

/// The file's name, in the robot file's folder.
const FILE_NAME: &str = "calibration.toml";
/// The only version so far.
const VERSION: i64 = 1;
/// Room on the disk that is more than a calibration takes, bytes.
const ROOM: usize = 8192;
/// Remedy of each refusal.
const HELP: &str = "calibrate this robot again with `adit bus calibrate`, or move the file away";

/// Reason for which a calibration was not saved.
#[derive(Debug, thiserror::Error)]
pub enum CalibrationSaveError {
    /// It has no form in TOML: a mistake in Adit.
    #[error(transparent)]
    Form(#[from] toml::ser::Error),
    /// The file system's word.
    #[error("{}: cannot be saved: {source}; choose another place with --out", path.display())]
    Write {
        /// File that was to be written.
        path: PathBuf,
        /// Error of the system.
        source: std::io::Error,
    },
}

/// A calibration as its file has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    version: i64,
    /// The robot's name.
    robot: String,
    /// Fingerprint of bus, id and gear ratio of all joints.
    wiring: String,
    /// Time at which it was made, UTC.
    pub date: String,
    joints: BTreeMap<String, Joint>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Joint {
    zero_offset_rad: Finite,
    reversed: bool,
}

impl Calibration {
    /// Returns a calibration that was `made` then; `None` if a zero is no number.
    pub fn new(robot: &RobotDescription, zeros: &[Zero; JOINTS], made: SystemTime) -> Option<Self> {
        let joint = |zero: &Zero| {
            Some(Joint { zero_offset_rad: zero.zero_offset_rad.try_into().ok()?, reversed: zero.reversed })
        };
        let named =
            JOINT_NAMES.iter().zip(zeros).map(|(name, zero)| Some(((*name).to_owned(), joint(zero)?)));
        Some(Self {
            version: VERSION,
            robot: robot.name.clone(),
            wiring: fingerprint(&robot.joints.0),
            date: utc(made.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())),
            joints: named.collect::<Option<_>>()?,
        })
    }

    /// The place beside a robot's file.
    pub fn beside(robot_file: &Path) -> PathBuf {
        robot_file.with_file_name(FILE_NAME)
    }

    /// Reads the file, if there is one.
    ///
    /// # Errors
    /// If it is there and cannot be used.
    pub fn read(path: &Path) -> Result<Option<Self>, ConfigError> {
        let file = path.display().to_string();
        let text = match std::fs::read_to_string(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            read => read.map_err(|e| ConfigError::of_file(&file, format!("cannot be read: {e}"), HELP))?,
        };
        let broken =
            |e: toml::de::Error| ConfigError::of_file(&file, format!("is broken: {}", e.message()), HELP);
        // The version first: of another one nothing else is known.
        let version =
            text.parse::<toml::Table>().map_err(broken)?.get("version").and_then(toml::Value::as_integer);
        if version != Some(VERSION) {
            let found = version.map_or("no version".to_owned(), |version| format!("version {version}"));
            let message = format!("has {found}, and this adit knows version {VERSION} only");
            return Err(ConfigError::of_file(&file, message, HELP));
        }
        toml::from_str(&text).map(Some).map_err(broken)
    }

    /// Puts the zeros into a robot's description.
    ///
    /// # Errors
    /// If it is another robot's, was made for another wiring, or lacks a joint. The description is then as it was.
    pub fn apply(&self, file: &Path, robot: &mut RobotDescription) -> Result<(), ConfigError> {
        let refused = |message: String| ConfigError::of_file(&file.display().to_string(), message, HELP);
        if self.robot != robot.name {
            return Err(refused(format!(
                "is the calibration of `{}`, and this robot is `{}`",
                self.robot, robot.name
            )));
        }
        if self.wiring != fingerprint(&robot.joints.0) {
            return Err(refused(format!(
                "was made on {} for another wiring: bus, id or gear_ratio of a joint has changed since",
                self.date
            )));
        }
        let mut joints = robot.joints.0;
        for (joint, name) in joints.iter_mut().zip(JOINT_NAMES) {
            let found = self.joints.get(name).ok_or_else(|| refused(format!("lacks the joint {name}")))?;
            (joint.zero_offset_rad, joint.reversed) = (found.zero_offset_rad, found.reversed);
        }
        if self.joints.len() != JOINTS {
            return Err(refused("has a joint that no robot has".to_owned()));
        }
        robot.joints.0 = joints;
        Ok(())
    }

    /// Tries whether a calibration can be saved there, and leaves everything as it was.
    ///
    /// # Errors
    /// If it cannot: the folder cannot be written or is full, or what is there is no file.
    pub fn try_place(path: &Path) -> Result<(), CalibrationSaveError> {
        let refused = |source| CalibrationSaveError::Write { path: path.to_owned(), source };
        if path.file_name().is_none() || path.metadata().is_ok_and(|there| !there.is_file()) {
            return Err(refused(std::io::Error::other("this is no file")));
        }
        let beside = part_of(path);
        let tried = std::fs::File::create(&beside).and_then(|mut file| {
            file.write_all(&[0; ROOM])?;
            file.sync_all()
        });
        let removed = std::fs::remove_file(&beside);
        tried.and(removed).map_err(refused)
    }

    /// Its file's text.
    ///
    /// # Errors
    /// If it has no form in TOML, which is a mistake in Adit.
    pub fn text(&self) -> Result<String, CalibrationSaveError> {
        let head =
            "# Where this robot's joints have their zeros; made by `adit bus calibrate`, not by hand.\n";
        Ok(head.to_owned() + &toml::to_string(self)?)
    }

    /// Saves it in one step: whatever happens on the way, there is the old file or the new one, whole.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), CalibrationSaveError> {
        let text = self.text()?;
        let beside = part_of(path);
        let write = || {
            let mut file = std::fs::File::create(&beside)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            std::fs::rename(&beside, path)?;
            // The new name is on the disk only once its folder is.
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            std::fs::File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
        };
        write().map_err(|source| {
            let _ = std::fs::remove_file(&beside);
            CalibrationSaveError::Write { path: path.to_owned(), source }
        })
    }
}

/// Name under which a file is written, beside its own.
fn part_of(path: &Path) -> PathBuf {
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}.part", std::process::id()));
    beside.into()
}

/// Bus, id and gear ratio of all joints in eight digits.
fn fingerprint(joints: &[JointDescription; JOINTS]) -> String {
    let mut hasher = crc32fast::Hasher::new();
    for (name, joint) in JOINT_NAMES.iter().zip(joints) {
        hasher.update(format!("{name} {} {} {}\n", joint.bus, joint.id, joint.gear_ratio.get()).as_bytes());
    }
    format!("{:08x}", hasher.finalize())
}

/// Seconds since 1970 as a date and a time, in the Gregorian calendar.
pub fn utc(seconds: u64) -> String {
    let is_leap =
        |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let (mut days, of_day) = (seconds / 86_400, seconds % 86_400);
    let mut year = 1970;
    while days >= 365 + u64::from(is_leap(year)) {
        days -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let mut month = 1;
    for length in [31, 28 + u64::from(is_leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    format!("{year:04}-{month:02}-{:02}T{hour:02}:{minute:02}:{second:02}Z", days + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Robot;

    fn go2() -> RobotDescription {
        Robot::load("go2-serial").expect("built in").description
    }

    fn zeros() -> [Zero; JOINTS] {
        std::array::from_fn(|joint| Zero {
            zero_offset_rad: 0.1 * joint as f64 - 0.3,
            reversed: joint % 2 == 0,
        })
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (seconds, expected) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_767_225_599, "2025-12-31T23:59:59Z"),
            (1_767_225_600, "2026-01-01T00:00:00Z"),
        ] {
            assert_eq!(utc(seconds), expected);
        }
    }

    #[test]
    fn what_is_saved_is_read_and_put_in_place_and_nothing_else_is_left() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = Calibration::beside(&folder.path().join("robot.toml"));
        assert_eq!(Calibration::read(&path).expect("none yet"), None);
        let mut robot = go2();
        let made = Calibration::new(&robot, &zeros(), UNIX_EPOCH).expect("numbers");
        for _ in 0..2 {
            made.save(&path).expect("saved");
        }
        assert_eq!(std::fs::read_dir(folder.path()).expect("reads").count(), 1, "no part is left");
        let read = Calibration::read(&path).expect("whole").expect("there");
        assert_eq!(read, made);
        read.apply(&path, &mut robot).expect("the same robot");
        for (joint, zero) in robot.joints.0.iter().zip(zeros()) {
            assert_eq!((joint.zero_offset_rad.get(), joint.reversed), (zero.zero_offset_rad, zero.reversed));
        }
    }

    #[test]
    fn what_cannot_be_saved_leaves_the_old_one_and_no_litter() {
        let folder = tempfile::tempdir().expect("a folder");
        let made = Calibration::new(&go2(), &zeros(), UNIX_EPOCH).expect("numbers");
        let taken = folder.path().join("taken");
        std::fs::create_dir(&taken).expect("a folder in its place");
        assert!(made.save(&taken).expect_err("a folder").to_string().contains("--out"));
        assert_eq!(std::fs::read_dir(folder.path()).expect("reads").count(), 1);
        assert!(made.save(&folder.path().join("none/calibration.toml")).is_err());
        let mut nan = zeros();
        nan[3].zero_offset_rad = f64::NAN;
        assert!(Calibration::new(&go2(), &nan, UNIX_EPOCH).is_none());
    }

    #[test]
    fn another_robots_another_wirings_and_a_broken_one_are_refused_with_the_reason() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(FILE_NAME);
        let made = Calibration::new(&go2(), &zeros(), UNIX_EPOCH).expect("numbers");
        made.save(&path).expect("saved");
        let good = std::fs::read_to_string(&path).expect("text");
        let cut = &good[..good.len() / 2];
        let cases = [
            (
                good.replace("Go2 with serial motors", "Lite3"),
                "is the calibration of `Lite3`, and this robot is `Go2 with serial motors`",
            ),
            (good.replace("version = 1", "version = 2"), "version 2, and this adit knows version 1"),
            (good.replace("version = 1", ""), "no version"),
            (good.replace("FL_calf_joint", "FL_knee_joint"), "lacks the joint FL_calf_joint"),
            (good.replace("reversed = true", "reversed = 7"), "is broken"),
            (good.replacen("zero_offset_rad = 0.", "zero_offset_rad = nan #", 1), "finite"),
            (cut.to_owned(), ""),
            (String::new(), "no version"),
        ];
        for (text, expected) in cases {
            assert_ne!(text, good);
            std::fs::write(&path, &text).expect("written");
            let mut robot = go2();
            let result =
                Calibration::read(&path).and_then(|read| read.expect("there").apply(&path, &mut robot));
            let error = result.expect_err(&text).to_string();
            assert!(error.contains(expected) && error.contains("adit bus calibrate"), "{error}");
            assert_eq!(robot.joints.0[1].zero_offset_rad, go2().joints.0[1].zero_offset_rad, "as it was");
        }
        let mut rewired = go2();
        rewired.joints.0[4].id = 9;
        let error = made.apply(&path, &mut rewired).expect_err("another id").to_string();
        assert!(error.contains("another wiring"), "{error}");
    }
}
