//! Messages of Unitree's `unitree_go` robots (Go2, B2, Go2-W) as DDS carries them: low-level commands and state, and the requests of
//! the vendor's services.
//!
//! A sample is four bytes of encapsulation and a body in plain CDR ([`adit_cdr`]). Layouts are those of the vendor's public
//! `unitree_go` and `unitree_api` interface files; topics are `rt/lowcmd`, `rt/lowstate`, `rt/api/SERVICE/request` and `.../response`.
//!
//! Commands and states end with a checksum, which is not of these bytes but of the C struct that the vendor's library holds: the
//! same fields, with other gaps before the first motor, all of them zero. The joints are numbered FR, FL, RR, RL, each hip, thigh
//! and calf; 12 to 19 are not used. Angles are those of the joint, behind the gearbox.

mod low_cmd;
mod low_state;
mod request;
mod sport_state;

use crc::{CRC_32_MPEG_2, Crc, Digest, Table};

pub use low_cmd::{BmsCmd, LowCmd, MotorCmd};
pub use low_state::{BmsState, ImuState, LowState, MotorState};
pub use request::{Request, RequestHeader, RequestIdentity, RequestPolicy, Response, ResponseHeader, api};
pub use sport_state::{PathPoint, SportModeState, TimeSpec};

/// Motors in a message; a quadruped has the first twelve.
pub const MOTORS: usize = 20;
/// The first bytes of each command and state.
pub const HEAD: [u8; 2] = [0xFE, 0xEF];

/// Buttons of the remote control, as bits of the third and fourth byte of what it sends.
pub mod button {
    /// Left shoulder, lower.
    pub const L2: u16 = 1 << 5;
    /// A.
    pub const A: u16 = 1 << 8;
    /// B.
    pub const B: u16 = 1 << 9;
}

static CRC: Crc<u32, Table<16>> = Crc::<u32, Table<16>>::new(&CRC_32_MPEG_2);

/// Checksum of the C struct whose fields this body carries, the last of them, the checksum itself, left out.
///
/// `motors_at` is where the first motor begins in the body. In C it begins at the next multiple of four, and so does what follows its
/// first byte; from there on the two are alike, four bytes apart.
fn checksum(body: &[u8], motors_at: usize) -> u32 {
    let aligned = motors_at.next_multiple_of(4);
    let mut words = Words { digest: CRC.digest(), word: [0; 4], filled: 0 };
    words.add(&body[..motors_at]);
    words.add(&[0; 4][..aligned - motors_at]);
    words.add(&[body[motors_at], 0, 0, 0]);
    words.add(&body[aligned..body.len() - 4]);
    words.digest.finalize()
}

/// The vendor's checksum takes little-endian words, the most significant bit first: each word's bytes the other way round.
struct Words<'a> {
    digest: Digest<'a, u32, Table<16>>,
    word: [u8; 4],
    filled: usize,
}

impl Words<'_> {
    fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.word[3 - self.filled] = *byte;
            self.filled += 1;
            if self.filled == self.word.len() {
                self.digest.update(&self.word);
                self.filled = 0;
            }
        }
    }
}

#[cfg(test)]
mod tests;
