//! Confidence: how likely a connected part of the lining is a true defect, from how it looks as a whole.

use nalgebra::{Matrix2, SymmetricEigen, Vector2};
use robot_interface::defect::{DefectClass, LiningBox};

use super::detect::ConnectedComponent;
use super::map::{LiningMap, Widths};
use crate::defects::CLASSES;

/// Number of properties by which a mark is judged.
const FEATURES: usize = 14;
/// A score of a cell counts as no closer to 0 or 1 than this: no picture is surer.
const LEAST_SCORE: f64 = 1e-3;
/// What surrounds a part: its cells' neighbours so many cells away.
const RING_CELLS: i64 = 6;

/// Coefficients of a logistic regression, by class as in [`VISUAL`](robot_interface::defect::DefectClass::VISUAL), and the constant
/// at last.
const COEFFICIENTS: [[f64; FEATURES + 1]; CLASSES] = [
    [
        0.5337, 0.4214, -1.2625, -1.8512, 1.9847, -0.6533, 0.5238, 0.5869, 0.5742, 2.2391, 0.6235, 2.0633,
        -0.9493, 2.0067, -4.9741,
    ],
    [
        2.3404, -0.2524, 0.2992, 2.2843, 8.6646, 0.5482, 0.7739, 0.3181, 0.8200, 2.1481, -0.9573, 0.0, 0.0,
        0.0, -5.7807,
    ],
    [
        0.7524, 0.2714, -0.4169, 2.9627, 0.4768, -2.1119, 0.2040, 0.1792, 0.1634, 2.1711, -0.1241, 0.0, 0.0,
        0.0, -3.4760,
    ],
    [
        1.2910, 0.6364, -0.3341, 5.6222, 8.1149, -0.7680, 0.3844, 0.5491, 0.4779, 0.5657, 0.3560, 0.0, 0.0,
        0.0, -6.3876,
    ],
];

/// A mark on the lining that may be a defect, and by what it is judged.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    /// The class that it would be.
    pub class: DefectClass,
    /// Its extent.
    pub bounds: LiningBox,
    /// Its properties, in the order of the coefficients that `perception/training/confidence.py` fits.
    pub features: [f64; FEATURES],
}

impl Mark {
    pub(super) fn new(map: &LiningMap, part: &ConnectedComponent) -> Self {
        Self { class: part.class, bounds: part.bounds, features: features(map, part, number(part.class)) }
    }

    /// How likely it is a true defect, 0 to 1.
    pub fn confidence(&self) -> f64 {
        let [coefficients @ .., constant] = &COEFFICIENTS[number(self.class)];
        let sum: f64 = coefficients.iter().zip(self.features).map(|(factor, feature)| factor * feature).sum();
        1.0 / (1.0 + (-sum - constant).exp())
    }
}

fn number(class: DefectClass) -> usize {
    DefectClass::VISUAL.iter().position(|visual| *visual == class).unwrap_or(0)
}

/// Properties of a part, in the order of their coefficients.
fn features(map: &LiningMap, part: &ConnectedComponent, class: usize) -> [f64; FEATURES] {
    let cells = &part.cells;
    let count = cells.len() as f64;
    let mean_of = |value: &dyn Fn(usize) -> f64| cells.iter().map(|cell| value(*cell)).sum::<f64>() / count;
    let score = |cell: usize, class: usize| f64::from(map.score(cell, class));
    let mean = mean_of(&|cell| score(cell, class));
    let best = cells.iter().map(|cell| score(*cell, class)).fold(0.0, f64::max);
    let other = (0..CLASSES)
        .filter(|other| *other != class)
        .map(|other| mean_of(&|cell| score(cell, other)))
        .fold(0.0, f64::max);
    let views = mean_of(&|cell| f64::from(map.cells[cell].views));
    let spread = mean_of(&|cell| f64::from(map.spread(cell, class)));
    let (length_m, height_m) = (part.bounds.length_m(), part.bounds.height_m());
    let valley = if part.class == DefectClass::Crack { valley(map, part) } else { [0.0; 3] };
    let covered = count * map.tuning.cell_m.powi(2) / (length_m * height_m);
    [
        logit(mean),
        logit(best),
        logit(other),
        mean - mean_around(map, part, class),
        spread,
        views.max(1.0).ln(),
        length_m.max(height_m).ln(),
        length_m.min(height_m).ln(),
        count.ln(),
        covered,
        slenderness(map, part).ln(),
        valley[0],
        valley[1],
        valley[2],
    ]
}

