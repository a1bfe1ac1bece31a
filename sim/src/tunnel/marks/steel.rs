//! Steel on the lining, sound and rusted: plates with bolts, and the rust that runs down from them.

use super::surface::Surface;
use crate::tunnel::noise::{fbm, hash, hash2, mix, mix3, smoothstep, unit, value1};

/// A steel plate bolted to the lining.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plate {
    /// Middle, `[chainage, arc]`, m.
    pub(crate) centre: [f32; 2],
    /// Half its extents, m.
    pub(crate) half: [f32; 2],
    /// Its paint or zinc, linear.
    pub(crate) colour: [f32; 3],
    /// Share that is rusted: 0 nothing, 1 all over.
    pub(crate) rust: f32,
    /// Length of the rust's run down the lining below it, m.
    pub(crate) run: f32,
    /// +1 where arc grows downwards, -1 where it shrinks.
    pub(crate) down: f32,
    pub(crate) seed: u32,
}

/// Cover of a place on steel by rust, 0 to 1, and its colour there. `amount` is the share of the
/// surface that is rusted.
pub(crate) fn rust(x: f32, y: f32, amount: f32, seed: u32) -> (f32, [f32; 3]) {
    let blotch = fbm(x * 16.0, y * 16.0, 4, seed) * 1.3;
    let threshold = 1.0 - 2.0 * amount;
    let cover = smoothstep(threshold - 0.12, threshold + 0.12, blotch);
    let shade = fbm(x * 70.0, y * 70.0, 3, seed ^ 0x99) * 0.6 + 0.4 * blotch;
    // Old rust is dark and brown, fresh rust orange.
    let age = unit(hash(seed ^ 0x77));
    let middle = mix3([0.30, 0.125, 0.04], [0.155, 0.072, 0.038], age);
    let fresh = mix3([0.50, 0.235, 0.075], [0.30, 0.15, 0.075], age);
    let colour = if shade < 0.0 {
        mix3(middle, [0.075, 0.036, 0.02], (-shade * 1.6).min(1.0))
    } else {
        mix3(middle, fresh, (shade * 1.8).min(1.0))
    };
    (cover, colour)
}

impl Plate {
    pub(super) fn reach(&self) -> [f32; 4] {
        let ([s, a], [hs, ha]) = (self.centre, self.half);
        let (top, foot) = (a - ha * self.down, a + (ha + self.run) * self.down);
        [s - hs - 0.02, s + hs + 0.02, top.min(foot) - 0.02, top.max(foot) + 0.02]
    }

    fn on_plate_m(&self, [dx, dy]: [f32; 2]) -> f32 {
        (self.half[0] - dx.abs()).min(self.half[1] - dy.abs())
    }

    /// Rust on the plate or run down from it, 0 to 1.
    pub(super) fn rust_at(&self, place: [f32; 2]) -> f32 {
        if self.rust <= 0.0 {
            return 0.0;
        }
        let d = [place[0] - self.centre[0], place[1] - self.centre[1]];
        if self.on_plate_m(d) > 0.0 {
            rust(place[0], place[1], self.rust, self.seed).0
        } else {
            self.bleed(d)
        }
    }

    /// Rust on the lining below the plate.
    fn bleed(&self, [dx, dy]: [f32; 2]) -> f32 {
        let below = dy * self.down - self.half[1];
        if self.run <= 0.0 || !(0.0..self.run).contains(&below) {
            return 0.0;
        }
        let x = dx / self.half[0];
        let thread = value1(dx * 45.0, self.seed ^ 0x12) * 0.6 + value1(dx * 140.0, self.seed ^ 0x13) * 0.4;
        let length = self.run * (0.55 + 0.45 * thread).clamp(0.0, 1.0) * (1.0 - x * x).clamp(0.0, 1.0).sqrt();
        // Beside the plate nothing runs: the length is zero there, and so is the fade over it.
        if length < 1e-3 {
            return 0.0;
        }
        smoothstep(length, length * 0.35, below) * smoothstep(-0.3, 0.5, thread + 0.2) * self.rust.sqrt()
    }

    pub(super) fn paint(&self, place: [f32; 2], pixel_m: f32, defect: Option<u32>, out: &mut Surface) {
        let d = [place[0] - self.centre[0], place[1] - self.centre[1]];
        let before = out.albedo;
        let inside = self.on_plate_m(d);
        if inside < -0.5 * pixel_m {
            let bleed = self.bleed(d);
            if bleed > 0.0 {
                let stain = [0.36, 0.16, 0.055].map(|c| c * (0.6 + before[0]));
                out.albedo = mix3(before, stain, bleed * 0.85);
                if bleed > 0.5 {
                    out.label(defect, 4, before);
                }
            }
            return;
        }
        let edge = smoothstep(-0.5 * pixel_m, 0.5 * pixel_m, inside);
        let cloud = fbm(place[0] * 25.0, place[1] * 25.0, 3, self.seed ^ 0x44);
        let mut albedo = self.colour.map(|c| (c * (1.0 + 0.18 * cloud)).clamp(0.01, 0.9));
        let mut slope = [0.0; 2];
        if inside < 0.004 {
            albedo = albedo.map(|c| c * 0.6);
        }
        // Bolts near the corners, each a small dome.
        let corner = [0, 1].map(|k| d[k].abs() - (self.half[k] - 0.03).max(0.0));
        let radius = 0.012;
        let r = corner[0].hypot(corner[1]);
        if r < radius {
            let steep = 0.8 / (1.0 - (r / radius).powi(2)).max(0.1).sqrt();
            slope = [0, 1].map(|k| -corner[k] * d[k].signum() / radius * steep);
            albedo = albedo.map(|c| {
                c * mix(0.8, 1.1, unit(hash2(d[0].signum() as i32, d[1].signum() as i32, self.seed)))
            });
        } else if r < radius * 1.35 {
            albedo = albedo.map(|c| c * 0.55);
        }
        let mut gloss = 0.35;
        let mut rusted = 0.0;
        if self.rust > 0.0 {
            let (cover, colour) = rust(place[0], place[1], self.rust, self.seed);
            rusted = cover;
            albedo = mix3(albedo, colour, cover);
            gloss *= 1.0 - cover;
        }
        out.albedo = mix3(before, albedo, edge);
        out.slope = [0, 1].map(|k| mix(out.slope[k], slope[k], edge));
        out.gloss = mix(out.gloss, gloss, edge);
        if rusted * edge > 0.5 {
            let sound = self.colour;
            out.label(defect, 4, sound);
            // Rust stands out by its hue even where it is as bright as the steel.
            out.contrast = out.contrast.max(0.35);
        }
    }
}
