//! Calibration of the joints' zeros, with a person's hands: motors are only read, somebody moves each joint to one
//! stop and to the other, and this watches. Sans-IO: readings, times and the person's word go in, tasks and troubles
//! come out.
//!
//! Two stops give the zero twice, the direction, and the travel, which must be the one of the robot's file: a wrong
//! gear ratio, a wrong joint or a stop that was not reached shows in it.

mod trouble;

use robot_interface::joints::JOINTS;
use robot_interface::robot::JointDescription;
use robot_interface::time::Stamp;

pub use self::trouble::Trouble;

/// A motor that has not answered for so long may have been switched off, ns: what it read before means nothing then.
const SILENCE_NANOS: u64 = 250_000_000;
/// A joint is at rest once it has moved less than [`REST_RAD`] for so long, ns.
const REST_NANOS: u64 = 300_000_000;
/// Greatest motion of a joint at rest, rad.
const REST_RAD: f64 = 0.01;
/// The fastest that a joint is moved by hand, rad/s.
const HAND_RAD_S: f64 = 15.0;
/// Greatest jump of a reading beyond that, rad at the joint.
const JUMP_RAD: f64 = 0.1;
/// From here on a joint counts as moved, rad.
const MOVED_RAD: f64 = 0.3;

/// An end of a joint's range, by the robot's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// `lower_rad`.
    Lower,
    /// `upper_rad`.
    Upper,
}

/// A task for the person, who then says that it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// Move a joint to a stop and hold it there.
    Move {
        /// The joint, its place in [`JOINT_NAMES`](robot_interface::joints::JOINT_NAMES).
        joint: usize,
        /// The stop to move it to.
        stop: Stop,
    },
    /// Put the robot into the known pose and let go.
    Pose,
}

/// Zero of a joint: the two fields of [`JointDescription`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Zero {
    /// Joint angle at which the rotor reads zero, rad.
    pub zero_offset_rad: f64,
    /// True if the rotor turns the other way round than the joint.
    pub reversed: bool,
}

/// One joint, as far as it has been watched.
#[derive(Clone, Copy, Debug, Default)]
struct Watched {
    last: Option<(Stamp, f64)>,
    /// Time at which it came to rest, and its angle there.
    rest: Option<(Stamp, f64)>,
    /// The reading when the present task began.
    start: Option<f64>,
    /// Least and greatest reading since the lower stop was asked for.
    extremes: Option<[f64; 2]>,
    zero: Option<Zero>,
    /// It was once seen to turn the other way than the file says.
    turns_back: bool,
}

/// A calibration under way. Rotor readings are rad before the gearbox, as the motors give them.
#[derive(Clone, Debug)]
pub struct Calibration {
    joints: [JointDescription; JOINTS],
    /// `None` by the stops.
    pose_rad: Option<[f64; JOINTS]>,
    tolerance_rad: f64,
    watched: [Watched; JOINTS],
    /// The reading at the present joint's lower stop.
    lower: Option<f64>,
}

impl Calibration {
    /// By both stops of each joint, whose distance may differ from the file's by `tolerance_rad` at the joint.
    pub const fn by_stops(joints: [JointDescription; JOINTS], tolerance_rad: f64) -> Self {
        Self::new(joints, None, tolerance_rad)
    }

    /// By one pose that the robot can be put into, rad, `[12]`. Directions and gear ratios are taken from the file:
    /// nothing here can tell if they are wrong.
    pub const fn by_pose(joints: [JointDescription; JOINTS], pose_rad: [f64; JOINTS]) -> Self {
        Self::new(joints, Some(pose_rad), 0.0)
    }

    const fn new(
        joints: [JointDescription; JOINTS],
        pose_rad: Option<[f64; JOINTS]>,
        tolerance_rad: f64,
    ) -> Self {
        let unseen =
            Watched { last: None, rest: None, start: None, extremes: None, zero: None, turns_back: false };
        Self { joints, pose_rad, tolerance_rad, watched: [unseen; JOINTS], lower: None }
    }

    /// The next task; `None` once everything is known.
    pub fn task(&self) -> Option<Task> {
        let joint = self.watched.iter().position(|watched| watched.zero.is_none())?;
        Some(match (self.pose_rad, self.lower) {
            (Some(_), _) => Task::Pose,
            (None, None) => Task::Move { joint, stop: Stop::Lower },
            (None, Some(_)) => Task::Move { joint, stop: Stop::Upper },
        })
    }

