//! Connected components of the scores on the lining, joined across small gaps.

use robot_interface::defect::{DefectClass, LiningBox};

use super::map::LiningMap;

/// Share of a part that lies within a spall from which on it belongs to the spall.
const INSIDE_SHARE: f64 = 0.6;
/// A spall reaches this far for what belongs to it, m.
const RIM_M: f64 = 0.06;

/// Length from which on a line along or across the tunnel is a joint, not a crack, m.
const JOINT_M: f64 = 0.7;
/// Share of its cells that must be marked.
const JOINT_SHARE: f64 = 0.9;

/// A crack of which so much lies in one band along the tunnel and one across it is where joints meet: little of a joint
/// itself is taken for a crack, more of it where another one joins it.
const CROSS_SHARE: f64 = 0.9;
/// Cells across such a band.
const CROSS_CELLS: usize = 3;

/// Length beyond which a part that is a fifth as wide at most is a cable or a pipe, m.
const INSTALLED_M: f64 = 3.0;

/// Cells that make one defect.
pub(super) struct ConnectedComponent {
    pub(super) class: DefectClass,
    /// Indices, ascending.
    pub(super) cells: Vec<usize>,
    pub(super) bounds: LiningBox,
}

/// All parts of all classes that are large enough by this tuning.
pub(super) fn components(map: &LiningMap) -> Vec<ConnectedComponent> {
    let classes = DefectClass::VISUAL.into_iter().enumerate();
    classes.flat_map(|(number, class)| of_class(map, number, class)).collect()
}

/// Takes out of parts, each with its confidence, what belongs to a spall: the bars that it lays bare are rusty and its rim is dark.
pub(super) fn drop_parts_of_spalls(map: &LiningMap, parts: &mut Vec<(f64, &ConnectedComponent)>) {
    let spalls = parts.iter().filter(|(_, part)| part.class == DefectClass::Spalling);
    let spalls: Vec<LiningBox> = spalls.map(|(_, part)| part.bounds.grown(RIM_M)).collect();
    parts.retain(|(_, part)| {
        let may_belong = matches!(part.class, DefectClass::Crack | DefectClass::Corrosion);
        !may_belong || spalls.iter().all(|spall| inside(map, part, spall) < INSIDE_SHARE)
    });
}

fn inside(map: &LiningMap, part: &ConnectedComponent, area: &LiningBox) -> f64 {
    let within = part.cells.iter().filter(|cell| {
        let [s, a] = map.centre_of(**cell);
        let point = LiningBox { chainage_min_m: s, chainage_max_m: s, arc_min_m: a, arc_max_m: a };
        area.touches(&point)
    });
    within.count() as f64 / part.cells.len() as f64
}

fn of_class(map: &LiningMap, number: usize, class: DefectClass) -> Vec<ConnectedComponent> {
    let tuning = &map.tuning;
    let least = tuning.least_score[number];
    let reach = ((tuning.gap_m[number] / tuning.cell_m).round() as i64).max(1);
    let mut open: Vec<bool> = (0..map.cells.len()).map(|i| map.score(i, number) >= least).collect();
    if class == DefectClass::Crack {
        drop_joints(map, &mut open);
    }
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
        let part = ConnectedComponent { class, bounds: bounds(map, &cells), cells };
        let extent_m = part.bounds.length_m().max(part.bounds.height_m());
        let area_m2 = part.cells.len() as f64 * tuning.cell_m * tuning.cell_m;
        let thin_m = part.bounds.length_m().min(part.bounds.height_m());
        let installed = extent_m > INSTALLED_M && thin_m < INSTALLED_M / 5.0;
        let views = part.cells.iter().map(|c| map.cells[*c].views).max().unwrap_or(0);
        let cross = class == DefectClass::Crack && cross_share(map, &part.cells) >= CROSS_SHARE;
        let large = extent_m >= tuning.min_extent_m[number] && area_m2 >= tuning.min_area_m2[number];
        if large && !installed && !cross && views >= tuning.min_views {
            parts.push(part);
        }
    }
    parts
}

/// Share of cells in the fullest band along the tunnel and the fullest one across it, 0 to 1.
fn cross_share(map: &LiningMap, cells: &[usize]) -> f64 {
    let columns = map.size[0];
    let places = || cells.iter().map(|c| [c % columns, c / columns]);
    let band = |axis: usize| {
        let mut counts = std::collections::BTreeMap::<usize, usize>::new();
        for place in places() {
            for first in place[axis].saturating_sub(CROSS_CELLS - 1)..=place[axis] {
                *counts.entry(first).or_default() += 1;
            }
        }
        let fullest = counts.into_iter().max_by_key(|(_, count)| *count).map_or(0, |(first, _)| first);
        fullest..fullest + CROSS_CELLS
    };
    let (across, along) = (band(0), band(1));
    let within = places().filter(|[x, y]| across.contains(x) || along.contains(y)).count();
    within as f64 / cells.len().max(1) as f64
}

/// Takes out what is long, straight, and along or across the tunnel: joints between segments or pours, edges of
/// racks and pipes. A crack that runs so straight for so long is taken for one of them.
fn drop_joints(map: &LiningMap, open: &mut [bool]) {
    let [columns, rows] = map.size;
    let window = ((JOINT_M / map.tuning.cell_m).round() as usize).max(2);
    let enough = (JOINT_SHARE * window as f64).ceil() as usize;
    let mut joint = vec![false; open.len()];
    // A line of cells, `at(k)` for `k < count`, and the lines on either side of it, `beside` cells away.
    let mut sweep = |count: usize, at: &dyn Fn(usize) -> usize, beside: usize| {
        let band = |k: usize| {
            let cell = at(k);
            [Some(cell), cell.checked_sub(beside), Some(cell + beside).filter(|c| *c < open.len())]
        };
        let marked: Vec<bool> = (0..count).map(|k| band(k).into_iter().flatten().any(|c| open[c])).collect();
        let mut inside = marked.iter().take(window).filter(|m| **m).count();
        for start in 0..=count.saturating_sub(window) {
            if inside >= enough {
                for cell in (start..start + window).flat_map(band).flatten() {
                    joint[cell] = true;
                }
            }
            inside -= usize::from(marked[start]);
            inside += usize::from(marked.get(start + window).copied().unwrap_or(false));
        }
    };
    if columns > window && rows > window {
        for x in 0..columns {
            sweep(rows, &|y| y * columns + x, 1);
        }
        for y in 0..rows {
            sweep(columns, &|x| y * columns + x, columns);
        }
    }
    for (cell, joint) in open.iter_mut().zip(joint) {
        *cell &= !joint;
    }
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
