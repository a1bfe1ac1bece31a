//! An inverted residual block in one pass: what lies between its three layers never leaves the cache.
//!
//! Inside, the block is six times as wide as outside. A tile of its output is made row by row; of the widened input only
//! as many rows are held as the kernel is high, in a ring.

use std::ops::Range;

use candle_core::{CpuStorage, CustomOp1, Error, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

use super::band::SortedRow;
use super::lanes::{Channels, Kernel, Rows};
use super::operands::{Activation, Target, Weights, one_picture, slice, square};
use crate::defects::{buffers, vectors};

/// Columns of each run of a tile's input ([`SortedRow`]), a multiple of what any kernel works on at once: a tile's ring and its row take
/// a third of a megabyte at most.
const TILE_RUN: usize = 64;
/// Output rows of a tile.
const TILE_ROWS: usize = 24;

/// `[1, inputs, height, width]` to `[1, outputs, height / stride, width / stride]` (Sandler et al. 2018, arXiv:1801.04381): a
/// convolution of one pixel that widens, one of each channel alone, both followed by a rectifier that ends at 6, and one of one
/// pixel that narrows; the input is added where the output is as large.
#[derive(Clone, Debug)]
pub(crate) struct InvertedResidual(Op);

#[derive(Clone, Debug)]
struct Op {
    inputs: usize,
    /// The first block of a network is as wide inside as outside.
    expand: Option<Weights>,
    depthwise: Depthwise,
    project: Weights,
    kernel: Kernel,
}

/// A square convolution of each channel alone.
#[derive(Clone, Debug)]
struct Depthwise {
    size: usize,
    stride: usize,
    /// `[channels][size * size]`
    weight: Vec<f32>,
    bias: Vec<f32>,
}

/// Weight and bias of a layer, f32 on the CPU.
pub(crate) type Layer = (Tensor, Tensor);

impl InvertedResidual {
    /// From weights `[inner, inputs, 1, 1]`, `[inner, 1, size, size]` and `[outputs, inner, 1, 1]`, and a bias for each of their
    /// first axis.
    ///
    /// # Errors
    /// When the shapes do not fit each other.
    pub(crate) fn new(
        expand: Option<Layer>,
        depthwise: &Layer,
        project: &Layer,
        stride: usize,
    ) -> Result<Self> {
        let inner = depthwise.1.elem_count();
        let inputs = match &expand {
            Some(expand) => pointwise(expand, inner)?.1,
            None => inner,
        };
        let narrowed = pointwise(project, project.1.elem_count())?.1;
        if narrowed != inner {
            return Err(Error::Msg(format!("a block is {inner} channels wide, then {narrowed}")));
        }
        Ok(Self(Op {
            inputs,
            expand: expand.map(|(weight, bias)| Weights::new(&weight, &bias)).transpose()?,
            depthwise: Depthwise::new(depthwise, stride)?,
            project: Weights::new(&project.0, &project.1)?,
            kernel: Kernel::best(),
        }))
    }

    /// See the type.
    ///
    /// # Errors
    /// When `x` is not one picture of as many channels as the block reads.
    pub(crate) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        x.contiguous()?.apply_op1_no_bwd(&self.0)
    }

    /// The same with other vector instructions, for comparing them.
    #[cfg(test)]
    fn with(mut self, kernel: Kernel) -> Self {
        self.0.kernel = kernel;
        self
    }
}

/// Outputs and inputs of a convolution of one pixel that has so many outputs.
fn pointwise((weight, bias): &Layer, outputs: usize) -> Result<(usize, usize)> {
    match square(weight, bias, 1)? {
        (given, inputs, 1) if given == outputs => Ok((outputs, inputs)),
        _ => Err(Error::Msg(format!(
            "{outputs} outputs of one pixel each do not come of weight {:?}",
            weight.dims()
        ))),
    }
}

impl Depthwise {
    fn new((weight, bias): &Layer, stride: usize) -> Result<Self> {
        let (_, inputs, size) = square(weight, bias, stride)?;
        if inputs != 1 {
            return Err(Error::Msg(format!("a channel alone has one input, not weight {:?}", weight.dims())));
        }
        Ok(Self { size, stride, weight: weight.flatten_all()?.to_vec1()?, bias: bias.to_vec1()? })
    }
}

