//! Inboxes of a node: messages and requests taken one by one, without waiting.

use futures::{FutureExt, Stream, StreamExt};
use r2r::std_srvs::srv::Trigger;
use r2r::{Node, QosProfile, ServiceRequest, WrappedServiceTypeSupport, WrappedTypesupport};
use recording::TopicSpec;

use super::topic_publishers::qos;

/// Messages or requests that have arrived.
pub(crate) struct Inbox<T>(Box<dyn Stream<Item = T> + Unpin>);

impl<T> Inbox<T> {
    /// The oldest one that has not been taken.
    pub(crate) fn take(&mut self) -> Option<T> {
        self.0.next().now_or_never().flatten()
    }

    /// The newest one; those before it are dropped.
    pub(crate) fn newest(&mut self) -> Option<T> {
        std::iter::from_fn(|| self.take()).last()
    }
}

impl<T: WrappedTypesupport + 'static> Inbox<T> {
    /// Subscribes to a topic.
    pub(crate) fn topic(node: &mut Node, topic: &TopicSpec) -> r2r::Result<Self> {
        Self::subscribe(node, topic.relative(), qos(topic.qos))
    }

    /// Subscribes to a topic of one camera.
    pub(crate) fn camera(node: &mut Node, topic: &TopicSpec, camera: &str) -> r2r::Result<Self> {
        Self::subscribe(node, topic.of_camera(camera).trim_start_matches('/'), qos(topic.qos))
    }

    /// Subscribes to a topic that is not in the table.
    pub(crate) fn subscribe(node: &mut Node, name: &str, qos: QosProfile) -> r2r::Result<Self> {
        Ok(Self(Box::new(node.subscribe::<T>(name, qos)?)))
    }
}

impl<S: WrappedServiceTypeSupport + 'static> Inbox<ServiceRequest<S>> {
    /// Offers a service.
    pub(crate) fn service(node: &mut Node, name: &str) -> r2r::Result<Self> {
        Ok(Self(Box::new(node.create_service::<S>(name, QosProfile::services_default())?)))
    }
}

impl<T> From<Box<dyn Stream<Item = T> + Unpin>> for Inbox<T> {
    fn from(stream: Box<dyn Stream<Item = T> + Unpin>) -> Self {
        Self(stream)
    }
}

/// The answer of a `std_srvs/Trigger`: what happens, or why nothing does.
pub(crate) fn outcome(answer: Result<&str, String>) -> Trigger::Response {
    let success = answer.is_ok();
    Trigger::Response { success, message: answer.map_or_else(|refusal| refusal, str::to_owned) }
}

/// Answers a request; a client that has gone away meanwhile does not matter.
pub(crate) fn respond<S: WrappedServiceTypeSupport + 'static>(
    request: ServiceRequest<S>,
    answer: S::Response,
) {
    if let Err(error) = request.respond(answer) {
        tracing::debug!("an answer did not reach its client: {error}");
    }
}
