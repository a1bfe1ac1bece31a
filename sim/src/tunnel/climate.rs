//! Temperatures of the air and of the cables.

/// Temperatures that the thermal cameras see.
#[derive(Clone, Debug)]
pub(crate) struct Climate {
    pub(crate) ambient_c: f32,
    /// Warmth of the cables of each level over the air, K.
    pub(crate) cable_rise_k: [f32; 4],
}

impl Climate {
    /// Temperature of the cables of a level, degrees Celsius.
    pub(crate) fn cable_c(&self, level: u8) -> f32 {
        self.ambient_c + self.cable_rise_k[usize::from(level).min(3)]
    }
}
