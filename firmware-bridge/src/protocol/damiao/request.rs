//! Requests to a motor.

use super::super::{Impedance, WireError};
use super::adapter::{OUTBOUND_LEN, Outbound};
use super::model::{MAX_KD, MAX_KP, pack, unpack};
use super::register::{Access, Value};
use super::{CanFrame, MotorId, REGISTER_CAN_ID, Ranges, Register, impossible};

/// Offset of the CAN id for each kind of command.
mod can_offset {
    pub(super) const IMPEDANCE: u16 = 0x000;
    pub(super) const POSITION_VELOCITY: u16 = 0x100;
    pub(super) const VELOCITY: u16 = 0x200;
    pub(super) const POSITION_FORCE: u16 = 0x300;
}

/// Last byte of the frames that are otherwise FF.
mod order {
    pub(super) const CLEAR_FAULT: u8 = 0xFB;
    pub(super) const ENABLE: u8 = 0xFC;
    pub(super) const DISABLE: u8 = 0xFD;
    pub(super) const SET_ZERO: u8 = 0xFE;
}

/// Third byte of the frame that asks for a feedback.
const REFRESH: u8 = 0xCC;
/// Steps of a position-force command: velocity in 0.01 rad/s, current in 1/10000 of the greatest.
const VELOCITY_STEPS: f64 = 100.0;
const CURRENT_STEPS: f64 = 10_000.0;

/// An action of a motor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Action {
    /// Powers the windings.
    Enable,
    /// Lets the shaft go: a leg that stands on it falls.
    Disable,
    /// Calls the present position zero, for good. Only for a disabled motor: an enabled one would be left with a
    /// target that is counted from the new zero.
    SetZero,
    /// Forgets a fault, so that the motor can be enabled again.
    ClearFault,
    /// Follows the impedance law of the output shaft: `kp` up to 500, `kd` up to 5. The vendor warns never to leave
    /// `kd` at 0 while `kp` is not.
    Impedance(Impedance),
    /// Goes to a position.
    PositionVelocity {
        /// Wanted position, rad.
        position_rad: f64,
        /// Greatest velocity on the way, rad/s.
        velocity_rad_s: f64,
    },
    /// Turns.
    Velocity {
        /// Wanted velocity, rad/s.
        velocity_rad_s: f64,
    },
    /// Goes to a position with limits.
    PositionForce {
        /// Wanted position, rad.
        position_rad: f64,
        /// Greatest velocity, rad/s, 0 to 100.
        velocity_rad_s: f64,
        /// Greatest current as a share of the motor's greatest, 0 to 1.
        current_share: f64,
    },
    /// Nothing: only gives its feedback.
    Refresh,
    /// Gives a register.
    Read(Register),
    /// Takes a register's value, which must be of the register's kind.
    Write(Register, Value),
    /// Keeps its registers; the vendor's library disables the motor first.
    Save,
}

impl Action {
    /// Returns whether no motor can move, and none can let go of its load, because of it.
    pub const fn is_harmless(&self) -> bool {
        matches!(self, Self::Refresh | Self::Read(_))
    }
}

/// A request to one motor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Request {
    /// The motor that it is for.
    pub id: MotorId,
    /// The action.
    pub action: Action,
}

impl Request {
    /// The bytes for the adapter, as the vendor's library packs them: numbers truncated toward the lower end of
    /// their range (but for [`Action::PositionForce`]), so that a zero of position, velocity or torque is half a step below zero.
    ///
    /// Out of range saturates. What is not a number is sent as zero, and a position that is not a number takes
    /// stiffness or velocity with it, so that the motor is pulled nowhere. `ranges` matter to
    /// [`Action::Impedance`] only.
    pub fn encode(&self, ranges: &Ranges) -> [u8; OUTBOUND_LEN] {
        Outbound { can: self.frame(ranges), report: false }.encode()
    }

