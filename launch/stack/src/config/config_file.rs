//! A TOML file with its text, so that whatever is refused later can still name its line.

use std::path::Path;

use robot_interface::checks::KeyError;
use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::ConfigError;

/// Text of a configuration file.
#[derive(Clone, Debug)]
pub struct ConfigFile {
    name: String,
    text: String,
    example: &'static str,
}

impl ConfigFile {
    /// A file of this text; `name` is what errors call it, `example` the file in which errors say that every key can be seen
    /// in use.
    pub fn new(name: &str, text: &str, example: &'static str) -> Self {
        Self { name: name.to_owned(), text: text.to_owned(), example }
    }

    /// Reads a file; `kind` is what it should have been, such as `mission file`.
    ///
    /// # Errors
    /// If it cannot be read, with `help`, or is no UTF-8 text.
    pub fn read(path: &Path, kind: &str, help: &str, example: &'static str) -> Result<Self, ConfigError> {
        let name = path.display().to_string();
        let bytes = std::fs::read(path)
            .map_err(|e| ConfigError::of_file(&name, format!("cannot read the {kind}: {e}"), help))?;
        let text = text_of(&name, bytes)?;
        Ok(Self { name, text, example })
    }

    /// Name by which errors call the file.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Reads the TOML.
    ///
    /// # Errors
    /// If it is none, or has not the form of a `T`.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, ConfigError> {
        toml::from_str(&self.text)
            .map_err(|e| ConfigError::from_toml(&self.name, &self.text, &e, self.example))
    }

    /// Refusal of a key's value, at the line of the key; of the table that lacks it, if the file has it not.
    pub fn refuse(&self, error: &KeyError) -> ConfigError {
        let message = error.to_string();
        match start_of(&self.text, &error.key) {
            Some(start) => ConfigError::at(&self.name, &self.text, start..start, message, &error.remedy),
            None => ConfigError::of_file(&self.name, message, &error.remedy),
        }
    }
}

/// The text of a file, or the reason why it is none.
fn text_of(name: &str, bytes: Vec<u8>) -> Result<String, ConfigError> {
    const HELP: &str = "save the file as plain text in UTF-8";
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(ConfigError::of_file(name, "is text in UTF-16", HELP));
    }
    String::from_utf8(bytes).map_err(|e| {
        let good = String::from_utf8_lossy(&e.as_bytes()[..e.utf8_error().valid_up_to()]);
        let message = format!("is no UTF-8 text: byte 0x{:02x} cannot stand here", e.as_bytes()[good.len()]);
        ConfigError::at(name, &good, good.len()..good.len(), message, HELP)
    })
}

/// Place of a key such as `cameras[1].width` in a text; of the innermost table or array on the way to it that is there.
fn start_of(text: &str, key: &str) -> Option<usize> {
    let table = DeTable::parse(text).ok()?;
    let mut found = None;
    let mut inside: Option<&DeValue<'_>> = None;
    for part in key.split('.') {
        let mut names = part.split('[');
        let name = names.next()?;
        let within = match inside {
            None => table.get_ref(),
            Some(value) => match value.as_table() {
                Some(table) => table,
                None => break,
            },
        };
        let Some((at, value)) = within.iter().find(|(at, _)| at.get_ref() == name) else { break };
        (found, inside) = (Some(at.span().start), Some(value.get_ref()));
        for index in names {
            let index: usize = index.trim_end_matches(']').parse().ok()?;
            let element: Option<&Spanned<DeValue<'_>>> =
                inside.and_then(DeValue::as_array).and_then(|array| array.get(index));
            let Some(element) = element else { return found };
            (found, inside) = (Some(element.span().start), Some(element.get_ref()));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "name = 'x'\n\n[body]\nmass_kg = 1\n[[cameras]]\nname = 'a'\nxyz_m = [0.0,\n  0.0, 1.0]\n[[cameras]]\nname = 'b'\n[joints.FL_hip_joint]\nbus = 0\n";

    #[test]
    fn the_line_is_that_of_the_key_or_of_the_table_that_lacks_it() {
        let file = ConfigFile::new("r.toml", TEXT, "go2.toml");
        for (key, line) in [
            ("name", 1),
            ("body", 3),
            ("body.mass_kg", 4),
            ("body.width_m", 3),
            ("cameras[0].name", 6),
            ("cameras[0].xyz_m[1]", 8),
            ("cameras[1].name", 10),
            ("cameras[1].width", 9),
            ("joints.FL_hip_joint.bus", 12),
        ] {
            let error = file.refuse(&KeyError::new(key, "is bad", "mend it")).to_string();
            assert_eq!(error, format!("r.toml:{line}: {key} is bad\n  help: mend it"));
        }
        let error = file.refuse(&KeyError::new("ports.imu", "is bad", "mend it")).to_string();
        assert_eq!(error, "r.toml: ports.imu is bad\n  help: mend it");
    }

    #[test]
    fn what_is_no_text_is_refused_where_it_ends_to_be_some() {
        let latin =
            text_of("m.toml", b"name = 'a'\nrobot = '\xe4'\n".to_vec()).expect_err("Latin-1").to_string();
        assert!(latin.starts_with("m.toml:2: is no UTF-8 text: byte 0xe4"), "{latin}");
        let wide = text_of("m.toml", b"\xff\xfen\0a\0".to_vec()).expect_err("UTF-16").to_string();
        assert!(wide.contains("UTF-16") && wide.contains("help: save the file"), "{wide}");
    }
}
