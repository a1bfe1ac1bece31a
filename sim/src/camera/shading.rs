//! Shading: the light that a surface sends back.

use super::lighting::Lighting;
use super::sampling::Sample;
use crate::tunnel::{Footprint, Material, Surface, Tunnel, fbm, hash, mix, mix3, rust, unit};

/// Colours of a tunnel's things, and the light on them.
pub(super) struct Shader<'a> {
    tunnel: &'a Tunnel,
    lighting: Lighting,
    floor: [f32; 3],
    cable: [f32; 3],
    steel: [f32; 3],
    pipe: [f32; 3],
}

impl<'a> Shader<'a> {
    pub(super) fn new(tunnel: &'a Tunnel, lighting: &Lighting) -> Self {
        let draw = |n: u32| unit(hash(tunnel.seed() ^ hash(n)));
        let grey = |darkest: f32, brightest: f32, n: u32| {
            let g = mix(darkest, brightest, draw(n));
            [g * mix(0.97, 1.08, draw(n + 50)), g, g * mix(0.88, 1.02, draw(n + 51))]
        };
        let cable = match (draw(4) * 5.0) as u32 {
            0 => [0.28, 0.05, 0.03],
            1 => [0.30, 0.14, 0.03],
            _ => grey(0.02, 0.09, 5),
        };
        let steel = if draw(6) < 0.25 { [0.17, 0.07, 0.05] } else { grey(0.2, 0.5, 7) };
        let pipe = match (draw(8) * 4.0) as u32 {
            0 => [0.35, 0.04, 0.03],
            1 => [0.05, 0.14, 0.08],
            _ => grey(0.15, 0.6, 9),
        };
        Self { tunnel, lighting: *lighting, floor: grey(0.1, 0.26, 2), cable, steel, pipe }
    }

    /// A pixel's surface and the light it sends, linear.
    pub(super) fn shade(&self, sample: &Sample, footprint: &Footprint) -> (Surface, [f32; 3]) {
        let [s, a, left, up, arriving, along, across, facing, _] = sample.values;
        let surface = match sample.material {
            Some(Material::Lining) => self.tunnel.lining_surface([s, a], footprint),
            Some(material) => self.solid_surface(sample.solid, material, [s, left, up]),
            None => return (Surface::plain([0.0; 3]), [0.0; 3]),
        };
        let [rise_along, rise_across] = surface.slope;
        let steep = (1.0 + rise_along * rise_along + rise_across * rise_across).sqrt();
        let cosine = ((facing - rise_along * along - rise_across * across) / steep).max(0.0);
        let lamp = arriving * sample.lit;
        // Light that has been round the tunnel once, from everywhere.
        let around = self.lighting.ambient * mix(0.75, 1.0, 1.0 / steep) + 0.02 * arriving;
        // The lamp stands beside the camera: its mirror image is seen where the surface faces both.
        let mirror = if surface.gloss > 0.0 { surface.gloss * 0.8 * cosine.powi(48) * lamp } else { 0.0 };
        let colour = std::array::from_fn(|c| {
            (surface.albedo[c] * (lamp * cosine + around) + mirror) * self.lighting.colour[c]
        });
        (surface, colour)
    }

    /// Surface of everything but the lining.
    fn solid_surface(&self, solid: u32, material: Material, [s, left, up]: [f32; 3]) -> Surface {
        // No surface in a tunnel is parallel to this projection's direction for long.
        let (x, y) = (s + 0.61 * left, up - 0.47 * left);
        let own = unit(hash(solid.wrapping_mul(0x9e37)));
        let seed = self.tunnel.seed();
        let rough = |scale: f32, strength: f32| 1.0 + strength * fbm(x * scale, y * scale, 4, seed ^ solid);
        match material {
            Material::Floor => {
                let tone = 1.0
                    + 0.3 * fbm(s * 3.0, left * 3.0, 5, seed)
                    + 0.15 * fbm(s * 40.0, left * 40.0, 2, seed);
                Surface::plain(self.floor.map(|c| c * tone.max(0.2)))
            }
            Material::Puddle => {
                let mut surface = Surface::plain(self.floor.map(|c| c * 0.35));
                surface.gloss = 0.8;
                surface
            }
            Material::Bracket => {
                let mut surface = Surface::plain(self.steel.map(|c| c * rough(20.0, 0.25)));
                surface.gloss = 0.25;
                if let Some((defect, amount)) = self.tunnel.rust_of(solid) {
                    let (cover, colour) = rust(x, y, amount, seed);
                    let before = surface.albedo;
                    surface.albedo = mix3(before, colour, cover);
                    surface.gloss *= 1.0 - cover;
                    if cover > 0.5 {
                        surface.label(Some(defect), 4, before);
                        surface.contrast = surface.contrast.max(0.35);
                    }
                }
                surface
            }
            Material::Cable(_) => {
                let mut surface = Surface::plain(self.cable.map(|c| c * rough(12.0, 0.3)));
                surface.gloss = 0.15;
                surface
            }
            Material::CableJoint(_) => {
                Surface::plain(mix3(self.cable, [0.08; 3], 0.6).map(|c| c * rough(25.0, 0.2)))
            }
            Material::Debris => {
                let tone = mix(0.08, 0.35, own) * rough(14.0, 0.4);
                let warm = mix(0.5, 1.0, unit(hash(solid ^ 0x51)));
                Surface::plain([tone, tone * mix(0.75, 1.0, warm), tone * mix(0.5, 1.0, warm)])
            }
            Material::Pipe => Surface::plain(self.pipe.map(|c| c * rough(8.0, 0.2))),
            Material::Lamp => Surface::plain([0.6; 3]),
            Material::Lining | Material::EndWall => Surface::plain([0.12; 3]),
        }
    }
}
