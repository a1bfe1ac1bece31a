//! A port that spoils what passes through it, by a seed: what a line, an adapter and a motor do to a bus on a bad
//! day, for tests and for trying out a robot's settings.
//!
//! Sans-IO in time: whatever lasts is counted in calls of the port, so that a run can be had again.

use super::bus_port::{BusPort, PortError};
use crate::protocol::go_m8010::{MotorId, REPLY_LEN, Reply};

/// Bytes that may be held back.
const HELD: usize = 2048;
/// Most bytes that are taken from the port, or spoilt on their way to it, at once.
const PIECE: usize = 256;
/// Most bytes of noise at once.
const MAX_NOISE: u64 = 24;
/// Most bits flipped at once.
const MAX_FLIPS: u64 = 8;
/// Most calls for which bytes are held back or the port is closed.
const MAX_CALLS: u64 = 48;

/// A way to spoil what passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PortFault {
    /// One to eight bits of what is written or read are flipped.
    Flipped,
    /// A byte of what is written or read is left out.
    LostByte,
    /// A write is left out as a whole, and called a success.
    LostWrite,
    /// Bytes that have arrived are held back for some reads.
    Late,
    /// Bytes that are written or read come twice.
    Repeated,
    /// Bytes that are written are also read, as on a bus of two wires whose adapter hears itself.
    Echoed,
    /// An intact GO-M8010-6 reply gets another motor's name, and stays intact.
    Renamed,
    /// Random bytes stand in front of what is written or read.
    Noise,
    /// The port says that it is closed, for some calls.
    Closed,
}

impl PortFault {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Flipped,
        Self::LostByte,
        Self::LostWrite,
        Self::Late,
        Self::Repeated,
        Self::Echoed,
        Self::Renamed,
        Self::Noise,
        Self::Closed,
    ];
}

/// Wraps a port; spoils nothing until it is told a [rate](Self::set_rate). Allocates nothing.
#[derive(Debug)]
pub struct FaultPort<P> {
    port: P,
    chance: SplitMix,
    /// Share of the calls that each fault strikes, `[9]`.
    rates: [f64; PortFault::ALL.len()],
    injected: [u64; PortFault::ALL.len()],
    /// Arrived and not yet given out: the first `held_len` bytes.
    held: [u8; HELD],
    held_len: usize,
    late_calls: u64,
    closed_calls: u64,
}

impl<P> FaultPort<P> {
    /// A port whose faults follow from `seed` and from how it is used.
    pub const fn new(port: P, seed: u64) -> Self {
        Self {
            port,
            chance: SplitMix(seed),
            rates: [0.0; PortFault::ALL.len()],
            injected: [0; PortFault::ALL.len()],
            held: [0; HELD],
            held_len: 0,
            late_calls: 0,
            closed_calls: 0,
        }
    }

    /// From now on the fault strikes this share of the calls that it can strike, 0 to 1.
    pub const fn set_rate(&mut self, fault: PortFault, share: f64) {
        self.rates[fault as usize] = share;
    }

    /// No more faults, and an end to those that last.
    pub const fn calm(&mut self) {
        self.rates = [0.0; PortFault::ALL.len()];
        (self.late_calls, self.closed_calls) = (0, 0);
    }

    /// Number of times that the fault has struck.
    pub const fn injected(&self, fault: PortFault) -> u64 {
        self.injected[fault as usize]
    }

    fn strikes(&mut self, fault: PortFault) -> bool {
        let rate = self.rates[fault as usize];
        let struck = rate > 0.0 && self.chance.share() < rate;
        self.injected[fault as usize] += u64::from(struck);
        struck
    }

    fn is_closed(&mut self) -> bool {
        if self.closed_calls > 0 {
            self.closed_calls -= 1;
            return true;
        }
        let closed = self.strikes(PortFault::Closed);
        if closed {
            self.closed_calls = self.chance.up_to(MAX_CALLS);
        }
        closed
    }