impl CustomOp1 for Op {
    fn name(&self) -> &'static str {
        "inverted-residual"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (height, width) = one_picture(layout.shape(), self.inputs)?;
        let picture = Picture { values: slice(x, layout)?, height, width };
        let stride = self.depthwise.stride;
        let (out_height, out_width) = (height.div_ceil(stride), width.div_ceil(stride));
        let plane = out_height * out_width;
        let mut out = buffers::take(self.project.outputs * plane);
        let target = Target { start: out.as_mut_ptr(), plane };
        let columns = TILE_RUN - (self.depthwise.size - 1).div_ceil(stride);
        let across = out_width.div_ceil(columns);
        let tiles = across * out_height.div_ceil(TILE_ROWS);
        (0..tiles).into_par_iter().for_each_init(Scratch::default, |scratch, tile| {
            let (row, column) = (tile / across * TILE_ROWS, tile % across * columns);
            let rows = row..(row + TILE_ROWS).min(out_height);
            let tile = Tile::new(self, column..(column + columns).min(out_width), width);
            // SAFETY: tiles cover disjoint parts of each of the planes that `out` holds, and `out` outlives this loop untouched.
            unsafe { self.fill(&picture, &tile, rows, target, out_width, scratch) };
        });
        Ok((CpuStorage::F32(out), Shape::from((1, self.project.outputs, out_height, out_width))))
    }
}

/// What a block reads, `[channels][height][width]`.
struct Picture<'a> {
    values: &'a [f32],
    height: usize,
    width: usize,
}

/// What a thread works with.
#[derive(Default)]
struct Scratch {
    /// A row of the input, `[inputs][len]`.
    row: Vec<f32>,
    /// The widened input's last rows, `[inner][size][len]`; row `y` is at `y` modulo `size`.
    ring: Vec<f32>,
    /// A row of the output as wide as inside, `[inner][blocks]`.
    wide: Vec<f32>,
}

/// Where each input of the widening is.
struct ExpandTaps {
    /// In a copied row, `[inputs][len]`.
    row: Vec<usize>,
    /// In the picture.
    plane: Vec<usize>,
}

impl ExpandTaps {
    fn new(inputs: usize, len: usize, plane: usize) -> Self {
        let [row, plane] = [len, plane].map(|apart| (0..inputs).map(|c| c * apart).collect());
        Self { row, plane }
    }
}

/// Some columns of the output, and how the input's rows are held for them.
struct Tile {
    columns: Range<usize>,
    row: SortedRow,
}

impl Tile {
    fn new(op: &Op, columns: Range<usize>, width: usize) -> Self {
        let Depthwise { size, stride, .. } = op.depthwise;
        let row = SortedRow::new(size, stride, op.kernel.pixels(), columns.clone(), width);
        Self { columns, row }
    }

    /// The picture from row `y` on, if what it holds there can be read instead of a copied row. Beyond the right edge that reads
    /// what is no part of the row, and is cleared later.
    fn within<'a>(&self, picture: &Picture<'a>, y: usize, inputs: usize) -> Option<&'a [f32]> {
        let from = y * picture.width + self.row.begins_at()?;
        let end = (inputs - 1) * picture.height * picture.width + from + self.row.len();
        (end <= picture.values.len()).then(|| &picture.values[from..])
    }

    /// Copies row `y` of every channel of the input, which are `apart` in `to`.
    fn copy(&self, picture: &Picture<'_>, y: usize, to: &mut [f32], apart: usize) {
        let planes = picture.values.chunks_exact(picture.height * picture.width);
        for (plane, to) in planes.zip(to.chunks_mut(apart)) {
            self.row.copy(&plane[y * picture.width..][..picture.width], &mut to[..self.row.len()]);
        }
    }
}

