//! Look at the graph before something is started in it: for nodes of Adit's that are there already, and for others that publish
//! what is to be published.

use std::fmt;
use std::time::Duration;

use anyhow::Context as _;
use r2r::{Context, Node};
use recording::{TopicSpec, topics};

use super::names::{Names, full};
use stack::realtime::monotonic;

/// Time within which what is in the graph is discovered, s.
const LOOK_S: f64 = 2.0;
/// Interval between two looks.
const EVERY: Duration = Duration::from_millis(50);
/// Nodes that a stack has one of each.
const NODES: [&str; 4] = ["sim", "bridge", "perception", "planner"];
/// Topics that the nodes of a stack alone may publish.
const OWNED: [&TopicSpec; 6] = [
    &topics::ODOM,
    &topics::ROBOT_STATE,
    &topics::MISSION_STATUS,
    &topics::MOTION_TARGET,
    &topics::CORRECTION,
    &topics::TRAVERSABILITY,
];
/// Topics that many publish.
const SHARED: [&str; 5] = ["tf", "tf_static", "diagnostics", "rosout", "parameter_events"];
/// Name of a node that has not told it yet.
const UNKNOWN: &str = "_NODE_NAME_UNKNOWN_";

/// Something in the graph that is in the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Conflict {
    /// A node of Adit's, by its full name.
    Node(String),
    /// A topic that a node publishes, both by their full names.
    Publisher {
        /// The topic.
        topic: String,
        /// The node.
        node: String,
    },
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let domain = std::env::var("ROS_DOMAIN_ID").unwrap_or_else(|_| "0".to_owned());
        match self {
            Self::Node(node) => write!(f, "`{node}` is running in domain {domain} already"),
            Self::Publisher { topic, node } => {
                write!(f, "`{node}` publishes `{topic}` in domain {domain} already")
            }
        }
    }
}

/// Publisher in the graph: topic and node, by their full names.
type Publication = [String; 2];

/// Looks for what is in the way of a stack in the namespace that the command line names; a simulated one is not to meet
/// another `clock` either.
///
/// # Errors
/// When ROS 2 cannot be started.
pub fn of_stack(simulated: bool) -> anyhow::Result<Option<Conflict>> {
    let node = looker("up")?;
    let names = Names::of(&node)?;
    let ours: Vec<_> = NODES.iter().map(|name| names.resolve(name)).collect();
    let owned = OWNED.into_iter().chain(simulated.then_some(&topics::CLOCK));
    let owned: Vec<_> = owned.map(|topic| names.resolve(topic.relative())).collect();
    let diagnostics = names.resolve(topics::DIAGNOSTICS.relative());
    let watched = || owned.iter().chain([&diagnostics]).cloned();
    Ok(look(&node, watched, |publications| for_stack(publications, &ours, &owned)))
}

/// Looks for what is in the way of a recording's topics, by their full names.
pub(super) fn of_replay(node: &Node, played: &[String]) -> Option<Conflict> {
    let topics = || {
        let there = node.get_topic_names_and_types().unwrap_or_default();
        there
            .into_keys()
            .filter(|topic| is_diagnostics(topic))
            .chain(played.iter().cloned())
            .collect::<Vec<_>>()
    };
    look(node, || topics().into_iter(), |publications| for_replay(publications, played))
}

/// Makes a node to look around with.
pub(super) fn looker(name: &str) -> anyhow::Result<Node> {
    let context = Context::create().context("cannot start ROS 2: check ROS_DOMAIN_ID and --ros-args")?;
    Node::create(context, name, "").context("cannot make the node")
}

/// Looks at who publishes these topics until something is in the way, or nothing is after a while.
fn look<T: Iterator<Item = String>>(
    node: &Node,
    topics: impl Fn() -> T,
    conflict: impl Fn(&[Publication]) -> Option<Conflict>,
) -> Option<Conflict> {
    let begun = monotonic();
    loop {
        let publications: Vec<Publication> = topics().flat_map(|topic| publications(node, topic)).collect();
        let found = conflict(&publications);
        let is_known = |found: &Conflict| !found.to_string().contains(UNKNOWN);
        let over = monotonic().seconds_since(begun) > LOOK_S;
        if over || found.as_ref().is_some_and(is_known) {
            return found;
        }
        std::thread::sleep(EVERY);
    }
}

