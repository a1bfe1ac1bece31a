//! Refusals of the segmentation.

/// Refusal of a picture or of a network's weights.
#[derive(Debug, thiserror::Error)]
pub enum SegmentError {
    /// The picture has no pixels.
    #[error("the picture is {0} x {1} pixels; give one with at least one pixel")]
    Empty(u32, u32),
    /// The picture's bytes are not three a pixel.
    #[error("a picture of {width} x {height} pixels needs {} bytes, not {bytes}", 3 * u128::from(*width) * u128::from(*height))]
    Bytes {
        /// Pixels across.
        width: u32,
        /// Pixels down.
        height: u32,
        /// Bytes given.
        bytes: usize,
    },
    /// The weights' file is broken or for another network.
    #[error("the defect model's weights cannot be used: {0}; export them again with training/export.py")]
    Weights(String),
    /// The network failed.
    #[error("the defect network failed: {0}")]
    Network(#[from] candle_core::Error),
}
