//! Check of senders. Messages carry no name of their sender, so that one is believed to be of its owner only while every node that
//! is seen to publish its topic is that one.

use r2r::{Node, WrappedTypesupport};
use recording::TopicSpec;

use super::convert::Refusals;
use super::endpoint::Inbox;
use super::names::{Names, full};

/// Check of the senders of one topic.
pub(crate) struct SenderCheck {
    /// Full name of the topic.
    topic: String,
}

impl SenderCheck {
    pub(crate) fn new(node: &Node, topic: &TopicSpec) -> r2r::Result<Self> {
        Ok(Self { topic: Names::of(node)?.resolve(topic.relative()) })
    }

    /// Checks that the node called `owner`, by its name or its full name, is the only one that publishes the topic.
    ///
    /// # Errors
    /// The other node, or that none is seen.
    pub(crate) fn sent_by(&self, node: &Node, owner: &str) -> Result<(), String> {
        let publishers = node.get_publishers_info_by_topic(&self.topic, false);
        let publishers = publishers.map_err(|e| format!("its senders cannot be told: {e}"))?;
        let senders = publishers.iter().map(|sender| [sender.node_namespace.as_str(), &sender.node_name]);
        sent_by(owner, senders)
    }
}

/// Checks that all that publish a topic, by namespace and name, are the one node that is called `owner`. Nobody is not: whoever
/// sent it has gone, or has not been discovered yet.
fn sent_by<'a>(owner: &str, senders: impl Iterator<Item = [&'a str; 2]>) -> Result<(), String> {
    let mut found = false;
    for [namespace, name] in senders {
        if name != owner && full(namespace, name) != *owner {
            return Err(format!(
                "`{name}` sends it too, and it is taken from `{owner}` alone: stop one of them, or give it another namespace"
            ));
        }
        found = true;
    }
    let nobody =
        "it cannot be told who sends it: keep its publisher open, and send on until it is discovered";
    if found { Ok(()) } else { Err(nobody.to_owned()) }
}

/// Inbox of a topic that one node of the stack alone is to fill.
pub(crate) struct OwnedInbox<T> {
    inbox: Inbox<T>,
    check: SenderCheck,
    /// Full name of the owner.
    owner: String,
    topic: &'static str,
}

impl<T: WrappedTypesupport + 'static> OwnedInbox<T> {
    /// Subscribes to a topic of the node that is called `owner` in the same namespace.
    pub(crate) fn topic(node: &mut Node, topic: &TopicSpec, owner: &str) -> r2r::Result<Self> {
        Ok(Self {
            check: SenderCheck::new(node, topic)?,
            owner: full(&node.namespace()?, owner),
            inbox: Inbox::topic(node, topic)?,
            topic: topic.relative(),
        })
    }

    /// Messages that have arrived, the oldest first, and who else may have sent them. The graph is asked only if there are any.
    pub(crate) fn take_all(&mut self, node: &Node) -> (Vec<T>, Result<(), String>) {
        let messages: Vec<T> = std::iter::from_fn(|| self.inbox.take()).collect();
        let sender = if messages.is_empty() { Ok(()) } else { self.check.sent_by(node, &self.owner) };
        (messages, sender)
    }

    /// Messages that have arrived, the oldest first, if they are the owner's; others are counted.
    pub(crate) fn admitted(&mut self, node: &Node, refused: &mut Refusals) -> Vec<T> {
        match self.take_all(node) {
            (messages, Ok(())) => messages,
            (messages, Err(reason)) => {
                messages.iter().for_each(|_| refused.say(self.topic, &reason));
                Vec::new()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use r2r::std_msgs::msg::Empty;
    use r2r::{Context, Publisher};
    use recording::topics;
    use std::time::Duration;

    use super::*;
    use crate::ros::topic_publishers::publisher;

    fn node(name: &str) -> Node {
        let context = Context::create().expect("ROS 2, as `adit env ros` gives it");
        Node::create(context, name, "/sender_check").expect("a name")
    }

    /// `/robot_state` of a recording let the mission be given up, and `/odom` the inspection be forgotten.
    #[test]
    fn while_a_stranger_publishes_too_nothing_is_admitted() {
        let (mut listener, mut owner, mut stranger) = (node("listener"), node("owner"), node("stranger"));
        let topic = &topics::CAMERA_TRIGGER;
        let mut inbox = OwnedInbox::<Empty>::topic(&mut listener, topic, "owner").expect("a subscription");
        let ours = publisher::<Empty>(&mut owner, topic).expect("a publisher");
        let mut refused = Refusals::default();
        // How many of 20 messages are admitted, once it is known who is there.
        let mut admitted = |publishers: &[&Publisher<Empty>]| {
            std::thread::sleep(Duration::from_millis(500));
            let mut count = 0;
            for _ in 0..20 {
                publishers
                    .iter()
                    .for_each(|publisher| publisher.publish(&Empty::default()).expect("published"));
                listener.spin_once(Duration::from_millis(10));
                count += inbox.admitted(&listener, &mut refused).len();
            }
            count
        };
        assert!(admitted(&[&ours]) > 10);
        let theirs = publisher::<Empty>(&mut stranger, topic).expect("a publisher");
        assert_eq!(admitted(&[&ours, &theirs]), 0);
        assert_eq!(admitted(&[&ours]), 0, "nobody can tell whose they are");
        drop((theirs, stranger));
        assert!(admitted(&[&ours]) > 10, "it has gone");
        assert!(
            refused.count() > 10 && refused.last().contains("`stranger` sends it too"),
            "{}",
            refused.last()
        );
    }

    /// Without any known publisher it was taken: from somebody not discovered yet, or gone.
    #[test]
    fn messages_are_taken_from_their_owner_alone() {
        let cases: &[(&[[&str; 2]], bool)] = &[
            (&[], false),
            (&[["/", "tablet"]], true),
            (&[["/", "tablet"], ["/", "tablet"]], true),
            (&[["/", "tablet"], ["/", "stranger"]], false),
            (&[["/robot1", "tablet"]], true),
        ];
        for (senders, taken) in cases {
            assert_eq!(sent_by("tablet", senders.iter().copied()).is_ok(), *taken, "{senders:?}");
        }
        assert!(sent_by("/robot1/tablet", [["/robot1", "tablet"]].into_iter()).is_ok());
        assert!(sent_by("/robot1/tablet", [["/robot2", "tablet"]].into_iter()).is_err());
        assert!(sent_by("/tablet", [["/", "tablet"]].into_iter()).is_ok());
    }
}
