//! Plan of a tunnel, by which its stretches are made one at a time, each from the seed and its own number.
//!
//! Any stretch can be made alone, on any thread, in any order, and is the same. What goes over a border follows from the
//! plan: the shell, the floor's unevenness and cross-fall, the lane that debris leaves free, cables, pipe and brackets,
//! the lining's joints and texture. Sills, puddles, debris, lamps, cable joints, defects and look-alikes keep inside
//! their stretch.

use std::ops::RangeInclusive;
use std::sync::Arc;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use robot_interface::tunnel::TunnelDesign;

use super::appearance::LiningAppearance;
use super::climate::Climate;
use super::description::{TunnelDescription, TunnelError, check_design};
use super::floor::Floor;
use super::furniture::{CableJoint, Debris, Furniture, Lines};
use super::layout::BEYOND_M;
use super::lining::{Lining, LiningMarks};
use super::solids::{Material, Solids};
use super::span::{Division, Span};
use super::truth::TrueDefect;
use super::{placement, shell};
use crate::geometry::{SolidId, StaticGeometry};

/// Plan of a tunnel: all that its stretches have in common. Cheap to make and to clone, however long the tunnel.
#[derive(Clone, Debug)]
pub struct TunnelPlan {
    pub(super) shared: Arc<Shared>,
}

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) design: TunnelDesign,
    wanted: TunnelDescription,
    seed: u64,
    pub(super) division: Division,
    /// Of the floor's unevenness.
    floor_seed: u32,
    lines: Lines,
    pub(super) lining: Lining,
    pub(super) climate: Climate,
    /// Of the looks of things.
    pub(super) look_seed: u32,
}

/// One stretch of a tunnel, made.
#[derive(Clone, Debug)]
pub struct Stretch {
    pub(super) index: u32,
    pub(super) floor: Floor,
    pub(super) solids: Solids,
    pub(super) joints: Vec<CableJoint>,
    pub(super) debris: Vec<Debris>,
    pub(super) defects: Vec<TrueDefect>,
    /// Rusted solids: id, defect, share of the surface that is rusted; sorted by id.
    pub(super) rusted: Vec<(SolidId, u32, f32)>,
    pub(super) marks: LiningMarks,
}

/// Parts of a stretch that are drawn, each from a stream of its own: more debris does not move the cracks.
#[derive(Clone, Copy)]
enum Part {
    Floor = 1,
    Furniture = 2,
    Climate = 3,
    Defects = 4,
    Lining = 5,
}

impl TunnelPlan {
    /// Plans a tunnel; the same arguments always plan the same one.
    ///
    /// # Errors
    /// When the description contradicts itself or the design leaves no room, or is too long to be simulated.
    pub fn new(design: &TunnelDesign, wanted: &TunnelDescription, seed: u64) -> Result<Self, TunnelError> {
        wanted.check()?;
        check_design(design)?;
        let division = Division::new(design.length_m());
        // The first stretch draws what the others continue.
        let first = division.span(0);
        let floor =
            Floor::generate(design, &wanted.floor, first, None, &mut stream(seed, first, Part::Floor));
        let mut rng = stream(seed, first, Part::Furniture);
        let mut solids = Solids::new(first.first_id());
        let things = &wanted.furniture;
        let (_, lines) = Furniture::generate(design, things, first, &floor, None, &mut solids, &mut rng);
        let mut rng = stream(seed, first, Part::Climate);
        let load = things.cable_load.get() as f32;
        let climate = Climate {
            ambient_c: wanted.ambient_c.get() as f32,
            cable_rise_k: std::array::from_fn(|_| load * 14.0 * rng.random_range(0.8..1.1)),
        };
        let mut looks = stream(seed, first, Part::Lining);
        let appearance = LiningAppearance::draw(wanted.lining, design.section.shape(), &mut looks);
        let lining = Lining {
            concrete: appearance.concrete(&mut looks),
            aggregate: LiningAppearance::aggregate(&mut looks),
            clouds: LiningAppearance::clouds(&mut looks),
            appearance,
        };
        let shared = Shared {
            design: design.clone(),
            wanted: wanted.clone(),
            seed,
            division,
            floor_seed: floor.seed(),
            lines,
            lining,
            climate,
            look_seed: rng.random(),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Its design.
    pub fn design(&self) -> &TunnelDesign {
        &self.shared.design
    }

    /// Number of its stretches.
    pub fn stretches(&self) -> u32 {
        self.shared.division.count()
    }

    /// Stretches that hold all that lies between two chainages, m.
    pub fn within(&self, chainage_m: [f64; 2]) -> RangeInclusive<u32> {
        self.shared.division.touching(chainage_m)
    }

    /// Makes a stretch; the last one for a number beyond it.
    pub fn stretch(&self, index: u32) -> Stretch {
        let Shared { design, wanted, seed, division, floor_seed, lines, climate, .. } = self.shared.as_ref();
        let span = division.span(index.min(division.count() - 1));
        let draw = |part| stream(*seed, span, part);
        // The first stretch repeats the draws by which it was planned.
        let (floor_seed, lines) = if span.first { (None, None) } else { (Some(*floor_seed), Some(lines)) };
        let floor = Floor::generate(design, &wanted.floor, span, floor_seed, &mut draw(Part::Floor));
        let mut solids = Solids::new(span.first_id());
        shell::build(design, span, &mut solids);
        floor.build(design, span, &mut solids);
        let (mut furniture, _) = Furniture::generate(
            design,
            &wanted.furniture,
            span,
            &floor,
            lines,
            &mut solids,
            &mut draw(Part::Furniture),
        );
        let placed =
            placement::place(design, wanted, span, &mut furniture, climate, &mut draw(Part::Defects));
        let [low_m, extent_m] = span.low_and_extent(BEYOND_M);
        let half_arc = design.section.half_arc_m() as f32 + 0.1;
        let high_m = if span.last { span.to_m + BEYOND_M } else { low_m + extent_m };
        let (low, high) = ([low_m as f32, -half_arc], [high_m as f32, half_arc]);
        Stretch {
            index: span.index,
            floor,
            solids,
            joints: furniture.joints,
            debris: furniture.debris,
            defects: placed.defects,
            rusted: placed.rusted,
            marks: LiningMarks::new(&placed.strokes, placed.marks, low, high),
        }
    }
}

impl Stretch {
    /// Its number, from 0 at the portal.
    pub const fn index(&self) -> u32 {
        self.index
    }

    /// Its solids, in `map`.
    pub const fn geometry(&self) -> &StaticGeometry {
        &self.solids.geometry
    }

    /// Its true defects, by id.
    pub fn defects(&self) -> &[TrueDefect] {
        &self.defects
    }

    /// Materials of its solids, in their order.
    pub(crate) fn materials(&self) -> &[Material] {
        &self.solids.materials
    }
}

/// Random numbers of one part of one stretch.
fn stream(seed: u64, span: Span, part: Part) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(u64::from(span.index) << 8 | part as u64);
    rng
}
