//! Patches on the lining that have an area: leakage, spalling, steel plates and their rust, and look-alikes.
//!
//! Each is a function of the place on the lining: how much it covers, what it does to colour, relief and
//! gloss. A defect's label is exactly where it covers more than half of a pixel.

mod leak;
mod spall;
mod steel;
mod surface;

pub(crate) use leak::{Leak, LeakKind};
pub(crate) use spall::Spall;
pub(crate) use steel::{Plate, rust};
pub(crate) use surface::{MarkTexture, luminance};
pub use surface::{NO_DEFECT, Surface};

use super::noise::{fbm, mix3, smoothstep};

/// A repair or a stain: a look-alike that is no defect.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patch {
    pub(crate) centre: [f32; 2],
    pub(crate) half: [f32; 2],
    /// Factor on the lining's reflectance.
    pub(crate) tint: [f32; 3],
    /// Distance over which its edge fades, m: a few mm for mortar, more for a stain.
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
    pub(crate) defect: Option<u32>,
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

    /// Cover of a place by the defect, 0 to 1; beyond a half it is labelled.
    pub(crate) fn cover(&self, place: [f32; 2]) -> f32 {
        match &self.shape {
            Shape::Leak(leak) => leak.cover(place, 0.002).0,
            Shape::Spall(spall) => smoothstep(-0.001, 0.001, spall.inside_m(place)),
            Shape::Plate(plate) => plate.rust_at(place),
            Shape::Patch(patch) => patch.cover_at(place),
        }
    }

    pub(crate) fn paint(
        &self,
        place: [f32; 2],
        pixel_m: f32,
        texture: &MarkTexture<'_>,
        surface: &mut Surface,
    ) {
        match &self.shape {
            Shape::Leak(leak) => leak.paint(place, pixel_m, texture, self.defect, surface),
            Shape::Spall(spall) => spall.paint(place, pixel_m, texture, self.defect, surface),
            Shape::Plate(plate) => plate.paint(place, pixel_m, self.defect, surface),
            Shape::Patch(patch) => patch.paint(place, texture, surface),
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

    fn paint(&self, place: [f32; 2], texture: &MarkTexture<'_>, surface: &mut Surface) {
        let cover = self.cover_at(place);
        if cover <= 0.0 {
            return;
        }
        let smooth = mix3(surface.albedo, texture.base, self.cover * 0.7);
        let tinted = std::array::from_fn(|c| smooth[c] * self.tint[c]);
        surface.albedo = mix3(surface.albedo, tinted, cover);
        surface.slope = surface.slope.map(|s| s * (1.0 - cover * self.cover));
    }
}
