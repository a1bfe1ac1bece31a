//! A servo's registers: addresses, sizes, and where the sign stands.

/// Place of a register's sign. Negative numbers are a magnitude with this bit set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// It has none.
    None,
    /// In this bit.
    Bit(u8),
}

/// One of a servo's registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Register {
    /// Address of its first byte.
    pub address: u8,
    /// Length, 1 or 2 bytes, little-endian.
    pub len: u8,
    /// The memory table's name.
    pub name: &'static str,
    /// Place of its sign.
    pub sign: Sign,
    /// True if it can be written.
    pub writable: bool,
}

/// First register that is forgotten when the servo is switched off; those before it stand in an EEPROM, and what is
/// written to them stays only while [`Register::LOCK`] is 0.
pub(super) const FIRST_VOLATILE: u8 = 40;

impl Register {
    /// The model, 777 for an STS3215.
    pub const MODEL: Self = fixed(3, 2, "model_number");
    /// The servo's id.
    pub const ID: Self = plain(5, 1, "id");
    /// Bits a second: 0 is 1 Mbaud, 1 500k, 2 250k, 3 128k, 4 115200, 5 76800, 6 57600, 7 38400.
    pub const BAUD: Self = plain(6, 1, "baud_rate");
    /// 0 answers only ping and read, anything else everything that is not broadcast.
    pub const STATUS_LEVEL: Self = plain(8, 1, "response_status_level");
    /// Least goal position, ticks. With the greatest also 0 there are no limits, over many turns.
    pub const MIN_POSITION: Self = plain(9, 2, "min_position_limit");
    /// Greatest goal position, ticks.
    pub const MAX_POSITION: Self = plain(11, 2, "max_position_limit");
    /// Temperature limit, degrees Celsius.
    pub const MAX_TEMPERATURE: Self = plain(13, 1, "max_temperature_limit");
    /// Greatest supply voltage, 0.1 V.
    pub const MAX_VOLTAGE: Self = plain(14, 1, "max_voltage_limit");
    /// Least supply voltage, 0.1 V.
    pub const MIN_VOLTAGE: Self = plain(15, 1, "min_voltage_limit");
    /// Greatest torque, 0.1 %.
    pub const MAX_TORQUE: Self = plain(16, 2, "max_torque_limit");
    /// Ticks that are taken off the sensor's reading.
    pub const OFFSET: Self = signed(31, "homing_offset", 11, true);
    /// 0 positions, 1 velocities, 2 open loop, 3 steps.
    pub const MODE: Self = plain(33, 1, "operating_mode");
    /// 0 free, 1 on; 128 calls the present position 2048.
    pub const TORQUE: Self = plain(40, 1, "torque_enable");
    /// Acceleration, 100 ticks/s^2; 0 the greatest. The first byte of a goal.
    pub const ACCELERATION: Self = plain(41, 1, "acceleration");
    /// Goal position, ticks.
    pub const GOAL_POSITION: Self = signed(42, "goal_position", 15, true);
    /// Time to the goal; the vendor's SDK leaves it 0.
    pub const GOAL_TIME: Self = plain(44, 2, "goal_time");
    /// Goal velocity, ticks/s; 0 the greatest.
    pub const GOAL_VELOCITY: Self = signed(46, "goal_velocity", 15, true);
    /// Greatest torque until switched off, 0.1 %.
    pub const TORQUE_LIMIT: Self = plain(48, 2, "torque_limit");
    /// 1 keeps what is written from staying when the servo is switched off.
    pub const LOCK: Self = plain(55, 1, "lock");
    /// Position, ticks.
    pub const POSITION: Self = signed(56, "present_position", 15, false);
    /// Velocity, ticks/s.
    pub const VELOCITY: Self = signed(58, "present_velocity", 15, false);
    /// Drive of the motor, 0.1 % of the greatest.
    pub const LOAD: Self = signed(60, "present_load", 10, false);
    /// Supply voltage, 0.1 V.
    pub const VOLTAGE: Self = fixed(62, 1, "present_voltage");
    /// Temperature, degrees Celsius.
    pub const TEMPERATURE: Self = fixed(63, 1, "present_temperature");
    /// Its faults ([`super::Errors`]).
    pub const ERRORS: Self = fixed(65, 1, "status");
    /// 1 while it has not reached its goal.
    pub const MOVING: Self = fixed(66, 1, "moving");
    /// Current, 6.5 mA.
    pub const CURRENT: Self = signed(69, "present_current", 15, false);

