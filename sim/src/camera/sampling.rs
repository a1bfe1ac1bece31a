//! Raycasting of a picture: few casts, and interpolation where a surface is smooth.

use nalgebra::{Isometry3, Point3, Vector3};
use rayon::prelude::*;
use robot_interface::frames::{Map, Point};
use robot_interface::sensors::Intrinsics;

use super::exposure::Exposure;
use super::image_sensor::MotionBlur;
use super::lighting::Lighting;
use crate::geometry::{RayCaster, SolidId};
use crate::tunnel::{Footprint, Material, Tunnel};

/// Distance beyond which cameras, thermal ones too, see nothing, m.
pub const SIGHT_M: f32 = 60.0;
/// Side of a block of the coarse grid, pixels.
pub(super) const BLOCK: usize = 8;
/// Least cosine between normals across which a surface counts as smooth.
const SMOOTH: f32 = 0.9;
/// Number of interpolated values of a sample.
const VALUES: usize = 9;

/// Sample of a ray's end, with everything that shading needs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    pub(super) solid: SolidId,
    /// `None` where nothing was met.
    pub(super) material: Option<Material>,
    /// Place in `map`, m, and normal.
    point: [f32; 3],
    normal: [f32; 3],
    /// Chainage, arc, left, up (m); light that arrives; its direction along chainage, along arc (on the
    /// floor: left) and along the normal; distance from the camera, m.
    pub(super) values: [f32; VALUES],
    /// 1 lit by the lamp, 0 in shadow.
    pub(super) lit: f32,
}

/// A grid of samples at the corners of blocks.
#[derive(Debug)]
pub(super) struct Grid {
    columns: usize,
    samples: Vec<Sample>,
}

/// The rays of one picture.
pub(super) struct Rays<'a> {
    lens: Intrinsics,
    lighting: Lighting,
    tunnel: &'a Tunnel,
    caster: &'a dyn RayCaster,
    pose: Isometry3<f64>,
    ends: [Isometry3<f64>; 2],
    lamp: Point3<f64>,
}

impl<'a> Rays<'a> {
    pub(super) fn new(
        lens: Intrinsics,
        lighting: Lighting,
        tunnel: &'a Tunnel,
        caster: &'a dyn RayCaster,
        exposure: &Exposure,
    ) -> Self {
        let ends = [exposure.start.isometry, exposure.end.isometry];
        // Halfway; nearly opposite rotations cannot occur within an exposure.
        let pose = ends[0].try_lerp_slerp(&ends[1], 0.5, 1e-9).unwrap_or(ends[0]);
        let lamp = pose * Point3::from(lighting.lamp_m.map(f64::from));
        Self { lens, lighting, tunnel, caster, pose, ends, lamp }
    }

    /// Casts the rays at the corners of all blocks.
    pub(super) fn coarse(&self) -> Grid {
        let columns = (self.lens.width as usize).div_ceil(BLOCK) + 1;
        let rows = (self.lens.height as usize).div_ceil(BLOCK) + 1;
        let samples = (0..rows)
            .into_par_iter()
            .flat_map_iter(|j| {
                (0..columns).map(move |i| {
                    let mut sample = self.sample(i * BLOCK, j * BLOCK);
                    sample.lit = self.lit(&sample);
                    sample
                })
            })
            .collect();
        Grid { columns, samples }
    }

    /// Calls `paint(x, y, sample, footprint)` for all pixels of a block, `x` and `y` within it; pixels may
    /// lie beyond the picture's edge.
    pub(super) fn block(
        &self,
        grid: &Grid,
        column: usize,
        row: usize,
        mut paint: impl FnMut(usize, usize, &Sample, &Footprint),
    ) {
        let corner = |i: usize, j: usize| &grid.samples[(row + j) * grid.columns + column + i];
        let corners = [corner(0, 0), corner(1, 0), corner(0, 1), corner(1, 1)];
        if alike(corners, BLOCK) {
            self.fill([0, 0], BLOCK, corners.map(|c| *c), &mut paint);
            return;
        }
        const SIDE: usize = BLOCK + 1;
        let mut known: [Option<Sample>; SIDE * SIDE] = [None; SIDE * SIDE];
        for (k, sample) in corners.into_iter().enumerate() {
            known[k / 2 * BLOCK * SIDE + k % 2 * BLOCK] = Some(*sample);
        }
        let mut waiting = vec![([0, 0], BLOCK)];
        while let Some(([x, y], size)) = waiting.pop() {
            let mut at = |x: usize, y: usize| -> Sample {
                *known[y * SIDE + x].get_or_insert_with(|| {
                    let mut sample = self.sample(column * BLOCK + x, row * BLOCK + y);
                    sample.lit = self.lit(&sample);
                    sample
                })
            };
            if size == 1 {
                let sample = at(x, y);
                paint(x, y, &sample, &self.footprint(&sample, column * BLOCK + x, row * BLOCK + y));
                continue;
            }
            let corners = [at(x, y), at(x + size, y), at(x, y + size), at(x + size, y + size)];
            if alike([&corners[0], &corners[1], &corners[2], &corners[3]], size) {
                self.fill([x, y], size, corners, &mut paint);
                continue;
            }
            let half = size / 2;
            waiting.extend([[x, y], [x + half, y], [x, y + half], [x + half, y + half]].map(|at| (at, half)));
        }
    }

