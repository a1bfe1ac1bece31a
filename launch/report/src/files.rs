//! The defects as GeoJSON and as CSV, for other programs.

use robot_interface::defect::{CrackWidth, DefectClass};
use robot_interface::tunnel::{LiningPoint, TunnelDesign, clock_text};
use serde::Serialize;

use super::error::ReportError;
use super::summary::{ReportDefect, RunSummary};

/// The defects as a GeoJSON feature collection (RFC 7946) in metres of the tunnel's own frame `map`: a
/// crack's run is a line, an area a polygon, a cable joint a point, all on the designed lining.
///
/// # Errors
/// If it cannot be serialised, which no summary should cause.
pub fn geojson(summary: &RunSummary) -> Result<String, ReportError> {
    let collection = Collection {
        kind: "FeatureCollection",
        name: &summary.mission,
        frame: "map",
        units: "m",
        chainage_sigma_m: summary.position.map(|position| ChainageSigma {
            far_end: millimetres(position.far_end_sigma_m),
            end: millimetres(position.final_sigma_m),
        }),
        note: "Coordinates are [x, y, z] in metres in the local frame `map`, whose origin is the portal's \
               floor and whose x axis leads into the tunnel; they are not WGS84 longitude and latitude.",
        features: summary.defects.iter().map(|d| feature(&summary.design, d)).collect(),
    };
    let mut text = serde_json::to_string_pretty(&collection)?;
    text.push('\n');
    Ok(text)
}

/// The defects as a table, one a row, with a header. What is not known is empty.
///
/// # Errors
/// If it cannot be serialised, which no summary should cause.
pub fn csv(summary: &RunSummary) -> Result<String, ReportError> {
    let mut writer = csv::WriterBuilder::new().has_headers(false).from_writer(Vec::new());
    writer.write_record(HEADER)?;
    for defect in &summary.defects {
        writer.serialize(Row::of(defect))?;
    }
    let bytes = writer.into_inner().map_err(|e| csv::Error::from(e.into_error()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Stands apart from [`Row`] so that a table without defects has it as well.
const HEADER: [&str; 30] = [
    "number",
    "code",
    "class",
    "chainage_m",
    "chainage_sigma_m",
    "clock",
    "clock_h",
    "arc_m",
    "x_m",
    "y_m",
    "z_m",
    "length_m",
    "width_mm",
    "width_sigma_mm",
    "width_below_mm",
    "area_m2",
    "temperature_c",
    "temperature_above_c",
    "over_sisters_k",
    "sisters",
    "over_ambient_k",
    "distance_m",
    "emissivity",
    "score",
    "views",
    "mm_per_px",
    "chainage_min_m",
    "chainage_max_m",
    "arc_min_m",
    "arc_max_m",
];

#[derive(Serialize)]
struct Row<'a> {
    number: usize,
    code: &'a str,
    class: &'static str,
    chainage_m: f64,
    chainage_sigma_m: Option<f64>,
    clock: String,
    clock_h: f64,
    arc_m: f64,
    x_m: f64,
    y_m: f64,
    z_m: f64,
    length_m: f64,
    width_mm: Option<f64>,
    width_sigma_mm: Option<f64>,
    width_below_mm: Option<f64>,
    area_m2: f64,
    temperature_c: Option<f64>,
    /// Of one too far to be measured; the rises are lower bounds then as well.
    temperature_above_c: Option<f64>,
    over_sisters_k: Option<f64>,
    sisters: Option<usize>,
    over_ambient_k: Option<f64>,
    distance_m: Option<f64>,
    emissivity: Option<f64>,
    score: f64,
    views: u32,
    mm_per_px: Option<f64>,
    chainage_min_m: f64,
    chainage_max_m: f64,
    arc_min_m: f64,
    arc_max_m: f64,
}

impl<'a> Row<'a> {
    fn of(d: &'a ReportDefect) -> Self {
        let [x_m, y_m, z_m] = d.position_m.map(millimetres);
        let (width_mm, width_sigma_mm, width_below_mm) = match d.defect.width {
            Some(CrackWidth::Measured { width_mm, sigma_mm }) => (Some(width_mm), Some(sigma_mm), None),
            Some(CrackWidth::Below { limit_mm }) => (None, None, Some(limit_mm)),
            None => (None, None, None),
        };
        let joint = d.defect.temperature;
        Self {
            number: d.number,
            code: &d.defect.code,
            class: d.defect.class.name(),
            chainage_m: millimetres(d.defect.centre.chainage_m),
            chainage_sigma_m: d.chainage_sigma_m.map(millimetres),
            clock: clock_text(d.defect.clock_h),
            clock_h: millimetres(d.defect.clock_h),
            arc_m: millimetres(d.defect.centre.arc_m),
            x_m,
            y_m,
            z_m,
            length_m: millimetres(d.defect.length_m),
            width_mm: width_mm.map(millimetres),
            width_sigma_mm: width_sigma_mm.map(millimetres),
            width_below_mm: width_below_mm.map(millimetres),
            area_m2: square_millimetres(d.defect.area_m2),
            temperature_c: joint.filter(|t| !t.too_far).map(|t| millimetres(t.celsius)),
            temperature_above_c: joint.filter(|t| t.too_far).map(|t| millimetres(t.celsius)),
            over_sisters_k: joint.and_then(|t| t.sisters).map(|s| millimetres(s.rise_k)),
            sisters: joint.map(|t| t.sisters.map_or(0, |s| s.joints)),
            over_ambient_k: joint.map(|t| millimetres(t.over_ambient_k)),
            distance_m: joint.map(|t| millimetres(t.distance_m)),
            emissivity: joint.map(|t| millimetres(t.emissivity)),
            score: millimetres(d.defect.score),
            views: d.defect.views,
            mm_per_px: d.defect.mm_per_px.map(millimetres),
            chainage_min_m: millimetres(d.defect.bounds.chainage_min_m),
            chainage_max_m: millimetres(d.defect.bounds.chainage_max_m),
            arc_min_m: millimetres(d.defect.bounds.arc_min_m),
            arc_max_m: millimetres(d.defect.bounds.arc_max_m),
        }
    }
}

#[derive(Serialize)]
struct Collection<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    name: &'a str,
    frame: &'static str,
    units: &'static str,
    /// One-sigma of the robot's chainage; `null` if not known.
    chainage_sigma_m: Option<ChainageSigma>,
    note: &'static str,
    features: Vec<Feature<'a>>,
}

#[derive(Serialize)]
struct ChainageSigma {
    far_end: f64,
    end: f64,
}

#[derive(Serialize)]
struct Feature<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    id: usize,
    geometry: Geometry,
    properties: Row<'a>,
}

