//! States of the robot that travel: in messages, in recordings and to the report. Each is an enum whose numbers are
//! written out and never change, with a name for people beside it.
//!
//! A message carries the number ([`MissionPhase::number`]) and reads it back by `TryFrom<u8>`; nothing is decided by
//! a name. Numbers begin at 1, so that the 0 of a message that nobody has filled in means "none" and is no state;
//! [`StopLevel`], whose 0 demands nothing, is the exception.
//!
//! ```
//! use robot_interface::status::{GaitMode, UnknownNumber};
//! assert_eq!(GaitMode::try_from(GaitMode::Walk.number()), Ok(GaitMode::Walk));
//! assert_eq!(GaitMode::try_from(0), Err(UnknownNumber { of: "gait mode", number: 0 }));
//! ```

mod mission_state;

pub use mission_state::{Ending, MissionState};

/// A number that stands for no state of its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{number} is no {of}: the message was not filled in, or comes from another version of Adit")]
pub struct UnknownNumber {
    /// The kind of state.
    pub of: &'static str,
    /// The number.
    pub number: u8,
}

/// Gives an enum with `ALL` its number on the wire, and the way back.
macro_rules! numbered {
    ($state:ident, $of:literal) => {
        impl $state {
            /// Number in messages and recordings.
            pub const fn number(self) -> u8 {
                self as u8
            }
        }

        impl TryFrom<u8> for $state {
            type Error = UnknownNumber;

            fn try_from(number: u8) -> Result<Self, UnknownNumber> {
                let found = Self::ALL.into_iter().find(|state| state.number() == number);
                found.ok_or(UnknownNumber { of: $of, number })
            }
        }
    };
}

numbered!(MissionPhase, "mission phase");
numbered!(AbortReason, "abort reason");
numbered!(MissionOrder, "mission order");
numbered!(GaitMode, "gait mode");
numbered!(StopLevel, "stop level");
numbered!(PowerState, "power state");
numbered!(HoldReason, "cause of a hold");

/// Phase of a mission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum MissionPhase {
    /// Lying at the start, waiting for the estimator.
    Idle = 1,
    /// Rising.
    StandUp = 2,
    /// Walking to the next station.
    Go = 3,
    /// Standing at a station, looking.
    Inspect = 4,
    /// Backing away from where it got stuck on the way out.
    BackUpOut = 5,
    /// Standing where it was told to wait on the way out.
    PausedOut = 6,
    /// Walking home.
    Return = 7,
    /// Backing away from where it got stuck on the way home.
    BackUpHome = 8,
    /// Standing where it was told to wait on the way home.
    PausedHome = 9,
    /// Sinking onto the belly.
    LieDown = 10,
    /// Over, one way or the other.
    Done = 11,
}

impl MissionPhase {
    /// All phases.
    pub const ALL: [Self; 11] = [
        Self::Idle,
        Self::StandUp,
        Self::Go,
        Self::Inspect,
        Self::BackUpOut,
        Self::PausedOut,
        Self::Return,
        Self::BackUpHome,
        Self::PausedHome,
        Self::LieDown,
        Self::Done,
    ];

    /// Name for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Idle => "waiting",
            Self::StandUp => "standing up",
            Self::Go => "walking out",
            Self::Inspect => "inspecting",
            Self::BackUpOut | Self::BackUpHome => "backing up",
            Self::PausedOut | Self::PausedHome => "paused",
            Self::Return => "walking home",
            Self::LieDown => "lying down",
            Self::Done => "done",
        }
    }

    /// True on the way out and at a station.
    pub const fn is_outbound(self) -> bool {
        matches!(self, Self::Go | Self::Inspect | Self::BackUpOut | Self::PausedOut)
    }
}

