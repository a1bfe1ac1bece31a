//! The weights' file: tensors and, in its metadata, what belongs to them.

use std::collections::HashMap;

use candle_core::{Device, Tensor};
use safetensors::{Dtype, SafeTensors};

use super::class_map::CLASSES;
use super::error::SegmentError;

/// The layout of the network that this code knows.
const FORMAT: &str = "adit-defects-1";

/// What a pixel gets of its scores at all scales.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Fusion {
    /// The highest: what shows at any scale counts, specks too.
    Max,
    /// The mean: what shows at several counts more.
    Mean,
}

/// A weights' file, read.
pub(super) struct Weights {
    pub(super) tensors: HashMap<String, Tensor>,
    /// In 255ths, in mask order.
    pub(super) thresholds: [u8; CLASSES],
    /// Number of scales: a picture is judged as it is, at half its size, and so on.
    pub(super) scales: usize,
    pub(super) fusion: Fusion,
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
        if scales.first() != Some(&1) || !scales.windows(2).all(|s| s[1] == 2 * s[0]) {
            return Err(wrong(format!("its scales {scales:?} are not 1, 2, 4 and so on")));
        }
        // Files of before there was a choice do not say it.
        let fusion = metadata.get("fusion").map_or("max", String::as_str);
        let fusion = serde_json::from_value(fusion.into())
            .map_err(|e| wrong(format!("its fusion {fusion:?} is neither max nor mean ({e})")))?;
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
        Ok(Self { tensors, thresholds, scales: scales.len(), fusion, version: version(bytes) })
    }
}

/// The first half of a fingerprint that changes with any bit of the file (FNV-1a, 64 bits).
fn version(bytes: &[u8]) -> String {
    let hash = bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325u64, |h, b| (h ^ u64::from(*b)).wrapping_mul(0x0100_0000_01b3));
    format!("{hash:016x}")
}
