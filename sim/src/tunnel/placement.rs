//! Placement of defects and look-alikes: drawn from the seed, visual defects kept clear of one another.

use std::f64::consts::{FRAC_PI_2, TAU};

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use robot_interface::defect::{DefectClass, LiningBox};
use robot_interface::tunnel::TunnelDesign;

use super::climate::Climate;
use super::crack::{self, Crack, CrackPlan};
use super::description::TunnelDescription;
use super::furniture::Furniture;
use super::layout::count;
use super::marks::{Leak, LeakKind, Mark, Patch, Plate, Shape, Spall};
use super::span::Span;
use super::strokes::{Ink, Stroke, writing};
use super::truth::TrueDefect;
use crate::geometry::SolidId;

/// Least distance between two visual defects on the lining, m.
const APART_M: f64 = 0.25;
/// Length at both ends of the tunnel that stays free of defects, m.
const ENDS_M: f64 = 0.8;
/// Length at a border of two stretches that stays free of them, m: half of [`APART_M`] and a little.
const BORDER_M: f64 = 0.15;
/// Arc above the floor that stays free of defects, m.
const FOOT_M: f64 = 0.25;
/// Attempts at a place, after which a defect is left out.
const MAX_TRIES: usize = 80;

/// Everything placed on the lining.
#[derive(Debug, Default)]
pub(super) struct Placed {
    pub(super) defects: Vec<TrueDefect>,
    pub(super) marks: Vec<Mark>,
    pub(super) strokes: Vec<Stroke>,
    pub(super) rusted: Vec<(SolidId, u32, f32)>,
}

/// Places everything on the lining of one stretch. Nothing of it crosses the border to the next.
pub(super) fn place(
    design: &TunnelDesign,
    wanted: &TunnelDescription,
    span: Span,
    furniture: &mut Furniture,
    climate: &Climate,
    rng: &mut ChaCha8Rng,
) -> Placed {
    let half_arc = design.section.half_arc_m() - FOOT_M;
    let mut work = Work { span, half_arc, placed: Placed::default(), taken: Vec::new() };
    let rates = &wanted.defects;
    let many = |rate: f64, rng: &mut ChaCha8Rng| count(rate, span.length_m(), rng);

    let corrosions = many(rates.corrosions_per_10_m.get(), rng);
    for n in 0..corrosions {
        // Every other one sits on a bracket, if there are any.
        if n % 2 == 0 && !furniture.brackets.is_empty() {
            work.bracket(furniture, rng)
        } else {
            work.plate(true, rng)
        }
    }
    for _ in 0..many(rates.leakages_per_10_m.get(), rng) {
        work.leak(rng);
    }
    for _ in 0..many(rates.spallings_per_10_m.get(), rng) {
        work.spall(rng);
    }
    let widths_mm = [rates.crack_width_min_mm.get(), rates.crack_width_max_mm.get()];
    for _ in 0..many(rates.cracks_per_10_m.get(), rng) {
        work.crack(widths_mm, rng);
    }
    work.hot_joints(wanted, furniture, climate, rng);
    // Sound plates keep clear of defects as well, the other look-alikes lie beneath them.
    for _ in 0..many(1.0, rng) {
        work.plate(false, rng);
    }
    work.look_alikes(rng);
    work.placed.rusted.sort_by_key(|r| r.0);
    work.placed
}

struct Work {
    span: Span,
    half_arc: f64,
    placed: Placed,
    taken: Vec<LiningBox>,
}

impl Work {
    fn anywhere(&self, rng: &mut ChaCha8Rng) -> [f64; 2] {
        let [near, far] = self.span.between(ENDS_M, BORDER_M);
        [rng.random_range(near..far), rng.random_range(-self.half_arc..self.half_arc)]
    }

    fn inside(&self, [s, a]: [f64; 2]) -> bool {
        let [near, far] = self.span.between(ENDS_M, BORDER_M);
        (near..far).contains(&s) && a.abs() < self.half_arc
    }