    /// Paints a square whose corners meet the same smooth surface.
    fn fill(
        &self,
        [x0, y0]: [usize; 2],
        size: usize,
        corners: [Sample; 4],
        paint: &mut impl FnMut(usize, usize, &Sample, &Footprint),
    ) {
        let step = 1.0 / size as f32;
        let [a, b, c, d] = corners;
        let blend = |t: f32, from: &Sample, to: &Sample| -> ([f32; VALUES], f32) {
            let values = std::array::from_fn(|k| from.values[k] + (to.values[k] - from.values[k]) * t);
            (values, from.lit + (to.lit - from.lit) * t)
        };
        let mut sample = a;
        for y in 0..size {
            let v = y as f32 * step;
            let ((left, lit_left), (right, lit_right)) = (blend(v, &a, &c), blend(v, &b, &d));
            for x in 0..size {
                let u = x as f32 * step;
                for k in 0..VALUES {
                    sample.values[k] = left[k] + (right[k] - left[k]) * u;
                }
                sample.lit = lit_left + (lit_right - lit_left) * u;
                let down = |k: usize| {
                    (c.values[k] + (d.values[k] - c.values[k]) * u
                        - a.values[k]
                        - (b.values[k] - a.values[k]) * u)
                        * step
                };
                let footprint = Footprint {
                    right: [0, 1].map(|k| (right[k] - left[k]) * step),
                    down: [down(0), down(1)],
                };
                paint(x0 + x, y0 + y, &sample, &footprint);
            }
        }
    }

    fn direction(&self, x: usize, y: usize) -> Vector3<f64> {
        self.pose.rotation * self.lens.ray(x as f64 + 0.5, y as f64 + 0.5)
    }

    fn sample(&self, x: usize, y: usize) -> Sample {
        let eye = self.pose.translation.vector;
        let direction = self.direction(x, y).normalize();
        let cast = self.caster.cast(eye.cast::<f32>().into(), direction.cast::<f32>().into(), SIGHT_M);
        let Some(hit) = cast else {
            return Sample {
                solid: SolidId::MAX,
                material: None,
                point: [0.0; 3],
                normal: [0.0; 3],
                values: [0.0; VALUES],
                lit: 0.0,
            };
        };
        let distance = f64::from(hit.distance_m);
        let point = Point3::from(eye + direction * distance);
        let material = self.tunnel.material(hit.solid);
        let design = self.tunnel.design();
        let place = design.to_tunnel(Point::<Map>::from_coords(point));
        let on_lining = design.to_lining(place);
        let axis = design.alignment.pose_at(place.chainage_m);
        let (sin, cos) = axis.heading_rad.sin_cos();
        let ahead = Vector3::new(cos, sin, 0.0);
        let left = Vector3::new(-sin, cos, 0.0);
        let mut normal = Vector3::from(hit.normal.map(f64::from));
        let mut across = left;
        if material == Some(Material::Lining) {
            // The mesh is coarse; light follows the design, which is round.
            let [to_left, to_up] =
                design.section.inward_normal_at(design.section.angle_of(place.left_m, place.up_m));
            normal = left * to_left + Vector3::z() * to_up;
            // Arc grows clockwise: at the crown to the right, on the right-hand wall downwards.
            across = Vector3::z() * -to_left + left * to_up;
        }
        let to_lamp = self.lamp - point;
        let range = to_lamp.norm().max(0.05);
        let light = to_lamp / range;
        let axis_of_view = self.pose.rotation * Vector3::z();
        let off_axis = (-light.dot(&axis_of_view)).clamp(-1.0, 1.0).acos() as f32;
        let beam = (-(off_axis / self.lighting.beam_rad).powi(2)).exp() + 0.04;
        // The lens darkens its corners as well, less than cos^4 as lenses are corrected for it.
        let vignette = direction.dot(&axis_of_view).max(0.1).powi(2) as f32;
        let arriving = beam * vignette / (range * range) as f32;
        Sample {
            solid: hit.solid,
            material,
            point: point.coords.cast::<f32>().into(),
            normal: hit.normal,
            values: [
                place.chainage_m as f32,
                on_lining.arc_m as f32,
                place.left_m as f32,
                place.up_m as f32,
                arriving,
                light.dot(&ahead) as f32,
                light.dot(&across) as f32,
                light.dot(&normal) as f32,
                hit.distance_m,
            ],
            lit: 1.0,
        }
    }

