//! Water on the lining: a damp patch under its source with streaks that run down, and what it leaves behind.

use super::surface::{MarkTexture, Surface, luminance};
use crate::tunnel::noise::{fbm, hash, mix, mix3, smoothstep, unit, value, value1};

/// Traces of water.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LeakKind {
    /// Wet and dark, shiny.
    Damp,
    /// White lime.
    Lime,
    /// Wet, with a rim of lime.
    DampWithLime,
    /// Green growth.
    Algae,
    /// Brown from iron in the water.
    Iron,
}

/// A leak below (or, at the crown, about) its source.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Leak {
    /// Source, `[chainage, arc]`, m.
    pub(crate) source: [f32; 2],
    /// Half its width at the widest, m.
    pub(crate) half_width: f32,
    /// Length of its run, m.
    pub(crate) run: f32,
    /// +1 where arc grows downwards, -1 where it shrinks, 0 at the crown.
    pub(crate) down: f32,
    pub(crate) kind: LeakKind,
    /// Share of its reflectance that a fully wet surface keeps.
    pub(crate) tone: f32,
    pub(crate) seed: u32,
}

impl Leak {
    pub(super) fn reach(&self) -> [f32; 4] {
        let [s, a] = self.source;
        let wide = self.half_width * 1.6 + 0.05;
        if self.down == 0.0 {
            let reach = self.half_width.max(self.run) * 1.5 + 0.05;
            return [s - reach, s + reach, a - reach, a + reach];
        }
        let (top, foot) = (a - 0.12 * self.down, a + (self.run * 1.15 + 0.05) * self.down);
        [s - wide, s + wide, top.min(foot), top.max(foot)]
    }

    /// Cover of a place by water, 0 to 1, and the place's distance inside the edge, m.
    pub(super) fn cover(&self, place: [f32; 2], soft_m: f32) -> (f32, f32) {
        let [dx, dy] = [place[0] - self.source[0], place[1] - self.source[1]];
        // Far beside the run no raggedness reaches: width, drift and fraying have their bounds.
        let beside = dx.abs() - (1.3 + 0.25) * self.half_width;
        if self.down != 0.0 && beside > 0.45 * self.half_width.min(0.12) + 0.012 * 2.6 + soft_m {
            return (0.0, -beside);
        }
        // Edges wander at every scale: with the wall's tone, with its grain, with its pores.
        let warp = 1.6 * fbm(place[0] * 5.0, place[1] * 4.0, 2, self.seed ^ 0x0f)
            + fbm(place[0] * 19.0, place[1] * 15.0, 4, self.seed);
        let inside = if self.down == 0.0 {
            let [u, v] = [dx / self.half_width, dy / self.run.max(0.05)];
            let ragged = fbm(dx * 4.0, dy * 4.0, 2, self.seed ^ 0x11);
            (1.0 + 0.45 * ragged - u.hypot(v)) * self.half_width.min(self.run) + 0.02 * warp
        } else {
            let t = dy * self.down;
            let share = (t / self.run).clamp(0.0, 1.0);
            // Narrow at the source, widening as it runs; every thread of water ends at its own length.
            let drift = 0.25 * self.half_width * value1(t * 2.2, self.seed ^ 0x22);
            let x = (dx - drift) / self.half_width;
            let width = mix(0.35, 1.0, smoothstep(0.0, 0.5, share))
                + 0.3 * fbm(t * 4.0, dx * 9.0, 3, self.seed ^ 0x33);
            let thread = 0.5
                + 0.28 * value1(dx * 11.0, self.seed ^ 0x44)
                + 0.2 * value1(dx * 37.0, self.seed ^ 0x45)
                + 0.14 * value1(dx * 110.0, self.seed ^ 0x46);
            let blunt = (1.0 - (x * x).min(1.0)).sqrt();
            let length = self.run * mix(blunt, 1.0, 0.35) * mix(0.35, 1.1, thread);
            let top = t + 0.03 + 0.03 * value(dx * 18.0, 0.0, self.seed ^ 0x55);
            // Threads fray the edge: fast across, slow along.
            let frayed = 0.45 * self.half_width.min(0.12) * fbm(dx * 34.0, t * 3.0, 3, self.seed ^ 0x56);
            ((width - x.abs()) * self.half_width).min(length - t).min(top) + frayed + 0.012 * warp
        };
        (smoothstep(-soft_m, soft_m, inside), inside)
    }

