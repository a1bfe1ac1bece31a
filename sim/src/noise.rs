//! Random numbers that are a function of a seed and a count: the same on any number of threads.

/// A well-mixed 64-bit hash of two numbers (the finaliser of SplitMix64, Steele et al. 2014).
pub(crate) fn mix(seed: u64, count: u64) -> u64 {
    let mut z = seed.wrapping_add(count.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A standard normal number (Box and Muller 1958).
pub(crate) fn normal(seed: u64, count: u64) -> f64 {
    let unit = |bits: u64| (bits >> 11) as f64 / (1u64 << 53) as f64;
    let radius = (-2.0 * (1.0 - unit(mix(seed, 2 * count))).ln()).sqrt();
    radius * (std::f64::consts::TAU * unit(mix(seed, 2 * count + 1))).cos()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normal_numbers_are_normal() {
        let n = 100_000;
        let numbers: Vec<f64> = (0..n).map(|k| normal(7, k)).collect();
        let mean = numbers.iter().sum::<f64>() / n as f64;
        let variance = numbers.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n as f64;
        let beyond = numbers.iter().filter(|x| x.abs() > 1.96).count() as f64 / n as f64;
        assert!(mean.abs() < 0.01 && (variance - 1.0).abs() < 0.02, "{mean} {variance}");
        assert!((beyond - 0.05).abs() < 0.005, "{beyond}");
    }
}
