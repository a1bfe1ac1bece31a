//! The motor's registers: numbers, kinds and units, after the vendor's table of firmware registers.

/// Type of a register's four bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A single-precision number, little-endian.
    Float,
    /// An unsigned integer, little-endian.
    Uint,
}

/// One of a motor's registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Register {
    /// Its number on the wire.
    pub number: u8,
    /// The vendor's name.
    pub name: &'static str,
    /// Type of its four bytes.
    pub kind: Kind,
    /// True if it can be written.
    pub writable: bool,
    /// Unit, empty where it has none or the vendor gives none.
    pub unit: &'static str,
}

impl Register {
    /// Step of [`TIMEOUT`](Self::TIMEOUT), the motor's own watchdog, ns.
    pub const TIMEOUT_STEP_NANOS: u64 = 50_000;

    /// Supply voltage below which the motor reports a fault, V.
    pub const UNDER_VOLTAGE: Self = float(0, "UV_Value", true, "V");
    /// Temperature above which the motor reports a fault, degrees Celsius.
    pub const OVER_TEMPERATURE: Self = float(2, "OT_Value", true, "degC");
    /// CAN id of the motor's answers.
    pub const MASTER_ID: Self = uint(7, "MST_ID", true, "");
    /// The motor's own id.
    pub const MOTOR_ID: Self = uint(8, "ESC_ID", true, "");
    /// Time without a command after which the motor stops with a fault, in steps of 50 microseconds; 0 never.
    /// As delivered it is 0: a motor then holds its last command for ever.
    pub const TIMEOUT: Self = uint(9, "TIMEOUT", true, "50 us");
    /// Kind of commands that the motor listens to ([`ControlMode`]).
    pub const CONTROL_MODE: Self = uint(10, "CTRL_MODE", true, "");
    /// Firmware's version.
    pub const SOFTWARE_VERSION: Self = uint(14, "sw_ver", false, "");
    /// Gear ratio.
    pub const GEAR_RATIO: Self = float(20, "Gr", false, "");
    /// Range of positions in a frame, rad.
    pub const POSITION_RANGE: Self = float(21, "PMAX", true, "rad");
    /// Range of velocities in a frame, rad/s.
    pub const VELOCITY_RANGE: Self = float(22, "VMAX", true, "rad/s");
    /// Range of torques in a frame, N m.
    pub const TORQUE_RANGE: Self = float(23, "TMAX", true, "N m");
    /// Position of the output shaft, rad.
    pub const OUTPUT_POSITION: Self = float(81, "xout", false, "rad");

    /// The register of a number, where the vendor defines one.
    pub fn numbered(number: u8) -> Option<Self> {
        REGISTERS.iter().find(|register| register.number == number).copied()
    }

    /// The register of a name as the vendor writes it, such as `PMAX`.
    pub fn named(name: &str) -> Option<Self> {
        REGISTERS.iter().find(|register| register.name.eq_ignore_ascii_case(name)).copied()
    }
}

/// Every register that the vendor's library names.
pub const REGISTERS: [Register; 45] = [
    Register::UNDER_VOLTAGE,
    float(1, "KT_Value", true, ""),
    Register::OVER_TEMPERATURE,
    float(3, "OC_Value", true, ""),
    float(4, "ACC", true, "rad/s^2"),
    float(5, "DEC", true, "rad/s^2"),
    float(6, "MAX_SPD", true, "rad/s"),
    Register::MASTER_ID,
    Register::MOTOR_ID,
    Register::TIMEOUT,
    Register::CONTROL_MODE,
    float(11, "Damp", false, ""),
    float(12, "Inertia", false, ""),
    uint(13, "hw_ver", false, ""),
    Register::SOFTWARE_VERSION,
    uint(15, "SN", false, ""),
    uint(16, "NPP", false, ""),
    float(17, "Rs", false, "ohm"),
    float(18, "LS", false, "H"),
    float(19, "Flux", false, "Wb"),
    Register::GEAR_RATIO,
    Register::POSITION_RANGE,
    Register::VELOCITY_RANGE,
    Register::TORQUE_RANGE,
    float(24, "I_BW", true, ""),
    float(25, "KP_ASR", true, ""),
    float(26, "KI_ASR", true, ""),
    float(27, "KP_APR", true, ""),
    float(28, "KI_APR", true, ""),
    float(29, "OV_Value", true, "V"),
    float(30, "GREF", true, ""),
    float(31, "Deta", true, ""),
    float(32, "V_BW", true, ""),
    float(33, "IQ_c1", true, ""),
    float(34, "VL_c1", true, ""),
    uint(35, "can_br", true, ""),
    uint(36, "sub_ver", false, ""),
    float(50, "u_off", false, ""),
    float(51, "v_off", false, ""),
    float(52, "k1", false, ""),
    float(53, "k2", false, ""),
    float(54, "m_off", false, ""),
    float(55, "dir", false, ""),
    float(80, "p_m", false, "rad"),
    Register::OUTPUT_POSITION,
];

/// A register's contents.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    /// Of a [`Kind::Float`].
    Float(f32),
    /// Of a [`Kind::Uint`].
    Uint(u32),
}

impl Value {
    /// The value as a number in the register's unit.
    pub fn number(self) -> f64 {
        match self {
            Self::Float(value) => value.into(),
            Self::Uint(value) => value.into(),
        }
    }

    /// The value's bytes in a frame.
    pub const fn bytes(self) -> [u8; 4] {
        match self {
            Self::Float(value) => value.to_le_bytes(),
            Self::Uint(value) => value.to_le_bytes(),
        }
    }

    /// The value of four bytes of a frame.
    pub const fn from_bytes(kind: Kind, bytes: [u8; 4]) -> Self {
        match kind {
            Kind::Float => Self::Float(f32::from_le_bytes(bytes)),
            Kind::Uint => Self::Uint(u32::from_le_bytes(bytes)),
        }
    }
}

/// Access of a frame about registers, by its third byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Reads a register.
    Read,
    /// Writes a register until the motor is switched off.
    Write,
    /// Keeps all registers beyond switching off.
    Save,
}

impl Access {
    /// The byte of the frame.
    pub const fn bits(self) -> u8 {
        match self {
            Self::Read => 0x33,
            Self::Write => 0x55,
            Self::Save => 0xAA,
        }
    }

    /// The meaning of a byte.
    pub const fn from_bits(bits: u8) -> Option<Self> {
        match bits {
            0x33 => Some(Self::Read),
            0x55 => Some(Self::Write),
            0xAA => Some(Self::Save),
            _ => None,
        }
    }
}

/// Kind of commands that a motor listens to: register [`Register::CONTROL_MODE`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ControlMode {
    /// The impedance law, "MIT" in the vendor's words.
    Impedance = 1,
    /// Positions with a limit of the velocity.
    PositionVelocity = 2,
    /// Velocities.
    Velocity = 3,
    /// Positions with limits of velocity and current.
    PositionForce = 4,
}

const fn float(number: u8, name: &'static str, writable: bool, unit: &'static str) -> Register {
    Register { number, name, kind: Kind::Float, writable, unit }
}

const fn uint(number: u8, name: &'static str, writable: bool, unit: &'static str) -> Register {
    Register { number, name, kind: Kind::Uint, writable, unit }
}