    pub(super) fn paint(
        &self,
        place: [f32; 2],
        pixel_m: f32,
        texture: &MarkTexture<'_>,
        defect: Option<u32>,
        out: &mut Surface,
    ) {
        // Some edges are sharp, some fade over centimetres.
        let soft = (0.002 + 0.035 * unit(hash(self.seed)).powi(2)).max(pixel_m * 0.5);
        let (cover, inside) = self.cover(place, soft);
        if cover <= 0.0 {
            return;
        }
        let before = out.albedo;
        let [dx, dy] = [place[0] - self.source[0], place[1] - self.source[1]];
        // Threads down the wall: fast across, slow along. At the crown water spreads every way.
        let along = if self.down == 0.0 { 20.0 } else { 2.5 };
        let thread = fbm(dx * (40.5 - along), dy * along, 2, self.seed ^ 0x66);
        let cloud = fbm(place[0] * 6.0, place[1] * 6.0, 3, self.seed ^ 0x77);
        let wet = |tone: f32| -> [f32; 3] {
            // Wettest in the middle, where the water runs.
            let core = 1.15 - 0.3 * smoothstep(0.0, 0.6 * self.half_width, inside);
            let keep = (tone * core * (1.0 + 0.3 * thread + 0.3 * cloud)).clamp(0.1, 0.95);
            // Wet concrete loses more blue than red.
            [before[0] * keep, before[1] * keep * 0.98, before[2] * keep * 0.93]
        };
        let white = {
            let bright = (luminance(texture.base) * 1.5 + 0.28).min(0.85) * (1.0 + 0.12 * cloud);
            [bright, bright * 0.985, bright * 0.94]
        };
        let flecks = smoothstep(-0.25, 0.35, thread + 0.4 * cloud + 0.25);
        let (colour, amount, gloss) = match self.kind {
            LeakKind::Damp => (wet(self.tone), cover, 0.5),
            LeakKind::Lime => {
                // A crust where the water dried, thin enough elsewhere for the wall to show through.
                let thick = 0.35 + 0.65 * unit(hash(self.seed ^ 0xbb));
                (white, cover * mix(0.3, 1.0, flecks) * thick, 0.05)
            }
            LeakKind::DampWithLime => {
                let rim =
                    smoothstep(0.028, 0.006, inside) + 0.55 * smoothstep(0.35, 0.6, thread + 0.3 * cloud);
                (mix3(wet(self.tone), white, rim.min(0.9)), cover, 0.35)
            }
            LeakKind::Algae => {
                let bright = luminance(before);
                let green = [0.30 * bright + 0.012, 0.40 * bright + 0.018, 0.17 * bright + 0.008];
                let lush = smoothstep(-0.5, 0.4, cloud + 0.5 * thread);
                (mix3(wet(self.tone), green, 0.35 + 0.6 * lush), cover, 0.25)
            }
            LeakKind::Iron => {
                let bright = luminance(before) * (1.0 + 0.35 * thread);
                let dark = unit(hash(self.seed ^ 0xaa));
                let brown = [
                    mix(0.9, 0.5, dark) * bright + 0.05,
                    mix(0.52, 0.26, dark) * bright + 0.026,
                    mix(0.24, 0.12, dark) * bright + 0.01,
                ];
                let strong = smoothstep(-0.45, 0.45, cloud + 0.6 * thread);
                (mix3(wet(self.tone + 0.25), brown, 0.15 + 0.8 * strong), cover, 0.15)
            }
        };
        out.albedo = mix3(out.albedo, colour, amount);
        out.gloss = mix(out.gloss, gloss, cover);
        if cover > 0.5 {
            out.label(defect, 2, before);
        }
    }
}
