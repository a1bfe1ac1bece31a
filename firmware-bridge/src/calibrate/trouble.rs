//! Troubles while joints are moved by hand, and what to do about each.

use std::fmt;

use robot_interface::joints::JOINT_NAMES;

/// Reason for which a step did not count. Joints are places in [`JOINT_NAMES`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Trouble {
    /// A reading that is no number.
    NotANumber {
        /// The joint.
        joint: usize,
    },
    /// No answer, or not for long.
    Silent {
        /// The joint.
        joint: usize,
    },
    /// Its reading has jumped, or it comes back after a silence: it may count from another place now.
    Rebooted {
        /// The joint.
        joint: usize,
    },
    /// It has not come to rest.
    Moving {
        /// The joint.
        joint: usize,
    },
    /// Another joint has moved.
    WrongJoint {
        /// The one that was to move.
        asked: usize,
        /// The one that did.
        moved: usize,
    },
    /// The way between its stops is not the file's.
    Travel {
        /// The joint.
        joint: usize,
        /// The way by the file's gear ratio, rad.
        travel_rad: f64,
        /// The way by the file's stops, rad.
        expected_rad: f64,
        /// The gear ratio with which they would agree.
        fits: f64,
        /// A joint that has this gear ratio.
        as_of: Option<usize>,
    },
    /// It has been further than where it is held now.
    PastStop {
        /// The joint.
        joint: usize,
        /// By how much, rad.
        beyond_rad: f64,
    },
    /// It turns the other way round than the file says.
    Direction {
        /// The joint.
        joint: usize,
    },
}

impl Trouble {
    /// The joint that it is about.
    pub const fn joint(&self) -> usize {
        match *self {
            Self::NotANumber { joint }
            | Self::Silent { joint }
            | Self::Rebooted { joint }
            | Self::Moving { joint }
            | Self::WrongJoint { asked: joint, .. }
            | Self::Travel { joint, .. }
            | Self::PastStop { joint, .. }
            | Self::Direction { joint } => joint,
        }
    }
}

impl std::error::Error for Trouble {}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |joint: usize| JOINT_NAMES.get(joint).copied().unwrap_or("a joint");
        let joint = name(self.joint());
        match *self {
            Self::NotANumber { .. } => {
                write!(
                    f,
                    "{joint}: its reading is no number: switch the motor off and on, then begin it anew"
                )
            }
            Self::Silent { .. } => {
                write!(
                    f,
                    "{joint}: its motor does not answer: check its power and its plug, then begin it anew"
                )
            }
            Self::Rebooted { .. } => write!(
                f,
                "{joint}: its reading has jumped or been interrupted, as by a motor that restarts: check its power, then \
                 begin it anew"
            ),
            Self::Moving { .. } => write!(f, "{joint}: it still moves: hold it at the stop for a moment"),
            Self::WrongJoint { moved, .. } => write!(
                f,
                "{joint}: it was {} that moved: move the right one, or exchange bus and id of the two in the robot's file",
                name(moved)
            ),
            Self::Travel { travel_rad, expected_rad, fits, as_of, .. } => {
                write!(
                    f,
                    "{joint}: it went {travel_rad:.3} rad from stop to stop, and the file says {expected_rad:.3}: move it \
                     all the way and no other joint; if it was, gear_ratio should be {fits:.3}"
                )?;
                match as_of {
                    None => Ok(()),
                    Some(other) => write!(f, ", as {} has it: is it the right motor?", name(other)),
                }
            }
            Self::PastStop { beyond_rad, .. } => write!(
                f,
                "{joint}: it has been {beyond_rad:.3} rad further than where it is held: press it against each stop when \
                 you say so"
            ),
            Self::Direction { .. } => write!(
                f,
                "{joint}: it turns the other way round than the file's `reversed` says: begin it anew with the lower stop \
                 first; if it does so again, that is taken for true"
            ),
        }
    }
}