    fn free(&self, bounds: &LiningBox) -> bool {
        self.inside([bounds.chainage_min_m, bounds.arc_min_m])
            && self.inside([bounds.chainage_max_m, bounds.arc_max_m])
            && self.taken.iter().all(|b| !b.grown(APART_M).touches(bounds))
    }

    /// Id of the defect that is added next.
    fn next_id(&self) -> u32 {
        self.span.first_id() + self.placed.defects.len() as u32
    }

    fn add(&mut self, class: DefectClass, bounds: LiningBox, area_m2: f64) -> &mut TrueDefect {
        let (id, place) = (self.next_id(), self.placed.defects.len());
        if class != DefectClass::HotJoint {
            self.taken.push(bounds);
        }
        self.placed.defects.push(TrueDefect {
            id,
            class,
            bounds,
            width_mm: None,
            length_m: None,
            area_m2,
            temperature_c: None,
        });
        &mut self.placed.defects[place]
    }

    /// Adds a defect with an area if its true extent is free.
    fn add_mark(&mut self, class: DefectClass, shape: Shape) -> bool {
        let mark = Mark { shape, defect: Some(self.next_id()) };
        let Some((bounds, area_m2)) = measure(&mark) else { return false };
        let [s0, s1, ..] = mark.reach();
        if !self.free(&bounds) || self.span.inward_m(s0, s1) != 0.0 {
            return false;
        }
        self.add(class, bounds, area_m2);
        self.placed.marks.push(mark);
        true
    }

    fn leak(&mut self, rng: &mut ChaCha8Rng) {
        for _ in 0..MAX_TRIES {
            let source = self.anywhere(rng);
            let crown = source[1].abs() < 0.35;
            let kind = match rng.random_range(0..10) {
                0..=3 => LeakKind::Damp,
                4 | 5 => LeakKind::Lime,
                6 | 7 => LeakKind::DampWithLime,
                8 => LeakKind::Algae,
                _ => LeakKind::Iron,
            };
            let half_width = 0.05 * rng.random_range(0.0f32..2.1).exp();
            let leak = Leak {
                source: source.map(|v| v as f32),
                half_width,
                run: if crown {
                    half_width * rng.random_range(0.6..1.4)
                } else {
                    0.25 * rng.random_range(0.0f32..2.1).exp()
                },
                down: if crown { 0.0 } else { source[1].signum() as f32 },
                kind,
                tone: rng.random_range(0.25..0.58),
                seed: rng.random(),
            };
            if self.add_mark(DefectClass::Leakage, Shape::Leak(leak)) {
                return;
            }
        }
    }

    fn spall(&mut self, rng: &mut ChaCha8Rng) {
        for _ in 0..MAX_TRIES {
            let radius = rng.random_range(0.05f32..0.22);
            let bars = (radius > 0.09 && rng.random_bool(0.5))
                .then(|| (rng.random_range(0.07..0.15), rng.random_bool(0.5)));
            let spall = Spall {
                centre: self.anywhere(rng).map(|v| v as f32),
                radius,
                stretch: rng.random_range(0.85..1.35),
                turn_rad: rng.random_range(0.0..3.1),
                depth: radius * rng.random_range(0.08..0.22),
                tone: rng.random_range(0.45..1.15),
                bars,
                seed: rng.random(),
            };
            if self.add_mark(DefectClass::Spalling, Shape::Spall(spall)) {
                return;
            }
        }
    }

