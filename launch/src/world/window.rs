//! Window of stretches of a long tunnel that moves with the robot: what comes near is made, what lies far behind is let go.
//!
//! Which stretches are held follows from where the window has been, never from the clock: one that is needed soon is made
//! beside everything else, and waited for where it must be there.

use std::collections::BTreeMap;
use std::thread::JoinHandle;

use rayon::prelude::*;
use sim::tunnel::TunnelPlan;

/// Distance beyond the window's reach at which a stretch begins to be made, m: half a minute's walk.
const PREPARE_M: f64 = 15.0;
/// Distance beyond the window's reach at which a stretch is let go, m. Greater, so that who walks to and fro makes nothing
/// twice.
const KEEP_M: f64 = 30.0;

/// Maker of a stretch by its number.
pub(super) type Make<T> = fn(&TunnelPlan, u32) -> anyhow::Result<T>;

/// Window over what is made of each stretch.
pub(super) struct Window<T> {
    plan: TunnelPlan,
    make: Make<T>,
    reach_m: f64,
    held: BTreeMap<u32, T>,
    ahead: Option<(u32, JoinHandle<anyhow::Result<T>>)>,
}

impl<T: Send + 'static> Window<T> {
    /// A window that holds nothing yet; it reaches so far either way.
    pub(super) const fn new(plan: TunnelPlan, reach_m: f64, make: Make<T>) -> Self {
        Self { plan, make, reach_m, held: BTreeMap::new(), ahead: None }
    }

    /// The plan of the tunnel.
    pub(super) const fn plan(&self) -> &TunnelPlan {
        &self.plan
    }

    /// What is held, by number of its stretch.
    pub(super) const fn held(&self) -> &BTreeMap<u32, T> {
        &self.held
    }

    /// Moves to a chainage, m, and makes what is missing there. Returns true if other stretches are held than before.
    pub(super) fn move_to(&mut self, chainage_m: f64) -> anyhow::Result<bool> {
        let within =
            |plan: &TunnelPlan, reach_m: f64| plan.within([chainage_m - reach_m, chainage_m + reach_m]);
        let kept = within(&self.plan, self.reach_m + KEEP_M);
        let count = self.held.len();
        self.held.retain(|index, _| kept.contains(index));
        let mut changed = self.held.len() != count;
        let mut missing: Vec<u32> = within(&self.plan, self.reach_m).collect();
        missing.retain(|index| !self.held.contains_key(index));
        if let Some((index, thread)) = self.ahead.take_if(|(index, _)| missing.contains(index)) {
            missing.retain(|other| *other != index);
            // A panic's payload was printed where it happened; made here, it says what is wrong.
            let made = thread.join().unwrap_or_else(|_| (self.make)(&self.plan, index))?;
            self.held.insert(index, made);
            changed = true;
        }
        if !missing.is_empty() {
            let made = missing.into_par_iter().map(|index| Ok((index, (self.make)(&self.plan, index)?)));
            self.held.extend(made.collect::<anyhow::Result<Vec<_>>>()?);
            changed = true;
        }
        self.prepare(within(&self.plan, self.reach_m + PREPARE_M));
        Ok(changed)
    }

    /// Begins to make the next stretch of these that is not held, on a thread of its own.
    fn prepare(&mut self, soon: std::ops::RangeInclusive<u32>) {
        self.ahead.take_if(|(index, _)| !soon.contains(index));
        let Some(index) = soon.into_iter().find(|index| !self.held.contains_key(index)) else { return };
        if self.ahead.is_some() {
            return;
        }
        let (make, plan) = (self.make, self.plan.clone());
        let builder = std::thread::Builder::new().name("tunnel".to_owned());
        // Without a thread it is made when it is needed.
        self.ahead = builder.spawn(move || make(&plan, index)).ok().map(|thread| (index, thread));
    }
}

#[cfg(test)]
mod tests {
    use robot_interface::tunnel::{Alignment, Section, SectionShape, Segment, TunnelDesign};
    use sim::tunnel::TunnelDescription;

    use super::*;

    fn plan(length_m: f64) -> TunnelPlan {
        let design = TunnelDesign {
            alignment: Alignment::new(vec![Segment { length_m, curvature_per_m: 0.0, grade: 0.0 }])
                .expect("a straight"),
            section: Section::new(SectionShape::Box { width_m: 2.6, height_m: 2.2 }).expect("a box"),
        };
        TunnelPlan::new(&design, &TunnelDescription::default(), 1).expect("it can be built")
    }

    fn window(length_m: f64) -> Window<u32> {
        Window::new(plan(length_m), 62.0, |_, index| Ok(index))
    }

    fn held(window: &Window<u32>) -> Vec<u32> {
        window.held().keys().copied().collect()
    }

    #[test]
    fn as_much_is_held_however_long_the_tunnel_and_the_walk() {
        for length_m in [2_000.0, 20_000.0, 100_000.0] {
            let mut window = window(length_m);
            let mut most = 0;
            for metre in 0..1_500 {
                window.move_to(f64::from(metre)).expect("made");
                most = most.max(held(&window).len());
                let near = window.plan().within([f64::from(metre) - 60.0, f64::from(metre) + 60.0]);
                assert!(near.into_iter().all(|index| window.held().contains_key(&index)), "{metre} m");
            }
            assert!(most <= 5, "{most} stretches of a tunnel of {length_m} m");
        }
    }

    #[test]
    fn who_walks_to_and_fro_over_a_border_makes_nothing_twice() {
        let mut window = window(1_000.0);
        window.move_to(477.0).expect("made");
        let changes = (0..100).filter(|k| window.move_to(477.0 + f64::from(k % 2) * 3.0).expect("made"));
        assert!(changes.count() <= 1);
    }

    #[test]
    fn the_same_walk_holds_the_same_stretches_at_the_same_places() {
        let walk = |pause: std::time::Duration| {
            let mut window = window(2_000.0);
            let places = (0..200).map(|k| 5.0 * f64::from(k)).chain([700.0, 200.0, 1_990.0]);
            let seen = places.map(|chainage_m| {
                std::thread::sleep(pause);
                (window.move_to(chainage_m).expect("made"), held(&window))
            });
            seen.collect::<Vec<_>>()
        };
        assert_eq!(walk(std::time::Duration::ZERO), walk(std::time::Duration::from_micros(300)));
    }

    #[test]
    fn a_stretch_that_cannot_be_made_is_an_error_where_it_is_needed() {
        let mut window: Window<u32> = Window::new(plan(1_000.0), 62.0, |_, index| {
            anyhow::ensure!(index < 4, "no stretch {index}");
            Ok(index)
        });
        assert!(window.move_to(100.0).is_ok() && window.move_to(170.0).is_ok());
        let error = window.move_to(185.0).expect_err("stretch 4 comes within reach").to_string();
        assert_eq!(error, "no stretch 4");
    }
}
