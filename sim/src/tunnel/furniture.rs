//! Furniture of the tunnel: racks with cables and joints, debris, a pipe, lamps.

use nalgebra::{Isometry3, Translation3, UnitQuaternion, Vector3};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use robot_interface::defect::LiningBox;
use robot_interface::tunnel::TunnelDesign;

use super::description::{CableWall, FurnitureDescription};
use super::floor::Floor;
use super::layout::{BEYOND_M, CLEAR_M, PASSAGE_M, count};
use super::noise::value1;
use super::solids::{Material, Solids, map_point};
use super::span::Span;
use crate::geometry::SolidId;

/// Heights between which the racks carry cables, m above the design floor.
const RACK_UP_M: [f64; 2] = [0.62, 1.62];
/// Reach of the racks from the lining, m.
const ARM_M: f64 = 0.26;
/// Least distance between two joints along the tunnel, m.
const JOINTS_APART_M: f64 = 1.3;

/// A joint in a cable: a sleeve thicker than the cable.
#[derive(Clone, Debug, PartialEq)]
pub struct CableJoint {
    /// Its projection onto the lining.
    pub bounds: LiningBox,
    /// Its middle, `[chainage, left, up]`, m.
    pub centre_m: [f64; 3],
    /// Level of its cable, from below.
    pub level: u8,
    /// Its temperature over its cable's, K.
    pub excess_k: f64,
    /// Its solid.
    pub solid: SolidId,
}

/// A bracket: its upright and arms.
#[derive(Clone, Debug)]
pub(crate) struct Bracket {
    pub(crate) solids: Vec<SolidId>,
    pub(crate) bounds: LiningBox,
}

/// A box left lying.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Debris {
    /// Its middle, `[chainage, left]`, m.
    pub centre_m: [f64; 2],
    /// Radius of the circle about it seen from above, m.
    pub radius_m: f64,
}

/// All furniture of a stretch.
#[derive(Clone, Debug, Default)]
pub(crate) struct Furniture {
    pub(crate) brackets: Vec<Bracket>,
    pub(crate) joints: Vec<CableJoint>,
    pub(crate) debris: Vec<Debris>,
}

/// What runs through the whole tunnel, drawn with the first stretch.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lines {
    /// Level, radius, m, and distance from the wall, m, of each cable.
    cables: Vec<(usize, f64, f64)>,
    lane_seed: u32,
    /// Height and radius of the pipe, m.
    pipe: [f64; 2],
}

/// Stretch that furniture is made for.
#[derive(Clone, Copy)]
struct Site<'a> {
    design: &'a TunnelDesign,
    wanted: &'a FurnitureDescription,
    span: Span,
    /// Lines of the tunnel; `None` in the first stretch, which draws them.
    common: Option<&'a Lines>,
}

/// A lane of at least [`PASSAGE_M`] that winds along the floor and holds nothing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lane {
    seed: u32,
    sway_m: f64,
    middle_m: f64,
    length_m: f64,
}

impl Lane {
    pub(crate) fn new(floor: &Floor, length_m: f64, seed: u32) -> Self {
        let [right, left] = floor.carriageway_m();
        let sway_m = ((left - right - PASSAGE_M) / 2.0 - 0.05).clamp(0.0, 0.6);
        Self { seed, sway_m, middle_m: (left + right) / 2.0, length_m }
    }

    /// Middle of the lane, m left of the axis; it starts and ends on the axis.
    pub(crate) fn left_m(&self, chainage_m: f64) -> f64 {
        let inside = (chainage_m - CLEAR_M).min(self.length_m - CLEAR_M - chainage_m);
        let ramp = (inside / 3.0).clamp(0.0, 1.0);
        ramp * (self.middle_m + self.sway_m * f64::from(value1(chainage_m as f32 / 4.0, self.seed)))
    }
}

impl Furniture {
    /// The furniture of one stretch, and the lines that go on in the others: `common` for all but the first.
    pub(crate) fn generate(
        design: &TunnelDesign,
        wanted: &FurnitureDescription,
        span: Span,
        floor: &Floor,
        common: Option<&Lines>,
        solids: &mut Solids,
        rng: &mut ChaCha8Rng,
    ) -> (Self, Lines) {
        let site = Site { design, wanted, span, common };
        let (mut made, mut lines) = (Self::default(), common.cloned().unwrap_or_default());
        if wanted.cable_levels > 0 {
            made.rack(site, &mut lines, solids, rng);
        }
        made.scatter(site, &mut lines, floor, solids, rng);
        if wanted.pipe {
            pipe(site, &mut lines, solids, rng);
        }
        let [near, far] = span.between(0.5, 0.5);
        for _ in 0..count(wanted.lamps_per_10_m.get(), span.length_m(), rng) {
            let s = rng.random_range(near..far);
            let place = map_point(design, [s, 0.0, design.section.crown_up_m() - 0.05]);
            let heading = design.alignment.pose_at(s).heading_rad;
            let pose = Isometry3::from_parts(
                Translation3::from(place.coords),
                UnitQuaternion::from_axis_angle(&Vector3::z_axis(), heading),
            );
            solids.add_box(Material::Lamp, [0.6, 0.1, 0.07], pose);
        }
        (made, lines)
    }

