//! Names as the graph knows them: below the node's namespace, and remapped as this process was told (`--ros-args -r FROM:=TO`).

use r2r::Node;

/// Names of one node.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    /// Namespace, without a slash at its end: empty for the root.
    namespace: String,
    /// Full names, each with the one that takes its place.
    remaps: Vec<(String, String)>,
}

impl Names {
    /// Names of a node of this process.
    pub(crate) fn of(node: &Node) -> r2r::Result<Self> {
        Ok(Self::new(&node.namespace()?, &node.name()?, std::env::args()))
    }

    fn new(namespace: &str, node: &str, args: impl Iterator<Item = String>) -> Self {
        let namespace = namespace.trim_end_matches('/').to_owned();
        let mut args = args.skip_while(|arg| arg != "--ros-args");
        let mut remaps = Vec::new();
        while let Some(arg) = args.next() {
            if (arg == "-r" || arg == "--remap")
                && let Some(rule) = args.next()
                && let Some((from, to)) = rule.split_once(":=")
            {
                // A rule may be for one node alone.
                let from = match from.split_once(':') {
                    Some((of, from)) if of == node => from,
                    Some(_) => continue,
                    None => from,
                };
                if !from.starts_with("__") {
                    remaps.push((full(&namespace, from), full(&namespace, to)));
                }
            }
        }
        Self { namespace, remaps }
    }

    /// Returns the full name of a topic or a node of the same namespace.
    pub(crate) fn resolve(&self, name: &str) -> String {
        let name = full(&self.namespace, name);
        self.remaps.iter().find(|(from, _)| *from == name).map_or(name, |(_, to)| to.clone())
    }
}

/// Returns the full name of what is called `name` in a namespace.
pub(crate) fn full(namespace: &str, name: &str) -> String {
    if name.starts_with('/') {
        name.to_owned()
    } else {
        format!("{}/{name}", namespace.trim_end_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_resolved_as_ros_does() {
        let names = |namespace: &str, args: &str| {
            Names::new(namespace, "bridge", args.split_whitespace().map(str::to_owned))
        };
        assert_eq!(names("/", "adit-ros node bridge").resolve("odom"), "/odom");
        assert_eq!(names("/robot1", "").resolve("odom"), "/robot1/odom");
        assert_eq!(names("/robot1", "").resolve("/odom"), "/odom");
        let args = "adit-ros node bridge -r a:=b --ros-args -p x:=1 -r __ns:=/robot1 -r odom:=there --remap /robot1/tf:=/tf \
                    -r bridge:clock:=/time -r sim:imu/data:=/none";
        for (name, expected) in [
            ("odom", "/robot1/there"),
            ("tf", "/tf"),
            ("clock", "/time"),
            ("imu/data", "/robot1/imu/data"),
            ("a", "/robot1/a"),
        ] {
            assert_eq!(names("/robot1", args).resolve(name), expected);
        }
    }
}
