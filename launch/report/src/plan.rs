//! The tunnel from above: walls, axis, the paths walked, over the ground as mapped.

use std::io::Cursor;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use image::{ImageFormat, Rgba, RgbaImage};
use robot_interface::frames::{Map, Point};
use robot_interface::tunnel::{TunnelDesign, TunnelPoint};

use super::error::ReportError;
use super::style::{class_colour, class_title, number};
use super::summary::{ElevationPicture, RunSummary};
use super::svg::{Svg, escape, unit};

/// Tunnel in one row of the drawing, m; a tunnel a little longer still takes one row.
const ROW_M: f64 = 30.0;
const ROW_UNITS: f64 = 1000.0;
const LEFT: f64 = 30.0;
const TOP: f64 = 22.0;
const BOTTOM: f64 = 14.0;
/// Points of a path nearer than this to the one before are left out, m.
const PATH_STEP_M: f64 = 0.03;

/// The drawings, one a row, and what the colours of the ground mean.
pub(super) struct Plan {
    /// Markup of each row.
    pub rows: Vec<String>,
    /// Heights above the design floor at the two ends of [`GROUND_COLOURS`], m.
    pub ground_m: Option<[f64; 2]>,
}

/// Colours of the ground from low to high.
const GROUND_COLOURS: [[f64; 3]; 4] =
    [[70.0, 96.0, 122.0], [226.0, 229.0, 228.0], [222.0, 190.0, 140.0], [133.0, 84.0, 40.0]];

/// The plan of a run.
///
/// # Errors
/// If a picture of the ground cannot be encoded.
pub(super) fn plan(summary: &RunSummary) -> Result<Plan, ReportError> {
    let length_m = summary.design.length_m();
    let count = (length_m / ROW_M - 0.2).ceil().max(1.0);
    let row_m = length_m / count;
    let ground = summary.elevation.as_ref().and_then(|e| Ground::new(&summary.design, e));
    let [from_m, to_m] = summary.drawn_m();
    let rows = (0..count as usize)
        .filter(|i| *i as f64 * row_m < to_m + 1e-6 && (*i + 1) as f64 * row_m > from_m)
        .map(|i| Row::new(&summary.design, i as f64 * row_m, row_m).draw(summary, ground.as_ref()))
        .collect::<Result<_, _>>()?;
    Ok(Plan { rows, ground_m: ground.map(|g| g.range_m) })
}

/// The colours of the ground as a CSS gradient.
pub(super) fn ground_gradient() -> String {
    let stops: Vec<String> =
        GROUND_COLOURS.iter().map(|[r, g, b]| format!("rgb({r:.0},{g:.0},{b:.0})")).collect();
    format!("linear-gradient(to right,{})", stops.join(","))
}

/// A stretch of the tunnel, turned so that its chord lies level.
struct Row<'a> {
    design: &'a TunnelDesign,
    from_m: f64,
    to_m: f64,
    start: [f64; 2],
    heading_rad: f64,
    scale: f64,
    half_width_m: f64,
    /// Ordinate of the topmost and of the lowest wall, m left of the chord.
    left_m: f64,
    right_m: f64,
}

impl<'a> Row<'a> {
    fn new(design: &'a TunnelDesign, from_m: f64, span_m: f64) -> Self {
        let to_m = from_m + span_m;
        let (a, b) = (design.alignment.pose_at(from_m), design.alignment.pose_at(to_m));
        let half_width_m = (0..=64)
            .map(|i| design.section.floor_angle_rad() * f64::from(i) / 64.0)
            .map(|angle| design.section.point_at(angle)[0].abs())
            .fold(0.0, f64::max);
        let mut row = Self {
            design,
            from_m,
            to_m,
            start: [a.x_m, a.y_m],
            heading_rad: (b.y_m - a.y_m).atan2(b.x_m - a.x_m),
            scale: ROW_UNITS / span_m,
            half_width_m,
            left_m: f64::NEG_INFINITY,
            right_m: f64::INFINITY,
        };
        let lefts: Vec<f64> = [-half_width_m, half_width_m]
            .into_iter()
            .flat_map(|side| row.offset_line(side).map(|p| row.turned(p)[1]).collect::<Vec<_>>())
            .collect();
        row.left_m = lefts.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        row.right_m = lefts.into_iter().fold(f64::INFINITY, f64::min);
        row
    }

    /// Points of `map` at a distance left of the axis, along this stretch.
    fn offset_line(&self, left_m: f64) -> impl Iterator<Item = [f64; 2]> + use<'_, 'a> {
        let steps = 120;
        (0..=steps).map(move |i| {
            let chainage_m = self.from_m + (self.to_m - self.from_m) * f64::from(i) / f64::from(steps);
            self.beside_axis(chainage_m, left_m)
        })
    }

