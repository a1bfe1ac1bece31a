//! Temperatures of surfaces from what a thermal camera shows of them.

/// Of the freezing point of water, K.
const ZERO_C_K: f64 = 273.15;

/// Returns the temperature of a grey surface, degrees Celsius, that shows an apparent one: it radiates by its emissivity,
/// and for the rest reflects surroundings of `reflected_c`.
///
/// Radiation is taken over all wavelengths, so that it goes with the fourth power of the temperature, and the few metres of air
/// as clear (Usamentiaga et al., Infrared Thermography for Temperature Measurement and Non-Destructive Testing, Sensors 14(7),
/// 2014).
pub(super) fn surface_c(apparent_c: f64, emissivity: f64, reflected_c: f64) -> f64 {
    let [apparent, reflected] = [apparent_c, reflected_c].map(|c| (c + ZERO_C_K).powi(4));
    let own = (apparent - (1.0 - emissivity) * reflected) / emissivity;
    own.max(0.0).sqrt().sqrt() - ZERO_C_K
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_surface_that_reflects_is_hotter_than_it_looks() {
        // (323.15^4 - 0.1 * 293.15^4) / 0.9 is 1.12958e10 K^4, whose fourth root is 326.01 K.
        assert!((surface_c(50.0, 0.9, 20.0) - 52.86).abs() < 0.005);
        assert!((surface_c(50.0, 1.0, 20.0) - 50.0).abs() < 1e-9);
        assert!((surface_c(20.0, 0.5, 20.0) - 20.0).abs() < 1e-9, "as warm as what it reflects");
    }

    /// What a surface sends out comes back as its temperature.
    #[test]
    fn it_undoes_what_a_surface_does() {
        for (true_c, emissivity, reflected_c) in [(60.0, 0.95, 18.0), (35.0, 0.6, 25.0), (10.0, 0.8, 20.0)] {
            let [own, reflected] = [true_c, reflected_c].map(|c: f64| (c + 273.15).powi(4));
            let apparent_c = (emissivity * own + (1.0 - emissivity) * reflected).powf(0.25) - 273.15;
            assert!((surface_c(apparent_c, emissivity, reflected_c) - true_c).abs() < 1e-9);
        }
    }
}