impl Op {
    /// Fills a tile's part of some rows of every output plane.
    ///
    /// # Safety
    /// `target` must point to as many planes as there are outputs, of rows of `out_width`, that stay allocated; `rows` and the tile's
    /// columns must lie within them, and nobody else may touch those pixels meanwhile.
    unsafe fn fill(
        &self,
        picture: &Picture<'_>,
        tile: &Tile,
        rows: Range<usize>,
        target: Target,
        out_width: usize,
        scratch: &mut Scratch,
    ) {
        let Depthwise { size, stride, ref weight, ref bias } = self.depthwise;
        let (inner, pixels) = (bias.len(), self.kernel.pixels());
        scratch.row.resize(self.inputs * tile.row.len(), 0.0);
        scratch.ring.resize(inner * size * tile.row.len() + pixels, 0.0);
        scratch.wide.resize(inner * tile.row.blocks, 0.0);
        let expand_taps = ExpandTaps::new(self.inputs, tile.row.len(), picture.height * picture.width);
        let project_taps: Vec<usize> = (0..inner).map(|c| c * tile.row.blocks).collect();
        let residual = stride == 1 && self.inputs == self.project.outputs;
        let mut taps = vec![0; size * size];
        // The input row that the ring holds last is the one before this.
        let mut next = (rows.start * stride) as isize - (size / 2) as isize;
        for y in rows {
            let top = (y * stride) as isize - (size / 2) as isize;
            while next < top + size as isize {
                self.widen(picture, tile, next, &expand_taps, scratch);
                next += 1;
            }
            for (i, tap) in taps.iter_mut().enumerate() {
                let (row, x) = (top + (i / size) as isize, i % size);
                *tap = slot(row, size) * tile.row.len() + tile.row.tap(x);
            }
            let channels = Channels {
                source: &scratch.ring,
                apart: size * tile.row.len(),
                taps: &taps,
                weight,
                bias,
                bounds: Activation::Relu6.bounds(),
            };
            self.kernel.each_alone(&channels, &mut scratch.wide, tile.row.blocks);
            let at = y * out_width + tile.columns.start;
            for x in (0..tile.columns.len()).step_by(pixels) {
                let width = pixels.min(tile.columns.len() - x);
                let source = &scratch.wide[x..];
                let bounds = Activation::Linear.bounds();
                // SAFETY: these pixels of every plane are this call's own.
                unsafe {
                    let to = target.rows(at + x, self.project.outputs);
                    self.project.put(self.kernel, source, &project_taps, bounds, to, width);
                }
            }
            if !residual {
                continue;
            }
            for output in 0..self.project.outputs {
                // SAFETY: these pixels of this plane are this call's own.
                let to = unsafe { target.pixels(output, at, tile.columns.len()) };
                // The output is as large as the input.
                let input = &picture.values[output * target.plane + at..];
                vectors::wide(|| to.iter_mut().zip(input).for_each(|(to, input)| *to += input));
            }
        }
    }

    /// Puts a row of the input, as wide as inside, into the ring; beyond the picture all is 0.
    fn widen(&self, picture: &Picture<'_>, tile: &Tile, y: isize, taps: &ExpandTaps, scratch: &mut Scratch) {
        let size = self.depthwise.size;
        let (apart, at) = (size * tile.row.len(), slot(y, size) * tile.row.len());
        let Some(y) = usize::try_from(y).ok().filter(|y| *y < picture.height) else {
            for channel in scratch.ring.chunks_exact_mut(apart) {
                channel[at..at + tile.row.len()].fill(0.0);
            }
            return;
        };
        let Some(expand) = &self.expand else {
            tile.copy(picture, y, &mut scratch.ring[at..], apart);
            return;
        };
        let pixels = self.kernel.pixels();
        let (source, taps) = match tile.within(picture, y, self.inputs) {
            Some(source) => (source, &taps.plane),
            None => {
                tile.copy(picture, y, &mut scratch.row, tile.row.len());
                (&scratch.row[..], &taps.row)
            }
        };
        for x in (0..tile.row.len()).step_by(pixels) {
            let ring = &mut scratch.ring[at + x..];
            assert!(ring.len() >= (expand.outputs - 1) * apart + pixels);
            let to = Rows { start: ring.as_mut_ptr(), apart, count: expand.outputs };
            // SAFETY: the assertion says that so many pixels of every row lie in the ring.
            unsafe {
                expand.put(self.kernel, &source[x..], taps, Activation::Relu6.bounds(), to, pixels);
            }
        }
        if tile.row.reaches_outside() {
            for channel in scratch.ring.chunks_exact_mut(apart) {
                tile.row.clear_outside(&mut channel[at..at + tile.row.len()]);
            }
        }
    }
}

