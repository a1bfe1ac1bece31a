//! The inner loop of the convolution: runs of pixels times weights, summed in registers, for several outputs at
//! once, with the widest vector instructions that the machine has.
#![allow(unsafe_code)]

/// Outputs that are summed at once.
pub(super) const OUTPUTS: usize = 8;
/// Greatest number of pixels that any kernel works on at once.
pub(super) const MAX_PIXELS: usize = 32;

/// A set of vector instructions that this machine has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kernel(Set);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Set {
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// Whatever the compiler makes of plain code.
    Plain,
}

impl Kernel {
    /// All that this machine has, the fastest first.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        let mut sets = vec![Set::Plain];
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                sets.push(Set::Avx2);
            }
            if is_x86_feature_detected!("avx512f") {
                sets.push(Set::Avx512);
            }
        }
        sets.into_iter().rev().map(Self)
    }

    /// The fastest.
    pub(super) fn best() -> Self {
        Self::all().next().unwrap_or(Self(Set::Plain))
    }

    /// Pixels that it works on at once.
    pub(super) fn pixels(self) -> usize {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => 32,
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => 16,
            Set::Plain => 8,
        }
    }

    /// Puts to pixel `i` of row `o` of `to` the sum of `bias[o]` and `source[taps[k] + i] * weight[k][o]` over all `k`, within `bounds`,
    /// for `i` below [`Self::pixels`]; `weight` is `[taps][OUTPUTS]`, `bias` `[OUTPUTS]`.
    ///
    /// # Safety
    /// So many pixels of each row of `to` must be allocated, and nobody else may touch them meanwhile.
    ///
    /// # Panics
    /// When `source`, `weight` or `bias` are too short, or `to` has more than [`OUTPUTS`] rows.
    #[inline]
    pub(super) unsafe fn sums(
        self,
        source: &[f32],
        taps: &[usize],
        weight: &[f32],
        bias: &[f32],
        bounds: [f32; 2],
        to: Rows,
    ) {
        // Taps ascend: the last one reaches furthest.
        let end = taps.last().map_or(0, |last| last + self.pixels());
        assert!(source.len() >= end && weight.len() >= taps.len() * OUTPUTS && bias.len() >= OUTPUTS);
        assert!(to.count <= OUTPUTS);
        match self.0 {
            // SAFETY: a kernel is only made where its instructions were detected; the assertions bound what is read, and the caller
            // promises what is written.
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => unsafe { x86::avx512(source, taps, weight, bias, bounds, to) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => unsafe { x86::avx2(source, taps, weight, bias, bounds, to) },
            // SAFETY: as above.
            Set::Plain => unsafe { plain(source, taps, weight, bias, bounds, to) },
        }
    }

    /// `out[c][i]` of `bias[c]` and `source[c * apart + taps[k] + i] * weight[c][k]` over all `k`, within the bounds; `out` is
    /// `[channels][pixels]`, where `pixels` is a multiple of [`Self::pixels`].
    ///
    /// # Panics
    /// When the operands are too short.
    #[inline]
    pub(super) fn each_alone(self, channels: &Channels<'_>, out: &mut [f32], pixels: usize) {
        match self.0 {
            // SAFETY: a kernel is only made where its instructions were detected.
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => unsafe { x86::alone_avx512(channels, out, pixels) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => unsafe { x86::alone_avx2(channels, out, pixels) },
            Set::Plain => alone::<8, false>(channels, out, pixels),
        }
    }
}

/// Rows of pixels, one of each output, that are written through a pointer.
#[derive(Clone, Copy)]
pub(super) struct Rows {
    pub(super) start: *mut f32,
    /// Distance of two rows, floats.
    pub(super) apart: usize,
    pub(super) count: usize,
}

impl Rows {
    /// A row's first pixel.
    ///
    /// # Safety
    /// The rows must be allocated, all in one piece.
    #[inline(always)]
    unsafe fn row(self, number: usize) -> *mut f32 {
        // SAFETY: as the caller promises.
        unsafe { self.start.add(number * self.apart) }
    }
}

/// Operands of a convolution of each channel alone.
pub(super) struct Channels<'a> {
    pub(super) source: &'a [f32],
    /// Distance of two channels in `source`.
    pub(super) apart: usize,
    pub(super) taps: &'a [usize],
    /// `[channels][taps]`
    pub(super) weight: &'a [f32],
    /// `[channels]`
    pub(super) bias: &'a [f32],
    pub(super) bounds: [f32; 2],
}

/// See [`Kernel::each_alone`].
#[inline(always)]
fn alone<const PIXELS: usize, const FUSED: bool>(channels: &Channels<'_>, out: &mut [f32], pixels: usize) {
    let Channels { source, apart, taps, weight, bias, bounds: [least, most] } = *channels;
    for (c, (out, bias)) in out.chunks_exact_mut(pixels).zip(bias).enumerate() {
        let weight = &weight[c * taps.len()..][..taps.len()];
        for (block, out) in out.chunks_exact_mut(PIXELS).enumerate() {
            let source = &source[c * apart + block * PIXELS..];
            let mut held = [*bias; PIXELS];
            for (tap, weight) in taps.iter().zip(weight) {
                for (sum, pixel) in held.iter_mut().zip(&source[*tap..*tap + PIXELS]) {
                    *sum = if FUSED { pixel.mul_add(*weight, *sum) } else { *sum + pixel * weight };
                }
            }
            for (out, held) in out.iter_mut().zip(held) {
                *out = held.max(least).min(most);
            }
        }
    }
}