    fn plate(&mut self, rusted: bool, rng: &mut ChaCha8Rng) {
        for _ in 0..MAX_TRIES {
            let half = [rng.random_range(0.06f32..0.17), rng.random_range(0.06f32..0.17)];
            let centre = self.anywhere(rng);
            if centre[1].abs() < 0.3 {
                continue;
            }
            let grey = rng.random_range(0.12f32..0.5);
            let colour = match rng.random_range(0..4) {
                0 => [grey * 0.5, grey * 0.62, grey * 0.55],
                1 => [0.20, 0.085, 0.055],
                _ => [grey * 0.97, grey, grey * 1.03],
            };
            let plate = Plate {
                centre: centre.map(|v| v as f32),
                half,
                colour,
                rust: if rusted { rng.random_range(0.45..0.85) } else { 0.0 },
                run: if rusted && rng.random_bool(0.6) { rng.random_range(0.08..0.4) } else { 0.0 },
                down: centre[1].signum() as f32,
                seed: rng.random(),
            };
            let shape = Shape::Plate(plate);
            if rusted {
                if self.add_mark(DefectClass::Corrosion, shape) {
                    return;
                }
                continue;
            }
            let mark = Mark { shape, defect: None };
            let [s0, s1, a0, a1] = mark.reach().map(f64::from);
            let bounds = LiningBox { chainage_min_m: s0, chainage_max_m: s1, arc_min_m: a0, arc_max_m: a1 };
            if self.free(&bounds) {
                self.placed.marks.push(mark);
                return;
            }
        }
    }

    fn bracket(&mut self, furniture: &Furniture, rng: &mut ChaCha8Rng) {
        for _ in 0..MAX_TRIES {
            let bracket = &furniture.brackets[rng.random_range(0..furniture.brackets.len())];
            if !self.free(&bracket.bounds) {
                continue;
            }
            let amount = rng.random_range(0.55f32..0.9);
            let area = bracket.bounds.length_m() * bracket.bounds.height_m() * f64::from(amount);
            let id = self.add(DefectClass::Corrosion, bracket.bounds, area).id;
            self.placed.rusted.extend(bracket.solids.iter().map(|solid| (*solid, id, amount)));
            return;
        }
    }

    fn crack(&mut self, [min_mm, max_mm]: [f64; 2], rng: &mut ChaCha8Rng) {
        for _ in 0..MAX_TRIES {
            let ink = Ink::Crack { defect: self.next_id(), tone: rng.random_range(0.06..0.42) };
            // Between the bounds evenly in logarithm, as widths are met.
            let width_mm = (min_mm.ln() + rng.random::<f64>().powf(0.75) * (max_mm / min_mm).ln()).exp();
            let start = self.anywhere(rng);
            let grown = if rng.random_bool(0.15) {
                let size = rng.random_range(0.35..0.9);
                let mesh = rng.random_range(0.06..0.14);
                crack::net(start, size, mesh, width_mm / 1000.0, ink, |p| self.inside(p), rng)
            } else {
                let heading_rad = match rng.random_range(0..4) {
                    0 => rng.random_range(-0.2..0.2),
                    1 => FRAC_PI_2 + rng.random_range(-0.25..0.25),
                    _ => rng.random_range(0.0..TAU),
                };
                let plan = CrackPlan {
                    start,
                    heading_rad,
                    length_m: rng.random_range(0.3..2.5),
                    width_m: width_mm / 1000.0,
                    unrest: rng.random_range(0.25..1.0),
                    forks_per_m: rng.random_range(0.0..3.0),
                };
                crack::grow(&plan, ink, |p| self.inside(p), rng)
            };
            let Some(Crack { strokes, bounds, length_m }) = grown else { continue };
            if !self.free(&bounds) || length_m < 0.05 || bounds.length_m().max(bounds.height_m()) < 0.2 {
                continue;
            }
            let area: f64 = strokes
                .iter()
                .flat_map(|s| s.points.windows(2))
                .map(|w| f64::from((w[1][0] - w[0][0]).hypot(w[1][1] - w[0][1]) * (w[0][2] + w[1][2]) / 2.0))
                .sum();
            let widest = strokes.iter().flat_map(|s| &s.points).map(|p| f64::from(p[2])).fold(0.0, f64::max);
            let defect = self.add(DefectClass::Crack, bounds, area);
            defect.width_mm = Some(widest * 1000.0);
            defect.length_m = Some(length_m);
            self.placed.strokes.extend(strokes);
            return;
        }
    }

