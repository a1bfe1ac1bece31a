//! The fuzz targets' bodies on stable Rust: random bytes, and good frames damaged in every way, always the same ones.
//! `cargo fuzz` in `firmware-bridge/fuzz` breeds better ones, and runs as long as it is let.

mod fuzz_bodies;

#[path = "common/table.rs"]
#[allow(dead_code, reason = "no number is read here")]
mod table;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// Inputs for each target.
const INPUTS: usize = 100_000;

/// Every good frame that there is, of all protocols: what is noise to one is another's frame.
fn golden() -> Vec<Vec<u8>> {
    let tables = [
        include_str!("vectors/go_m8010_commands.tsv"),
        include_str!("vectors/go_m8010_replies.tsv"),
        include_str!("vectors/unitree_a1_commands.tsv"),
        include_str!("vectors/dynamixel2_packets.tsv"),
        include_str!("vectors/feetech_answers.tsv"),
        include_str!("vectors/feetech_requests.tsv"),
        include_str!("vectors/damiao_feedback.tsv"),
    ];
    let is_frame = |text: &&str| text.len() >= 12 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let frames = tables.iter().flat_map(|table| table::rows(table));
    let frames = frames.filter_map(|row| row.into_iter().find(is_frame).map(table::hex));
    frames.chain(fuzz_bodies::bridge::linked_steps()).collect()
}

/// Frames in a row, with bytes flipped, lost, doubled and put between.
fn damaged(chance: &mut StdRng, golden: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for _ in 0..chance.random_range(0..5) {
        match chance.random_range(0..4) {
            0 => bytes.extend((0..chance.random_range(0..40)).map(|_| chance.random::<u8>())),
            _ => bytes.extend(&golden[chance.random_range(0..golden.len())]),
        }
        // The steps of the bridge's target, and headers that claim much.
        if chance.random_bool(0.2) {
            bytes.extend([0xFF, 0xFF, 0xFD, 0x00, 0x01, chance.random(), chance.random_range(0..5)]);
        }
    }
    for _ in 0..chance.random_range(0..4) {
        if bytes.is_empty() {
            break;
        }
        let at = chance.random_range(0..bytes.len());
        match chance.random_range(0..4) {
            0 => bytes[at] ^= 1 << chance.random_range(0..8),
            1 => drop(bytes.remove(at)),
            2 => bytes.truncate(at),
            _ => bytes.insert(at, [0x00, 0xFF, 0xFD, 0xFE, 0xAA, 0x55][chance.random_range(0..6)]),
        }
    }
    bytes
}

#[test]
fn nothing_that_comes_breaks_a_decoder() {
    let golden = golden();
    assert!(golden.len() > 300, "{} frames", golden.len());
    for (name, target) in fuzz_bodies::TARGETS {
        let mut chance = StdRng::seed_from_u64(11);
        for input in 0..INPUTS {
            let bytes = damaged(&mut chance, &golden);
            let result = std::panic::catch_unwind(|| target(&bytes));
            assert!(result.is_ok(), "{name}, input {input}: {bytes:02X?}");
        }
    }
}