    /// Light of the lamp on a sample: 1, or 0 in shadow.
    fn lit(&self, sample: &Sample) -> f32 {
        if sample.material.is_none() {
            return 0.0;
        }
        let lamp = self.lamp.coords.cast::<f32>();
        let from = Vector3::from(sample.point) + Vector3::from(sample.normal) * 0.004;
        let way = lamp - from;
        let range = way.norm();
        match self.caster.cast(from.into(), (way / range.max(1e-3)).into(), range - 0.01) {
            Some(_) => 0.0,
            None => 1.0,
        }
    }

    /// Footprint of a single pixel on the surface that it shows.
    fn footprint(&self, sample: &Sample, x: usize, y: usize) -> Footprint {
        let eye = self.pose.translation.vector;
        let (point, normal) =
            (Vector3::from(sample.point).cast::<f64>(), Vector3::from(sample.normal).cast::<f64>());
        let place = |d: Vector3<f64>| -> Vector3<f64> {
            let along = normal.dot(&d);
            let flat = normal.dot(&(point - eye)) / if along.abs() < 1e-3 { -1e-3 } else { along };
            eye + d * flat.clamp(0.0, 100.0) - point
        };
        let design = self.tunnel.design();
        let heading = design.alignment.pose_at(f64::from(sample.values[0])).heading_rad;
        let ahead = Vector3::new(heading.cos(), heading.sin(), 0.0);
        let split = |d: Vector3<f64>| {
            let along = d.dot(&ahead);
            [along as f32, (d - ahead * along).norm() as f32]
        };
        let (mut right, mut down) =
            (split(place(self.direction(x + 1, y))), split(place(self.direction(x, y + 1))));
        // Nothing is so oblique that a pixel would be longer than this and still be looked at closely.
        for v in right.iter_mut().chain(&mut down) {
            *v = v.clamp(-0.1, 0.1);
        }
        Footprint { right, down }
    }

    /// Movement of the picture during the exposure, pixels `[right, down]`, one a block corner.
    pub(super) fn motion_blur(&self, grid: &Grid) -> MotionBlur {
        let shift = |sample: &Sample| -> [f32; 2] {
            let at = |pose: &Isometry3<f64>| {
                let point = Point3::from(sample.point).cast::<f64>();
                self.lens.project(pose.inverse_transform_point(&point).coords)
            };
            match (sample.material, at(&self.ends[0]), at(&self.ends[1])) {
                (Some(_), Some(a), Some(b)) => [0, 1].map(|k| (b[k] - a[k]) as f32),
                _ => [0.0; 2],
            }
        };
        MotionBlur {
            columns: grid.columns,
            block: BLOCK,
            shifts: grid.samples.par_iter().map(shift).collect(),
        }
    }
}

/// True if four rays, `size` pixels apart, met one smooth surface in the same light. A shadow's edge is as
/// soft as two pixels.
fn alike(corners: [&Sample; 4], size: usize) -> bool {
    let [a, rest @ ..] = corners;
    rest.iter().all(|s| {
        let cosine: f32 = (0..3).map(|k| a.normal[k] * s.normal[k]).sum();
        let same_light = size <= 2 || (s.lit - a.lit).abs() < 0.5;
        s.solid == a.solid && same_light && (cosine > SMOOTH || a.material.is_none())
    })
}