    /// Zeros in array order, once everything is known.
    pub fn zeros(&self) -> Option<[Zero; JOINTS]> {
        let mut zeros = [Zero { zero_offset_rad: 0.0, reversed: false }; JOINTS];
        for (zero, watched) in zeros.iter_mut().zip(&self.watched) {
            *zero = watched.zero?;
        }
        Some(zeros)
    }

    /// Turn of a joint since its task began, rad at the joint, by the file's gear ratio.
    pub fn moved_rad(&self, joint: usize) -> Option<f64> {
        let watched = self.watched.get(joint)?;
        let (_, now) = watched.last?;
        Some((now - watched.start?) / self.joints[joint].gear_ratio.get())
    }

    /// Takes a motor's reading.
    ///
    /// # Errors
    /// [`Trouble`] if what is known of the joint can no longer be trusted. It is asked for anew.
    pub fn handle_reading(&mut self, now: Stamp, joint: usize, rotor_rad: f64) -> Result<(), Trouble> {
        let Some(ratio) = self.joints.get(joint).map(|joint| joint.gear_ratio.get()) else { return Ok(()) };
        if !rotor_rad.is_finite() {
            self.forget(joint);
            return Err(Trouble::NotANumber { joint });
        }
        let before = self.watched[joint].last;
        if let Some((at, was)) = before {
            let passed_s = now.seconds_since(at);
            let most = (HAND_RAD_S * passed_s + JUMP_RAD) * ratio;
            if (rotor_rad - was).abs() > most || now.nanos().saturating_sub(at.nanos()) > SILENCE_NANOS {
                self.forget(joint);
                self.see(now, joint, rotor_rad);
                return Err(Trouble::Rebooted { joint });
            }
        }
        self.see(now, joint, rotor_rad);
        Ok(())
    }

    /// Looks for motors that have fallen silent; to be called now and then.
    ///
    /// # Errors
    /// [`Trouble::Silent`] of the first that has, once.
    pub fn handle_time(&mut self, now: Stamp) -> Result<(), Trouble> {
        let silent = |(at, _): (Stamp, f64)| now.nanos().saturating_sub(at.nanos()) > SILENCE_NANOS;
        match self.watched.iter().position(|watched| watched.last.is_some_and(silent)) {
            None => Ok(()),
            Some(joint) => {
                self.forget(joint);
                Err(Trouble::Silent { joint })
            }
        }
    }

    /// The person says that the [task](Self::task) is done.
    ///
    /// # Errors
    /// [`Trouble`] if it is not. A joint that moves may be confirmed again a moment later; after anything else its
    /// lower stop is asked for anew.
    pub fn confirm(&mut self, now: Stamp) -> Result<(), Trouble> {
        let result = match self.task() {
            None => return Ok(()),
            Some(Task::Pose) => self.take_pose(now),
            Some(Task::Move { joint, stop: Stop::Lower }) => self.take_lower(now, joint),
            Some(Task::Move { joint, stop: Stop::Upper }) => self.take_upper(now, joint),
        };
        match result {
            Err(Trouble::Moving { .. }) => return result,
            Err(_) => self.lower = None,
            Ok(()) => {}
        }
        self.begin_task();
        result
    }

    fn take_pose(&mut self, now: Stamp) -> Result<(), Trouble> {
        let Some(pose_rad) = self.pose_rad else { return Ok(()) };
        let mut zeros = [None; JOINTS];
        for (joint, zero) in zeros.iter_mut().enumerate() {
            let rotor_rad = self.at_rest(now, joint)?;
            *zero = Some(self.zero(joint, rotor_rad, pose_rad[joint], self.joints[joint].reversed));
        }
        for (watched, zero) in self.watched.iter_mut().zip(zeros) {
            watched.zero = zero;
        }
        Ok(())
    }

    fn take_lower(&mut self, now: Stamp, joint: usize) -> Result<(), Trouble> {
        let rotor_rad = self.at_rest(now, joint)?;
        // It may have been at the stop before; then nothing moves.
        if self.moved_rad(joint).is_none_or(|moved| moved.abs() < REST_RAD) {
            self.check_moved(joint)?;
        }
        self.lower = Some(rotor_rad);
        self.watched[joint].extremes = Some([rotor_rad; 2]);
        Ok(())
    }

