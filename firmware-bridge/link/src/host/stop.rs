//! The emergency stop as the host sees it. What the host wants or was told stays until the device confirms a
//! reset, even if the device starts anew in between.

use super::event::SendError;
use crate::message::{Message, reset_answer};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// No stop is wanted or known of.
    None,
    /// The device is told until it confirms, and once at least: a confirmation on its way may be of a stop before.
    Wanted { due_ns: u64, told: bool },
    /// The device has confirmed.
    Holds { challenge: u32 },
    /// The device is told to release it until it confirms.
    Resetting { challenge: u32, due_ns: u64 },
}

impl Stop {
    /// A stop that the device has not been told of.
    pub(super) const WANTED: Self = Self::Wanted { due_ns: 0, told: false };

    /// Time at which there is something to send, ns.
    pub(super) const fn due_ns(self) -> Option<u64> {
        match self {
            Self::None | Self::Holds { .. } => None,
            Self::Wanted { due_ns, .. } | Self::Resetting { due_ns, .. } => Some(due_ns),
        }
    }

    pub(super) const fn is_resetting(self) -> bool {
        matches!(self, Self::Resetting { .. })
    }

    pub(super) fn next_message(&mut self, now_ns: u64, retry_ns: u64) -> Option<Message> {
        if self.due_ns().is_none_or(|due_ns| now_ns < due_ns) {
            return None;
        }
        let next_ns = now_ns.saturating_add(retry_ns);
        match self {
            Self::None | Self::Holds { .. } => None,
            Self::Wanted { due_ns, told } => {
                (*due_ns, *told) = (next_ns, true);
                Some(Message::EmergencyStop)
            }
            Self::Resetting { challenge, due_ns } => {
                *due_ns = next_ns;
                Some(Message::Reset { answer: reset_answer(*challenge) })
            }
        }
    }

    /// The device says that a stop with this challenge holds. Returns whether that is news.
    pub(super) fn confirm(&mut self, challenge: u32) -> bool {
        let news = match *self {
            Self::Wanted { told: false, .. } => return false,
            Self::None | Self::Wanted { .. } => true,
            Self::Holds { .. } => false,
            // Sent before the reset came.
            Self::Resetting { challenge: answered, .. } if answered == challenge => return false,
            Self::Resetting { .. } => true,
        };
        *self = Self::Holds { challenge };
        news
    }

    /// The device says that none holds. If one was confirmed before, the device has started anew, and is stopped
    /// again.
    pub(super) const fn insist(&mut self) {
        if let Self::Holds { .. } = self {
            *self = Self::WANTED;
        }
    }

    /// The link is lost: what it carried is not known to have come, and whoever reset may have gone.
    pub(super) const fn forget_reset(&mut self) {
        if let Self::Resetting { challenge, .. } = *self {
            *self = Self::Holds { challenge };
        }
    }

    pub(super) const fn reset(self) -> Result<Self, SendError> {
        match self {
            Self::None => Err(SendError::NotStopped),
            Self::Wanted { .. } => Err(SendError::NotConfirmed),
            Self::Holds { challenge } | Self::Resetting { challenge, .. } => {
                Ok(Self::Resetting { challenge, due_ns: 0 })
            }
        }
    }
}
