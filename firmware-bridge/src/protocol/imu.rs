//! Adit's own frame for an inertial sensor on a serial line (8N1, at least 460 800 baud for 1 kHz), which the
//! sensor sends by itself for each sample.
//!
//! | bytes | what                | type, little-endian | unit                                       |
//! |-------|---------------------|---------------------|--------------------------------------------|
//! | 0     | header              | `0xAD`              |                                            |
//! | 1     | header              | `0x17`              |                                            |
//! | 2-3   | sequence number     | `u16`, wraps        | samples                                    |
//! | 4-11  | device time         | `u64`               | microseconds since the sensor's switch-on  |
//! | 12-23 | angular velocity    | 3 `f32`: x, y, z    | rad/s                                      |
//! | 24-35 | specific force      | 3 `f32`: x, y, z    | m/s^2, +9.81 upwards at rest               |
//! | 36-37 | CRC-16/KERMIT       | `u16`               | of bytes 0 to 35                           |
//!
//! The time has 64 bits although 32 would save four bytes: those wrap after 71 minutes, and a reader that
//! unwraps them guesses wrong after a longer silence or a restart of the sensor. So a time that does not go forward
//! means one of two things. Either the sensor started again, and then it goes on from there; or something on the
//! line repeats itself (a sensor that hangs, an adapter that hands over its buffer twice), and what it says is not
//! believed. The axes are the robot's (`base`); mounting is the sensor's affair, as is its calibration.

use std::ops::Range;

use robot_interface::sensors::ImuSample;
use robot_interface::time::Stamp;

use super::checksum::{checksum, intact, u16_at};
use super::{Frame, FrameReader, WireError};

/// Length of a frame, bytes.
pub const IMU_FRAME_LEN: usize = 38;
/// Bits a second at which Adit opens the line when the robot file says nothing else.
pub const IMU_BAUD: u32 = 921_600;
/// Frames that must go on in order before a time that has gone back is believed to be a sensor that started again:
/// more than the 4096 bytes that a terminal keeps, so that they cannot be a buffer that is handed over once more.
pub const RESTART_FRAMES: u32 = 128;
/// A time farther ahead than this must be confirmed by the frame that follows, us: once in 65536, noise passes for a
/// frame, and a time from nowhere would make everything after it seem old.
const FAR_AHEAD_US: u64 = 1_000_000;
/// Greatest angular velocity about one axis that is believed, rad/s: above the range of any MEMS gyroscope.
pub const MAX_RATE_RAD_S: f32 = 100.0;
/// Greatest specific force along one axis that is believed, m/s^2: a hundred times gravity.
pub const MAX_FORCE_M_S2: f32 = 1000.0;

/// Places of the fields.
mod field {
    use super::Range;

    pub(super) const HEADER: [u8; 2] = [0xAD, 0x17];
    pub(super) const SEQUENCE: Range<usize> = 2..4;
    pub(super) const TIME: Range<usize> = 4..12;
    pub(super) const RATE: Range<usize> = 12..24;
    pub(super) const FORCE: Range<usize> = 24..36;
    pub(super) const CRC: Range<usize> = 36..38;
}

/// One inertial sample as it crosses the line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ImuFrame {
    /// Counts the samples, from anywhere; 0 follows 65535.
    pub sequence: u16,
    /// Time of the sample by the sensor's own clock, us since its switch-on.
    pub time_us: u64,
    /// Angular velocity about x, y, z, rad/s.
    pub angular_velocity_rad_s: [f32; 3],
    /// Specific force along x, y, z, m/s^2.
    pub specific_force_m_s2: [f32; 3],
}

impl ImuFrame {
    /// A sample as the sensor sends it, in single precision; its stamp is taken for the device's time.
    pub fn of_sample(sequence: u16, sample: &ImuSample) -> Self {
        Self {
            sequence,
            time_us: sample.stamp.nanos() / 1000,
            angular_velocity_rad_s: sample.angular_velocity_rad_s.map(|value| value as f32).into(),
            specific_force_m_s2: sample.linear_acceleration_m_s2.map(|value| value as f32).into(),
        }
    }

    /// The sample, with the time that the receiver's clock gives it.
    pub fn sample(&self, stamp: Stamp) -> ImuSample {
        ImuSample {
            stamp,
            angular_velocity_rad_s: self.angular_velocity_rad_s.map(f64::from).into(),
            linear_acceleration_m_s2: self.specific_force_m_s2.map(f64::from).into(),
        }
    }

    /// The bytes. Readings are not checked: what cannot be, the reader refuses.
    pub fn encode(&self) -> [u8; IMU_FRAME_LEN] {
        let mut bytes = [0; IMU_FRAME_LEN];
        bytes[..2].copy_from_slice(&field::HEADER);
        bytes[field::SEQUENCE].copy_from_slice(&self.sequence.to_le_bytes());
        bytes[field::TIME].copy_from_slice(&self.time_us.to_le_bytes());
        put(&mut bytes[field::RATE], &self.angular_velocity_rad_s);
        put(&mut bytes[field::FORCE], &self.specific_force_m_s2);
        let crc = checksum(&bytes[..field::CRC.start]);
        bytes[field::CRC].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// Reads exactly [`IMU_FRAME_LEN`] bytes: header, checksum and the readings' ranges are checked.
    ///
    /// # Errors
    /// [`WireError`] that says which of them was wrong.
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        let bytes = intact::<IMU_FRAME_LEN>(bytes, field::HEADER)?;
        let mut time = [0; 8];
        time.copy_from_slice(&bytes[field::TIME]);
        let frame = Self {
            sequence: u16_at(bytes, field::SEQUENCE),
            time_us: u64::from_le_bytes(time),
            angular_velocity_rad_s: vector_at(bytes, field::RATE),
            specific_force_m_s2: vector_at(bytes, field::FORCE),
        };
        possible("angular velocity", &frame.angular_velocity_rad_s, MAX_RATE_RAD_S)?;
        possible("specific force", &frame.specific_force_m_s2, MAX_FORCE_M_S2)?;
        Ok(frame)
    }
}

