//! The lining, unrolled: chainage across, the left wall at the top, the crown in the middle, the right
//! wall at the bottom, as seen from above through an opened tube. Both directions have the same scale.

use std::fmt::Write as _;

use robot_interface::defect::{DefectClass, LiningBox};
use robot_interface::tunnel::clock_text;

use super::style::{class_colour, class_title, maybe, number};
use super::summary::{Coverage, ReportDefect, RunSummary, TruthFate, TruthRow};
use super::svg::{Svg, escape, point_list, unit};

/// Tunnel in one row of the drawing, m.
const ROW_M: f64 = 20.0;
/// Drawing units that a full row takes.
const ROW_UNITS: f64 = 1000.0;
const LEFT: f64 = 44.0;
const RIGHT: f64 = 22.0;
const TOP: f64 = 8.0;
const BOTTOM: f64 = 26.0;
/// Of the discs that carry the numbers, units.
const LABEL_RADIUS: f64 = 8.5;
/// Of a cable joint's mark, units.
const JOINT_RADIUS: f64 = 6.0;

/// Map from lining coordinates to one row of the drawing.
#[derive(Clone, Copy)]
struct Frame {
    chainage0_m: f64,
    span_m: f64,
    half_arc_m: f64,
    scale: f64,
}

impl Frame {
    fn at(self, [chainage, arc]: [f64; 2]) -> [f64; 2] {
        [LEFT + (chainage - self.chainage0_m) * self.scale, TOP + (arc + self.half_arc_m) * self.scale]
    }

    fn corner_and_size(self, b: &LiningBox) -> ([f64; 2], [f64; 2]) {
        (self.at([b.chainage_min_m, b.arc_min_m]), [b.length_m() * self.scale, b.height_m() * self.scale])
    }

    /// Returns the extent of a defect's drawing: its bounds, or the mark of a joint, which is not drawn to scale.
    fn drawn(self, d: &ReportDefect) -> ([f64; 2], [f64; 2]) {
        if d.defect.class == DefectClass::HotJoint {
            let [x, y] = self.at([d.defect.centre.chainage_m, d.defect.centre.arc_m]);
            return ([x - JOINT_RADIUS, y - JOINT_RADIUS], [2.0 * JOINT_RADIUS; 2]);
        }
        self.corner_and_size(&d.defect.bounds)
    }

    fn size(self) -> [f64; 2] {
        [self.span_m * self.scale, 2.0 * self.half_arc_m * self.scale]
    }

    fn shows(self, b: &LiningBox) -> bool {
        b.chainage_max_m >= self.chainage0_m && b.chainage_min_m <= self.chainage0_m + self.span_m
    }
}

/// One drawing a row of [`ROW_M`], from the portal to the end, of a long tunnel only those with something on them. The
/// hatch they use is [`HATCH`].
pub(super) fn rows(summary: &RunSummary) -> Vec<String> {
    let length_m = summary.design.length_m();
    let full_m = if length_m > ROW_M { ROW_M } else { length_m.ceil().max(1.0) };
    let count = (length_m / full_m - 1e-6).ceil().max(1.0) as usize;
    let [from_m, to_m] = summary.drawn_m();
    (0..count)
        .filter(|i| *i as f64 * full_m < to_m + 1e-6 && (*i + 1) as f64 * full_m > from_m)
        .map(|i| {
            let chainage0_m = i as f64 * full_m;
            let frame = Frame {
                chainage0_m,
                span_m: (length_m - chainage0_m).min(full_m),
                half_arc_m: summary.design.section.half_arc_m(),
                scale: ROW_UNITS / full_m,
            };
            row(summary, frame)
        })
        .collect()
}

/// The hatch for what was not seen, once a page.
pub(super) const HATCH: &str = r##"<svg width="0" height="0" class="defs" aria-hidden="true"><defs><pattern id="hatch" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect width="5" height="5" fill="#eceef0"/><line x1="0" y1="0" x2="0" y2="5" stroke="#c3c8ce" stroke-width="1.6"/></pattern></defs></svg>"##;

