//! Block of sums that the inner loop of the convolution holds in registers.

/// Outputs that are summed at once.
pub(super) const OUTPUTS: usize = 8;
/// Greatest number of pixels that any kernel works on at once.
pub(super) const MAX_PIXELS: usize = 32;
