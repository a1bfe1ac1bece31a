//! Simulated tunnel, generated from its design, a description of its contents, and a seed.
//!
//! Solids for physics and rays, and the appearance of every surface as a function of place: no bitmap, so
//! that a picture is as sharp as its camera. Ground truth about defects comes from the same functions that
//! draw them.
//!
//! # Long tunnels
//!
//! A [`TunnelPlan`] makes a tunnel stretch by stretch ([`STRETCH_M`]), and a [`Tunnel`] is a row of stretches that have been
//! made: all of them by [`Tunnel::generate`], or by [`Tunnel::of`] those around a robot, so that neither time nor memory
//! depends on how long the tunnel is. A tunnel of up to 90 m is one stretch.
//!
//! ```
//! use std::sync::Arc;
//!
//! use robot_interface::fixtures::{BORED, straight_tunnel};
//! use sim::tunnel::{Tunnel, TunnelDescription, TunnelPlan};
//!
//! let plan = TunnelPlan::new(&straight_tunnel(BORED, 20_000.0), &TunnelDescription::default(), 1)?;
//! let near = plan.within([140.0, 150.0]).map(|index| Arc::new(plan.stretch(index))).collect();
//! let tunnel = Tunnel::of(&plan, near);
//! assert_eq!((plan.stretches(), tunnel.made_m()), (333, [120.0, 180.0]));
//! # Ok::<(), sim::tunnel::TunnelError>(())
//! ```

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
mod plan;
mod shell;
mod solids;
mod span;
mod strokes;
mod tile;
mod truth;

use std::sync::{Arc, OnceLock};

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
pub use plan::{Stretch, TunnelPlan};
pub use solids::Material;
pub use span::STRETCH_M;
pub use strokes::Footprint;
pub use truth::TrueDefect;

pub(crate) use marks::{luminance, rust};
pub(crate) use noise::{fbm, floor, hash, mix, mix3, unit};
pub(crate) use span::split_id;

use crate::geometry::{SolidId, StaticGeometry};
use climate::Climate;

/// Simulated tunnel, as far as it is made: one stretch or several that follow each other. Immutable; everything about it
/// is a function of what it was made from.
#[derive(Clone, Debug)]
pub struct Tunnel {
    plan: TunnelPlan,
    /// Never empty, by number.
    stretches: Vec<Arc<Stretch>>,
    floor: Floor,
    /// Solids of all stretches, where there are several and somebody asks.
    geometry: OnceLock<StaticGeometry>,
    joints: Vec<CableJoint>,
    debris: Vec<Debris>,
    defects: Vec<TrueDefect>,
}

impl Tunnel {
    /// Makes a whole tunnel; the same arguments always make the same one.
    ///
    /// # Errors
    /// When the description contradicts itself or the design leaves no room.
    pub fn generate(
        design: &TunnelDesign,
        wanted: &TunnelDescription,
        seed: u64,
    ) -> Result<Self, TunnelError> {
        let plan = TunnelPlan::new(design, wanted, seed)?;
        let stretches = (0..plan.stretches()).map(|index| Arc::new(plan.stretch(index))).collect();
        Ok(Self::of(&plan, stretches))
    }

    /// The tunnel of a plan as far as it is made, in whatever order. Of stretches that do not follow each other only
    /// the first ones count; if there are none, the plan's first is made.
    pub fn of(plan: &TunnelPlan, mut stretches: Vec<Arc<Stretch>>) -> Self {
        if stretches.is_empty() {
            stretches.push(Arc::new(plan.stretch(0)));
        }
        stretches.sort_by_key(|stretch| stretch.index);
        stretches.dedup_by_key(|stretch| stretch.index);
        let first = stretches[0].index as usize;
        let in_a_row = stretches.iter().zip(first..).take_while(|(s, k)| s.index as usize == *k).count();
        stretches.truncate(in_a_row);
        let all = || stretches.iter();
        Self {
            floor: stretches[0].floor.joined(all().skip(1).map(|s| &s.floor)),
            geometry: OnceLock::new(),
            joints: all().flat_map(|s| &s.joints).cloned().collect(),
            debris: all().flat_map(|s| &s.debris).copied().collect(),
            defects: all().flat_map(|s| &s.defects).cloned().collect(),
            plan: plan.clone(),
            stretches,
        }
    }

