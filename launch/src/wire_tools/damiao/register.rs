//! Registers in JSON: by the vendor's name, or by number where the vendor names none.

use firmware_bridge::protocol::damiao::{Access, Kind, Register, Value};
use serde::{Deserialize, Serialize};

use crate::wire_tools::frame_json::FrameInputError;
use crate::wire_tools::number::Number;

/// A register by number or name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "register is neither a name nor a number from 0 to 255")]
pub(super) enum Name {
    Number(u8),
    Text(String),
}

/// Stands for the register in the answer to a request to save, which means none: number and name.
const SAVED: (u8, &str) = (1, "saved");

/// The register of a number; one that the vendor's table does not list is taken for an unsigned integer.
pub(super) fn numbered(number: u8, access: Access) -> Register {
    let listed = if access == Access::Save { None } else { Register::numbered(number) };
    let name = if (number, access) == (SAVED.0, Access::Save) { SAVED.1 } else { "" };
    listed.unwrap_or(Register { number, name, kind: Kind::Uint, writable: false, unit: "" })
}

impl Name {
    /// The name or number to show for a register.
    pub(super) fn of(register: &Register) -> Self {
        if register.name.is_empty() {
            Self::Number(register.number)
        } else {
            Self::Text(register.name.to_owned())
        }
    }

    pub(super) fn is_saved(&self) -> bool {
        matches!(self, Self::Text(name) if name == SAVED.1)
    }

    /// The register that is meant.
    pub(super) fn find(&self, access: Access) -> Result<Register, FrameInputError> {
        match self {
            Self::Number(number) => Ok(numbered(*number, access)),
            Self::Text(_) if self.is_saved() && access == Access::Save => Ok(numbered(SAVED.0, access)),
            Self::Text(name) => Register::named(name).ok_or_else(|| {
                FrameInputError::new(format!(
                    "no register `{name}`: use a name of the vendor's table, such as PMAX, or a number"
                ))
            }),
        }
    }
}

/// Access to a register that is answered for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RegisterAccess {
    #[default]
    Read,
    Write,
    Save,
}

impl RegisterAccess {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
    pub(super) fn is_read(&self) -> bool {
        *self == Self::Read
    }
}

impl From<RegisterAccess> for Access {
    fn from(access: RegisterAccess) -> Self {
        match access {
            RegisterAccess::Read => Self::Read,
            RegisterAccess::Write => Self::Write,
            RegisterAccess::Save => Self::Save,
        }
    }
}

impl From<Access> for RegisterAccess {
    fn from(access: Access) -> Self {
        match access {
            Access::Read => Self::Read,
            Access::Write => Self::Write,
            Access::Save => Self::Save,
        }
    }
}

/// The value of a register for a number.
pub(super) fn value(register: &Register, number: Number) -> Result<Value, FrameInputError> {
    let value = number.value();
    let name = if register.name.is_empty() { "the register" } else { register.name };
    match register.kind {
        Kind::Float if value.is_finite() && !(value as f32).is_finite() => Err(FrameInputError::new(
            format!("{name} is {value:e}: it holds single precision, up to {:e}", f32::MAX),
        )),
        Kind::Float => Ok(Value::Float(value as f32)),
        Kind::Uint if value.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&value) => {
            Ok(Value::Uint(value as u32))
        }
        Kind::Uint => Err(FrameInputError::new(format!(
            "{name} is {value}: it holds a whole number from 0 to {}",
            u32::MAX
        ))),
    }
}

/// The number to show for a register's value.
pub(super) fn shown(value: Value) -> Number {
    match value {
        Value::Float(value) => Number::single(value),
        Value::Uint(value) => Number::Whole(value.into()),
    }
}