fn publications(node: &Node, topic: String) -> Vec<Publication> {
    // A topic of which nothing can be asked has nobody who publishes it.
    let publishers = node.get_publishers_info_by_topic(&topic, false).unwrap_or_default();
    publishers.iter().map(|p| [topic.clone(), full(&p.node_namespace, &p.node_name)]).collect()
}

/// Returns what is in the way of a stack, whose nodes and topics these are.
fn for_stack(publications: &[Publication], ours: &[String], owned: &[String]) -> Option<Conflict> {
    let twin = publications.iter().find(|[_, node]| ours.contains(node));
    let rival = || publications.iter().find(|[topic, _]| owned.contains(topic));
    twin.map(|[_, node]| Conflict::Node(node.clone())).or_else(|| rival().map(publisher))
}

/// Returns what is in the way of a recording with these topics: who publishes them, and a stack that may listen to them.
fn for_replay(publications: &[Publication], played: &[String]) -> Option<Conflict> {
    let is_shared = |topic: &str| SHARED.iter().any(|shared| topic.rsplit('/').next() == Some(shared));
    let rival = publications.iter().find(|[topic, _]| played.contains(topic) && !is_shared(topic));
    let listens = |[topic, node]: &&Publication| {
        let stack = topic.strip_suffix("/diagnostics").filter(|_| is_diagnostics(topic));
        stack.is_some_and(|namespace| {
            NODES.iter().any(|name| *node == full(namespace, name))
                && topics::ALL.iter().any(|topic| played.contains(&full(namespace, topic.relative())))
        })
    };
    let listener = || publications.iter().find(listens);
    rival.map(publisher).or_else(|| listener().map(|[_, node]| Conflict::Node(node.clone())))
}

fn publisher([topic, node]: &Publication) -> Conflict {
    Conflict::Publisher { topic: topic.clone(), node: node.clone() }
}

fn is_diagnostics(topic: &str) -> bool {
    topic.ends_with("/diagnostics")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(publications: &[[&str; 2]]) -> Vec<Publication> {
        publications.iter().map(|pair| pair.map(str::to_owned)).collect()
    }

    fn owned(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    /// A second stack let the legs of the first one's robot go, and neither said a word at its start.
    #[test]
    fn a_stack_meets_its_likes_and_those_that_publish_what_it_will() {
        let check = |publications: &[[&str; 2]]| {
            let (ours, topics) = (owned(&["/bridge", "/planner"]), owned(&["/odom", "/robot_state"]));
            for_stack(&graph(publications), &ours, &topics)
        };
        let publisher = |topic: &str, node: &str| {
            Some(Conflict::Publisher { topic: topic.to_owned(), node: node.to_owned() })
        };
        assert_eq!(check(&[]), None);
        assert_eq!(check(&[["/diagnostics", "/lidar_driver"]]), None);
        assert_eq!(check(&[["/diagnostics", "/planner"]]), Some(Conflict::Node("/planner".to_owned())));
        assert_eq!(check(&[["/odom", "/replay"]]), publisher("/odom", "/replay"));
    }

    #[test]
    fn a_replay_meets_whoever_publishes_or_hears_its_topics() {
        let check = |publications: &[[&str; 2]], played: &[&str]| {
            for_replay(&graph(publications), &owned(played)).map(|conflict| conflict.to_string())
        };
        let live = [["/diagnostics", "/bridge"], ["/odom", "/bridge"], ["/tf", "/bridge"]];
        assert_eq!(check(&[], &["/odom"]), None);
        let said = check(&live, &["/tf", "/odom"]).expect("in the way");
        assert!(said.starts_with("`/bridge` publishes `/odom` in domain"), "{said}");
        let said = check(&live, &["/cmd_vel"]).expect("it would be heard");
        assert!(said.starts_with("`/bridge` is running in domain"), "{said}");
        assert_eq!(check(&live, &["/robot2/odom", "/robot2/tf", "/vendor/notes"]), None);
        assert_eq!(
            check(&[["/tf", "/lidar_driver"], ["/diagnostics", "/lidar_driver"]], &["/tf", "/odom"]),
            None
        );
        let said = check(&[["/robot1/diagnostics", "/robot1/planner"]], &["/robot1/cmd_vel"]);
        assert!(said.is_some());
    }
}