    fn beside_axis(&self, chainage_m: f64, left_m: f64) -> [f64; 2] {
        let p = self.design.to_map(TunnelPoint { chainage_m, left_m, up_m: 0.0 }).coords;
        [p.x, p.y]
    }

    /// `[along, left]` of the chord, m.
    fn turned(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        let (sin, cos) = self.heading_rad.sin_cos();
        let (dx, dy) = (x - self.start[0], y - self.start[1]);
        [cos * dx + sin * dy, -sin * dx + cos * dy]
    }

    fn at(&self, point: [f64; 2]) -> [f64; 2] {
        let [along, left] = self.turned(point);
        [LEFT + along * self.scale, TOP + (self.left_m - left) * self.scale]
    }

    fn draw(&self, summary: &RunSummary, ground: Option<&Ground<'_>>) -> Result<String, ReportError> {
        let height = (self.left_m - self.right_m) * self.scale;
        let mut svg = Svg::new(LEFT + ROW_UNITS + LEFT, TOP + height + BOTTOM);
        let walls = self.offset_line(self.half_width_m).chain(
            // The way back along the other wall, to a closed outline.
            self.offset_line(-self.half_width_m).collect::<Vec<_>>().into_iter().rev(),
        );
        svg.polyline("floor", walls.map(|p| self.at(p)));
        if let Some(ground) = ground
            && let Some(image) = self.ground_image(ground)?
        {
            svg.raw(&image);
        }
        svg.polyline("axisline", self.offset_line(0.0).map(|p| self.at(p)));
        for side in [-self.half_width_m, self.half_width_m] {
            svg.polyline("wall", self.offset_line(side).map(|p| self.at(p)));
        }
        self.chainage_ticks(&mut svg);
        svg.open_clip([LEFT, 0.0], [ROW_UNITS, TOP + height + BOTTOM]);
        for (class, path) in [("estimate", &summary.estimate_path), ("true", &summary.true_path)] {
            for part in self.parts(path) {
                svg.polyline(class, part);
            }
        }
        self.defects(&mut svg, summary);
        svg.close_clip();
        let description = format!(
            "Plan from chainage {} to {} m with the path walked",
            number(self.from_m, 0),
            number(self.to_m, 0)
        );
        Ok(svg.finish("plan", &description))
    }

    fn chainage_ticks(&self, svg: &mut Svg) {
        let mut m = self.from_m.ceil() as i64;
        while m as f64 <= self.to_m + 1e-6 {
            let long = m % 5 == 0;
            let wall = self.at(self.beside_axis(m as f64, self.half_width_m));
            let out =
                self.at(
                    self.beside_axis(m as f64, self.half_width_m + if long { 6.0 } else { 3.0 } / self.scale)
                );
            svg.line("axis", wall, out);
            if long {
                svg.text("tick middle", [out[0], out[1] - 4.0], &format!("{m} m"));
            }
            m += 1;
        }
    }

    /// The stretches of a path that lie in this row, thinned, in drawing units.
    fn parts(&self, path: &[[f64; 2]]) -> Vec<Vec<[f64; 2]>> {
        let mut parts = vec![Vec::new()];
        let mut before: Option<[f64; 2]> = None;
        for &point in path.iter().filter(|p| p.iter().all(|v| v.is_finite())) {
            let (chainage_m, _) = self.design.alignment.closest(point[0], point[1]);
            if chainage_m < self.from_m - 0.5 || chainage_m > self.to_m + 0.5 {
                if parts.last().is_some_and(|p: &Vec<_>| !p.is_empty()) {
                    parts.push(Vec::new());
                }
                before = None;
                continue;
            }
            if before.is_some_and(|b| (b[0] - point[0]).hypot(b[1] - point[1]) < PATH_STEP_M) {
                continue;
            }
            before = Some(point);
            if let Some(part) = parts.last_mut() {
                part.push(self.at(point));
            }
        }
        parts
    }

    fn defects(&self, svg: &mut Svg, summary: &RunSummary) {
        for d in &summary.defects {
            if d.defect.centre.chainage_m < self.from_m || d.defect.centre.chainage_m > self.to_m {
                continue;
            }
            let [x, y] = self.at([d.position_m[0], d.position_m[1]]).map(unit);
            let title = escape(&format!("{} {}", d.number, class_title(d.defect.class)));
            let colour = class_colour(d.defect.class);
            svg.raw(&format!(
                r#"<circle class="dot" cx="{x}" cy="{y}" r="4" fill="{colour}"><title>{title}</title></circle>"#
            ));
        }
    }