fn row(summary: &RunSummary, frame: Frame) -> String {
    let [width, height] = frame.size();
    // Every row has the width of a full one, so that all have the same scale on the page.
    let mut svg = Svg::new(LEFT + ROW_UNITS + RIGHT, TOP + height + BOTTOM);
    svg.open_clip([LEFT, TOP], [width, height]);
    svg.rect("seen", [LEFT, TOP], [width, height]);
    let hidden = unseen(&summary.coverage, frame);
    svg.raw(&format!(r#"<path class="unseen" d="{hidden}"/>"#));
    outside_inspection(&mut svg, summary, frame);
    clock_lines(&mut svg, summary, frame);
    let shown: Vec<&ReportDefect> =
        summary.defects.iter().filter(|d| frame.shows(&d.defect.bounds)).collect();
    let truth = || summary.truth.iter().flatten().filter(|t| frame.shows(&t.bounds));
    truth().for_each(|t| true_outline(&mut svg, t, frame));
    shown.iter().for_each(|d| defect_shape(&mut svg, d, frame));
    truth().filter(|t| t.fate == TruthFate::Missed).for_each(|t| cross(&mut svg, t, frame));
    labels(&mut svg, &shown, frame);
    svg.close_clip();
    svg.rect("frame", [LEFT, TOP], [width, height]);
    axes(&mut svg, summary, frame);
    let to_m = frame.chainage0_m + frame.span_m;
    let description = format!(
        "Unrolled lining from chainage {} to {} m with {} reported defects",
        number(frame.chainage0_m, 0),
        number(to_m, 0),
        shown.len()
    );
    svg.finish("lining", &description)
}

/// The cells never seen, as one path: equal runs of neighbouring rows of cells become one rectangle.
fn unseen(coverage: &Coverage, frame: Frame) -> String {
    let mut path = String::new();
    let columns = coverage.columns;
    if coverage.mm_per_px.len() < columns * coverage.rows || coverage.cell_m <= 0.0 {
        return path;
    }
    // What lies beyond the map was not seen either.
    let end_m = frame.chainage0_m + frame.span_m;
    let held_m = [coverage.chainage0_m, coverage.chainage0_m + columns as f64 * coverage.cell_m];
    for (from_m, to_m) in
        [(frame.chainage0_m, held_m[0].min(end_m)), (held_m[1].max(frame.chainage0_m), end_m)]
    {
        if to_m > from_m {
            let [x0, y0] = frame.at([from_m, -frame.half_arc_m]);
            let [x1, y1] = frame.at([to_m, frame.half_arc_m]);
            let _ = write!(path, "M{} {}H{}V{}H{}z", unit(x0), unit(y0), unit(x1), unit(y1), unit(x0));
        }
    }
    let place = |column: usize, row: usize| {
        frame.at([
            coverage.chainage0_m + column as f64 * coverage.cell_m,
            coverage.arc0_m + row as f64 * coverage.cell_m,
        ])
    };
    let column_of = |m: f64| ((m - coverage.chainage0_m) / coverage.cell_m).clamp(0.0, columns as f64);
    let first = column_of(frame.chainage0_m).floor() as usize;
    let last = column_of(frame.chainage0_m + frame.span_m).ceil() as usize;
    let mut close = |(from, to): (usize, usize), top: usize, bottom: usize| {
        let ([x0, y0], [x1, y1]) = (place(from, top), place(to, bottom));
        let _ = write!(path, "M{} {}H{}V{}H{}z", unit(x0), unit(y0), unit(x1), unit(y1), unit(x0));
    };
    // Open rectangles: the run of columns, and the row of cells it began in.
    let mut open: Vec<((usize, usize), usize)> = Vec::new();
    for row in 0..coverage.rows {
        let cells = &coverage.mm_per_px[row * columns..(row + 1) * columns];
        let runs = unseen_runs(cells, first, last);
        open.retain(|&(run, top)| {
            let goes_on = runs.contains(&run);
            if !goes_on {
                close(run, top, row);
            }
            goes_on
        });
        for run in runs {
            if !open.iter().any(|(other, _)| *other == run) {
                open.push((run, row));
            }
        }
    }
    for (run, top) in open {
        close(run, top, coverage.rows);
    }
    path
}

fn unseen_runs(cells: &[f32], first: usize, last: usize) -> Vec<(usize, usize)> {
    let mut runs = Vec::new();
    let mut start = None;
    for (column, cell) in cells.iter().enumerate().take(last).skip(first) {
        match (cell.is_nan(), start) {
            (true, None) => start = Some(column),
            (false, Some(from)) => {
                runs.push((from, column));
                start = None;
            }
            _ => {}
        }
    }
    runs.extend(start.map(|from| (from, last)));
    runs
}

fn outside_inspection(svg: &mut Svg, summary: &RunSummary, frame: Frame) {
    let [from_m, to_m] = summary.inspected_m;
    let end_m = frame.chainage0_m + frame.span_m;
    for (a, b) in [(frame.chainage0_m, from_m.min(end_m)), (to_m.max(frame.chainage0_m), end_m)] {
        if b > a {
            let corner = frame.at([a, -frame.half_arc_m]);
            svg.rect("outside", corner, [(b - a) * frame.scale, frame.size()[1]]);
        }
    }
}

/// Whole hours that the lining has, as `(hour in -5..=6 from the crown, arc in m)`, left wall first.
pub(super) fn hours(summary: &RunSummary) -> impl Iterator<Item = (i32, f64)> {
    let section = &summary.design.section;
    (-5..=6).filter_map(|hour| {
        let angle = f64::from(hour) / 12.0 * std::f64::consts::TAU;
        (angle.abs() <= section.floor_angle_rad()).then(|| (hour, section.arc_of_angle(angle)))
    })
}

fn clock_lines(svg: &mut Svg, summary: &RunSummary, frame: Frame) {
    for (hour, arc) in hours(summary) {
        let class = if hour == 0 { "crown" } else { "hour" };
        let from = frame.at([frame.chainage0_m, arc]);
        svg.line(class, from, [from[0] + frame.size()[0], from[1]]);
    }
}

fn axes(svg: &mut Svg, summary: &RunSummary, frame: Frame) {
    for (hour, arc) in hours(summary) {
        let y = frame.at([0.0, arc])[1];
        svg.text("tick end", [LEFT - 8.0, y + 3.5], &(hour + 11).rem_euclid(12).wrapping_add(1).to_string());
        svg.line("axis", [LEFT - 4.0, y], [LEFT, y]);
    }
    let [_, height] = frame.size();
    for (text, y) in [
        ("left wall", TOP + height * 0.25),
        ("crown", TOP + height * 0.5),
        ("right wall", TOP + height * 0.75),
    ] {
        let (x, y) = (unit(11.0), unit(y));
        svg.raw(&format!(r#"<text class="side" transform="translate({x} {y}) rotate(-90)">{text}</text>"#));
    }
    let bottom = TOP + height;
    let mut m = frame.chainage0_m.ceil() as i64;
    while m as f64 <= frame.chainage0_m + frame.span_m + 1e-6 {
        let x = frame.at([m as f64, 0.0])[0];
        let long = m % 5 == 0;
        svg.line("axis", [x, bottom], [x, bottom + if long { 6.0 } else { 3.0 }]);
        if long {
            svg.text("tick middle", [x, bottom + 18.0], &format!("{m} m"));
        }
        m += 1;
    }
}

fn true_outline(svg: &mut Svg, truth: &TruthRow, frame: Frame) {
    let (class, fate) = match &truth.fate {
        TruthFate::Found(n) => ("truth", format!("reported as {n}")),
        TruthFate::Missed => ("truth missed", "missed".to_owned()),
        TruthFate::NotVisible { why } => ("truth hidden", format!("not visible: {why}")),
    };
    // Least size that can be seen; a thin crack's bounds have next to none.
    let ([x, y], [w, h]) = frame.corner_and_size(&truth.bounds.grown(0.03));
    svg.raw(&format!(
        r#"<rect class="{class}" x="{}" y="{}" width="{}" height="{}"><title>{}</title></rect>"#,
        unit(x),
        unit(y),
        unit(w),
        unit(h),
        escape(&format!("Ground truth: {}, {fate}", class_title(truth.class).to_lowercase()))
    ));
}

fn cross(svg: &mut Svg, truth: &TruthRow, frame: Frame) {
    let [x, y] = frame.at(truth.bounds.centre());
    let r = 5.5;
    svg.line("cross", [x - r, y - r], [x + r, y + r]);
    svg.line("cross", [x - r, y + r], [x + r, y - r]);
}

fn defect_shape(svg: &mut Svg, d: &ReportDefect, frame: Frame) {
    let colour = class_colour(d.defect.class);
    let closed = d.defect.outline.len() >= 4 && d.defect.outline.first() == d.defect.outline.last();
    let points = point_list(d.defect.outline.iter().map(|&p| frame.at(p)));
    let shape = if d.defect.class == DefectClass::HotJoint {
        let [x, y] = frame.at([d.defect.centre.chainage_m, d.defect.centre.arc_m]);
        let (x, y) = (unit(x), unit(y));
        format!(
            r#"<circle class="area" cx="{x}" cy="{y}" r="{JOINT_RADIUS}"/><circle cx="{x}" cy="{y}" r="2" fill="{colour}"/>"#
        )
    } else if closed {
        format!(r#"<polygon class="area" points="{points}"/>"#)
    } else if d.defect.outline.len() >= 2 {
        format!(r#"<polyline class="run" points="{points}"/>"#)
    } else {
        let ([x, y], [w, h]) = frame.corner_and_size(&d.defect.bounds);
        let (x, y, w, h) = (unit(x), unit(y), unit(w.max(2.0)), unit(h.max(2.0)));
        format!(r#"<rect class="area" x="{x}" y="{y}" width="{w}" height="{h}"/>"#)
    };
    let title = format!(
        "{} {}: {} at {} m, {} o'clock, score {}, {} °C",
        d.number,
        d.defect.code,
        class_title(d.defect.class).to_lowercase(),
        number(d.defect.centre.chainage_m, 2),
        clock_text(d.defect.clock_h),
        number(d.defect.score, 2),
        maybe(d.defect.temperature.map(|t| t.celsius), 0),
    );
    let title =
        if d.defect.temperature.is_some() { &title } else { title.rsplit_once(", ").map_or("", |t| t.0) };
    svg.raw(&format!(r#"<g stroke="{colour}" fill="{colour}"><title>{}</title>{shape}</g>"#, escape(title)));
}

/// Numbers in discs beside their defects, each where it hides least.
fn labels(svg: &mut Svg, defects: &[&ReportDefect], frame: Frame) {
    let mut placed: Vec<[f64; 2]> = Vec::new();
    let [width, height] = frame.size();
    for d in defects {
        let ([x, y], [w, h]) = frame.drawn(d);
        let (middle_x, middle_y) = (x + w / 2.0, y + h / 2.0);
        let cost = |&[cx, cy]: &[f64; 2], order: usize| {
            let over_edge = cx < LEFT + LABEL_RADIUS
                || cx > LEFT + width - LABEL_RADIUS
                || cy < TOP + LABEL_RADIUS
                || cy > TOP + height - LABEL_RADIUS;
            let crowd: f64 =
                placed.iter().map(|p| (2.2 * LABEL_RADIUS - (p[0] - cx).hypot(p[1] - cy)).max(0.0)).sum();
            let covers = defects
                .iter()
                .filter(|other| {
                    let ([ox, oy], [ow, oh]) = frame.drawn(other);
                    let (near_x, near_y) = (cx.clamp(ox, ox + ow), cy.clamp(oy, oy + oh));
                    (near_x - cx).hypot(near_y - cy) < LABEL_RADIUS
                })
                .count();
            crowd * 20.0 + covers as f64 * 30.0 + order as f64 + if over_edge { 1000.0 } else { 0.0 }
        };
        let mut candidates = Vec::new();
        for away in [LABEL_RADIUS + 3.0, 2.0 * LABEL_RADIUS + 5.0, 4.0 * LABEL_RADIUS + 6.0] {
            let (left, right, top, bottom) = (x - away, x + w + away, y - away, y + h + away);
            candidates.extend([
                [right, middle_y],
                [middle_x, top],
                [middle_x, bottom],
                [left, middle_y],
                [right, top],
                [left, top],
                [right, bottom],
                [left, bottom],
            ]);
        }
        let best = candidates
            .iter()
            .enumerate()
            .min_by(|(i, a), (j, b)| cost(a, *i).total_cmp(&cost(b, *j)))
            .map_or([middle_x, middle_y], |(_, c)| *c);
        placed.push(best);
        label(svg, d, best, [best[0].clamp(x, x + w), best[1].clamp(y, y + h)]);
    }
}

fn label(svg: &mut Svg, d: &ReportDefect, at: [f64; 2], near: [f64; 2]) {
    let (colour, [x, y]) = (class_colour(d.defect.class), at.map(unit));
    svg.raw(&format!(r#"<g class="label" stroke="{colour}">"#));
    svg.line("leader", at, near);
    // A report that nothing real stands behind is an open disc.
    let class = if d.confirmed == Some(false) { "disc open" } else { "disc" };
    let fill = if d.confirmed == Some(false) { "#fff" } else { colour };
    let ink = if d.confirmed == Some(false) { colour } else { "#fff" };
    svg.raw(&format!(
        r##"<a href="#defect-{n}"><circle class="{class}" cx="{x}" cy="{y}" r="{LABEL_RADIUS}" fill="{fill}"/><text class="digit" x="{x}" y="{ty}" style="fill:{ink}">{n}</text></a></g>"##,
        n = d.number,
        ty = unit(at[1] + 3.2),
    ));
}