    fn rack(&mut self, site: Site<'_>, lines: &mut Lines, solids: &mut Solids, rng: &mut ChaCha8Rng) {
        let Site { design, wanted, span, common } = site;
        let side = if wanted.cable_wall == CableWall::Left { 1.0 } else { -1.0 };
        let section = &design.section;
        let top = RACK_UP_M[1].min(section.crown_up_m() - 0.5);
        let levels = usize::from(wanted.cable_levels);
        let pitch = (top - RACK_UP_M[0]) / levels.max(2) as f64;
        let up = |level: f64| RACK_UP_M[0] + pitch * level;
        let wall = |up_m: f64| side * wall_left_m(design, up_m);
        let every = wanted.bracket_every_m.get();
        let first = -BEYOND_M + 0.4;
        let bays = ((design.length_m() + 2.0 * BEYOND_M - 0.8) / every).floor() as usize;
        let at = |s: f64, left: f64, up: f64| map_point(design, [s, left, up]);
        for s in span.bays(first, every, bays + 1) {
            let ahead = heading(design, s);
            let mut ids = Vec::new();
            for level in 0..levels {
                let (low, high) = (up(level as f64) - 0.04, up(level as f64 + 1.0) - 0.04);
                let ends = [at(s, wall(low) - side * 0.02, low), at(s, wall(high) - side * 0.02, high)];
                ids.push(solids.add_bar(Material::Bracket, ends, ahead, [0.045, 0.03]));
                let up = up(level as f64) - 0.02;
                let ends = [at(s, wall(up), up - 0.02), at(s, wall(up) - side * ARM_M, up)];
                ids.push(solids.add_bar(Material::Bracket, ends, ahead, [0.04, 0.035]));
            }
            let bounds =
                ids.iter().filter_map(|id| solids.lining_box(design, *id)).reduce(|a, b| a.union(&b));
            if let (Some(bounds), true) = (bounds, (0.0..design.length_m()).contains(&s)) {
                self.brackets.push(Bracket { solids: ids, bounds });
            }
        }
        if common.is_none() {
            lines.cables = (0..levels)
                .flat_map(|level| {
                    let radius = rng.random_range(0.02..0.042);
                    let pair = rng.random_bool(0.6);
                    let inner = ARM_M - 0.03 - radius;
                    let near = std::iter::once((level, radius, inner));
                    near.chain(pair.then_some((level, radius, inner - 2.0 * radius - 0.03)))
                })
                .collect();
        }
        // Where joints sit: a cable and a place along it, kept apart, also from those beyond a border.
        let mut places: Vec<(usize, f64, f64)> = Vec::new();
        let near = span.between(CLEAR_M.min(design.length_m() / 3.0), JOINTS_APART_M / 2.0)[0];
        let far = span.between(1.0, JOINTS_APART_M / 2.0)[1];
        for _ in 0..count(wanted.joints_per_10_m.get(), span.length_m(), rng) {
            for _ in 0..20 {
                let (level, half) = (rng.random_range(0..levels), rng.random_range(0.22..0.35));
                let s = rng.random_range(near..far);
                // Joints of neighbouring cables would be told apart by no thermal camera: keep all apart.
                if places.iter().all(|p| (p.1 - s).abs() > JOINTS_APART_M) {
                    // The outer cable of a level: one behind it would be hidden.
                    if let Some(cable) = lines.cables.iter().position(|c| c.0 == level) {
                        places.push((cable, s, half));
                    }
                    break;
                }
            }
        }
        places.sort_by(|a, b| a.1.total_cmp(&b.1));
        for (index, (level, radius, reach)) in lines.cables.iter().enumerate() {
            let up_m = up(*level as f64) + radius;
            let left_m = wall(up(*level as f64)) - side * reach;
            for s in span.bays(first, every, bays) {
                let ends = [at(s, left_m, up_m), at(s + every, left_m, up_m)];
                solids.add_rod(Material::Cable(*level as u8), ends, *radius);
            }
            for (_, s, half) in places.iter().filter(|p| p.0 == index) {
                let number = span.first_id() + self.joints.len() as u32;
                let ends = [at(s - half, left_m, up_m), at(s + half, left_m, up_m)];
                let solid = solids.add_rod(Material::CableJoint(number), ends, radius * 1.6 + 0.008);
                if let Some(bounds) = solids.lining_box(design, solid) {
                    let centre_m = [*s, left_m, up_m];
                    self.joints.push(CableJoint {
                        bounds,
                        centre_m,
                        level: *level as u8,
                        excess_k: 0.0,
                        solid,
                    });
                }
            }
        }
    }