    /// The ground of this row as an embedded PNG, turned with the row.
    fn ground_image(&self, ground: &Ground<'_>) -> Result<Option<String>, ReportError> {
        let e = ground.elevation;
        let outline =
            || [-self.half_width_m, self.half_width_m].into_iter().flat_map(|side| self.offset_line(side));
        let bound = |axis: usize, cells: usize| {
            let of = |pick: fn(f64, f64) -> f64, start: f64| {
                outline().map(|p| (p[axis] - e.origin_m[axis]) / e.resolution_m).fold(start, pick)
            };
            let low = of(f64::min, f64::INFINITY).floor().clamp(0.0, cells as f64) as usize;
            let high = of(f64::max, f64::NEG_INFINITY).ceil().clamp(0.0, cells as f64) as usize;
            (low, high)
        };
        let ((x0, x1), (y0, y1)) = (bound(0, e.width), bound(1, e.height));
        if x0 >= x1 || y0 >= y1 {
            return Ok(None);
        }
        let mut picture = RgbaImage::new((x1 - x0) as u32, (y1 - y0) as u32);
        for (column, row, pixel) in picture.enumerate_pixels_mut() {
            // The picture's first row is its northernmost.
            let (ix, iy) = (x0 + column as usize, y1 - 1 - row as usize);
            let (up_m, chainage_m, left_m) = ground.cell(ix, iy);
            let inside =
                left_m.abs() <= self.half_width_m && chainage_m >= self.from_m && chainage_m <= self.to_m;
            if inside && up_m.is_finite() {
                *pixel = ground.colour(up_m);
            }
        }
        let mut bytes = Cursor::new(Vec::new());
        picture.write_to(&mut bytes, ImageFormat::Png)?;
        let data = STANDARD.encode(bytes.into_inner());
        let corner =
            self.at([e.origin_m[0] + x0 as f64 * e.resolution_m, e.origin_m[1] + y1 as f64 * e.resolution_m]);
        let (x, y, degrees) = (unit(corner[0]), unit(corner[1]), self.heading_rad.to_degrees());
        let (w, h) = (picture.width(), picture.height());
        let cell = e.resolution_m * self.scale;
        Ok(Some(format!(
            r#"<image class="ground" transform="translate({x} {y}) rotate({degrees:.4}) scale({cell:.5})" width="{w}" height="{h}" preserveAspectRatio="none" href="data:image/png;base64,{data}"/>"#
        )))
    }
}

/// The mapped ground relative to the design floor.
struct Ground<'a> {
    design: &'a TunnelDesign,
    elevation: &'a ElevationPicture,
    range_m: [f64; 2],
}

impl<'a> Ground<'a> {
    /// `None` when no cell of the floor is known.
    fn new(design: &'a TunnelDesign, elevation: &'a ElevationPicture) -> Option<Self> {
        if elevation.elevation_m.len() < elevation.width * elevation.height || elevation.resolution_m <= 0.0 {
            return None;
        }
        let mut ground = Self { design, elevation, range_m: [0.0, 0.0] };
        let half_width_m = design.section.floor_half_width_m();
        let mut heights: Vec<f64> = (0..elevation.width * elevation.height)
            .map(|i| ground.cell(i % elevation.width, i / elevation.width))
            .filter(|(up_m, _, left_m)| up_m.is_finite() && left_m.abs() < half_width_m)
            .map(|(up_m, _, _)| up_m)
            .collect();
        heights.sort_by(f64::total_cmp);
        let share = |q: f64| heights.get(((heights.len() as f64 - 1.0) * q) as usize).copied();
        // Outliers would take all the colours; a flat floor must not show its noise as hills.
        let (low, high) = (share(0.01)?, share(0.99)?);
        ground.range_m = [low.min(-0.05), high.max(0.15)];
        Some(ground)
    }

    /// Height above the design floor, chainage and distance left of the axis of a cell's centre, m.
    fn cell(&self, ix: usize, iy: usize) -> (f64, f64, f64) {
        let e = self.elevation;
        let z = f64::from(e.elevation_m[iy * e.width + ix]);
        if !z.is_finite() {
            return (f64::NAN, 0.0, 0.0);
        }
        let x = e.origin_m[0] + (ix as f64 + 0.5) * e.resolution_m;
        let y = e.origin_m[1] + (iy as f64 + 0.5) * e.resolution_m;
        let p = self.design.to_tunnel(Point::<Map>::new(x, y, z));
        (p.up_m, p.chainage_m, p.left_m)
    }

    fn colour(&self, up_m: f64) -> Rgba<u8> {
        let [low, high] = self.range_m;
        // The design floor itself keeps the neutral colour, the second of the list.
        let t = if up_m < 0.0 { 1.0 - (up_m / low).min(1.0) } else { 1.0 + 2.0 * (up_m / high).min(1.0) };
        let i = (t as usize).min(GROUND_COLOURS.len() - 2);
        let mix = |c: usize| {
            let (a, b) = (GROUND_COLOURS[i][c], GROUND_COLOURS[i + 1][c]);
            (a + (b - a) * (t - i as f64)).round() as u8
        };
        Rgba([mix(0), mix(1), mix(2), 255])
    }
}
