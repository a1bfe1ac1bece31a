//! A topic's quality of service as rosbag2 writes it beside the topic: YAML with the numbers of rmw.

/// Reliability: lost messages are sent again, or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reliability {
    /// They are.
    Reliable,
    /// They are not: what sensors use.
    BestEffort,
}

/// Durability: time for which messages are kept for a subscriber that comes late.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Not beyond the moment.
    Volatile,
    /// Until replaced (`/tf_static`).
    TransientLocal,
}

/// The `offered_qos_profiles` of a topic that keeps its last `depth` messages, without deadline or lifespan
/// (an infinite duration is rmw's: the greatest number of nanoseconds that 64 bits hold).
pub fn qos_profile(reliability: Reliability, durability: Durability, depth: usize) -> String {
    // rmw/types.h: RMW_QOS_POLICY_RELIABILITY_*, RMW_QOS_POLICY_DURABILITY_*.
    let reliability = match reliability {
        Reliability::Reliable => 1,
        Reliability::BestEffort => 2,
    };
    let durability = match durability {
        Durability::TransientLocal => 1,
        Durability::Volatile => 2,
    };
    format!(
        "- history: 1
  depth: {depth}
  reliability: {reliability}
  durability: {durability}
  deadline:
    sec: 9223372036
    nsec: 854775807
  lifespan:
    sec: 9223372036
    nsec: 854775807
  liveliness: 1
  liveliness_lease_duration:
    sec: 9223372036
    nsec: 854775807
  avoid_ros_namespace_conventions: false
"
    )
}

/// Returns the durability that a profile of this form gives; volatile where it gives none.
pub fn durability_of(qos_profile: &str) -> Durability {
    let latched = qos_profile
        .lines()
        .any(|line| matches!(line.trim(), "durability: 1" | "durability: transient_local"));
    if latched { Durability::TransientLocal } else { Durability::Volatile }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durability_is_read_back() {
        for durability in [Durability::Volatile, Durability::TransientLocal] {
            assert_eq!(durability_of(&qos_profile(Reliability::Reliable, durability, 1)), durability);
        }
        assert_eq!(durability_of(""), Durability::Volatile);
    }

    #[test]
    fn numbers_are_those_of_rmw() {
        let profile = qos_profile(Reliability::BestEffort, Durability::Volatile, 5);
        let lines: Vec<_> = profile.lines().take(4).collect();
        assert_eq!(lines, ["- history: 1", "  depth: 5", "  reliability: 2", "  durability: 2"]);
        let latched = qos_profile(Reliability::Reliable, Durability::TransientLocal, 1);
        assert!(latched.contains("depth: 1\n  reliability: 1\n  durability: 1\n"), "{latched}");
    }
}