    fn take_upper(&mut self, now: Stamp, joint: usize) -> Result<(), Trouble> {
        let upper = self.at_rest(now, joint)?;
        let Some(lower) = self.lower else { return Ok(()) };
        let description = &self.joints[joint];
        let expected_rad = description.upper_rad.get() - description.lower_rad.get();
        let turned = upper - lower;
        let travel_rad = turned.abs() / description.gear_ratio.get();
        if (travel_rad - expected_rad).abs() > self.tolerance_rad {
            if travel_rad < expected_rad {
                self.check_moved(joint)?;
            }
            return Err(self.wrong_travel(joint, travel_rad, expected_rad));
        }
        let [least, most] = self.watched[joint].extremes.unwrap_or([lower, upper]);
        let beyond_rad = (most - least) / description.gear_ratio.get() - travel_rad;
        if beyond_rad > self.tolerance_rad {
            return Err(Trouble::PastStop { joint, beyond_rad });
        }
        let reversed = turned < 0.0;
        if reversed != description.reversed && !std::mem::replace(&mut self.watched[joint].turns_back, true) {
            return Err(Trouble::Direction { joint });
        }
        let zeros =
            [(lower, description.lower_rad), (upper, description.upper_rad)].map(|(rotor_rad, joint_rad)| {
                self.zero(joint, rotor_rad, joint_rad.get(), reversed).zero_offset_rad
            });
        let zero_offset_rad = f64::midpoint(zeros[0], zeros[1]);
        self.watched[joint].zero = Some(Zero { zero_offset_rad, reversed });
        self.lower = None;
        Ok(())
    }

    fn zero(&self, joint: usize, rotor_rad: f64, joint_rad: f64, reversed: bool) -> Zero {
        let ratio = self.joints[joint].gear_ratio.get();
        let turned = rotor_rad / if reversed { -ratio } else { ratio };
        Zero { zero_offset_rad: joint_rad - turned, reversed }
    }

    /// The reading of a joint that rests.
    fn at_rest(&self, now: Stamp, joint: usize) -> Result<f64, Trouble> {
        let watched = &self.watched[joint];
        let (_, rotor_rad) = watched.last.ok_or(Trouble::Silent { joint })?;
        match watched.rest {
            Some((since, _)) if now.nanos().saturating_sub(since.nanos()) >= REST_NANOS => Ok(rotor_rad),
            _ => Err(Trouble::Moving { joint }),
        }
    }

    /// Checks that no other joint than the one that was asked for has moved more.
    fn check_moved(&self, asked: usize) -> Result<(), Trouble> {
        let way = |joint| self.moved_rad(joint).map_or(0.0, f64::abs);
        let most = (0..JOINTS).max_by(|a, b| way(*a).total_cmp(&way(*b)));
        match most {
            Some(moved) if moved != asked && way(moved) > MOVED_RAD => {
                Err(Trouble::WrongJoint { asked, moved })
            }
            _ => Ok(()),
        }
    }

    fn wrong_travel(&self, joint: usize, travel_rad: f64, expected_rad: f64) -> Trouble {
        let fits = self.joints[joint].gear_ratio.get() * travel_rad / expected_rad;
        let is_its = |other: &JointDescription| (fits / other.gear_ratio.get() - 1.0).abs() < 0.05;
        let as_of = self.joints.iter().position(is_its).filter(|other| *other != joint);
        Trouble::Travel { joint, travel_rad, expected_rad, fits, as_of }
    }

    fn see(&mut self, now: Stamp, joint: usize, rotor_rad: f64) {
        let within = REST_RAD * self.joints[joint].gear_ratio.get();
        let watched = &mut self.watched[joint];
        watched.last = Some((now, rotor_rad));
        watched.start.get_or_insert(rotor_rad);
        watched.rest =
            watched.rest.filter(|(_, rest)| (rotor_rad - rest).abs() <= within).or(Some((now, rotor_rad)));
        if let Some([least, most]) = &mut watched.extremes {
            (*least, *most) = (least.min(rotor_rad), most.max(rotor_rad));
        }
    }

    /// Forgets a joint's readings.
    fn forget(&mut self, joint: usize) {
        let turns_back = self.watched[joint].turns_back;
        self.watched[joint] = Watched { turns_back, ..Watched::default() };
        self.lower = None;
        self.begin_task();
    }

    fn begin_task(&mut self) {
        for watched in &mut self.watched {
            watched.start = watched.last.map(|(_, rotor_rad)| rotor_rad);
        }
    }
}
