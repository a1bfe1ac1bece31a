//! ROS topics as a sink of the messages that recordings hold too: the same structs, the same bytes.

use std::collections::BTreeMap;

use r2r::{Node, Publisher, PublisherUntyped, QosProfile, WrappedTypesupport};
use robot_interface::time::Stamp;

use recording::messages::Message;
use recording::{MessageSink, Qos, RecordError, TopicSpec, cdr};

/// Publishers by topic. Moves to the thread that has something to say.
pub(crate) struct TopicPublishers {
    publishers: BTreeMap<String, PublisherUntyped>,
    buffer: Vec<u8>,
}

impl TopicPublishers {
    pub(crate) const fn new() -> Self {
        Self { publishers: BTreeMap::new(), buffer: Vec::new() }
    }

    /// Makes the publisher of a topic.
    pub(crate) fn with(self, node: &mut Node, topic: &TopicSpec) -> r2r::Result<Self> {
        self.with_name(node, topic.name.to_owned(), topic)
    }

    /// Makes the publisher of a topic of one camera.
    pub(crate) fn with_camera(self, node: &mut Node, topic: &TopicSpec, camera: &str) -> r2r::Result<Self> {
        self.with_name(node, topic.of_camera(camera), topic)
    }

    fn with_name(mut self, node: &mut Node, name: String, topic: &TopicSpec) -> r2r::Result<Self> {
        let relative = name.trim_start_matches('/');
        let publisher = node.create_publisher_untyped(relative, topic.type_name, qos(topic.qos))?;
        self.publishers.insert(name, publisher);
        Ok(self)
    }
}

impl MessageSink for TopicPublishers {
    fn publish<M: Message>(
        &mut self,
        topic: &str,
        _qos: Qos,
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

/// Quality of service in rmw's terms.
pub(crate) fn qos(qos: Qos) -> QosProfile {
    match qos {
        Qos::State => QosProfile::default().keep_last(10),
        Qos::Sensor => QosProfile::default().keep_last(5),
        Qos::Latched => QosProfile::default().keep_last(1).transient_local(),
        Qos::Command => QosProfile::default().keep_last(1),
        Qos::Event => QosProfile::default(),
        Qos::Clock => QosProfile::default().keep_last(1).best_effort(),
    }
}

/// Makes a publisher of a topic whose messages only the graph knows.
pub(crate) fn publisher<T: WrappedTypesupport + 'static>(
    node: &mut Node,
    topic: &TopicSpec,
) -> r2r::Result<Publisher<T>> {
    node.create_publisher(topic.relative(), qos(topic.qos))
}
