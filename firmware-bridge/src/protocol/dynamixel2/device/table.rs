//! The control table of a virtual servo: which fields there are, and what may be written where.
//!
//! From the e-manual's page on the XM430-W350. Its indirect addresses (168 and on) are left out: to touch
//! them is an access error.

use super::super::ServoError;
use super::super::x_series::{MAX_TICKS, XM430_W350, address};

/// Bytes of the table: the last field is the temperature.
pub(super) const TABLE_LEN: usize = address::PRESENT_TEMPERATURE as usize + 1;
/// Settings before this address last; those from it on are lost when the servo starts again.
pub(super) const RAM_START: u16 = address::TORQUE_ENABLE;
/// The least that X430 servos have fast reads from is 45.
const FIRMWARE: i64 = 46;

/// One field: where it stands, how many bytes it has, what it is at first, and what may be written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field {
    pub(super) address: u16,
    pub(super) size: u16,
    pub(super) initial: i64,
    /// Least and greatest value that may be written; `None` if none may.
    range: Option<(i64, i64)>,
}

const fn fixed(address: u16, size: u16, initial: i64) -> Field {
    Field { address, size, initial, range: None }
}

const fn field(address: u16, size: u16, initial: i64, least: i64, greatest: i64) -> Field {
    Field { address, size, initial, range: Some((least, greatest)) }
}

/// In the order of their addresses.
pub(super) static FIELDS: [Field; 52] = [
    fixed(address::MODEL_NUMBER, 2, XM430_W350 as i64),
    fixed(2, 4, 0), // Model information.
    fixed(address::FIRMWARE_VERSION, 1, FIRMWARE),
    field(address::ID, 1, 1, 0, 252),
    field(address::BAUD_RATE, 1, 1, 0, 7),
    field(address::RETURN_DELAY, 1, 250, 0, 254),
    field(10, 1, 0, 0, 13), // Drive mode, without effect here.
    field(address::OPERATING_MODE, 1, 3, 0, 16),
    field(12, 1, 255, 0, 255),              // Secondary id, without effect here.
    field(13, 1, 2, 2, 2),                  // Protocol: these servos have but one.
    field(20, 4, 0, -1_044_479, 1_044_479), // Homing offset, without effect here.
    field(address::MOVING_THRESHOLD, 4, 10, 0, 1023),
    field(address::TEMPERATURE_LIMIT, 1, 80, 0, 100),
    field(32, 2, 160, 95, 160), // Voltage limits.
    field(34, 2, 95, 95, 160),
    field(address::PWM_LIMIT, 2, 885, 0, 885),
    field(address::CURRENT_LIMIT, 2, 1193, 0, 1193),
    field(address::VELOCITY_LIMIT, 4, 200, 0, 1023),
    field(address::MAX_POSITION_LIMIT, 4, 4095, 0, 4095),
    field(address::MIN_POSITION_LIMIT, 4, 0, 0, 4095),
    field(60, 1, 0, 0, 3), // Startup configuration, without effect here.
    field(address::SHUTDOWN, 1, 52, 0, 0x3D),
    field(address::TORQUE_ENABLE, 1, 0, 0, 1),
    field(address::LED, 1, 0, 0, 1),
    field(address::STATUS_RETURN_LEVEL, 1, 2, 0, 2),
    fixed(address::REGISTERED_INSTRUCTION, 1, 0),
    fixed(address::HARDWARE_ERROR_STATUS, 1, 0),
    field(76, 2, 1920, 0, 16_383), // Gains, without effect here.
    field(78, 2, 100, 0, 16_383),
    field(80, 2, 0, 0, 16_383),
    field(82, 2, 0, 0, 16_383),
    field(84, 2, 800, 0, 16_383),
    field(88, 2, 0, 0, 16_383),
    field(90, 2, 0, 0, 16_383),
    field(98, 1, 0, -1, 127), // Bus watchdog, without effect here.
    field(address::GOAL_PWM, 2, 885, -885, 885),
    field(address::GOAL_CURRENT, 2, 1193, -1193, 1193),
    field(address::GOAL_VELOCITY, 4, 0, -1023, 1023),
    field(108, 4, 0, 0, 32_767), // Profile, without effect here.
    field(112, 4, 0, 0, 32_767),
    field(address::GOAL_POSITION, 4, 2048, -(MAX_TICKS as i64), MAX_TICKS as i64),
    fixed(address::REALTIME_TICK, 2, 0),
    fixed(address::MOVING, 1, 0),
    fixed(123, 1, 0), // Moving status.
    fixed(address::PRESENT_PWM, 2, 0),
    fixed(address::PRESENT_CURRENT, 2, 0),
    fixed(address::PRESENT_VELOCITY, 4, 0),
    fixed(address::PRESENT_POSITION, 4, 0),
    fixed(address::VELOCITY_TRAJECTORY, 4, 0),
    fixed(address::POSITION_TRAJECTORY, 4, 0),
    fixed(address::PRESENT_INPUT_VOLTAGE, 2, 120),
    fixed(address::PRESENT_TEMPERATURE, 1, 0),
];

