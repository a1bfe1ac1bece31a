//! Interface texts of any message type, from where ROS 2 is installed.
//!
//! A recording carries the text of each type in it, so that a reader needs no package. The texts are the
//! `share/PACKAGE/msg/NAME.msg` of the folders in `AMENT_PREFIX_PATH`; those that no folder has but Adit itself
//! knows are Adit's.

use std::borrow::Cow;
use std::io;
use std::path::PathBuf;

use crate::messages;

/// Failure to find a type's text.
#[derive(Debug, thiserror::Error)]
pub enum DefinitionError {
    /// No name of a message type.
    #[error("`{0}` is no message type; those that can be recorded are called like `std_msgs/msg/Header`")]
    Name(String),
    /// No folder has the file.
    #[error(
        "no folder of AMENT_PREFIX_PATH has share/{package}/msg/{name}.msg, which {needed_by} needs; install \
         the package {package}, or source the workspace it was built in"
    )]
    Missing {
        /// The package.
        package: String,
        /// The type's name in it.
        name: String,
        /// The type that names it, or that was asked for.
        needed_by: String,
    },
    /// The file is there but cannot be read.
    #[error("cannot read {path}: {source}; check its permissions, and that it is UTF-8")]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
}

/// The text of `type_name` (`package/msg/Name`) and of every type it needs, depth first, in MCAP's `ros2msg`
/// form. `prefixes` are searched in their order.
///
/// # Errors
/// If the name is none, or a text is missing or cannot be read.
pub fn schema(prefixes: &[PathBuf], type_name: &str) -> Result<String, DefinitionError> {
    let first = Name::of_type(type_name).ok_or_else(|| DefinitionError::Name(type_name.to_owned()))?;
    let text = text(prefixes, &first, type_name)?;
    let mut needed = Vec::new();
    collect(prefixes, &first, &text, &mut needed)?;
    Ok(messages::schema_text(&text, needed.iter().map(|(name, text)| (name.as_str(), &**text))))
}

/// A package and the name of a type in it.
#[derive(Clone, Copy)]
struct Name<'a> {
    package: &'a str,
    name: &'a str,
}

impl<'a> Name<'a> {
    /// Of `package/msg/Name`.
    fn of_type(type_name: &'a str) -> Option<Self> {
        let (package, name) = type_name.split_once("/msg/")?;
        Self::checked(package, name)
    }

    /// Of a field's type in a text of `package`; `None` for those that are built in.
    fn of_field(field: &'a str, package: &'a str) -> Option<Self> {
        const BUILT_IN: [&str; 16] = [
            "bool", "byte", "char", "float32", "float64", "int8", "uint8", "int16", "uint16", "int32",
            "uint32", "int64", "uint64", "string", "wstring", "",
        ];
        // `float64[9]`, `string<=10[]`, `Point[<=4]`
        let field = field.split(['[', '<']).next().unwrap_or_default();
        if BUILT_IN.contains(&field) {
            return None;
        }
        match field.split_once('/') {
            Some((package, name)) => Self::checked(package, name.strip_prefix("msg/").unwrap_or(name)),
            // The one type that every package may name without its own.
            None if field == "Header" => Self::checked("std_msgs", field),
            None => Self::checked(package, field),
        }
    }

    /// A type's name comes from the graph and becomes part of a path, so it may hold no dots or slashes.
    fn checked(package: &'a str, name: &'a str) -> Option<Self> {
        let word = |text: &str| {
            !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        };
        (word(package) && word(name)).then_some(Self { package, name })
    }

    /// As in another text: `package/Name`.
    fn in_text(&self) -> String {
        format!("{}/{}", self.package, self.name)
    }
}

