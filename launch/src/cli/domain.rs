//! The domain and the namespace that commands of the graph are given, and what is said when something is in the way there.

use super::exit::BadInput;

/// Longest namespace in bytes: DDS allows 255 characters for a topic's whole name.
const MAX_NAMESPACE_LEN: usize = 200;
/// Variable by which ROS 2 is told the domain.
pub(super) const DOMAIN_VARIABLE: &str = "ROS_DOMAIN_ID";

/// Returns a namespace as ROS wants it, with the slash before it.
pub(super) fn namespace(given: &str) -> Result<String, BadInput> {
    let names = given.strip_prefix('/').unwrap_or(given);
    let is_name = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            // ROS keeps these for itself.
            && !name.contains("__")
    };
    if given.len() <= MAX_NAMESPACE_LEN && names.split('/').all(is_name) {
        return Ok(format!("/{names}"));
    }
    Err(BadInput {
        message: format!("--namespace {given:?} is not a ROS namespace"),
        help:
            "use letters, digits and single `_`, not beginning with a digit, with `/` between names: /robot1"
                .to_owned(),
    })
}

/// Returns the error of a command that would meet something in the graph.
#[cfg(feature = "ros")]
pub(super) fn in_the_way(conflict: &crate::ros::Conflict) -> BadInput {
    BadInput {
        message: conflict.to_string(),
        help: "stop it first, or keep apart from it: --domain-id takes another domain, --namespace other names in this one"
            .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn namespaces_are_those_of_ros() {
        for (given, expected) in [("robot1", "/robot1"), ("/robot1", "/robot1"), ("/_a/b2", "/_a/b2")] {
            assert_eq!(namespace(given).expect(given), expected);
        }
        let long = "x".repeat(300);
        for wrong in ["", "/", "1a", "a/", "a//b", "//a", "a b", "a-b", "~a", "ä", "a__b", "a:=b", &long] {
            let error = namespace(wrong).expect_err(wrong).to_string();
            assert!(error.contains("help:"), "{error}");
        }
    }
}