    /// Leaves boxes on the floor outside the free lane.
    fn scatter(
        &mut self,
        site: Site<'_>,
        lines: &mut Lines,
        floor: &Floor,
        solids: &mut Solids,
        rng: &mut ChaCha8Rng,
    ) {
        let Site { design, wanted, span, common } = site;
        if common.is_none() {
            lines.lane_seed = rng.random();
        }
        let lane = Lane::new(floor, design.length_m(), lines.lane_seed);
        let [right, left] = floor.carriageway_m();
        let [near, far] = span.between(CLEAR_M, 0.0);
        for _ in 0..count(wanted.debris_per_10_m.get(), span.length_m(), rng) {
            for _ in 0..30 {
                let size: [f64; 3] = std::array::from_fn(|_| rng.random_range(0.05..0.35));
                let radius_m = size[0].hypot(size[1]) / 2.0;
                let s = rng.random_range(near + radius_m + 0.3..far - radius_m - 0.3);
                let (low, high) = (right + radius_m, left - radius_m);
                if low >= high {
                    continue;
                }
                let across = rng.random_range(low..high);
                let debris = Debris { centre_m: [s, across], radius_m };
                let apart = self.debris.iter().all(|d| {
                    let [ds, dl] = [d.centre_m[0] - s, d.centre_m[1] - across];
                    ds.hypot(dl) > d.radius_m + radius_m + 0.05
                });
                if !apart || !leaves(&lane, &debris) {
                    continue;
                }
                let up = floor.height_m(s, across) + size[2] / 2.0 - 0.01;
                let turn = heading_rad(design, s) + rng.random_range(0.0..3.0);
                let pose = Isometry3::from_parts(
                    Translation3::from(map_point(design, [s, across, up]).coords),
                    UnitQuaternion::from_axis_angle(&Vector3::z_axis(), turn),
                );
                solids.add_box(Material::Debris, size, pose);
                self.debris.push(debris);
                break;
            }
        }
    }
}

/// True if the lane passes by a piece of debris.
fn leaves(lane: &Lane, debris: &Debris) -> bool {
    let reach = debris.radius_m + PASSAGE_M / 2.0;
    (-20..=20).all(|i| {
        let ds = reach * f64::from(i) / 20.0;
        let dl = lane.left_m(debris.centre_m[0] + ds) - debris.centre_m[1];
        // The lane bends: the clearance counts in every direction, not only straight across.
        ds.hypot(dl) >= reach + 0.02
    })
}

fn pipe(site: Site<'_>, lines: &mut Lines, solids: &mut Solids, rng: &mut ChaCha8Rng) {
    let Site { design, wanted, span, common } = site;
    let side = if wanted.cable_wall == CableWall::Left { -1.0 } else { 1.0 };
    if common.is_none() {
        let up = (design.section.crown_up_m() * rng.random_range(0.72..0.82)).max(1.3);
        lines.pipe = [up, rng.random_range(0.03..0.07)];
    }
    let [up, radius] = lines.pipe;
    let left = side * (wall_left_m(design, up) - radius - 0.05);
    let bays = ((design.length_m() + 2.0 * BEYOND_M) / 1.5).floor() as usize;
    for s in span.bays(-BEYOND_M, 1.5, bays) {
        let ends = [map_point(design, [s, left, up]), map_point(design, [s + 1.5, left, up])];
        solids.add_rod(Material::Pipe, ends, radius);
    }
}

/// Distance of the side wall from the axis at a height above the floor, m.
fn wall_left_m(design: &TunnelDesign, up_m: f64) -> f64 {
    let (mut inside, mut outside) = (0.0, 12.0);
    for _ in 0..40 {
        let middle = (inside + outside) / 2.0;
        if design.section.clearance(middle, up_m) > 0.0 { inside = middle } else { outside = middle }
    }
    inside
}

fn heading_rad(design: &TunnelDesign, chainage_m: f64) -> f64 {
    design.alignment.pose_at(chainage_m).heading_rad
}

fn heading(design: &TunnelDesign, chainage_m: f64) -> Vector3<f64> {
    let (sin, cos) = heading_rad(design, chainage_m).sin_cos();
    Vector3::new(cos, sin, 0.0)
}