#[derive(Serialize)]
#[serde(tag = "type", content = "coordinates")]
enum Geometry {
    Point([f64; 3]),
    LineString(Vec<[f64; 3]>),
    Polygon([Vec<[f64; 3]>; 1]),
}

fn feature<'a>(design: &TunnelDesign, defect: &'a ReportDefect) -> Feature<'a> {
    Feature {
        kind: "Feature",
        id: defect.number,
        geometry: geometry(design, defect),
        properties: Row::of(defect),
    }
}

fn geometry(design: &TunnelDesign, defect: &ReportDefect) -> Geometry {
    if defect.defect.class == DefectClass::HotJoint {
        return Geometry::Point(defect.position_m.map(millimetres));
    }
    let place = |&[chainage_m, arc_m]: &[f64; 2]| {
        let p = design.to_map(design.lining_to_tunnel(LiningPoint { chainage_m, arc_m })).coords;
        [p.x, p.y, p.z].map(millimetres)
    };
    let outline = &defect.defect.outline;
    if outline.len() >= 4 && outline.first() == outline.last() {
        return Geometry::Polygon([outline.iter().map(place).collect()]);
    }
    if outline.len() >= 2 {
        return Geometry::LineString(outline.iter().map(place).collect());
    }
    let b = defect.defect.bounds;
    let ring = [
        [b.chainage_min_m, b.arc_min_m],
        [b.chainage_max_m, b.arc_min_m],
        [b.chainage_max_m, b.arc_max_m],
        [b.chainage_min_m, b.arc_max_m],
        [b.chainage_min_m, b.arc_min_m],
    ];
    Geometry::Polygon([ring.iter().map(place).collect()])
}

/// Three decimals: finer than anything here is measured, coarse enough to read. Adding 0 turns -0 into 0.
fn millimetres(value: f64) -> f64 {
    (value * 1e3).round() / 1e3 + 0.0
}

fn square_millimetres(value: f64) -> f64 {
    (value * 1e6).round() / 1e6 + 0.0
}