    /// Spoils bytes on their way: the result is the first so many of the piece.
    fn spoil(&mut self, bytes: &[u8], piece: &mut [u8; 2 * PIECE]) -> usize {
        let mut len = 0;
        if self.strikes(PortFault::Noise) {
            len = self.chance.up_to(MAX_NOISE) as usize;
            piece[..len].fill_with(|| self.chance.next() as u8);
        }
        let start = len;
        piece[start..start + bytes.len()].copy_from_slice(bytes);
        len += bytes.len();
        if self.strikes(PortFault::Flipped) {
            for _ in 0..self.chance.up_to(MAX_FLIPS) {
                let bit = self.chance.up_to(8 * bytes.len() as u64) as usize - 1;
                piece[start + bit / 8] ^= 1 << (bit % 8);
            }
        }
        if self.strikes(PortFault::LostByte) {
            let at = start + self.chance.up_to(bytes.len() as u64) as usize - 1;
            piece.copy_within(at + 1..len, at);
            len -= 1;
        }
        len
    }

    /// Puts bytes behind those that wait to be read; what finds no room is lost, as in an adapter.
    fn hold(&mut self, bytes: &[u8]) {
        let taken = bytes.len().min(HELD - self.held_len);
        self.held[self.held_len..self.held_len + taken].copy_from_slice(&bytes[..taken]);
        self.held_len += taken;
    }

    fn rename(&mut self, bytes: &mut [u8]) {
        let Some(frame) = bytes.get_mut(..REPLY_LEN) else { return };
        let Ok(mut reply) = Reply::decode(frame) else { return };
        if self.strikes(PortFault::Renamed) {
            let other = (u64::from(reply.id.get()) + self.chance.up_to(3)) % 4;
            reply.id = MotorId::new(other as u8).unwrap_or(reply.id);
            frame.copy_from_slice(&reply.encode());
        }
    }
}

impl<P: BusPort> BusPort for FaultPort<P> {
    fn write(&mut self, bytes: &[u8]) -> Result<(), PortError> {
        if self.is_closed() {
            return Err(PortError::Closed);
        }
        if bytes.is_empty() || bytes.len() > PIECE {
            return self.port.write(bytes);
        }
        if self.strikes(PortFault::LostWrite) {
            return Ok(());
        }
        if self.strikes(PortFault::Echoed) {
            self.hold(bytes);
        }
        let mut piece = [0; 2 * PIECE];
        let len = self.spoil(bytes, &mut piece);
        if self.strikes(PortFault::Repeated) {
            self.port.write(&piece[..len])?;
        }
        self.port.write(&piece[..len])
    }

    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, PortError> {
        if self.is_closed() {
            return Err(PortError::Closed);
        }
        let mut arrived = [0; PIECE];
        let count = self.port.read(&mut arrived).inspect_err(|_| {
            // An adapter that is gone has taken along what it held.
            self.held_len = 0;
        })?;
        if count > 0 {
            self.rename(&mut arrived[..count]);
            let mut piece = [0; 2 * PIECE];
            let len = self.spoil(&arrived[..count], &mut piece);
            self.hold(&piece[..len]);
            if self.strikes(PortFault::Repeated) {
                self.hold(&piece[..len]);
            }
            if self.strikes(PortFault::Late) {
                self.late_calls = self.chance.up_to(MAX_CALLS);
            }
        }
        if self.late_calls > 0 {
            self.late_calls -= 1;
            return Ok(0);
        }
        let given = self.held_len.min(buffer.len());
        buffer[..given].copy_from_slice(&self.held[..given]);
        self.held.copy_within(given..self.held_len, 0);
        self.held_len -= given;
        Ok(given)
    }
}

/// Steele, Lea and Flood's generator SplitMix64: one word of state, and any seed will do.
#[derive(Clone, Debug)]
struct SplitMix(u64);

