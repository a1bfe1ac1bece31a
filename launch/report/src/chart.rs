//! Line charts of one quantity over time. The axis of values includes 0: nothing looks larger than it is.

use super::style::number;
use super::svg::Svg;

/// Content of a chart.
pub(super) struct Chart<'a> {
    /// Heading, with the unit.
    pub title: &'a str,
    /// CSS class of the line.
    pub class: &'a str,
    /// `[time in s, value]`, in order of time.
    pub points: Vec<[f64; 2]>,
    /// A moment to mark, with its label.
    pub mark: Option<(f64, String)>,
}

const WIDTH: f64 = 1060.0;
const HEIGHT: f64 = 150.0;
const LEFT: f64 = 44.0;
const TOP: f64 = 24.0;
const RIGHT: f64 = 16.0;
const BOTTOM: f64 = 24.0;
/// Columns into which points are gathered before drawing.
const COLUMNS: f64 = 500.0;

impl Chart<'_> {
    /// The chart as SVG; `None` with fewer than two finite points.
    pub(super) fn draw(&self) -> Option<String> {
        let points: Vec<[f64; 2]> =
            self.points.iter().copied().filter(|p| p.iter().all(|v| v.is_finite())).collect();
        let (first, last) = (points.first()?, points.last()?);
        if last[0] <= first[0] {
            return None;
        }
        let least = points.iter().map(|p| p[1]).fold(f64::INFINITY, f64::min);
        let most = points.iter().map(|p| p[1]).fold(f64::NEG_INFINITY, f64::max);
        let ticks = ticks(least.min(0.0), most, 4);
        let (low, high) = (*ticks.first()?, *ticks.last()?);
        let step = (high - low) / (ticks.len() - 1) as f64;
        // A step of 2.5 needs a digit more than its size says.
        let decimals = (0..6)
            .find(|d| ((step * 10f64.powi(*d)).round() - step * 10f64.powi(*d)).abs() < 1e-6)
            .unwrap_or(6) as usize;
        let (plot_w, plot_h) = (WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM);
        let x = |t: f64| LEFT + (t - first[0]) / (last[0] - first[0]) * plot_w;
        let y = |v: f64| TOP + (high - v) / (high - low) * plot_h;
        let mut svg = Svg::new(WIDTH, HEIGHT);
        svg.text("heading", [LEFT, 14.0], self.title);
        for &tick in &ticks {
            svg.line("grid", [LEFT, y(tick)], [LEFT + plot_w, y(tick)]);
            svg.text("tick end", [LEFT - 8.0, y(tick) + 3.5], &number(tick, decimals));
        }
        for tick in self::ticks(first[0], last[0], 10) {
            if (first[0]..=last[0]).contains(&tick) {
                svg.line("axis", [x(tick), TOP + plot_h], [x(tick), TOP + plot_h + 4.0]);
                svg.text("tick middle", [x(tick), TOP + plot_h + 17.0], &format!("{} s", number(tick, 0)));
            }
        }
        if let Some((t, label)) = &self.mark {
            svg.line("mark", [x(*t), TOP - 4.0], [x(*t), TOP + plot_h]);
            svg.text("tick middle", [x(*t), 14.0], label);
        }
        svg.polyline(self.class, thinned(&points).into_iter().map(|[t, v]| [x(t), y(v)]));
        Some(svg.finish("chart", self.title))
    }
}

/// Round numbers that enclose a range, about `wanted` of them.
pub(super) fn ticks(low: f64, high: f64, wanted: usize) -> Vec<f64> {
    let span = (high - low).max(1e-6);
    let rough = span / wanted.max(1) as f64;
    let power = 10f64.powf(rough.log10().floor());
    let step =
        [1.0, 2.0, 2.5, 5.0, 10.0].map(|m| m * power).into_iter().find(|s| *s >= rough).unwrap_or(rough);
    let (first, last) = ((low / step + 1e-9).floor(), (high / step - 1e-9).ceil());
    let count = (last - first).max(1.0) as usize;
    (0..=count).map(|i| (first + i as f64) * step).collect()
}

/// The least and the greatest point of each column: a peak stays a peak however long the run.
fn thinned(points: &[[f64; 2]]) -> Vec<[f64; 2]> {
    if points.len() as f64 <= 2.0 * COLUMNS {
        return points.to_vec();
    }
    let (start, span) = (points[0][0], points[points.len() - 1][0] - points[0][0]);
    let column = |p: &[f64; 2]| ((p[0] - start) / span * COLUMNS) as usize;
    let mut kept = Vec::new();
    for group in points.chunk_by(|a, b| column(a) == column(b)) {
        let by_value = |a: &&[f64; 2], b: &&[f64; 2]| a[1].total_cmp(&b[1]);
        let ends = [group.iter().min_by(by_value), group.iter().max_by(by_value)];
        let mut ends: Vec<[f64; 2]> = ends.into_iter().flatten().copied().collect();
        ends.sort_by(|a, b| a[0].total_cmp(&b[0]));
        kept.extend(ends);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_enclose() {
        assert_eq!(ticks(0.0, 0.93, 4), [0.0, 0.25, 0.5, 0.75, 1.0]);
        assert!(ticks(3.0, 3.0, 4).len() >= 2, "a constant still has an axis");
        let t = ticks(-2.3, 41.0, 4);
        assert!(t[0] <= -2.3 && t[t.len() - 1] >= 41.0, "{t:?}");
    }

    #[test]
    fn a_peak_survives_thinning() {
        let mut points: Vec<[f64; 2]> = (0..50_000).map(|i| [f64::from(i) * 0.01, 1.0]).collect();
        points[31_234][1] = 40.0;
        let kept = thinned(&points);
        assert!(kept.len() < 2000);
        assert!(kept.iter().any(|p| p[1] > 39.0));
    }

    #[test]
    fn nothing_to_draw_draws_nothing() {
        let chart = Chart { title: "t", class: "c", points: vec![[0.0, f64::NAN]], mark: None };
        assert!(chart.draw().is_none());
    }
}
