//! Layout that floor, furniture and defects share: the free passage, the ends, and numbers by rate.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

/// Length by which floor and lining go on beyond both ends, m.
pub(super) const BEYOND_M: f64 = 3.0;
/// Length at both ends that is kept flat and clear, m.
pub(super) const CLEAR_M: f64 = 2.0;
/// Width of the passage that debris never closes, m.
pub const PASSAGE_M: f64 = 0.7;

/// Number of things of a kind in a tunnel: the rate times the length, a fraction being a chance.
pub(super) fn count(per_10_m: f64, length_m: f64, rng: &mut ChaCha8Rng) -> usize {
    let wanted = per_10_m * length_m / 10.0;
    wanted.floor() as usize + usize::from(rng.random_bool(wanted.fract()))
}