    fn hot_joints(
        &mut self,
        wanted: &TunnelDescription,
        furniture: &mut Furniture,
        climate: &Climate,
        rng: &mut ChaCha8Rng,
    ) {
        let rates = &wanted.defects;
        let [least, most] = [rates.hot_joint_excess_min_k.get(), rates.hot_joint_excess_max_k.get()];
        for joint in &mut furniture.joints {
            let (hot, excess, normal) = (
                rng.random_bool(rates.hot_joint_share.get()),
                rng.random_range(least..=most),
                rng.random_range(1.0..3.0),
            );
            joint.excess_k = if hot { excess } else { normal };
            if !hot {
                continue;
            }
            let cable_c = climate.cable_c(joint.level);
            let area = joint.bounds.length_m() * joint.bounds.height_m();
            let temperature_c = f64::from(cable_c) + joint.excess_k;
            self.add(DefectClass::HotJoint, joint.bounds, area).temperature_c = Some(temperature_c);
        }
    }

    /// Repairs, stains, scratches, marks and writing. None of them is a defect.
    fn look_alikes(&mut self, rng: &mut ChaCha8Rng) {
        let mut beneath = Vec::new();
        for _ in 0..count(2.0, self.span.length_m(), rng) {
            let tone = if rng.random_bool(0.5) {
                rng.random_range(0.72f32..0.92)
            } else {
                rng.random_range(1.08..1.35)
            };
            let tint = [tone * rng.random_range(0.97..1.03), tone, tone * rng.random_range(0.94..1.04)];
            let patch = Patch {
                centre: self.anywhere(rng).map(|v| v as f32),
                half: [rng.random_range(0.06..0.35), rng.random_range(0.06..0.35)],
                tint,
                soft_m: rng.random_range(0.001..0.006),
                cover: rng.random_range(0.5..1.0),
                seed: rng.random(),
            };
            beneath.push(self.settled(patch));
        }
        for _ in 0..count(6.0, self.span.length_m(), rng) {
            let tone = rng.random_range(0.84f32..1.12);
            let half = [rng.random_range(0.05f32..0.4), rng.random_range(0.05..0.7)];
            let soft_m = half[0].min(half[1]) * rng.random_range(0.35..0.8);
            let patch = Patch {
                centre: self.anywhere(rng).map(|v| v as f32),
                half,
                tint: [tone, tone * rng.random_range(0.98..1.01), tone * rng.random_range(0.94..1.01)],
                soft_m,
                cover: 0.0,
                seed: rng.random(),
            };
            beneath.push(self.settled(patch));
        }
        beneath.append(&mut self.placed.marks);
        self.placed.marks = beneath;
        let mut under = Vec::new();
        for _ in 0..count(8.0, self.span.length_m(), rng) {
            let [s, a] = self.anywhere(rng);
            let (heading, length) = (rng.random_range(0.0..TAU), rng.random_range(0.1..1.2));
            let width = rng.random_range(0.0004f32..0.002);
            let (sin, cos) = f64::sin_cos(heading);
            let points = (0..=6)
                .map(|k| {
                    let t = length * f64::from(k) / 6.0;
                    [(s + t * cos) as f32, (a + t * sin + 0.002 * rng.random::<f64>()) as f32, width]
                })
                .collect();
            let tone =
                if rng.random_bool(0.75) { rng.random_range(1.1..1.5) } else { rng.random_range(0.75..0.92) };
            under.extend(self.settle(vec![Stroke { points, ink: Ink::Scratch { tone } }]));
        }
        for _ in 0..count(2.5, self.span.length_m(), rng) {
            let colour = match rng.random_range(0..5) {
                0 => [0.5, 0.04, 0.03],
                1 => [0.03, 0.05, 0.25],
                2 => [0.03, 0.03, 0.035],
                3 => [0.75, 0.35, 0.02],
                _ => [0.78, 0.78, 0.75],
            };
            let ink = Ink::Paint { colour, opacity: rng.random_range(0.45..0.95) };
            let at = self.anywhere(rng).map(|v| v as f32);
            if rng.random_bool(0.6) {
                let digits: Vec<u8> = (0..rng.random_range(1..5)).map(|_| rng.random_range(0..10)).collect();
                let down = if at[1] < 0.0 { -1.0 } else { 1.0 };
                let strokes = writing(&digits, at, rng.random_range(0.05..0.16), down, ink, rng.random());
                under.extend(self.settle(strokes));
            } else {
                let (length, heading) = (rng.random_range(0.1f32..0.7), rng.random_range(0.0f32..6.2));
                let (sin, cos) = heading.sin_cos();
                let width = rng.random_range(0.003..0.012);
                let points = vec![[at[0], at[1], width], [at[0] + length * cos, at[1] + length * sin, width]];
                under.extend(self.settle(vec![Stroke { points, ink }]));
            }
        }
        for _ in 0..count(0.8, self.span.length_m(), rng) {
            let wire = self.wire(rng);
            under.extend(self.settle(vec![wire]));
        }
        under.append(&mut self.placed.strokes);
        self.placed.strokes = under;
    }
}

