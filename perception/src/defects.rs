//! Defects in pictures: a small segmentation network that says of every pixel what it shows.
//!
//! The network was trained by the code in `perception/training`; what on and how well stands in
//! `perception/weights/MODEL_CARD.md`. It runs on one core in a fraction of a second and gives the same bits
//! for any number of threads.

mod class_map;
mod conv;
mod inputs;
mod network;
#[cfg(test)]
mod tests;
mod weights;
mod windows;

use candle_core::{Device, Tensor};
use robot_interface::sensors::RgbImage;

pub use class_map::{CLASSES, ClassMap};
use inputs::{INPUTS, Inputs};
use network::Network;
use weights::Weights;

/// The weights that come with this crate.
static BUNDLED: &[u8] = include_bytes!("../weights/defects.safetensors");

/// Why a picture or a network was refused.
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

/// The defect network, ready to run.
#[derive(Clone, Debug)]
pub struct Segmenter {
    network: Network,
    thresholds: [u8; CLASSES],
    version: String,
}

impl Segmenter {
    /// The network that comes with this crate.
    ///
    /// # Errors
    /// Never for the weights as committed; the tests load them.
    pub fn bundled() -> Result<Self, SegmentError> {
        Self::from_safetensors(BUNDLED)
    }

    /// From a file that `training/export.py` wrote.
    ///
    /// # Errors
    /// When the bytes are not such a file, or for another network.
    pub fn from_safetensors(bytes: &[u8]) -> Result<Self, SegmentError> {
        let Weights { tensors, thresholds, version } = Weights::read(bytes)?;
        let network = Network::new(tensors).map_err(|e| SegmentError::Weights(e.to_string()))?;
        Ok(Self { network, thresholds, version })
    }

    /// A fingerprint of the weights, 16 hexadecimal digits.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Scores every pixel of a picture of any size. Pictures beyond 4.2 megapixels are judged at half
    /// their size or less, and the scores repeated.
    ///
    /// # Errors
    /// When the picture is empty or its bytes are not three a pixel.
    pub fn segment(&self, picture: &RgbImage) -> Result<ClassMap, SegmentError> {
        let (width, height) = (picture.width, picture.height);
        if width == 0 || height == 0 {
            return Err(SegmentError::Empty(width, height));
        }
        let full = (width as usize, height as usize);
        if full.0.checked_mul(full.1).and_then(|n| n.checked_mul(3)) != Some(picture.data.len()) {
            return Err(SegmentError::Bytes { width, height, bytes: picture.data.len() });
        }
        let small = windows::shrunk(picture);
        let picture = small.as_ref().unwrap_or(picture);
        let size = (picture.width as usize, picture.height as usize);
        let mut scores = vec![0u8; CLASSES * size.0 * size.1];
        let inputs = Inputs::of(picture);
        for window in windows::windows(size.0, size.1) {
            let shape = (1, INPUTS, window.height, window.width);
            let input = Tensor::from_vec(window.input(&inputs), shape, &Device::Cpu)?;
            let logits = self.network.forward(&input)?.flatten_all()?.to_vec1::<f32>()?;
            window.keep(&logits, &mut scores, size.0, size.1);
        }
        if small.is_some() {
            scores = windows::grown(&scores, size, full);
        }
        Ok(ClassMap { width, height, scores, thresholds: self.thresholds })
    }
}