/// Where in a ring of `size` rows a row is, which may lie above the picture.
fn slot(y: isize, size: usize) -> usize {
    y.rem_euclid(size as isize).unsigned_abs()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::tests::{difference, noise};
    use super::*;

    fn layer(weight: &[usize], seed: usize) -> Layer {
        ((noise(weight, seed) * 0.5).expect("scales"), noise(&weight[..1], seed + 1))
    }

    /// The same by candle, layer by layer.
    fn by_candle(
        x: &Tensor,
        expand: Option<&Layer>,
        depthwise: &Layer,
        project: &Layer,
        stride: usize,
    ) -> Result<Tensor> {
        let conv = |x: &Tensor, (weight, bias): &Layer, stride: usize, groups: usize| {
            let y = x.conv2d(weight, weight.dim(2)? / 2, stride, 1, groups)?;
            y.broadcast_add(&bias.reshape((1, (), 1, 1))?)
        };
        let wide = expand.map_or_else(|| Ok(x.clone()), |expand| conv(x, expand, 1, 1)?.clamp(0.0, 6.0))?;
        let alone = conv(&wide, depthwise, stride, wide.dim(1)?)?.clamp(0.0, 6.0)?;
        let y = conv(&alone, project, 1, 1)?;
        if stride == 1 && y.dim(1)? == x.dim(1)? { y + x } else { Ok(y) }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn it_is_what_candle_makes_layer_by_layer(
            (inputs, outputs, wider) in (1usize..9, 1usize..12, 0usize..4),
            (height, width) in (1usize..60, 1usize..150),
            (size, stride) in (0usize..3, 1usize..3),
        ) {
            let size = 2 * size + 1;
            let inner = inputs * wider.max(1);
            let x = noise(&[1, inputs, height, width], 1);
            let expand = (wider > 0).then(|| layer(&[inner, inputs, 1, 1], 2));
            let (depthwise, project) = (layer(&[inner, 1, size, size], 4), layer(&[outputs, inner, 1, 1], 6));
            let theirs = by_candle(&x, expand.as_ref(), &depthwise, &project, stride).expect("runs");
            let ours = InvertedResidual::new(expand, &depthwise, &project, stride).expect("fits");
            for kernel in Kernel::all() {
                let ours = ours.clone().with(kernel).forward(&x).expect("runs");
                prop_assert!(difference(&ours, &theirs) < 1e-3, "{kernel:?}");
            }
        }
    }

    #[test]
    fn layers_that_do_not_fit_are_refused() {
        let (expand, depthwise, project) = ([24, 4, 1, 1], [24, 1, 3, 3], [6, 24, 1, 1]);
        let new = |expand: &[usize], depthwise: &[usize], project: &[usize], stride| {
            InvertedResidual::new(Some(layer(expand, 0)), &layer(depthwise, 0), &layer(project, 0), stride)
        };
        let block = new(&expand, &depthwise, &project, 1).expect("fits");
        assert!(new(&[16, 4, 1, 1], &depthwise, &project, 1).is_err());
        assert!(new(&[24, 4, 3, 3], &depthwise, &project, 1).is_err());
        assert!(new(&expand, &[24, 2, 3, 3], &project, 1).is_err());
        assert!(new(&expand, &[24, 1, 2, 2], &project, 1).is_err());
        assert!(new(&expand, &depthwise, &[6, 16, 1, 1], 1).is_err());
        assert!(new(&expand, &depthwise, &project, 3).is_err());
        assert!(block.forward(&noise(&[1, 3, 8, 8], 0)).is_err());
        assert!(block.forward(&noise(&[2, 4, 8, 8], 0)).is_err());
    }
}