/// Of a crack, as what pictures show across it: the share of its cells where they show a dark valley, 0 to 1, its width in pixels as
/// logarithm, and how dark it is, as share of the wall's brightness. All 0 where none does.
fn valley(map: &LiningMap, part: &ConnectedComponent) -> [f64; 3] {
    let (mut all, mut pixels, mut count) = (Widths::default(), 0.0, 0.0);
    for cell in part.cells.iter().map(|cell| &map.cells[*cell]) {
        let Some([width_mm, _]) = cell.widths.mean_mm() else { continue };
        all.join(&cell.widths);
        pixels += width_mm / f64::from(cell.mm_per_px.max(0.1));
        count += 1.0;
    }
    all.mean_depth()
        .map_or([0.0; 3], |depth| [count / part.cells.len() as f64, (pixels / count).max(0.1).ln(), depth])
}

fn logit(score: f64) -> f64 {
    let score = score.clamp(LEAST_SCORE, 1.0 - LEAST_SCORE);
    (score / (1.0 - score)).ln()
}

/// Mean score of the cells around a part, 0 to 1.
fn mean_around(map: &LiningMap, part: &ConnectedComponent, class: usize) -> f64 {
    let [columns, rows] = map.size.map(|n| n as i64);
    let places = part.cells.iter().map(|cell| [*cell as i64 % columns, *cell as i64 / columns]);
    let (mut low, mut high) = ([i64::MAX; 2], [0; 2]);
    for place in places.clone() {
        for axis in 0..2 {
            low[axis] = low[axis].min(place[axis] - RING_CELLS).max(0);
            high[axis] = high[axis].max(place[axis] + RING_CELLS).min([columns, rows][axis] - 1);
        }
    }
    let width = (high[0] - low[0] + 1) as usize;
    let mut around = vec![false; width * (high[1] - low[1] + 1) as usize];
    for [x, y] in places {
        for near_y in (y - RING_CELLS).max(low[1])..=(y + RING_CELLS).min(high[1]) {
            let row = (near_y - low[1]) as usize * width;
            let [first, last] =
                [(x - RING_CELLS).max(low[0]), (x + RING_CELLS).min(high[0])].map(|x| (x - low[0]) as usize);
            around[row + first..=row + last].fill(true);
        }
    }
    let (mut sum, mut count) = (0.0, 0.0);
    for (at, _) in around.iter().enumerate().filter(|(_, around)| **around) {
        let cell = (low[1] as usize + at / width) * columns as usize + low[0] as usize + at % width;
        if map.cells[cell].weight > 0.0 && part.cells.binary_search(&cell).is_err() {
            (sum, count) = (sum + f64::from(map.score(cell, class)), count + 1.0);
        }
    }
    if count > 0.0 { sum / count } else { 0.0 }
}

/// How many times longer a part is than wide, by its cells' spread along and across it.
fn slenderness(map: &LiningMap, part: &ConnectedComponent) -> f64 {
    let points = part.cells.iter().map(|cell| Vector2::from(map.centre_of(*cell)));
    let count = part.cells.len() as f64;
    let mean = points.clone().sum::<Vector2<f64>>() / count;
    let spread: Matrix2<f64> =
        points.map(|p| (p - mean) * (p - mean).transpose()).sum::<Matrix2<f64>>() / count;
    let eigen = SymmetricEigen::new(spread).eigenvalues;
    // One row of cells has no spread across it, and is a cell wide all the same.
    let least = map.tuning.cell_m.powi(2) / 12.0;
    ((eigen.max() + least) / (eigen.min() + least)).sqrt()
}