    /// The CAN frame inside; see [`encode`](Self::encode).
    pub fn frame(&self, ranges: &Ranges) -> CanFrame {
        let id = u16::from(self.id.get());
        let (id, data) = match self.action {
            Action::Enable => (id, ordered(order::ENABLE)),
            Action::Disable => (id, ordered(order::DISABLE)),
            Action::SetZero => (id, ordered(order::SET_ZERO)),
            Action::ClearFault => (id, ordered(order::CLEAR_FAULT)),
            Action::Impedance(targets) => (id | can_offset::IMPEDANCE, impedance_data(&targets, ranges)),
            Action::PositionVelocity { position_rad, velocity_rad_s } => {
                let velocity = if position_rad.is_nan() { 0.0 } else { velocity_rad_s };
                (id | can_offset::POSITION_VELOCITY, join(single(position_rad), single(velocity)))
            }
            Action::Velocity { velocity_rad_s } => {
                (id | can_offset::VELOCITY, join(single(velocity_rad_s), [0; 4]))
            }
            Action::PositionForce { position_rad, velocity_rad_s, current_share } => {
                // The vendor's libraries take whole steps here: the nearest, so that 0.7 are 7000 of 10000. `as`
                // saturates, and turns what is not a number into zero.
                let velocity = if position_rad.is_nan() { 0.0 } else { velocity_rad_s * VELOCITY_STEPS };
                let [v0, v1] = (velocity.min(10_000.0).round() as u16).to_le_bytes();
                let current = (current_share * CURRENT_STEPS).min(CURRENT_STEPS);
                let [i0, i1] = (current.round() as u16).to_le_bytes();
                (id | can_offset::POSITION_FORCE, join(single(position_rad), [v0, v1, i0, i1]))
            }
            Action::Refresh => (REGISTER_CAN_ID, self.about_registers(REFRESH, 0, [0; 4])),
            Action::Read(register) => {
                (REGISTER_CAN_ID, self.about_registers(Access::Read.bits(), register.number, [0; 4]))
            }
            Action::Write(register, value) => {
                let access = Access::Write.bits();
                (REGISTER_CAN_ID, self.about_registers(access, register.number, value.bytes()))
            }
            Action::Save => (REGISTER_CAN_ID, self.about_registers(Access::Save.bits(), 0, [0; 4])),
        };
        CanFrame { id, data }
    }

    const fn about_registers(&self, access: u8, register: u8, value: [u8; 4]) -> [u8; 8] {
        let [v0, v1, v2, v3] = value;
        [self.id.get(), 0, access, register, v0, v1, v2, v3]
    }

    /// The request in a CAN frame to a motor that has these `ranges`.
    ///
    /// # Errors
    /// [`WireError::Impossible`] if it is no request to a motor.
    pub fn decode(can: &CanFrame, ranges: &Ranges) -> Result<Self, WireError> {
        if can.id == REGISTER_CAN_ID {
            return Self::decode_about_registers(can.data);
        }
        let id = u8::try_from(can.id & 0xFF).ok().and_then(MotorId::new);
        let id = id.ok_or(impossible("the CAN id", can.id.into()))?;
        let (low, high) = can.data.split_at(4);
        let action = match (can.id & !0xFF, can.data) {
            (can_offset::IMPEDANCE, [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, order::ENABLE]) => {
                Action::Enable
            }
            (can_offset::IMPEDANCE, [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, order::DISABLE]) => {
                Action::Disable
            }
            (can_offset::IMPEDANCE, [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, order::SET_ZERO]) => {
                Action::SetZero
            }
            (can_offset::IMPEDANCE, [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, order::CLEAR_FAULT]) => {
                Action::ClearFault
            }
            (can_offset::IMPEDANCE, data) => Action::Impedance(impedance(data, ranges)),
            (can_offset::POSITION_VELOCITY, _) => {
                Action::PositionVelocity { position_rad: from_single(low), velocity_rad_s: from_single(high) }
            }
            (can_offset::VELOCITY, _) => Action::Velocity { velocity_rad_s: from_single(low) },
            (can_offset::POSITION_FORCE, [.., v0, v1, i0, i1]) => Action::PositionForce {
                position_rad: from_single(low),
                velocity_rad_s: f64::from(u16::from_le_bytes([v0, v1])) / VELOCITY_STEPS,
                current_share: f64::from(u16::from_le_bytes([i0, i1])) / CURRENT_STEPS,
            },
            _ => return Err(impossible("the CAN id", can.id.into())),
        };
        Ok(Self { id, action })
    }

