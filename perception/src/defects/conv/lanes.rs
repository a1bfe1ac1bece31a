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

    /// `sums[o][i]` of `bias[o]` and `source[taps[k] + i] * weight[k][o]` over all `k`, at least 0 if `relu`, for
    /// `i` below [`Self::pixels`]; `weight` is `[taps][OUTPUTS]`, `bias` `[OUTPUTS]`.
    ///
    /// # Panics
    /// When `source`, `weight` or `bias` are too short.
    #[inline]
    pub(super) fn sums(
        self,
        source: &[f32],
        taps: &[usize],
        weight: &[f32],
        bias: &[f32],
        relu: bool,
        sums: &mut [[f32; MAX_PIXELS]; OUTPUTS],
    ) {
        let least = if relu { 0.0 } else { f32::NEG_INFINITY };
        // Taps ascend: the last one reaches furthest.
        let end = taps.last().map_or(0, |last| last + self.pixels());
        assert!(source.len() >= end && weight.len() >= taps.len() * OUTPUTS && bias.len() >= OUTPUTS);
        match self.0 {
            // SAFETY: a kernel is only made where its instructions were detected; the assertion bounds what is
            // read, and `pixels` is at most what `sums` holds.
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => unsafe { x86::avx512(source, taps, weight, bias, least, sums) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => unsafe { x86::avx2(source, taps, weight, bias, least, sums) },
            Set::Plain => plain(source, taps, weight, bias, least, sums),
        }
    }
}

fn plain(
    source: &[f32],
    taps: &[usize],
    weight: &[f32],
    bias: &[f32],
    least: f32,
    sums: &mut [[f32; MAX_PIXELS]; OUTPUTS],
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
        for (sums, held) in sums[half..].iter_mut().zip(held) {
            for (sum, held) in sums.iter_mut().zip(held) {
                *sum = held.max(least);
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::{MAX_PIXELS, OUTPUTS};

    /// # Safety
    /// The machine has AVX-512F; the slices are as long as [`super::Kernel::sums`] asserts.
    #[target_feature(enable = "avx512f")]
    pub(super) unsafe fn avx512(
        source: &[f32],
        taps: &[usize],
        weight: &[f32],
        bias: &[f32],
        least: f32,
        sums: &mut [[f32; MAX_PIXELS]; OUTPUTS],
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
        let least = _mm512_set1_ps(least);
        for (sums, held) in sums.iter_mut().zip(held) {
            // SAFETY: a row of sums holds 32.
            unsafe {
                _mm512_storeu_ps(sums.as_mut_ptr(), _mm512_max_ps(held[0], least));
                _mm512_storeu_ps(sums.as_mut_ptr().add(16), _mm512_max_ps(held[1], least));
            }
        }
    }

    /// # Safety
    /// The machine has AVX2 and FMA; the slices are as long as [`super::Kernel::sums`] asserts.
    #[target_feature(enable = "avx2,fma")]
    pub(super) unsafe fn avx2(
        source: &[f32],
        taps: &[usize],
        weight: &[f32],
        bias: &[f32],
        least: f32,
        sums: &mut [[f32; MAX_PIXELS]; OUTPUTS],
    ) {
        let (source, weight) = (source.as_ptr(), weight.as_ptr());
        let least = _mm256_set1_ps(least);
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
            for (sums, held) in sums[half..].iter_mut().zip(held) {
                // SAFETY: a row of sums holds 32.
                unsafe {
                    _mm256_storeu_ps(sums.as_mut_ptr(), _mm256_max_ps(held[0], least));
                    _mm256_storeu_ps(sums.as_mut_ptr().add(8), _mm256_max_ps(held[1], least));
                }
            }
        }
    }
}
