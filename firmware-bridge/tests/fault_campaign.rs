//! A short fault campaign, and what one dead motor costs over real terminals. The long campaign is the example
//! `fault_campaign`.

mod campaign;

use std::path::PathBuf;

use campaign::{Kind, run};
use firmware_bridge::protocol::Impedance;
use firmware_bridge::protocol::go_m8010::{COMMAND_LEN, Command, Mode, MotorId};
use robot_interface::fixtures::go2;

/// A directory that goes when it is no longer needed.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a directory");
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn no_fault_gets_a_motor_to_take_what_it_must_not() {
    let scratch = Scratch::new("fault_campaign");
    let runs = 3 * Kind::ALL.len() as u64;
    let table = run(&go2(), runs, 20, 2, &scratch.0);
    assert_eq!((table.runs(), table.violations()), (runs, 0), "{table}\n{:#?}", table.told);
    assert_eq!(table.forged(), 0, "{table}");
    for kind in Kind::ALL {
        assert!(table.accepted(kind) > 1000, "the motors were hardly commanded\n{table}");
        assert!(
            kind == Kind::Nothing || table.injected(kind) > 0,
            "{}: nothing happened\n{table}",
            kind.name()
        );
    }
}

/// Two motors of a bus keep their full rate while the third is dead, whichever it is.
#[test]
fn one_dead_motor_of_three_costs_the_others_nothing() {
    let scratch = Scratch::new("dead_motor");
    for dead in 0..3 {
        let cycles = campaign::with_a_dead_motor(&go2(), dead, 200, &scratch.0);
        assert_eq!(cycles.len(), 200);
        for cycle in cycles {
            assert_eq!(cycle.answered, std::array::from_fn(|joint| joint != dead), "motor {dead} is dead");
            assert!(cycle.took_nanos < 1_000_000, "{} ns", cycle.took_nanos);
        }
    }
}

/// The checksum's part: no damage of up to three bits goes unseen in a command, and of damage of four bits little. What a motor may take that was never sent is reckoned from that in `docs/faults.md`.
#[test]
fn damage_of_three_bits_is_always_seen_and_of_four_nearly_always() {
    let id = MotorId::new(1).expect("an address");
    let frame = Command {
        id,
        mode: Mode::Foc,
        targets: Impedance { position_rad: 5.0, velocity_rad_s: -1.0, torque_nm: 0.4, kp: 0.5, kd: 0.02 },
    }
    .encode();
    // The checksum is linear: what a bit's flip does to it depends on the bit alone. A flipped header is no header.
    let bits = 16..8 * COMMAND_LEN;
    let changes: Vec<u16> = bits
        .map(|bit| {
            let mut damaged = frame;
            damaged[bit / 8] ^= 1 << (bit % 8);
            let damage = damaged[15..].iter().zip(&frame[15..]).map(|(a, b)| a ^ b).collect::<Vec<_>>();
            let carried = u16::from_le_bytes([damage[0], damage[1]]);
            carried ^ checksum(&damaged) ^ checksum(&frame)
        })
        .collect();
    let mut pairs = vec![0_u64; 1 << 16];
    let mut unseen = [0_u64; 5];
    for (i, &first) in changes.iter().enumerate() {
        unseen[1] += u64::from(first == 0);
        for (j, &second) in changes[..i].iter().enumerate() {
            unseen[2] += u64::from(first == second);
            let third = changes[..j].iter().filter(|&&third| third == first ^ second);
            unseen[3] += third.count() as u64;
            pairs[usize::from(first ^ second)] += 1;
        }
    }
    // Each set of four that cancels is counted as three pairs of pairs.
    unseen[4] = pairs.iter().map(|&count| count * count.saturating_sub(1) / 2).sum::<u64>() / 3;
    assert_eq!(unseen[..4], [0; 4]);
    // Of all the sets of four of 120 bits.
    assert_eq!(unseen[4], 470, "of 8214570: one in 17478");
}

/// CRC-16/KERMIT, bit by bit.
fn checksum(frame: &[u8; COMMAND_LEN]) -> u16 {
    frame[..15].iter().fold(0, |crc, &byte| {
        (0..8).fold(crc ^ u16::from(byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0x8408 } else { crc >> 1 })
    })
}