    fn decode_about_registers(data: [u8; 8]) -> Result<Self, WireError> {
        let [.., access, number, v0, v1, v2, v3] = data;
        let id = MotorId::from_register_frame(data).ok_or(impossible("the motor's id", data[0].into()))?;
        let register = || Register::numbered(number).ok_or(impossible("the register", number.into()));
        let action = match Access::from_bits(access) {
            Some(Access::Read) => Action::Read(register()?),
            Some(Access::Write) => {
                let register = register()?;
                Action::Write(register, Value::from_bytes(register.kind, [v0, v1, v2, v3]))
            }
            Some(Access::Save) => Action::Save,
            None if access == REFRESH => Action::Refresh,
            None => return Err(impossible("the kind of access to registers", access.into())),
        };
        Ok(Self { id, action })
    }
}

fn impedance_data(targets: &Impedance, ranges: &Ranges) -> [u8; 8] {
    let kp = if targets.position_rad.is_nan() { 0.0 } else { targets.kp };
    let gain = |value: f64| if value.is_nan() { 0.0 } else { value };
    let q = pack::<16>(targets.position_rad, -ranges.position_rad, ranges.position_rad).to_be_bytes();
    let dq = pack::<12>(targets.velocity_rad_s, -ranges.velocity_rad_s, ranges.velocity_rad_s);
    let tau = pack::<12>(targets.torque_nm, -ranges.torque_nm, ranges.torque_nm);
    let kp = pack::<12>(gain(kp), 0.0, MAX_KP);
    let kd = pack::<12>(gain(targets.kd), 0.0, MAX_KD);
    let [kp_high, kp_low] = kp.to_be_bytes();
    let [tau_high, tau_low] = tau.to_be_bytes();
    let mut data = [
        q[0],
        q[1],
        (dq >> 4) as u8,
        (dq << 4) as u8 | kp_high,
        kp_low,
        (kd >> 4) as u8,
        (kd << 4) as u8 | tau_high,
        tau_low,
    ];
    // Everything at its greatest, and a torque just below: the motor would take it for an order, such as
    // to call this position zero. The torque gives way by a thousandth of its range.
    if data[..7] == [0xFF; 7] && (order::CLEAR_FAULT..=order::SET_ZERO).contains(&data[7]) {
        data[7] = order::CLEAR_FAULT - 1;
    }
    data
}

fn impedance(data: [u8; 8], ranges: &Ranges) -> Impedance {
    let [q0, q1, d2, d3, d4, d5, d6, d7] = data.map(u16::from);
    let motion = ranges.motion(q0 << 8 | q1, d2 << 4 | d3 >> 4, (d6 & 0xF) << 8 | d7);
    Impedance {
        position_rad: motion.position_rad,
        velocity_rad_s: motion.velocity_rad_s,
        torque_nm: motion.torque_nm,
        kp: unpack::<12>((d3 & 0xF) << 8 | d4, 0.0, MAX_KP),
        kd: unpack::<12>(d5 << 4 | d6 >> 4, 0.0, MAX_KD),
    }
}

const fn ordered(last: u8) -> [u8; 8] {
    [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, last]
}

/// Single precision; what is not a number becomes zero.
fn single(value: f64) -> [u8; 4] {
    let value = if value.is_nan() { 0.0 } else { value.clamp(f32::MIN.into(), f32::MAX.into()) };
    (value as f32).to_le_bytes()
}

fn from_single(bytes: &[u8]) -> f64 {
    bytes.try_into().map_or(0.0, |bytes| f32::from_le_bytes(bytes).into())
}

const fn join(low: [u8; 4], high: [u8; 4]) -> [u8; 8] {
    [low[0], low[1], low[2], low[3], high[0], high[1], high[2], high[3]]
}
