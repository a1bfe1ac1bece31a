//! The weights' file: tensors and, in its metadata, what belongs to them.

use std::collections::HashMap;
use std::hash::Hasher as _;

use candle_core::{Device, Tensor};
use fnv::FnvHasher;
use safetensors::{Dtype, SafeTensors};

use super::class_map::CLASSES;
use super::error::SegmentError;

/// The layout of the network that this code knows.
const FORMAT: &str = "adit-defects-2";
/// Greatest weight of a scale; sums of scores must fit 16 bits.
const MAX_SHARE: u16 = 8;
/// Most scales.
const MAX_SCALES: usize = 8;

/// A weights' file, read.
pub(super) struct Weights {
    pub(super) tensors: HashMap<String, Tensor>,
    /// In 255ths, in mask order.
    pub(super) thresholds: [u8; CLASSES],
    /// A picture is judged as it is, at half its size, and so on: how much each of these counts in a pixel's mean.
    pub(super) scales: Vec<u16>,
    pub(super) version: String,
}

impl Weights {
    pub(super) fn read(bytes: &[u8]) -> Result<Self, SegmentError> {
        let wrong = |what: String| SegmentError::Weights(what);
        let (_, header) = SafeTensors::read_metadata(bytes)
            .map_err(|e| wrong(format!("this is no safetensors file ({e})")))?;
        let file = SafeTensors::deserialize(bytes).map_err(|e| wrong(e.to_string()))?;
        let metadata = header.metadata().clone().unwrap_or_default();
        let field =
            |name: &str| metadata.get(name).ok_or_else(|| wrong(format!("its metadata lacks `{name}`")));
        let format = field("format")?;
        if format != FORMAT {
            return Err(wrong(format!("its format is `{format}`, this version reads `{FORMAT}`")));
        }
        let thresholds: [f32; CLASSES] = serde_json::from_str(field("thresholds")?)
            .map_err(|e| wrong(format!("its metadata's `thresholds` are not four numbers ({e})")))?;
        if !thresholds.iter().all(|t| (0.0..=1.0).contains(t)) {
            return Err(wrong(format!("its thresholds {thresholds:?} do not lie between 0 and 1")));
        }
        let scales: Vec<u32> = serde_json::from_str(field("scales")?)
            .map_err(|e| wrong(format!("its metadata's `scales` are not a list of whole numbers ({e})")))?;
        if scales.first() != Some(&1)
            || scales.len() > MAX_SCALES
            || !scales.windows(2).all(|s| s[1] == 2 * s[0])
        {
            return Err(wrong(format!("its scales {scales:?} are not 1, 2, 4 and so on")));
        }
        let shares: Vec<u16> = serde_json::from_str(field("scale_weights")?).map_err(|e| {
            wrong(format!("its metadata's `scale_weights` are not a list of whole numbers ({e})"))
        })?;
        if shares.len() != scales.len() || !shares.iter().all(|share| (1..=MAX_SHARE).contains(share)) {
            return Err(wrong(format!(
                "its scale_weights {shares:?} are not one from 1 to {MAX_SHARE} a scale"
            )));
        }
        let mut tensors = HashMap::new();
        for (name, view) in file.tensors() {
            if view.dtype() != Dtype::F32 {
                return Err(wrong(format!("tensor {name} is {:?}; export f32", view.dtype())));
            }
            let values: Vec<f32> =
                view.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
            if !values.iter().all(|v| v.is_finite()) {
                return Err(wrong(format!("tensor {name} holds values that are not numbers")));
            }
            tensors.insert(name, Tensor::from_vec(values, view.shape(), &Device::Cpu)?);
        }
        let thresholds = thresholds.map(|t| (t * 255.0).round() as u8);
        Ok(Self { tensors, thresholds, scales: shares, version: version(bytes) })
    }
}

/// The first half of a fingerprint that changes with any bit of the file (FNV-1a, 64 bits).
fn version(bytes: &[u8]) -> String {
    let mut hasher = FnvHasher::default();
    hasher.write(bytes);
    format!("{:016x}", hasher.finish())
}