impl Frame for ImuFrame {
    const HEADER: &'static [u8] = &field::HEADER;
    const MIN_LEN: usize = IMU_FRAME_LEN;
    const MAX_LEN: usize = IMU_FRAME_LEN;

    fn len_of(_: &[u8]) -> Result<Option<usize>, WireError> {
        Ok(Some(IMU_FRAME_LEN))
    }

    fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        Self::decode(bytes)
    }
}

/// Counts of what has gone well and wrong on the sensor's line since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImuCounts {
    /// Frames taken.
    pub frames: u64,
    /// Samples that the sensor sent and that never came, by the gaps in the sequence numbers.
    pub lost: u64,
    /// Stretches of bytes that were no intact frame.
    pub corrupt: u64,
    /// Intact frames with readings that cannot be.
    pub refused: u64,
    /// Intact frames that were dropped because their time does not follow that of the last one taken: repeated ones,
    /// and those by which a restart is told.
    pub out_of_order: u64,
    /// Times that the sensor's clock went back and went on from there: it started again.
    pub restarts: u64,
}

/// Finds the frames in the bytes of a sensor's line, and counts what is missing. Does not allocate.
#[derive(Clone, Debug, Default)]
pub struct ImuReader {
    frames: FrameReader<ImuFrame>,
    /// Sequence number and time of the last frame taken.
    last: Option<(u16, u64)>,
    /// Time of the newest frame that was dropped as out of order, and how many of those follow each other by now.
    anew: (u64, u32),
    /// Frames refused since then: they were not lost.
    refused_since: u64,
    counts: ImuCounts,
}

impl ImuReader {
    /// A reader that has seen nothing.
    pub const fn new() -> Self {
        Self {
            frames: FrameReader::new(),
            last: None,
            anew: (0, 0),
            refused_since: 0,
            counts: ImuCounts { frames: 0, lost: 0, corrupt: 0, refused: 0, out_of_order: 0, restarts: 0 },
        }
    }

    /// Takes bytes off the front of `input` until they complete a good frame that is newer than the one before; `None`
    /// once the input is used up. Call it until then. What was no such frame is counted in [`counts`](Self::counts).
    pub fn next_frame(&mut self, input: &mut &[u8]) -> Option<ImuFrame> {
        loop {
            match self.frames.next_frame(input)? {
                Ok(frame) if self.takes(&frame) => return Some(frame),
                Ok(_) => self.counts.out_of_order += 1,
                Err(error) if error.is_intact() => {
                    self.counts.refused += 1;
                    self.refused_since += 1;
                }
                Err(_) => self.counts.corrupt += 1,
            }
        }
    }

    /// Takes a frame that did not come over a line of the sensor's own; `None` if it is no news, or has readings that cannot be.
    pub fn admit(&mut self, frame: ImuFrame) -> Option<ImuFrame> {
        let possible = possible("angular velocity", &frame.angular_velocity_rad_s, MAX_RATE_RAD_S)
            .and(possible("specific force", &frame.specific_force_m_s2, MAX_FORCE_M_S2));
        if possible.is_err() {
            self.counts.refused += 1;
            self.refused_since += 1;
            return None;
        }
        if self.takes(&frame) {
            return Some(frame);
        }
        self.counts.out_of_order += 1;
        None
    }

    /// Counts of what has gone well and wrong since the start.
    pub const fn counts(&self) -> ImuCounts {
        self.counts
    }

    /// Returns whether a frame is news.
    fn takes(&mut self, frame: &ImuFrame) -> bool {
        let follows = |before_us: u64| {
            frame.time_us > before_us && frame.time_us <= before_us.saturating_add(FAR_AHEAD_US)
        };
        if let Some((sequence, time_us)) = self.last {
            let back = frame.time_us <= time_us;
            if !follows(time_us) {
                let (before_us, frames) = self.anew;
                let goes_on = frames > 0 && follows(before_us);
                self.anew = (frame.time_us, if goes_on { frames + 1 } else { 1 });
                if self.anew.1 < if back { RESTART_FRAMES } else { 2 } {
                    return false;
                }
            }
            if back {
                self.counts.restarts += 1;
            } else {
                let missing = frame.sequence.wrapping_sub(sequence).wrapping_sub(1);
                self.counts.lost += u64::from(missing).saturating_sub(self.refused_since);
            }
        }
        self.counts.frames += 1;
        self.last = Some((frame.sequence, frame.time_us));
        (self.anew, self.refused_since) = ((0, 0), 0);
        true
    }
}

fn put(bytes: &mut [u8], numbers: &[f32; 3]) {
    for (place, number) in bytes.chunks_exact_mut(4).zip(numbers) {
        place.copy_from_slice(&number.to_le_bytes());
    }
}

fn vector_at(bytes: &[u8; IMU_FRAME_LEN], field: Range<usize>) -> [f32; 3] {
    std::array::from_fn(|i| {
        let at = field.start + 4 * i;
        f32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
    })
}

/// Refuses what is not a number, too.
fn possible(field: &'static str, numbers: &[f32; 3], most: f32) -> Result<(), WireError> {
    match numbers.iter().find(|value| value.is_nan() || value.abs() > most) {
        Some(&value) => Err(WireError::Reading { field, value }),
        None => Ok(()),
    }
}