impl SplitMix {
    const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        word ^ (word >> 31)
    }

    /// From 0 to 1, 1 excluded.
    fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 * (-53_f64).exp2()
    }

    /// From 1 to `most`.
    const fn up_to(&mut self, most: u64) -> u64 {
        1 + self.next() % most
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::port::{Loopback, loopback};
    use crate::protocol::go_m8010::Mode;

    fn always(fault: PortFault) -> (FaultPort<Loopback>, Loopback) {
        let (near, far) = loopback();
        let mut port = FaultPort::new(near, 7);
        port.set_rate(fault, 1.0);
        (port, far)
    }

    fn read(port: &mut impl BusPort) -> Vec<u8> {
        let mut buffer = [0; 512];
        let count = port.read(&mut buffer).expect("open");
        buffer[..count].to_vec()
    }

    #[test]
    fn without_rates_everything_passes() {
        let (near, mut far) = loopback();
        let mut port = FaultPort::new(near, 1);
        port.write(&[1, 2, 3]).expect("room");
        far.write(&[4, 5]).expect("room");
        assert_eq!((read(&mut far), read(&mut port)), (vec![1, 2, 3], vec![4, 5]));
        assert!(PortFault::ALL.iter().all(|&fault| port.injected(fault) == 0));
    }

    #[test]
    fn each_fault_does_what_its_name_says() {
        let frame = [0x55; 17];
        let written = |fault| {
            let (mut port, mut far) = always(fault);
            port.write(&frame).expect("open");
            assert_eq!(port.injected(fault), 1, "{fault:?}");
            (read(&mut far), read(&mut port))
        };
        let (flipped, _) = written(PortFault::Flipped);
        let bits: u32 = flipped.iter().map(|byte| (byte ^ 0x55).count_ones()).sum();
        assert!((1..=8).contains(&bits) && flipped.len() == 17, "{flipped:?}");
        assert_eq!(written(PortFault::LostByte).0.len(), 16);
        assert_eq!(written(PortFault::LostWrite).0, []);
        assert_eq!(written(PortFault::Repeated).0, [frame, frame].concat());
        assert_eq!(written(PortFault::Echoed), (frame.to_vec(), frame.to_vec()));
        let (noisy, _) = written(PortFault::Noise);
        assert!(noisy.len() > 17 && noisy.ends_with(&frame), "{noisy:?}");
    }

    #[test]
    fn what_is_late_comes_later_and_whole() {
        let (mut port, mut far) = always(PortFault::Late);
        far.write(&[1, 2, 3]).expect("room");
        let calls = (0..100).position(|_| !read(&mut port).is_empty()).expect("it comes");
        assert!(calls > 0 && calls as u64 <= MAX_CALLS, "{calls}");
    }

    #[test]
    fn a_reply_gets_another_name_and_stays_intact() {
        let (mut port, mut far) = always(PortFault::Renamed);
        let id = MotorId::new(1).expect("an address");
        let reply = Reply {
            id,
            mode: Mode::Foc,
            torque_nm: 0.0,
            velocity_rad_s: 0.0,
            position_rad: 1.0,
            temperature_c: 30.0,
            error: None,
            foot_force: 0,
        };
        far.write(&reply.encode()).expect("room");
        let renamed = Reply::decode(&read(&mut port)).expect("intact");
        assert_ne!(renamed.id, id);
    }

    #[test]
    fn a_closed_port_opens_again() {
        let (mut port, _far) = always(PortFault::Closed);
        assert_eq!(port.write(&[1]), Err(PortError::Closed));
        port.set_rate(PortFault::Closed, 0.0);
        let calls = (0..100).position(|_| port.read(&mut [0; 8]).is_ok()).expect("it opens");
        assert!(calls as u64 <= MAX_CALLS, "{calls}");
    }

    #[test]
    fn a_seed_gives_the_same_run_again() {
        let run = |seed| {
            let (near, mut far) = loopback();
            let mut port = FaultPort::new(near, seed);
            PortFault::ALL.iter().for_each(|&fault| port.set_rate(fault, 0.2));
            (0..200)
                .map(|step: u8| {
                    let written = port.write(&[step; 17]);
                    let heard = read(&mut far);
                    let _ = far.write(&heard);
                    let mut buffer = [0; 64];
                    (written, port.read(&mut buffer), buffer)
                })
                .collect::<Vec<_>>()
        };
        assert!(run(3) == run(3) && run(3) != run(4));
    }
}
