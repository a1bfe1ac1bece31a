//! Frames of Damiao motors as JSON names their parts.

use firmware_bridge::protocol::damiao::MotorId;
use serde::{Deserialize, Serialize};

use super::register::{Name, RegisterAccess};
use crate::wire_tools::frame_json::FrameInputError;
use crate::wire_tools::number::Number;

#[derive(Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Message {
    Impedance {
        id: u16,
        q: f64,
        dq: f64,
        kp: f64,
        kd: f64,
        tau: f64,
    },
    Enable {
        id: u16,
    },
    Disable {
        id: u16,
    },
    SetZero {
        id: u16,
    },
    ClearFault {
        id: u16,
    },
    PositionVelocity {
        id: u16,
        q: Number,
        dq: Number,
    },
    Velocity {
        id: u16,
        dq: Number,
    },
    PositionForce {
        id: u16,
        q: Number,
        dq: f64,
        current_share: f64,
    },
    Refresh {
        id: u16,
    },
    Read {
        id: u16,
        register: Name,
    },
    Write {
        id: u16,
        register: Name,
        value: Number,
    },
    Save {
        id: u16,
    },
    Feedback {
        id: u16,
        master: u16,
        /// 0 disabled, 1 enabled, 8 to 14 a fault.
        state: u8,
        q: f64,
        dq: f64,
        tau: f64,
        mos_temp_c: u8,
        rotor_temp_c: u8,
    },
    Register {
        id: u16,
        master: u16,
        #[serde(default, skip_serializing_if = "RegisterAccess::is_read")]
        access: RegisterAccess,
        register: Name,
        value: Number,
    },
}

pub(super) fn motor(id: u16) -> Result<MotorId, FrameInputError> {
    let known = u8::try_from(id).ok().and_then(MotorId::new);
    known.ok_or_else(|| FrameInputError::new(format!("id is {id}: it goes from 1 to 15")))
}