/// Reason for which a mission was not completed. Displayed as a sentence for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[repr(u8)]
pub enum AbortReason {
    /// The robot fell.
    #[error("the robot fell")]
    Fell = 1,
    /// It took too long.
    #[error("the time was up before the last station")]
    Timeout = 2,
    /// No way on.
    #[error("no way on: it made no progress, and backing up did not help")]
    Stuck = 3,
    /// The operator called it home.
    #[error("called home by the operator")]
    SentHome = 4,
    /// The operator stopped it.
    #[error("stopped by the operator")]
    Stopped = 5,
    /// The gait controller gave up without a fall.
    #[error("the legs were let go: an emergency stop, a silent sensor, or a measurement that was no number")]
    LetGo = 6,
    /// Its battery held no more than the way home takes, or less.
    #[error("the battery is low: what is left is for the way home")]
    BatteryLow = 7,
    /// Its battery held no more than lying down takes: it lies short of home.
    #[error("the battery is nearly empty: what is left is for lying down")]
    BatteryCritical = 8,
    /// Its battery fell silent, or said what cannot be.
    #[error("the battery's charge is not known: its gauge fell silent, or says what cannot be")]
    BatteryUnknown = 9,
    /// It never came to stand on its feet.
    #[error("did not rise")]
    DidNotRise = 10,
    /// It sank to the ground while it walked.
    #[error("the legs no longer carried it")]
    Sank = 11,
}

impl AbortReason {
    /// All reasons.
    pub const ALL: [Self; 11] = [
        Self::Fell,
        Self::Timeout,
        Self::Stuck,
        Self::SentHome,
        Self::Stopped,
        Self::LetGo,
        Self::BatteryLow,
        Self::BatteryCritical,
        Self::BatteryUnknown,
        Self::DidNotRise,
        Self::Sank,
    ];

    /// Short name for tables and logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fell => "fell",
            Self::Timeout => "timeout",
            Self::Stuck => "stuck",
            Self::SentHome => "sent home",
            Self::Stopped => "stopped",
            Self::LetGo => "let go",
            Self::BatteryLow => "battery low",
            Self::BatteryCritical => "battery nearly empty",
            Self::BatteryUnknown => "battery not known",
            Self::DidNotRise => "did not rise",
            Self::Sank => "sank",
        }
    }
}

/// Order of an operator to a mission under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum MissionOrder {
    /// Wait where it stands.
    Pause = 1,
    /// Go on after a pause.
    Resume = 2,
    /// Come home now.
    GoHome = 3,
    /// Lie down where it is; the mission is over then.
    Stop = 4,
}

impl MissionOrder {
    /// All orders.
    pub const ALL: [Self; 4] = [Self::Pause, Self::Resume, Self::GoHome, Self::Stop];

    /// Name for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::GoHome => "return home",
            Self::Stop => "stop",
        }
    }
}

/// Mode of the gait controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum GaitMode {
    /// Damping only: the joints give way slowly.
    Damped = 1,
    /// Rising to the standing pose.
    StandUp = 2,
    /// Walking as commanded.
    Walk = 3,
    /// Sinking onto the belly.
    LieDown = 4,
}

impl GaitMode {
    /// All modes.
    pub const ALL: [Self; 4] = [Self::Damped, Self::StandUp, Self::Walk, Self::LieDown];

    /// Name in messages and logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Damped => "damped",
            Self::StandUp => "stand_up",
            Self::Walk => "walk",
            Self::LieDown => "lie_down",
        }
    }
}

/// Level of an emergency stop, from little to much.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum StopLevel {
    /// Nothing is demanded.
    #[default]
    None = 0,
    /// The robot lies down, then the motors are let go.
    SettleThenCut = 1,
    /// The motors are let go at once: joints damp, and a standing robot sinks to the ground.
    Cut = 2,
}

impl StopLevel {
    /// All levels.
    pub const ALL: [Self; 3] = [Self::None, Self::SettleThenCut, Self::Cut];

    /// The level of a number in a request or in memory; every number that is none of theirs is the highest.
    pub const fn from_number(number: u8) -> Self {
        match number {
            0 => Self::None,
            1 => Self::SettleThenCut,
            _ => Self::Cut,
        }
    }

