//! Surface of a pixel on the lining, with its label, and what marks need to change it.

use crate::tunnel::tile::Tile;

/// [`Surface::defect`] where there is none.
pub const NO_DEFECT: u32 = u32::MAX;

/// Appearance of a pixel on the lining.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Surface {
    /// Diffuse reflectance, linear `[red, green, blue]`, 0 to 1.
    pub albedo: [f32; 3],
    /// Slope of the relief along chainage and arc, rise (into the tunnel) over run.
    pub slope: [f32; 2],
    /// Strength of the mirror-like reflection of a wet or metal surface, 0 to 1.
    pub gloss: f32,
    /// [Id](crate::tunnel::TrueDefect::id) of the defect, or [`NO_DEFECT`].
    pub defect: u32,
    /// Mask value of its class; 0 is background.
    pub class: u8,
    /// Difference of its luminance from the sound lining here, relative, 0 to 1.
    pub contrast: f32,
    /// For a crack its width in pixels, otherwise 0.
    pub width_px: f32,
}

impl Surface {
    /// A sound, dull, flat surface.
    pub const fn plain(albedo: [f32; 3]) -> Self {
        Self {
            albedo,
            slope: [0.0; 2],
            gloss: 0.0,
            defect: NO_DEFECT,
            class: 0,
            contrast: 0.0,
            width_px: 0.0,
        }
    }

    /// Marks this pixel as part of a defect that changed its colour from `before`.
    pub(crate) fn label(&mut self, defect: Option<u32>, class: u8, before: [f32; 3]) {
        if let Some(defect) = defect {
            let (was, is) = (luminance(before), luminance(self.albedo));
            *self = Self { defect, class, contrast: ((is - was) / was.max(1e-3)).abs().min(1.0), ..*self };
        }
    }
}

/// Rec. 709 luminance of a linear colour.
pub(crate) fn luminance([r, g, b]: [f32; 3]) -> f32 {
    0.2126 * r + 0.7152 * g + 0.0722 * b
}

/// Fine structure that marks share.
pub(crate) struct MarkTexture<'a> {
    /// Broken aggregate: tone, slope along and across, grain.
    pub(crate) aggregate: &'a Tile,
    /// The lining's own mean reflectance.
    pub(crate) base: [f32; 3],
}