impl Work {
    /// Moves a look-alike that would cross a border back into its stretch.
    fn settled(&self, mut patch: Patch) -> Mark {
        let [s0, s1, ..] = Mark { shape: Shape::Patch(patch), defect: None }.reach();
        patch.centre[0] += self.span.inward_m(s0, s1);
        Mark { shape: Shape::Patch(patch), defect: None }
    }

    /// The same for strokes that belong together.
    fn settle(&self, mut strokes: Vec<Stroke>) -> Vec<Stroke> {
        let points = || strokes.iter().flat_map(|stroke| &stroke.points);
        let low = points().map(|[s, _, width]| s - width).fold(f32::INFINITY, f32::min);
        let high = points().map(|[s, _, width]| s + width).fold(f32::NEG_INFINITY, f32::max);
        let inward_m = self.span.inward_m(low, high);
        if inward_m != 0.0 {
            strokes.iter_mut().flat_map(|stroke| &mut stroke.points).for_each(|point| point[0] += inward_m);
        }
        strokes
    }

    /// A wire or hose fixed to the wall, straight or hanging: dark and thin like a crack, but even and smooth.
    fn wire(&self, rng: &mut ChaCha8Rng) -> Stroke {
        let [s, a] = self.anywhere(rng);
        let (length, sag) = (rng.random_range(0.5..4.0), rng.random_range(-0.06..0.06));
        let around = rng.random_bool(0.4);
        let width = rng.random_range(0.003f32..0.014);
        let points = (0..=40)
            .map(|k| {
                let t = f64::from(k) / 40.0;
                let (along, across) = (length * t, sag * (t * 9.0).sin());
                let [s, a] = if around { [s + across, a + along] } else { [s + along, a + across] };
                [s as f32, a as f32, width]
            })
            .collect();
        let tone =
            if rng.random_bool(0.7) { rng.random_range(0.015f32..0.06) } else { rng.random_range(0.4..0.7) };
        Stroke { points, ink: Ink::Paint { colour: [tone; 3], opacity: 1.0 } }
    }
}

/// The true extent and area of a defect with an area, by asking the function that draws it.
fn measure(mark: &Mark) -> Option<(LiningBox, f64)> {
    const STEP_M: f32 = 0.01;
    let [s0, s1, a0, a1] = mark.reach();
    let (columns, rows) = (((s1 - s0) / STEP_M).ceil() as usize, ((a1 - a0) / STEP_M).ceil() as usize);
    let mut bounds: Option<LiningBox> = None;
    let mut cells = 0;
    for k in 0..columns * rows {
        let place = [s0 + (k % columns) as f32 * STEP_M, a0 + (k / columns) as f32 * STEP_M];
        if mark.cover(place) <= 0.5 {
            continue;
        }
        cells += 1;
        let [s, a] = place.map(f64::from);
        let here = LiningBox { chainage_min_m: s, chainage_max_m: s, arc_min_m: a, arc_max_m: a };
        bounds = Some(bounds.map_or(here, |b| b.union(&here)));
    }
    let area_m2 = f64::from(cells) * f64::from(STEP_M * STEP_M);
    // Too small a remnant is no defect that anyone would report.
    bounds.filter(|_| area_m2 > 0.002).map(|b| (b, area_m2))
}
