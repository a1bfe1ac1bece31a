//! Defects in pictures: semantic segmentation by a small convolutional network, pixel by pixel.
//!
//! Class scores come out, as a [`ClassMap`]; `crate::lining` lays them on the lining. The network was trained by the code in `perception/training`; what on and how well stands in
//! `perception/weights/MODEL_CARD.md`. It runs on one core in a fraction of a second and gives the same bits
//! for any number of threads.

mod buffers;
mod class_map;
mod conv;
mod error;
mod inputs;
mod network;
mod reduce;
mod scaled_scores;
mod scales;
pub mod scoring;
mod softmax;
mod specks;
#[cfg(test)]
mod tests;
mod vectors;
mod weights;
mod windows;

use candle_core::{Device, Storage, Tensor};
use robot_interface::sensors::RgbImage;

pub use class_map::{CLASSES, ClassMap};
pub use error::SegmentError;
use inputs::{INPUTS, Inputs};
use network::Network;
pub use reduce::{Reduced, Reducer};
use scaled_scores::Fused;
pub use scaled_scores::ScaledScores;
use weights::Weights;

/// The weights' file that comes with this crate.
pub static BUNDLED: &[u8] = include_bytes!("../weights/defects.safetensors");

/// What `weights/MODEL_CARD.md` says of these weights on sets of photographs: what `adit model score --json` printed, one set a
/// line.
pub const CARD_SCORES: &str = include_str!("../weights/scores.jsonl");

/// A picture whose shorter side would be less than this is not made smaller, pixels: a part of it would lack the
/// surroundings that its brightness is compared with.
pub const MIN_SIDE_PX: usize = 64;

/// Segmentation network for defects, ready to run.
#[derive(Clone, Debug)]
pub struct Segmenter {
    network: Network,
    thresholds: [u8; CLASSES],
    /// How much a picture's scores count at its own size, at half of it, and so on.
    scales: Vec<u16>,
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
        let Weights { tensors, thresholds, scales, version } = Weights::read(bytes)?;
        let network = Network::new(tensors).map_err(|e| SegmentError::Weights(e.to_string()))?;
        Ok(Self { network, thresholds, scales, version })
    }

    /// The same network, judging pictures at no more than so many scales (at least one): a robot knows how near its
    /// cameras are to the wall, a photographer's are anywhere.
    #[must_use]
    pub fn with_max_scales(mut self, scales: usize) -> Self {
        self.scales.truncate(scales.max(1));
        self
    }

    /// A fingerprint of the weights, 16 hexadecimal digits.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Score from which on a pixel counts as each class, in 255ths, in the order of
    /// [`DefectClass::VISUAL`](robot_interface::defect::DefectClass::VISUAL).
    pub const fn thresholds(&self) -> [u8; CLASSES] {
        self.thresholds
    }

    /// Scores every pixel of a picture of any size. It is judged as it is and made smaller, as often as the
    /// weights ask for, and each pixel gets the mean of its scores, weighted as the weights say: photographs show cracks from
    /// a hair's to a hand's breadth. Parts too small to be a defect score 0. Of pictures beyond 4.2 megapixels half their size or less counts as their size.
    ///
    /// # Errors
    /// When the picture is empty or its bytes are not three a pixel.
    pub fn segment(&self, picture: &RgbImage) -> Result<ClassMap, SegmentError> {
        Ok(self.judge_whole(picture)?.without_specks().into_map())
    }

    /// The same as [`Segmenter::segment`], with weak and small parts left in: several pictures of one place tell better what
    /// they are, and a crack that one picture shows in pieces.
    ///
    /// # Errors
    /// When the picture is empty or its bytes are not three a pixel.
    pub fn segment_raw(&self, picture: &RgbImage) -> Result<ClassMap, SegmentError> {
        Ok(self.judge_whole(picture)?.into_map())
    }

    /// Both of [`Segmenter::segment`] and [`Segmenter::segment_raw`]: to ask what other thresholds would do.
    ///
    /// # Errors
    /// When the picture is empty or its bytes are not three a pixel.
    pub fn segment_with_raw(&self, picture: &RgbImage) -> Result<(ClassMap, ClassMap), SegmentError> {
        let scores = self.judge_whole(picture)?;
        let raw = scores.rows(0..picture.height);
        Ok((scores.without_specks().into_map(), raw))
    }

    /// The same as [`Segmenter::segment`], of a picture that came row by row: its scores are given row by row too, so
    /// that a picture of any size is judged in bounded memory.
    ///
    /// # Errors
    /// When the network fails.
    pub fn segment_reduced(&self, reduced: &Reduced) -> Result<ScaledScores, SegmentError> {
        Ok(self.judge(&reduced.picture, reduced.size)?.without_specks())
    }

    fn judge_whole(&self, picture: &RgbImage) -> Result<ScaledScores, SegmentError> {
        let (width, height) = (picture.width, picture.height);
        if width == 0 || height == 0 {
            return Err(SegmentError::Empty(width, height));
        }
        let pixels = (width as usize).checked_mul(height as usize);
        if pixels.and_then(|n| n.checked_mul(3)) != Some(picture.data.len()) {
            return Err(SegmentError::Bytes { width, height, bytes: picture.data.len() });
        }
        let small = scales::shrunk(picture);
        self.judge(small.as_ref().unwrap_or(picture), (width, height))
    }

    /// Scores of a picture at its own size and made smaller; `full` is the size that scores are asked for.
    fn judge(&self, picture: &RgbImage, full: (u32, u32)) -> Result<ScaledScores, SegmentError> {
        let mut fused = Fused::new((picture.width as usize, picture.height as usize));
        let mut small: Option<RgbImage> = None;
        for (scale, share) in self.scales.iter().enumerate() {
            let now = small.as_ref().unwrap_or(picture);
            let size = (now.width as usize, now.height as usize);
            if scale > 0 && size.0.min(size.1) < MIN_SIDE_PX {
                break;
            }
            fused.add(size, &self.segment_as_it_is(now)?, *share);
            small = Some(scales::halved(now));
        }
        Ok(fused.finish(full, self.thresholds))
    }

    /// Scores of a picture at its own size, `[4, height, width]`.
    fn segment_as_it_is(&self, picture: &RgbImage) -> Result<Vec<u8>, SegmentError> {
        let size = (picture.width as usize, picture.height as usize);
        let mut inputs = Some(Inputs::of(picture));
        let mut scores = vec![0u8; CLASSES * size.0 * size.1];
        for window in windows::windows(size.0, size.1) {
            let shape = (1, INPUTS, window.height, window.width);
            let whole = inputs.take_if(|inputs| window.is_all_of(inputs)).map(Inputs::into_values);
            let cut = || inputs.as_ref().map_or_else(Vec::new, |inputs| window.input(inputs));
            let input = Tensor::from_vec(whole.unwrap_or_else(cut), shape, &Device::Cpu)?;
            let logits = self.network.forward(&input)?;
            buffers::recycle(&input)?;
            let (storage, layout) = logits.storage_and_layout();
            let (Storage::Cpu(values), Some((start, end))) = (&*storage, layout.contiguous_offsets()) else {
                return Err(candle_core::Error::Msg("the scores are not on the CPU in order".into()).into());
            };
            window.keep(&values.as_slice::<f32>()?[start..end], &mut scores, size.0, size.1);
            drop(storage);
            buffers::recycle(&logits)?;
        }
        Ok(scores)
    }
}
