//! From scores on the lining to connected parts: hysteresis, then joining across small gaps.

use robot_interface::defect::{DefectClass, LiningBox};

use super::LiningMap;

/// Share of a part that lies within a spall from which on it belongs to the spall.
const INSIDE_SHARE: f64 = 0.6;
/// A spall reaches this far for what belongs to it, m.
const RIM_M: f64 = 0.06;

/// Cells that make one defect.
pub(super) struct Part {
    pub(super) class: DefectClass,
    /// Indices, ascending.
    pub(super) cells: Vec<usize>,
    pub(super) bounds: LiningBox,
}

/// All parts of all classes that are large and sure enough.
pub(super) fn components(map: &LiningMap) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    for (number, class) in DefectClass::VISUAL.into_iter().enumerate() {
        parts.extend(of_class(map, number, class));
    }
    let spalls: Vec<LiningBox> =
        parts.iter().filter(|p| p.class == DefectClass::Spalling).map(|p| p.bounds.grown(RIM_M)).collect();
    // The bars that a spall lays bare are rusty and its rim is dark: both are the spall.
    parts.retain(|part| {
        let may_belong = matches!(part.class, DefectClass::Crack | DefectClass::Corrosion);
        !may_belong || spalls.iter().all(|spall| inside(map, part, spall) < INSIDE_SHARE)
    });
    parts
}

fn inside(map: &LiningMap, part: &Part, area: &LiningBox) -> f64 {
    let within = part.cells.iter().filter(|cell| {
        let [s, a] = map.centre_of(**cell);
        let point = LiningBox { chainage_min_m: s, chainage_max_m: s, arc_min_m: a, arc_max_m: a };
        area.touches(&point)
    });
    within.count() as f64 / part.cells.len() as f64
}

fn of_class(map: &LiningMap, number: usize, class: DefectClass) -> Vec<Part> {
    let tuning = &map.tuning;
    let [high, low] = tuning.scores[number];
    let reach = ((tuning.gap_m[number] / tuning.cell_m).round() as i64).max(1);
    let mut open: Vec<bool> = (0..map.cells.len()).map(|i| map.score(i, number) >= low).collect();
    let mut parts = Vec::new();
    for seed in 0..open.len() {
        if !open[seed] {
            continue;
        }
        open[seed] = false;
        let mut cells = vec![seed];
        let mut next = 0;
        while next < cells.len() {
            neighbours(map, cells[next], reach, |other| {
                if std::mem::take(&mut open[other]) {
                    cells.push(other);
                }
            });
            next += 1;
        }
        cells.sort_unstable();
        let part = Part { class, bounds: bounds(map, &cells), cells };
        let sure = part.cells.iter().any(|c| map.score(*c, number) >= high);
        let extent_m = part.bounds.length_m().max(part.bounds.height_m());
        let area_m2 = part.cells.len() as f64 * tuning.cell_m * tuning.cell_m;
        if sure && extent_m >= tuning.least_extent_m[number] && area_m2 >= tuning.least_area_m2[number] {
            parts.push(part);
        }
    }
    parts
}

fn neighbours(map: &LiningMap, cell: usize, reach: i64, mut visit: impl FnMut(usize)) {
    let [columns, rows] = map.size.map(|n| n as i64);
    let (x, y) = (cell as i64 % columns, cell as i64 / columns);
    for dy in -reach..=reach {
        for dx in -reach..=reach {
            let (nx, ny) = (x + dx, y + dy);
            let near = dx * dx + dy * dy <= reach * reach;
            if near && (0..columns).contains(&nx) && (0..rows).contains(&ny) {
                visit((ny * columns + nx) as usize);
            }
        }
    }
}

fn bounds(map: &LiningMap, cells: &[usize]) -> LiningBox {
    let half = map.tuning.cell_m / 2.0;
    let (mut low, mut high) = ([f64::INFINITY; 2], [f64::NEG_INFINITY; 2]);
    for cell in cells {
        for (i, v) in map.centre_of(*cell).into_iter().enumerate() {
            low[i] = low[i].min(v - half);
            high[i] = high[i].max(v + half);
        }
    }
    LiningBox { chainage_min_m: low[0], chainage_max_m: high[0], arc_min_m: low[1], arc_max_m: high[1] }
}