/// A servo's table, with what its fields hold.
#[derive(Clone, Debug)]
pub(super) struct ControlTable([u8; TABLE_LEN]);

impl ControlTable {
    /// As it leaves the factory.
    pub(super) fn new() -> Self {
        let mut table = Self([0; TABLE_LEN]);
        table.reset(|_| true);
        table
    }

    /// Sets the fields that `which` names, by their addresses, to what they are at first.
    pub(super) fn reset(&mut self, which: impl Fn(u16) -> bool) {
        for field in FIELDS.iter().filter(|field| which(field.address)) {
            self.set(field.address, field.initial);
        }
    }

    /// A field's number, with its sign if it can be negative.
    pub(super) fn get(&self, address: u16) -> i64 {
        at(address).map_or(0, |field| value(field, &self.0[field.place()]))
    }

    /// Sets a field, whoever may write it. What does not fit is cut off.
    pub(super) fn set(&mut self, address: u16, value: i64) {
        if let Some(field) = at(address) {
            let place = field.place();
            let len = place.len();
            self.0[place].copy_from_slice(&value.to_le_bytes()[..len]);
        }
    }

    /// A stretch of the table.
    pub(super) fn read(&self, address: u16, length: u16) -> Result<&[u8], ServoError> {
        let (start, end) = (usize::from(address), usize::from(address) + usize::from(length));
        let touches = |field: &&Field| field.place().start < end && start < field.place().end;
        match self.0.get(start..end) {
            Some(bytes) if FIELDS.iter().any(|field| touches(&field)) => Ok(bytes),
            _ => Err(ServoError::Access),
        }
    }

    /// Checks that these bytes may be written now: whole fields, one after the other, each in its range and its
    /// limit, and none of the lasting ones while torque is on.
    pub(super) fn check(&self, address: u16, data: &[u8]) -> Result<(), ServoError> {
        if data.is_empty() {
            return Err(ServoError::DataLength);
        }
        each(address, data, |field, bytes| {
            let torque = self.get(self::address::TORQUE_ENABLE) != 0;
            let Some((least, greatest)) = field.range else { return Err(ServoError::Access) };
            if torque && field.address < RAM_START {
                return Err(ServoError::Access);
            }
            let Some(bytes) = bytes else { return Err(ServoError::DataLength) };
            let value = value(field, bytes);
            let modes = [0, 1, 3, 4, 5, 16];
            let undefined = field.address == self::address::OPERATING_MODE && !modes.contains(&value);
            if value < least || greatest < value || undefined {
                return Err(ServoError::DataRange);
            }
            match self.limits(field.address) {
                Some((least, greatest)) if value < least || greatest < value => Err(ServoError::DataLimit),
                _ => Ok(()),
            }
        })
    }

    /// Writes what [`check`](Self::check) has let pass.
    pub(super) fn write(&mut self, address: u16, data: &[u8]) {
        let start = usize::from(address);
        if let Some(place) = self.0.get_mut(start..start + data.len()) {
            place.copy_from_slice(data);
        }
    }

    /// The least and greatest goal that the servo is set to.
    fn limits(&self, goal: u16) -> Option<(i64, i64)> {
        let about_zero = |limit: u16| Some((-self.get(limit), self.get(limit)));
        match goal {
            address::GOAL_PWM => about_zero(address::PWM_LIMIT),
            address::GOAL_CURRENT => about_zero(address::CURRENT_LIMIT),
            address::GOAL_VELOCITY => about_zero(address::VELOCITY_LIMIT),
            address::GOAL_POSITION if self.get(address::OPERATING_MODE) == 3 => {
                Some((self.get(address::MIN_POSITION_LIMIT), self.get(address::MAX_POSITION_LIMIT)))
            }
            _ => None,
        }
    }
}

impl Field {
    fn place(&self) -> std::ops::Range<usize> {
        usize::from(self.address)..usize::from(self.address + self.size)
    }
}

fn at(address: u16) -> Option<&'static Field> {
    FIELDS.binary_search_by_key(&address, |field| field.address).ok().map(|index| &FIELDS[index])
}

/// The fields that the bytes cover; `None` for the bytes of one that is not covered wholly.
fn each(
    address: u16,
    mut data: &[u8],
    mut visit: impl FnMut(&Field, Option<&[u8]>) -> Result<(), ServoError>,
) -> Result<(), ServoError> {
    let mut next = address;
    while !data.is_empty() {
        let field = at(next).ok_or(ServoError::Access)?;
        let (bytes, rest) = data.split_at(data.len().min(field.size.into()));
        visit(field, (bytes.len() == usize::from(field.size)).then_some(bytes))?;
        next += field.size;
        data = rest;
    }
    Ok(())
}

/// The number that a field's bytes hold.
fn value(field: &Field, bytes: &[u8]) -> i64 {
    let bits = bytes.iter().rev().fold(0_i64, |bits, &byte| bits << 8 | i64::from(byte));
    let signed = field.range.is_none_or(|(least, _)| least < 0);
    let width = 8 * u32::from(field.size);
    if signed && bits >> (width - 1) & 1 == 1 { bits - (1 << width) } else { bits }
}