    /// The design that it was built to.
    pub fn design(&self) -> &TunnelDesign {
        self.plan.design()
    }

    /// Chainages between which it is made, m.
    pub fn made_m(&self) -> [f64; 2] {
        let span = |place: usize| self.plan.shared.division.span(self.stretches[place].index);
        [span(0).from_m, span(self.stretches.len() - 1).to_m]
    }

    /// The stretches that it is made of.
    pub fn stretches(&self) -> &[Arc<Stretch>] {
        &self.stretches
    }

    /// Its solids, in `map`. Of several stretches they are copied at the first call; [`Stretch::geometry`] copies nothing.
    pub fn geometry(&self) -> &StaticGeometry {
        match self.stretches.as_slice() {
            [only] => only.geometry(),
            all => self.geometry.get_or_init(|| StaticGeometry {
                solids: all.iter().flat_map(|s| &s.geometry().solids).cloned().collect(),
            }),
        }
    }

    /// The stretch of this number, if it is made.
    fn stretch(&self, index: u32) -> Option<&Stretch> {
        let place = index.checked_sub(self.stretches[0].index)?;
        self.stretches.get(place as usize).map(Arc::as_ref)
    }

    /// Material of a solid; `None` for an id that is not one of this tunnel's.
    pub fn material(&self, id: SolidId) -> Option<Material> {
        let (index, place) = split_id(id);
        self.stretch(index)?.materials().get(place).copied()
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

    /// The true defect of an id.
    pub fn defect(&self, id: u32) -> Option<&TrueDefect> {
        let (index, place) = split_id(id);
        self.stretch(index)?.defects.get(place)
    }

    /// All cable joints, good and bad.
    pub fn cable_joints(&self) -> &[CableJoint] {
        &self.joints
    }

    /// The cable joint of a number ([`Material::CableJoint`]).
    pub fn cable_joint(&self, number: u32) -> Option<&CableJoint> {
        let (index, place) = split_id(number);
        self.stretch(index)?.joints.get(place)
    }

    /// All debris on the floor.
    pub fn debris(&self) -> &[Debris] {
        &self.debris
    }

    /// The lining at a place `[chainage, arc]`, m, as a pixel with this footprint sees it.
    pub fn lining_surface(&self, place: [f32; 2], footprint: &Footprint) -> Surface {
        let lining = &self.plan.shared.lining;
        let mut surface = lining.sound(place, footprint);
        self.paint_over(place, footprint, lining.appearance.base, &mut surface);
        surface
    }

    /// Only what is on the lining at a place, laid over a surface given from elsewhere, such as a photograph
    /// whose mean reflectance is `base`.
    pub fn paint_over(&self, place: [f32; 2], footprint: &Footprint, base: [f32; 3], surface: &mut Surface) {
        let shared = &self.plan.shared;
        if let Some(stretch) = self.stretch(shared.division.at(f64::from(place[0]))) {
            stretch.marks.paint(&shared.lining, place, footprint, base, surface);
        }
    }

    /// The defect that rust on a solid belongs to, and how much of it is rusted.
    pub(crate) fn rust_of(&self, id: SolidId) -> Option<(u32, f32)> {
        let rusted = &self.stretch(split_id(id).0)?.rusted;
        let at = rusted.binary_search_by_key(&id, |r| r.0).ok()?;
        Some((rusted[at].1, rusted[at].2))
    }

    pub(crate) fn climate(&self) -> &Climate {
        &self.plan.shared.climate
    }

    pub(crate) fn seed(&self) -> u32 {
        self.plan.shared.look_seed
    }
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
