//! Instructions, and the errors that answers have.

/// The instruction byte (e-manual, "Instruction").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instruction {
    /// Answer with model and firmware.
    Ping,
    /// Answer with a stretch of the control table.
    Read,
    /// Change a stretch of the control table.
    Write,
    /// As a write, but wait for [`Action`](Self::Action).
    RegWrite,
    /// Do the registered write.
    Action,
    /// Settings as they left the factory.
    FactoryReset,
    /// Start again: volatile settings are lost, and faults forgotten.
    Reboot,
    /// Forget the turns that were counted.
    Clear,
    /// An answer.
    Status,
    /// The same stretch of several devices' tables, each answering by itself.
    SyncRead,
    /// The same stretch of several devices' tables, without an answer.
    SyncWrite,
    /// As a sync read, with one common answer.
    FastSyncRead,
    /// A stretch of its own from each of several devices, each answering by itself.
    BulkRead,
    /// A stretch of its own in each of several devices, without an answer.
    BulkWrite,
    /// As a bulk read, with one common answer.
    FastBulkRead,
    /// Something else.
    Other(u8),
}

impl Instruction {
    /// As on the wire.
    pub const fn byte(self) -> u8 {
        match self {
            Self::Ping => 0x01,
            Self::Read => 0x02,
            Self::Write => 0x03,
            Self::RegWrite => 0x04,
            Self::Action => 0x05,
            Self::FactoryReset => 0x06,
            Self::Reboot => 0x08,
            Self::Clear => 0x10,
            Self::Status => 0x55,
            Self::SyncRead => 0x82,
            Self::SyncWrite => 0x83,
            Self::FastSyncRead => 0x8A,
            Self::BulkRead => 0x92,
            Self::BulkWrite => 0x93,
            Self::FastBulkRead => 0x9A,
            Self::Other(byte) => byte,
        }
    }

    /// From the wire.
    pub const fn from_byte(byte: u8) -> Self {
        match byte {
            0x01 => Self::Ping,
            0x02 => Self::Read,
            0x03 => Self::Write,
            0x04 => Self::RegWrite,
            0x05 => Self::Action,
            0x06 => Self::FactoryReset,
            0x08 => Self::Reboot,
            0x10 => Self::Clear,
            0x55 => Self::Status,
            0x82 => Self::SyncRead,
            0x83 => Self::SyncWrite,
            0x8A => Self::FastSyncRead,
            0x92 => Self::BulkRead,
            0x93 => Self::BulkWrite,
            0x9A => Self::FastBulkRead,
            other => Self::Other(other),
        }
    }
}

/// The error byte of a status packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ErrorByte {
    /// The device itself has a fault, whatever became of the instruction: read its hardware error status.
    pub alert: bool,
    /// The reason for which the instruction was not carried out.
    pub error: Option<ServoError>,
}

impl ErrorByte {
    const ALERT: u8 = 0x80;

    /// As on the wire.
    pub const fn byte(self) -> u8 {
        let number = match self.error {
            None => 0,
            Some(error) => error.number(),
        };
        if self.alert { number | Self::ALERT } else { number }
    }

    /// From the wire.
    pub const fn from_byte(byte: u8) -> Self {
        let error = ServoError::from_number(byte & !Self::ALERT);
        Self { alert: byte & Self::ALERT != 0, error }
    }
}

/// Reason for which a device did not do as it was told (e-manual, "Error").
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServoError {
    /// 1.
    #[error("the device could not do it: let it stop, and reboot it if it has shut itself down")]
    ResultFail,
    /// 2.
    #[error(
        "the device does not know the instruction, or was to act without a registered write: check its firmware version"
    )]
    Instruction,
    /// 3.
    #[error("the instruction arrived broken: check the wiring, its termination and the baud rate")]
    Crc,
    /// 4.
    #[error(
        "a value is outside what its address can ever take: check the unit against the model's control table"
    )]
    DataRange,
    /// 5.
    #[error(
        "fewer bytes than the address needs: write the whole field, as the model's control table gives its size"
    )]
    DataLength,
    /// 6.
    #[error(
        "a value is outside the limit that the device is set to: choose a nearer goal, or change the limit with torque off"
    )]
    DataLimit,
    /// 7.
    #[error(
        "the address cannot be read or written so: check it against the model's control table, and switch torque off before changing lasting settings"
    )]
    Access,
    /// A number (8 to 127) without a published meaning.
    #[error("error number {0}, which is not published: check the device's firmware version")]
    Undefined(u8),
}

impl ServoError {
    const fn number(self) -> u8 {
        match self {
            Self::ResultFail => 1,
            Self::Instruction => 2,
            Self::Crc => 3,
            Self::DataRange => 4,
            Self::DataLength => 5,
            Self::DataLimit => 6,
            Self::Access => 7,
            Self::Undefined(number) => number & !ErrorByte::ALERT,
        }
    }

    const fn from_number(number: u8) -> Option<Self> {
        match number {
            0 => None,
            1 => Some(Self::ResultFail),
            2 => Some(Self::Instruction),
            3 => Some(Self::Crc),
            4 => Some(Self::DataRange),
            5 => Some(Self::DataLength),
            6 => Some(Self::DataLimit),
            7 => Some(Self::Access),
            other => Some(Self::Undefined(other)),
        }
    }
}
