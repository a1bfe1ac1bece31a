//! State of a mission as its planner tells it.

use std::fmt;

use super::{AbortReason, MissionPhase, UnknownNumber};

/// State of a mission. Displayed as it is told to people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MissionState {
    /// It was asked for, and has not the lease on the robot yet.
    Preparing,
    /// It is being walked.
    Underway(MissionPhase),
    /// It is over, and all of it was done.
    Completed,
    /// It is over, and not all of it was done.
    GivenUp(Ending),
}

/// Reason for which a mission is over before all of it was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// The mission's own reason; `None` of another failure, such as a lease that was lost.
    pub reason: Option<AbortReason>,
    /// The reason for people.
    pub text: String,
}

impl From<AbortReason> for Ending {
    fn from(reason: AbortReason) -> Self {
        Self { reason: Some(reason), text: reason.to_string() }
    }
}

impl MissionState {
    /// Number of [`Preparing`](Self::Preparing) in messages and recordings.
    pub const PREPARING: u8 = 1;
    /// Number of [`Underway`](Self::Underway).
    pub const UNDERWAY: u8 = 2;
    /// Number of [`Completed`](Self::Completed).
    pub const COMPLETED: u8 = 3;
    /// Number of [`GivenUp`](Self::GivenUp).
    pub const GIVEN_UP: u8 = 4;

    /// Returns the state of a mission that is over: completed, or given up for a reason.
    pub fn ended(reason: Option<AbortReason>) -> Self {
        reason.map_or(Self::Completed, |reason| Self::GivenUp(reason.into()))
    }

    /// Number in messages and recordings.
    pub const fn number(&self) -> u8 {
        match self {
            Self::Preparing => Self::PREPARING,
            Self::Underway(_) => Self::UNDERWAY,
            Self::Completed => Self::COMPLETED,
            Self::GivenUp(_) => Self::GIVEN_UP,
        }
    }

    /// Number of the phase; 0 unless it is under way.
    pub const fn phase_number(&self) -> u8 {
        match self {
            Self::Underway(phase) => phase.number(),
            Self::Preparing | Self::Completed | Self::GivenUp(_) => 0,
        }
    }

    /// Number of the reason; 0 unless the mission itself ended so.
    pub const fn abort_number(&self) -> u8 {
        match self {
            Self::GivenUp(Ending { reason: Some(reason), .. }) => reason.number(),
            Self::Preparing | Self::Underway(_) | Self::Completed | Self::GivenUp(_) => 0,
        }
    }

    /// Returns the state that a message's numbers stand for; `text` is the reason of one that was given up.
    ///
    /// # Errors
    /// [`UnknownNumber`] if one of them stands for nothing.
    pub fn from_numbers(state: u8, phase: u8, abort: u8, text: &str) -> Result<Self, UnknownNumber> {
        Ok(match state {
            Self::PREPARING => Self::Preparing,
            Self::UNDERWAY => Self::Underway(phase.try_into()?),
            Self::COMPLETED => Self::Completed,
            Self::GIVEN_UP => {
                let reason = if abort == 0 { None } else { Some(abort.try_into()?) };
                Self::GivenUp(Ending { reason, text: text.to_owned() })
            }
            number => return Err(UnknownNumber { of: "mission state", number }),
        })
    }

    /// True once the mission is over, one way or the other.
    pub const fn is_over(&self) -> bool {
        matches!(self, Self::Completed | Self::GivenUp(_))
    }

    /// True on the way out and at a station.
    pub const fn is_outbound(&self) -> bool {
        matches!(self, Self::Underway(phase) if phase.is_outbound())
    }

    /// Text for people: what the mission does, or the reason for which it was given up.
    pub fn text(&self) -> &str {
        match self {
            Self::Preparing => "asking for the lease",
            Self::Underway(phase) => phase.name(),
            Self::Completed => "completed",
            Self::GivenUp(ending) => &ending.text,
        }
    }
}

impl fmt::Display for MissionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::GivenUp(ending) => write!(f, "given up: {}", ending.text),
            Self::Preparing | Self::Underway(_) | Self::Completed => f.write_str(self.text()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_comes_back_from_its_numbers() {
        let outside = Ending { reason: None, text: "the bridge did not grant the lease".to_owned() };
        let mut states =
            vec![MissionState::Preparing, MissionState::Completed, MissionState::GivenUp(outside)];
        states.extend(MissionPhase::ALL.map(MissionState::Underway));
        states.extend(AbortReason::ALL.map(|reason| MissionState::ended(Some(reason))));
        for state in states {
            let numbers = (state.number(), state.phase_number(), state.abort_number());
            let back = MissionState::from_numbers(numbers.0, numbers.1, numbers.2, state.text());
            assert_eq!(back, Ok(state));
        }
        assert!(MissionState::from_numbers(0, 0, 0, "").is_err(), "a message that nobody filled in");
        assert!(MissionState::from_numbers(MissionState::UNDERWAY, 0, 0, "walking out").is_err());
        assert!(MissionState::from_numbers(MissionState::GIVEN_UP, 0, 99, "").is_err());
    }

    /// A text may be worded anew, or be in another language: nothing follows from it.
    #[test]
    fn a_text_decides_nothing() {
        let ended = MissionState::from_numbers(MissionState::GIVEN_UP, 0, 1, "completed, walking home");
        let ended = ended.expect("known numbers");
        assert!(ended.is_over() && ended != MissionState::Completed && !ended.is_outbound());
        assert_eq!(ended.abort_number(), AbortReason::Fell.number());
    }
}
