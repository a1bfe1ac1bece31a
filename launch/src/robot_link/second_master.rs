//! The watch for a second master: whoever else sends commands to the joints.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use adit_dds::{Participant, ParticipantId, Sample, Subscription};

use super::error::LinkError;
use super::topics::Topic;

/// Others that have commanded the robot since the watch began, or since it was cleared.
#[derive(Debug, Default)]
pub(crate) struct SecondMaster {
    seen: AtomicBool,
    who: Mutex<BTreeSet<ParticipantId>>,
}

impl SecondMaster {
    /// Begins to watch, until the subscription is dropped.
    pub(super) fn watch(participant: &Participant) -> Result<(Arc<Self>, Subscription), LinkError> {
        let (master, ours) = (Arc::<Self>::default(), participant.id());
        let theirs = Arc::clone(&master);
        let topic = Topic::LOW_CMD;
        let subscription =
            participant.subscribe(topic.name, topic.type_name, move |Sample { writer, .. }| {
                if writer.participant != ours {
                    theirs.saw(writer.participant);
                }
            })?;
        Ok((master, subscription))
    }

    fn saw(&self, participant: ParticipantId) {
        let is_new = self.who.lock().unwrap_or_else(PoisonError::into_inner).insert(participant);
        if is_new {
            self.seen.store(true, Ordering::Release);
        }
    }

    /// Somebody else was seen.
    pub(crate) fn is_there(&self) -> bool {
        self.seen.load(Ordering::Acquire)
    }

    /// Those that were seen.
    pub(crate) fn who(&self) -> Vec<ParticipantId> {
        self.who.lock().unwrap_or_else(PoisonError::into_inner).iter().copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_there_until_somebody_is_seen() {
        let master = SecondMaster::default();
        assert!(!master.is_there() && master.who().is_empty());
    }
}