    /// The register of a name of the memory table, such as `present_position`.
    pub fn named(name: &str) -> Option<Self> {
        REGISTERS.iter().find(|register| register.name.eq_ignore_ascii_case(name)).copied()
    }

    /// The number in a register's bytes.
    pub const fn number(&self, bytes: [u8; 2]) -> i32 {
        let raw = if self.len == 1 { bytes[0] as u16 } else { u16::from_le_bytes(bytes) };
        match self.sign {
            Sign::None => raw as i32,
            Sign::Bit(bit) => {
                let magnitude = (raw & !(1 << bit)) as i32;
                if raw >> bit & 1 == 1 { -magnitude } else { magnitude }
            }
        }
    }

    /// A register's bytes for a number; beyond what it can hold it saturates.
    pub fn bytes(&self, number: i32) -> [u8; 2] {
        let raw = match self.sign {
            Sign::None if self.len == 1 => number.clamp(0, 0xFF) as u16,
            Sign::None => number.clamp(0, 0xFFFF) as u16,
            Sign::Bit(bit) => {
                let magnitude = number.unsigned_abs().min((1 << bit) - 1) as u16;
                if number < 0 { magnitude | 1 << bit } else { magnitude }
            }
        };
        raw.to_le_bytes()
    }
}

/// Every register that has a name.
pub const REGISTERS: [Register; 53] = [
    fixed(0, 1, "firmware_major_version"),
    fixed(1, 1, "firmware_minor_version"),
    Register::MODEL,
    Register::ID,
    Register::BAUD,
    plain(7, 1, "return_delay_time"),
    Register::STATUS_LEVEL,
    Register::MIN_POSITION,
    Register::MAX_POSITION,
    Register::MAX_TEMPERATURE,
    Register::MAX_VOLTAGE,
    Register::MIN_VOLTAGE,
    Register::MAX_TORQUE,
    plain(18, 1, "phase"),
    plain(19, 1, "unloading_condition"),
    plain(20, 1, "led_alarm_condition"),
    plain(21, 1, "p_coefficient"),
    plain(22, 1, "d_coefficient"),
    plain(23, 1, "i_coefficient"),
    plain(24, 2, "minimum_startup_force"),
    plain(26, 1, "cw_dead_zone"),
    plain(27, 1, "ccw_dead_zone"),
    plain(28, 2, "protection_current"),
    plain(30, 1, "angular_resolution"),
    Register::OFFSET,
    Register::MODE,
    plain(34, 1, "protective_torque"),
    plain(35, 1, "protection_time"),
    plain(36, 1, "overload_torque"),
    plain(37, 1, "velocity_p_coefficient"),
    plain(38, 1, "overcurrent_protection_time"),
    plain(39, 1, "velocity_i_coefficient"),
    Register::TORQUE,
    Register::ACCELERATION,
    Register::GOAL_POSITION,
    Register::GOAL_TIME,
    Register::GOAL_VELOCITY,
    Register::TORQUE_LIMIT,
    Register::LOCK,
    Register::POSITION,
    Register::VELOCITY,
    Register::LOAD,
    Register::VOLTAGE,
    Register::TEMPERATURE,
    Register::ERRORS,
    Register::MOVING,
    Register::CURRENT,
    plain(80, 1, "moving_velocity"),
    plain(81, 1, "dts"),
    plain(82, 1, "velocity_unit_factor"),
    plain(83, 1, "hts"),
    plain(84, 1, "maximum_velocity_limit"),
    plain(85, 1, "maximum_acceleration"),
];

const fn plain(address: u8, len: u8, name: &'static str) -> Register {
    Register { address, len, name, sign: Sign::None, writable: true }
}

const fn fixed(address: u8, len: u8, name: &'static str) -> Register {
    Register { address, len, name, sign: Sign::None, writable: false }
}

const fn signed(address: u8, name: &'static str, bit: u8, writable: bool) -> Register {
    Register { address, len: 2, name, sign: Sign::Bit(bit), writable }
}