/// Adds what `text` needs, each once, depth first.
fn collect(
    prefixes: &[PathBuf],
    of: &Name<'_>,
    text: &str,
    needed: &mut Vec<(String, Cow<'static, str>)>,
) -> Result<(), DefinitionError> {
    let fields = text.lines().filter_map(|line| line.split('#').next()?.split_whitespace().next());
    for part in fields.filter_map(|field| Name::of_field(field, of.package)) {
        let name = part.in_text();
        if !needed.iter().any(|(known, _)| *known == name) {
            let text = self::text(prefixes, &part, &of.in_text())?;
            needed.push((name, text.clone()));
            collect(prefixes, &part, &text, needed)?;
        }
    }
    Ok(())
}

/// One type's own text, with a line's end at its end.
fn text(prefixes: &[PathBuf], of: &Name<'_>, needed_by: &str) -> Result<Cow<'static, str>, DefinitionError> {
    let Name { package, name } = of;
    for prefix in prefixes {
        let path = prefix.join(format!("share/{package}/msg/{name}.msg"));
        match std::fs::read_to_string(&path) {
            Ok(mut text) => {
                if !text.ends_with('\n') {
                    text.push('\n');
                }
                return Ok(text.into());
            }
            Err(source) if source.kind() == io::ErrorKind::NotFound => {}
            Err(source) => return Err(DefinitionError::Read { path, source }),
        }
    }
    let known = messages::find(&of.in_text()).map(|definition| definition.text().into());
    known.ok_or_else(|| DefinitionError::Missing {
        package: (*package).to_owned(),
        name: (*name).to_owned(),
        needed_by: needed_by.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::messages::{Message, Odometry};

    fn install(prefix: &Path, name: &str, text: &str) {
        let (package, name) = name.split_once('/').expect("package/Name");
        let folder = prefix.join("share").join(package).join("msg");
        std::fs::create_dir_all(&folder).expect("made");
        std::fs::write(folder.join(format!("{name}.msg")), text).expect("written");
    }

    #[test]
    fn what_a_text_needs_follows_it_once_and_depth_first() {
        let [first, second] = [(); 2].map(|()| tempfile::tempdir().expect("a folder"));
        let text = "# Says other/NotAType.\nHeader header  # std_msgs/Header\nPart[<=4] parts\nother/Thing thing\n\
            string<=8 word \"a # b\"\nint32 LEVEL=3\n\nother/msg/Thing[2] more\nuint8[] data";
        install(first.path(), "robot/Whole", text);
        install(second.path(), "robot/Part", "other/Thing thing\nbool yes\n");
        install(second.path(), "other/Thing", "float64[9] values\n");
        // The first folder that has a file wins.
        install(second.path(), "robot/Whole", "bool wrong\n");
        let prefixes = [first.path().to_owned(), second.path().to_owned()];
        let schema = schema(&prefixes, "robot/msg/Whole").expect("found");
        assert!(schema.starts_with(&format!("{text}\n===")), "{schema}");
        let named: Vec<_> = schema.lines().filter_map(|line| line.strip_prefix("MSG: ")).collect();
        assert_eq!(named, ["std_msgs/Header", "builtin_interfaces/Time", "robot/Part", "other/Thing"]);
    }

    #[test]
    fn without_an_installation_what_adit_knows_is_used() {
        let found = schema(&[PathBuf::from("/nowhere")], "nav_msgs/msg/Odometry").expect("known");
        assert_eq!(found, Odometry::DEFINITION.schema());
    }

    #[test]
    fn a_missing_file_is_named_with_its_remedy() {
        let folder = tempfile::tempdir().expect("a folder");
        install(folder.path(), "robot/Whole", "robot/Gone gone\n");
        let error = schema(&[folder.path().to_owned()], "robot/msg/Whole").expect_err("missing").to_string();
        for part in ["share/robot/msg/Gone.msg", "which robot/Whole needs", "install the package robot"] {
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn types_may_name_each_other_and_names_may_not_leave_the_folder() {
        let folder = tempfile::tempdir().expect("a folder");
        install(folder.path(), "robot/A", "robot/B b\n");
        install(folder.path(), "robot/B", "robot/A a\n../../etc/passwd x\n");
        let schema = |name| schema(&[folder.path().to_owned()], name);
        assert!(schema("robot/msg/A").is_ok());
        for name in ["robot/A", "../msg/A", "robot/msg/../A", "robot/srv/A_Request", "", "/msg/"] {
            assert!(matches!(schema(name), Err(DefinitionError::Name(_))), "{name}");
        }
    }
}