/// # Safety
/// As [`Kernel::sums`].
unsafe fn plain(
    source: &[f32],
    taps: &[usize],
    weight: &[f32],
    bias: &[f32],
    [least, most]: [f32; 2],
    to: Rows,
) {
    const PIXELS: usize = 8;
    // Half of the outputs at a time: so many sums fit the registers of the baseline.
    for half in [0, OUTPUTS / 2] {
        let mut held = [[0.0f32; PIXELS]; OUTPUTS / 2];
        for (o, held) in held.iter_mut().enumerate() {
            *held = [bias[half + o]; PIXELS];
        }
        for (tap, weight) in taps.iter().zip(weight.chunks_exact(OUTPUTS)) {
            let pixels = &source[*tap..*tap + PIXELS];
            for (held, weight) in held.iter_mut().zip(&weight[half..]) {
                for (sum, pixel) in held.iter_mut().zip(pixels) {
                    *sum += pixel * weight;
                }
            }
        }
        for (o, held) in (half..to.count).zip(held) {
            let held = held.map(|sum| sum.max(least).min(most));
            // SAFETY: as the caller promises.
            unsafe { std::ptr::copy_nonoverlapping(held.as_ptr(), to.row(o), PIXELS) };
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use crate::defects::conv::lanes::{Channels, OUTPUTS, Rows, alone};

    /// # Safety
    /// The machine has AVX-512F.
    #[target_feature(enable = "avx512f")]
    pub(super) unsafe fn alone_avx512(channels: &Channels<'_>, out: &mut [f32], pixels: usize) {
        alone::<32, true>(channels, out, pixels);
    }

    /// # Safety
    /// The machine has AVX2 and FMA.
    #[target_feature(enable = "avx2,fma")]
    pub(super) unsafe fn alone_avx2(channels: &Channels<'_>, out: &mut [f32], pixels: usize) {
        alone::<16, true>(channels, out, pixels);
    }

    /// # Safety
    /// The machine has AVX-512F; the operands are as [`super::Kernel::sums`] asserts and asks for.
    #[target_feature(enable = "avx512f")]
    pub(super) unsafe fn avx512(
        source: &[f32],
        taps: &[usize],
        weight: &[f32],
        bias: &[f32],
        [least, most]: [f32; 2],
        to: Rows,
    ) {
        let (source, weight) = (source.as_ptr(), weight.as_ptr());
        let mut held = [[_mm512_setzero_ps(); 2]; OUTPUTS];
        for (held, bias) in held.iter_mut().zip(bias) {
            *held = [_mm512_set1_ps(*bias); 2];
        }
        for (k, tap) in taps.iter().enumerate() {
            // SAFETY: `tap + 32` pixels and `(k + 1) * OUTPUTS` weights are there.
            unsafe {
                let pixels = [_mm512_loadu_ps(source.add(*tap)), _mm512_loadu_ps(source.add(*tap + 16))];
                for (o, held) in held.iter_mut().enumerate() {
                    let factor = _mm512_set1_ps(*weight.add(k * OUTPUTS + o));
                    held[0] = _mm512_fmadd_ps(pixels[0], factor, held[0]);
                    held[1] = _mm512_fmadd_ps(pixels[1], factor, held[1]);
                }
            }
        }
        let (least, most) = (_mm512_set1_ps(least), _mm512_set1_ps(most));
        for (o, held) in held.iter().enumerate().take(to.count) {
            let held = held.map(|sums| _mm512_min_ps(_mm512_max_ps(sums, least), most));
            // SAFETY: as the caller promises.
            unsafe {
                let row = to.row(o);
                _mm512_storeu_ps(row, held[0]);
                _mm512_storeu_ps(row.add(16), held[1]);
            }
        }
    }

    /// # Safety
    /// The machine has AVX2 and FMA; the operands are as [`super::Kernel::sums`] asserts and asks for.
    #[target_feature(enable = "avx2,fma")]
    pub(super) unsafe fn avx2(
        source: &[f32],
        taps: &[usize],
        weight: &[f32],
        bias: &[f32],
        [least, most]: [f32; 2],
        to: Rows,
    ) {
        let (source, weight) = (source.as_ptr(), weight.as_ptr());
        let (least, most) = (_mm256_set1_ps(least), _mm256_set1_ps(most));
        // Four outputs at a time: eight sums, two runs of pixels and a factor fit sixteen registers.
        for half in [0, OUTPUTS / 2] {
            let mut held = [[_mm256_setzero_ps(); 2]; OUTPUTS / 2];
            for (held, bias) in held.iter_mut().zip(&bias[half..]) {
                *held = [_mm256_set1_ps(*bias); 2];
            }
            for (k, tap) in taps.iter().enumerate() {
                // SAFETY: `tap + 16` pixels and `(k + 1) * OUTPUTS` weights are there.
                unsafe {
                    let pixels = [_mm256_loadu_ps(source.add(*tap)), _mm256_loadu_ps(source.add(*tap + 8))];
                    for (o, held) in held.iter_mut().enumerate() {
                        let factor = _mm256_set1_ps(*weight.add(k * OUTPUTS + half + o));
                        held[0] = _mm256_fmadd_ps(pixels[0], factor, held[0]);
                        held[1] = _mm256_fmadd_ps(pixels[1], factor, held[1]);
                    }
                }
            }
            for (o, held) in (half..to.count).zip(held) {
                let held = held.map(|sums| _mm256_min_ps(_mm256_max_ps(sums, least), most));
                // SAFETY: as the caller promises.
                unsafe {
                    let row = to.row(o);
                    _mm256_storeu_ps(row, held[0]);
                    _mm256_storeu_ps(row.add(8), held[1]);
                }
            }
        }
    }
}