    /// Name in messages and logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "NONE",
            Self::SettleThenCut => "SETTLE_THEN_CUT",
            Self::Cut => "CUT",
        }
    }
}

/// Power state of the motors, from little to much.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum PowerState {
    /// Nothing has been asked for yet: as [`Damped`](Self::Damped).
    Off = 1,
    /// Joints resist motion; nothing is held.
    Damped = 2,
    /// Joints are held and moved between poses.
    Standing = 3,
    /// Anything within the limits.
    Active = 4,
    /// Damped, and refusing everything until the fault is cleared.
    Faulted = 5,
}

impl PowerState {
    /// All states.
    pub const ALL: [Self; 5] = [Self::Off, Self::Damped, Self::Standing, Self::Active, Self::Faulted];

    /// Name in messages and logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Damped => "damped",
            Self::Standing => "standing",
            Self::Active => "active",
            Self::Faulted => "faulted",
        }
    }
}

/// Cause for which the robot does not do as it is told. Displayed with its remedy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[repr(u8)]
pub enum HoldReason {
    /// The emergency stop.
    #[error("emergency stop engaged: reset it by estop with data false")]
    Estopped = 1,
    /// The inertial sensor is silent.
    #[error("no inertial samples: check the sensor's port, or the way to the robot")]
    NoImu = 2,
    /// A joint is silent.
    #[error("a motor does not answer: check the motor buses, or the way to the robot")]
    NoJoints = 3,
    /// Nobody says where to go.
    #[error("nobody leads: start a mission, or take the lease and send targets")]
    NoTarget = 4,
}

impl HoldReason {
    /// All causes.
    pub const ALL: [Self; 4] = [Self::Estopped, Self::NoImu, Self::NoJoints, Self::NoTarget];
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Recordings and other machines hold these numbers: a change here makes old ones say something else.
    #[test]
    fn the_numbers_stay() {
        assert_eq!(MissionPhase::ALL.map(MissionPhase::number), std::array::from_fn(|i| i as u8 + 1));
        assert_eq!(AbortReason::ALL.map(AbortReason::number), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
        assert_eq!(MissionOrder::ALL.map(MissionOrder::number), [1, 2, 3, 4]);
        assert_eq!(GaitMode::ALL.map(GaitMode::number), [1, 2, 3, 4]);
        assert_eq!(StopLevel::ALL.map(StopLevel::number), [0, 1, 2]);
        assert_eq!(PowerState::ALL.map(PowerState::number), [1, 2, 3, 4, 5]);
        assert_eq!(HoldReason::ALL.map(HoldReason::number), [1, 2, 3, 4]);
    }

    #[test]
    fn a_number_leads_back_to_its_state_and_any_other_to_an_error() {
        for number in 0..=u8::MAX {
            let known = |found: Option<u8>| found.is_none_or(|found| found == number);
            assert!(known(MissionPhase::try_from(number).ok().map(MissionPhase::number)));
            assert!(known(GaitMode::try_from(number).ok().map(GaitMode::number)));
            assert_eq!(MissionPhase::try_from(number).is_ok(), (1..=11).contains(&number));
            assert_eq!(AbortReason::try_from(number).is_ok(), (1..=11).contains(&number));
            assert_eq!(MissionOrder::try_from(number).is_ok(), (1..=4).contains(&number));
            assert_eq!(GaitMode::try_from(number).is_ok(), (1..=4).contains(&number));
            assert_eq!(StopLevel::try_from(number).is_ok(), (0..=2).contains(&number));
            assert_eq!(PowerState::try_from(number).is_ok(), (1..=5).contains(&number));
        }
    }

    #[test]
    fn an_emergency_stop_of_no_known_number_is_the_highest() {
        assert_eq!([0, 1, 2, 3, 255].map(StopLevel::from_number), {
            use StopLevel::{Cut, None, SettleThenCut};
            [None, SettleThenCut, Cut, Cut, Cut]
        });
    }
}
