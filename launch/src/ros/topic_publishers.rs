//! ROS topics as a sink of the messages that recordings hold too: the same structs, the same bytes.

use std::collections::BTreeMap;

use r2r::{Node, PublisherUntyped, QosProfile};
use robot_interface::time::Stamp;

use recording::messages::Message;
use recording::{Durability, MessageSink, RecordError, cdr};

/// Publishers by topic. Moves to the thread that has something to say.
pub(crate) struct TopicPublishers {
    publishers: BTreeMap<String, PublisherUntyped>,
    buffer: Vec<u8>,
}

impl TopicPublishers {
    pub(crate) const fn new() -> Self {
        Self { publishers: BTreeMap::new(), buffer: Vec::new() }
    }

    /// Makes the publisher of a topic, named as in a recording (`/odom`); on the graph it is relative to the node's
    /// namespace.
    pub(crate) fn with<M: Message>(
        mut self,
        node: &mut Node,
        topic: &str,
        qos: QosProfile,
    ) -> r2r::Result<Self> {
        let type_name = M::DEFINITION.type_name();
        let publisher = node.create_publisher_untyped(topic.trim_start_matches('/'), &type_name, qos)?;
        self.publishers.insert(topic.to_owned(), publisher);
        Ok(self)
    }
}

impl MessageSink for TopicPublishers {
    fn publish<M: Message>(
        &mut self,
        topic: &str,
        _durability: Durability,
        _stamp: Stamp,
        message: &M,
    ) -> Result<(), RecordError> {
        // A topic that this node has no publisher for is another node's to fill.
        let Some(publisher) = self.publishers.get(topic) else { return Ok(()) };
        cdr::serialize_into(&mut self.buffer, message)
            .map_err(|source| RecordError::Encode { topic: topic.to_owned(), source })?;
        publisher
            .publish_raw(&self.buffer)
            .map_err(|e| RecordError::Publish { topic: topic.to_owned(), reason: e.to_string() })
    }
}

/// Many small messages that each replace the one before: joints, odometry, transforms.
pub(crate) fn state_qos() -> QosProfile {
    QosProfile::default().keep_last(10)
}

/// Large ones that must arrive whole: clouds and pictures. Offered reliably, so that a subscriber may choose;
/// one with the sensor-data profile gets them as well.
pub(crate) fn sensor_qos() -> QosProfile {
    QosProfile::default().keep_last(5)
}

/// The last one, for whoever comes late too.
pub(crate) fn latched_qos() -> QosProfile {
    QosProfile::default().keep_last(1).transient_local()
}
