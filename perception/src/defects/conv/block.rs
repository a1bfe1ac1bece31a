//! Block of sums that the inner loop of the convolution holds in registers.

/// Outputs that are summed at once.
pub(super) const OUTPUTS: usize = 8;
/// Greatest number of pixels that any kernel works on at once.
pub(super) const MAX_PIXELS: usize = 32;

/// Copies as many sums as there is room for; whole blocks, which are most, without a call.
#[inline(always)]
pub(super) fn put(to: &mut [f32], sums: &[f32; MAX_PIXELS]) {
    match to.len() {
        32 => to.copy_from_slice(&sums[..32]),
        16 => to.copy_from_slice(&sums[..16]),
        count => to.copy_from_slice(&sums[..count]),
    }
}
