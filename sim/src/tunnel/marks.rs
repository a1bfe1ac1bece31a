//! Patches on the lining that have an area: leakage, spalling, steel plates and their rust, and look-alikes.
//!
//! Each is a function of the place on the lining: how much it covers, what it does to colour, relief and
//! gloss. A defect's label is exactly where it covers more than half of a pixel.

mod leak;
mod spall;
mod steel;

pub(crate) use leak::{Leak, LeakKind};
pub(crate) use spall::Spall;
pub(crate) use steel::{Plate, rust};

use super::noise::{fbm, mix3, smoothstep};
use super::tile::Tile;

/// No defect here.
pub const NO_DEFECT: u16 = u16::MAX;

/// What a pixel on the lining looks like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Surface {
    /// Diffuse reflectance, linear `[red, green, blue]`, 0 to 1.
    pub albedo: [f32; 3],
    /// Slope of the relief along chainage and arc, rise (into the tunnel) over run.
    pub slope: [f32; 2],
    /// Strength of the mirror-like reflection of a wet or metal surface, 0 to 1.
    pub gloss: f32,
    /// Place of the defect in the tunnel's list, or [`NO_DEFECT`].
    pub defect: u16,
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
    pub(crate) fn label(&mut self, defect: Option<u16>, class: u8, before: [f32; 3]) {
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

/// A repair or a stain: a look-alike that is no defect.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patch {
    pub(crate) centre: [f32; 2],
    pub(crate) half: [f32; 2],
    /// What the lining's reflectance is multiplied by.
    pub(crate) tint: [f32; 3],
    /// How far its edge fades, m: a few mm for mortar, more for a stain.
    pub(crate) soft_m: f32,
    /// 0 keeps the lining's texture, 1 covers it smoothly.
    pub(crate) cover: f32,
    pub(crate) seed: u32,
}

/// Anything with an area.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape {
    Leak(Leak),
    Spall(Spall),
    Plate(Plate),
    Patch(Patch),
}

/// A shape in its place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark {
    pub(crate) shape: Shape,
    pub(crate) defect: Option<u16>,
}

/// Fine structure that marks share.
pub(crate) struct Stuff<'a> {
    /// Broken aggregate: tone, slope along and across, grain.
    pub(crate) aggregate: &'a Tile,
    /// The lining's own mean reflectance.
    pub(crate) base: [f32; 3],
}

impl Mark {
    /// Bounds `[chainage_min, chainage_max, arc_min, arc_max]`, m, generous.
    pub(crate) fn reach(&self) -> [f32; 4] {
        let around = |c: [f32; 2], h: [f32; 2]| [c[0] - h[0], c[0] + h[0], c[1] - h[1], c[1] + h[1]];
        match &self.shape {
            Shape::Leak(leak) => leak.reach(),
            Shape::Spall(spall) => around(spall.centre, [spall.radius * 1.45; 2]),
            Shape::Plate(plate) => plate.reach(),
            Shape::Patch(p) => around(p.centre, [p.half[0] * 1.3 + p.soft_m, p.half[1] * 1.3 + p.soft_m]),
        }
    }

    /// How much of a defect covers a place, 0 to 1; what exceeds a half is labelled.
    pub(crate) fn cover(&self, place: [f32; 2]) -> f32 {
        match &self.shape {
            Shape::Leak(leak) => leak.cover(place, 0.002).0,
            Shape::Spall(spall) => smoothstep(-0.001, 0.001, spall.inside_m(place)),
            Shape::Plate(plate) => plate.rust_at(place),
            Shape::Patch(patch) => patch.cover_at(place),
        }
    }

    pub(crate) fn paint(&self, place: [f32; 2], pixel_m: f32, stuff: &Stuff<'_>, surface: &mut Surface) {
        match &self.shape {
            Shape::Leak(leak) => leak.paint(place, pixel_m, stuff, self.defect, surface),
            Shape::Spall(spall) => spall.paint(place, pixel_m, stuff, self.defect, surface),
            Shape::Plate(plate) => plate.paint(place, pixel_m, self.defect, surface),
            Shape::Patch(patch) => patch.paint(place, stuff, surface),
        }
    }
}

impl Patch {
    fn cover_at(&self, place: [f32; 2]) -> f32 {
        let [x, y] = [0, 1].map(|k| (place[k] - self.centre[k]) / self.half[k]);
        let least = self.half[0].min(self.half[1]);
        // Between a rectangle and an ellipse, with an uneven edge.
        let inside = (1.0 - (x.powi(4) + y.powi(4)).sqrt().sqrt()) * least;
        let uneven = 0.06 * least + self.soft_m * 0.5;
        // Away from the edge no unevenness decides.
        if inside.abs() > uneven + self.soft_m {
            return if inside > 0.0 { 1.0 } else { 0.0 };
        }
        let rough = fbm(place[0] * 9.0, place[1] * 9.0, 3, self.seed);
        smoothstep(-self.soft_m, self.soft_m, inside + rough * uneven)
    }

    fn paint(&self, place: [f32; 2], stuff: &Stuff<'_>, surface: &mut Surface) {
        let cover = self.cover_at(place);
        if cover <= 0.0 {
            return;
        }
        let smooth = mix3(surface.albedo, stuff.base, self.cover * 0.7);
        let tinted = std::array::from_fn(|c| smooth[c] * self.tint[c]);
        surface.albedo = mix3(surface.albedo, tinted, cover);
        surface.slope = surface.slope.map(|s| s * (1.0 - cover * self.cover));
    }
}
