//! Concrete broken out of the lining: a ragged hollow with steep edges, aggregate, and sometimes bars.

use super::surface::{MarkTexture, Surface};
use crate::tunnel::noise::{fbm, mix, mix3, smoothstep, unit, value};

/// A hollow.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spall {
    /// Middle, `[chainage, arc]`, m.
    pub(crate) centre: [f32; 2],
    /// Mean radius, m.
    pub(crate) radius: f32,
    /// Length over width.
    pub(crate) stretch: f32,
    pub(crate) turn_rad: f32,
    /// Depth, m.
    pub(crate) depth: f32,
    /// Reflectance of the broken face relative to the lining's.
    pub(crate) tone: f32,
    /// Bars laid bare: their spacing, m, and whether they run around the lining; `None` for none.
    pub(crate) bars: Option<(f32, bool)>,
    pub(crate) seed: u32,
}

impl Spall {
    /// Distance inside the broken edge, m; negative outside.
    pub(super) fn inside_m(&self, place: [f32; 2]) -> f32 {
        let [dx, dy] = [place[0] - self.centre[0], place[1] - self.centre[1]];
        if dx.abs() > self.radius * 1.5 || dy.abs() > self.radius * 1.5 {
            return -self.radius;
        }
        let scale = 1.0 / self.radius;
        let coarse = [0u32, 0x9d].map(|k| fbm(dx * 2.2 * scale, dy * 2.2 * scale, 2, self.seed ^ k) * 0.16);
        let fine = fbm(dx * 55.0, dy * 55.0, 3, self.seed ^ 0x1b) * 0.009
            + fbm(dx * 17.0, dy * 17.0, 2, self.seed ^ 0x1c) * 0.12 * self.radius;
        let (sin, cos) = self.turn_rad.sin_cos();
        let (x, y) = (dx + coarse[0] * self.radius, dy + coarse[1] * self.radius);
        let [x, y] = [(cos * x + sin * y) / self.stretch, (cos * y - sin * x) * self.stretch];
        // Concrete breaks along straight edges: the hollow is a polygon of seven sides, roughened.
        let mut inside = f32::INFINITY;
        for side in 0..7u32 {
            let h = unit(crate::tunnel::noise::hash(self.seed ^ (side * 0x3d)));
            let (sin, cos) = ((side as f32 + 0.7 * h) * std::f32::consts::TAU / 7.0).sin_cos();
            inside = inside.min(self.radius * (0.72 + 0.36 * h) - cos * x - sin * y);
        }
        inside + fine
    }

    fn depth_m(&self, place: [f32; 2]) -> f32 {
        let inside = self.inside_m(place);
        if inside <= 0.0 {
            return 0.0;
        }
        let steep = 0.006 + 0.5 * self.depth;
        let floor = 0.75 + 0.35 * fbm(place[0] * 30.0, place[1] * 30.0, 3, self.seed ^ 0x5c);
        self.depth * smoothstep(0.0, steep, inside) * floor
    }

    pub(super) fn paint(
        &self,
        place: [f32; 2],
        pixel_m: f32,
        texture: &MarkTexture<'_>,
        defect: Option<u32>,
        out: &mut Surface,
    ) {
        let inside = self.inside_m(place);
        let soft = (0.5 * pixel_m).max(0.0008);
        let cover = smoothstep(-soft, soft, inside);
        if cover <= 0.0 {
            return;
        }
        let before = out.albedo;
        let h = pixel_m.max(0.0025);
        let here = self.depth_m(place);
        let slope = [
            (here - self.depth_m([place[0] + h, place[1]])) / h,
            (here - self.depth_m([place[0], place[1] + h])) / h,
        ];
        let texel = 1.0 / 0.0022;
        let grain = texture.aggregate.sample(place[0] * texel, place[1] * texel, pixel_m * texel);
        let cloud = value(place[0] * 20.0, place[1] * 20.0, self.seed ^ 0x2f);
        let bright = self.tone * (1.0 + 0.55 * grain[0] + 0.12 * cloud);
        let mut albedo: [f32; 3] =
            std::array::from_fn(|c| (texture.base[c] * bright * (1.0 + 0.1 * grain[3])).clamp(0.01, 0.9));
        let mut slope = [slope[0] + 1.1 * grain[1], slope[1] + 1.1 * grain[2]];
        let mut gloss = 0.0;
        // The foot of a steep edge sees little of the lamp.
        let gloom = 1.0 - 0.45 * (-inside / (0.35 * self.depth + 0.003)).exp();
        if let Some((spacing, around)) = self.bars {
            let (cross, along) = if around { (place[0], place[1]) } else { (place[1], place[0]) };
            let middle = if around { self.centre[0] } else { self.centre[1] };
            let bent = cross - middle + 0.006 * value(along * 5.0, 0.0, self.seed ^ 0x61);
            let offset = bent - (bent / spacing).round() * spacing;
            let radius = 0.006;
            // Bars show only where the hollow reaches them.
            if offset.abs() < radius && here > self.depth * 0.6 {
                let rib = if (along / 0.011).fract().abs() < 0.3 { 0.75 } else { 1.0 };
                let n = fbm(along * 60.0, cross * 60.0, 2, self.seed ^ 0x71);
                let rust = mix3([0.16, 0.062, 0.025], [0.42, 0.17, 0.055], 0.5 + 0.5 * n);
                albedo = rust.map(|c| c * rib);
                let side = -(offset / radius).clamp(-0.95, 0.95);
                let steep = side / (1.0 - side * side).sqrt();
                slope = if around { [steep, 0.0] } else { [0.0, steep] };
                gloss = 0.05;
            } else if offset.abs() < radius * 3.0 {
                // Rust bleeds into the concrete beside a bar.
                let bleed = (1.0 - offset.abs() / (radius * 3.0)) * 0.5;
                albedo = mix3(albedo, [albedo[0] * 1.1, albedo[1] * 0.62, albedo[2] * 0.35], bleed);
            }
        }
        out.albedo = mix3(out.albedo, albedo.map(|c| c * gloom), cover);
        out.slope = [mix(out.slope[0], slope[0], cover), mix(out.slope[1], slope[1], cover)];
        out.gloss = mix(out.gloss, gloss, cover);
        if cover > 0.5 {
            out.label(defect, 3, before);
            // Relief shows even where the tone is the lining's own.
            out.contrast = out.contrast.max(0.3);
        }
    }
}
