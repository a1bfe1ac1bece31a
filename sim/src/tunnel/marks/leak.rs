//! Water on the lining: a damp patch under its source with streaks that run down, and what it leaves behind.

use super::{Stuff, Surface, luminance};
use crate::tunnel::noise::{fbm, mix, mix3, smoothstep, value, value1};

/// What the water shows or leaves.
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
    /// How far it runs, m.
    pub(crate) run: f32,
    /// +1 where arc grows downwards, -1 where it shrinks, 0 at the crown.
    pub(crate) down: f32,
    pub(crate) kind: LeakKind,
    /// What a fully wet surface keeps of its reflectance.
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

    /// How much water covers a place, 0 to 1, and how far inside the edge it lies, m.
    pub(super) fn cover(&self, place: [f32; 2], soft_m: f32) -> (f32, f32) {
        let [dx, dy] = [place[0] - self.source[0], place[1] - self.source[1]];
        let warp = fbm(place[0] * 14.0, place[1] * 14.0, 3, self.seed);
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
            let width =
                mix(0.45, 1.05, smoothstep(0.0, 0.5, share)) + 0.18 * value1(t * 6.0, self.seed ^ 0x33);
            let thread = 0.55 + 0.45 * value1(dx * 22.0, self.seed ^ 0x44);
            let blunt = (1.0 - (x * x).min(1.0)).sqrt();
            let length = self.run * blunt.max(0.1) * mix(0.55, 1.1, thread);
            let top = t + 0.03 + 0.03 * value(dx * 18.0, 0.0, self.seed ^ 0x55);
            ((width - x.abs()) * self.half_width).min(length - t).min(top) + 0.012 * warp
        };
        (smoothstep(-soft_m, soft_m, inside), inside)
    }

    pub(super) fn paint(
        &self,
        place: [f32; 2],
        pixel_m: f32,
        stuff: &Stuff<'_>,
        defect: Option<u16>,
        out: &mut Surface,
    ) {
        let soft = (0.004 + 0.010 * (self.seed % 7) as f32 / 7.0).max(pixel_m * 0.5);
        let (cover, inside) = self.cover(place, soft);
        if cover <= 0.0 {
            return;
        }
        let before = out.albedo;
        let [dx, dy] = [place[0] - self.source[0], (place[1] - self.source[1]) * self.down];
        // Threads down the wall: fast across, slow along.
        let thread = fbm(dx * 38.0, dy * 2.5, 2, self.seed ^ 0x66);
        let cloud = fbm(place[0] * 6.0, place[1] * 6.0, 3, self.seed ^ 0x77);
        let wet = |tone: f32| -> [f32; 3] {
            let keep = (tone * (1.0 + 0.25 * thread + 0.25 * cloud)).clamp(0.12, 0.95);
            // Wet concrete loses more blue than red.
            [before[0] * keep, before[1] * keep * 0.98, before[2] * keep * 0.93]
        };
        let white = {
            let bright = (luminance(stuff.base) * 1.5 + 0.28).min(0.85) * (1.0 + 0.12 * cloud);
            [bright, bright * 0.985, bright * 0.94]
        };
        let flecks = smoothstep(-0.25, 0.35, thread + 0.4 * cloud + 0.25);
        let (colour, amount, gloss) = match self.kind {
            LeakKind::Damp => (wet(self.tone), cover, 0.5),
            LeakKind::Lime => (white, cover * mix(0.55, 1.0, flecks), 0.05),
            LeakKind::DampWithLime => {
                let rim =
                    smoothstep(0.028, 0.006, inside) + 0.55 * smoothstep(0.35, 0.6, thread + 0.3 * cloud);
                (mix3(wet(self.tone), white, rim.min(0.9)), cover, 0.35)
            }
            LeakKind::Algae => {
                let bright = luminance(before);
                let green = [0.30 * bright + 0.02, 0.46 * bright + 0.035, 0.14 * bright + 0.01];
                let lush = smoothstep(-0.5, 0.4, cloud + 0.5 * thread);
                (mix3(wet(self.tone), green, 0.35 + 0.6 * lush), cover, 0.25)
            }
            LeakKind::Iron => {
                let bright = luminance(before);
                let brown = [0.95 * bright + 0.06, 0.50 * bright + 0.03, 0.20 * bright + 0.01];
                (mix3(wet(self.tone + 0.15), brown, 0.4 + 0.5 * flecks), cover, 0.2)
            }
        };
        out.albedo = mix3(out.albedo, colour, amount);
        out.gloss = mix(out.gloss, gloss, cover);
        if cover > 0.5 {
            out.label(defect, 2, before);
        }
    }
}
