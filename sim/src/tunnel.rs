//! Simulated tunnel, generated from its design, a description of its contents, and a seed.
//!
//! Solids for physics and rays, and the appearance of every surface as a function of place: no bitmap, so
//! that a picture is as sharp as its camera. Ground truth about defects comes from the same functions that
//! draw them.

mod appearance;
mod climate;
mod crack;
mod description;
mod floor;
mod furniture;
mod layout;
mod lining;
mod marks;
mod noise;
mod placement;
mod shell;
mod solids;
mod strokes;
mod tile;
mod truth;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use robot_interface::tunnel::TunnelDesign;

pub use description::{
    CableWall, DefectDescription, FloorDescription, FurnitureDescription, LiningType, TunnelDescription,
    TunnelError, check_design,
};
pub use floor::{Floor, Puddle, Sill};
pub use furniture::{CableJoint, Debris};
pub use layout::PASSAGE_M;
pub use lining::CRACK_LABEL_PX;
pub use marks::{NO_DEFECT, Surface};
pub use solids::Material;
pub use strokes::Footprint;
pub use truth::TrueDefect;

pub(crate) use marks::{luminance, rust};
pub(crate) use noise::{fbm, floor, hash, mix, mix3, unit};

use crate::geometry::{SolidId, StaticGeometry};
use appearance::LiningAppearance;
use climate::Climate;
use furniture::Furniture;
use layout::BEYOND_M;
use lining::Lining;
use solids::Solids;

/// Simulated tunnel. Immutable; everything about it is a function of what it was made from.
#[derive(Clone, Debug)]
pub struct Tunnel {
    design: TunnelDesign,
    floor: Floor,
    solids: Solids,
    furniture: Furniture,
    defects: Vec<TrueDefect>,
    /// Rusted solids: id, defect, share of the surface that is rusted; sorted by id.
    rusted: Vec<(SolidId, u16, f32)>,
    lining: Lining,
    climate: Climate,
    seed: u32,
}

impl Tunnel {
    /// Makes a tunnel; the same arguments always make the same one.
    ///
    /// # Errors
    /// When the description contradicts itself or the design leaves no room.
    pub fn generate(
        design: &TunnelDesign,
        wanted: &TunnelDescription,
        seed: u64,
    ) -> Result<Self, TunnelError> {
        wanted.check()?;
        check_design(design)?;
        // A stream of its own for every part: more debris does not move the cracks.
        let stream = |number| {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            rng.set_stream(number);
            rng
        };
        let floor = Floor::generate(design, &wanted.floor, &mut stream(1));
        let mut solids = Solids::default();
        shell::build(design, &mut solids);
        floor.build(design, &mut solids);
        let mut furniture =
            Furniture::generate(design, &wanted.furniture, &floor, &mut solids, &mut stream(2));
        let mut rng = stream(3);
        let load = wanted.furniture.cable_load.get() as f32;
        let climate = Climate {
            ambient_c: wanted.ambient_c.get() as f32,
            cable_rise_k: std::array::from_fn(|_| load * 14.0 * rng.random_range(0.8..1.1)),
        };
        let placed = placement::place(design, wanted, &mut furniture, &climate, &mut stream(4));
        let mut looks = stream(5);
        let appearance = LiningAppearance::draw(wanted.lining, design.section.shape(), &mut looks);
        let tiles = lining::Tiles {
            concrete: appearance.concrete(&mut looks),
            aggregate: LiningAppearance::aggregate(&mut looks),
            clouds: LiningAppearance::clouds(&mut looks),
        };
        let half_arc = design.section.half_arc_m() as f32;
        let low = [-BEYOND_M as f32, -half_arc - 0.1];
        let high = [(design.length_m() + BEYOND_M) as f32, half_arc + 0.1];
        let lining = Lining::new(appearance, tiles, &placed.strokes, placed.marks, low, high);
        let (defects, rusted) = (placed.defects, placed.rusted);
        Ok(Self {
            design: design.clone(),
            floor,
            solids,
            furniture,
            defects,
            rusted,
            lining,
            climate,
            seed: rng.random(),
        })
    }

    /// The design that it was built to.
    pub fn design(&self) -> &TunnelDesign {
        &self.design
    }

    /// Its solids, in `map`.
    pub fn geometry(&self) -> &StaticGeometry {
        &self.solids.geometry
    }

    /// Material of a solid; `None` for an id that is not one of this tunnel's.
    pub fn material(&self, id: SolidId) -> Option<Material> {
        self.solids.materials.get(id as usize).copied()
    }

    /// The floor's shape.
    pub fn floor(&self) -> &Floor {
        &self.floor
    }

    /// Height of the floor above the design floor, m.
    pub fn floor_height_m(&self, chainage_m: f64, left_m: f64) -> f64 {
        self.floor.height_m(chainage_m, left_m)
    }

    /// All true defects, by id.
    pub fn defects(&self) -> &[TrueDefect] {
        &self.defects
    }

    /// All cable joints, good and bad.
    pub fn cable_joints(&self) -> &[CableJoint] {
        &self.furniture.joints
    }

    /// All debris on the floor.
    pub fn debris(&self) -> &[Debris] {
        &self.furniture.debris
    }

    /// The lining at a place `[chainage, arc]`, m, as a pixel with this footprint sees it.
    pub fn lining_surface(&self, place: [f32; 2], footprint: &Footprint) -> Surface {
        self.lining.surface(place, footprint)
    }

    /// Only what is on the lining at a place, laid over a surface given from elsewhere, such as a photograph
    /// whose mean reflectance is `base`.
    pub fn paint_over(&self, place: [f32; 2], footprint: &Footprint, base: [f32; 3], surface: &mut Surface) {
        self.lining.paint(place, footprint, base, surface);
    }

    /// The defect that rust on a solid belongs to, and how much of it is rusted.
    pub(crate) fn rust_of(&self, id: SolidId) -> Option<(u16, f32)> {
        let at = self.rusted.binary_search_by_key(&id, |r| r.0).ok()?;
        Some((self.rusted[at].1, self.rusted[at].2))
    }

    pub(crate) fn climate(&self) -> &Climate {
        &self.climate
    }

    pub(crate) fn seed(&self) -> u32 {
        self.seed
    }
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
