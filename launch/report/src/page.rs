//! `report.html`: what the template shows, put into words and drawings.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use minijinja::{Environment, Value};
use robot_interface::defect::{CrackWidth, DefectClass, SisterComparison};
use robot_interface::tunnel::{LiningPoint, clock_text};
use serde::Serialize;

use super::chart::Chart;
use super::error::ReportError;
use super::style::{class_colour, class_title, duration, maybe, number, percent};
use super::summary::{ProfileRow, ReportDefect, RunSummary, TruthFate, TruthRow, Verdict, WalkingSpeed};
use super::{lining, plan};

const TEMPLATE: &str = include_str!("report.html.j2");

/// The report as one HTML file that needs nothing else.
///
/// # Errors
/// If a picture cannot be encoded, or the template does not fit.
pub fn html(summary: &RunSummary) -> Result<String, ReportError> {
    let mut environment = Environment::new();
    // The name's ending turns escaping on.
    environment.add_template("report.html", TEMPLATE)?;
    environment.set_undefined_behavior(minijinja::UndefinedBehavior::Strict);
    let plan = plan::plan(summary)?;
    let page = Page {
        mission: &summary.mission,
        robot: &summary.robot,
        completed: summary.verdict.completed(),
        reason: match &summary.verdict {
            Verdict::Completed => None,
            Verdict::Aborted { reason } => Some(reason),
        },
        lead: lead(summary),
        figures: figures(summary),
        warnings: &summary.warnings,
        classes: classes(summary),
        truth_known: summary.truth.is_some(),
        hatch: Value::from_safe_string(lining::HATCH.to_owned()),
        lining: lining::rows(summary).into_iter().map(Value::from_safe_string).collect(),
        plan: plan.rows.into_iter().map(Value::from_safe_string).collect(),
        ground: plan.ground_m.map(|range| range.map(|m| number(m * 100.0, 0))),
        ground_gradient: plan::ground_gradient(),
        true_path: !summary.true_path.is_empty(),
        defects: summary.defects.iter().map(defect).collect(),
        doubtful: summary.doubtful.iter().map(defect).collect(),
        missed: unreported(summary, |fate| *fate == TruthFate::Missed),
        hidden: unreported(summary, |fate| matches!(fate, TruthFate::NotVisible { .. })),
        charts: charts(summary).into_iter().map(Value::from_safe_string).collect(),
        localisation: localisation(summary),
        seen: seen(summary),
        hours: coverage_by_hour(summary),
        provenance: provenance(summary),
    };
    Ok(environment.get_template("report.html")?.render(page)?)
}

#[derive(Serialize)]
struct Page<'a> {
    mission: &'a str,
    robot: &'a str,
    completed: bool,
    reason: Option<&'a String>,
    lead: String,
    figures: Vec<Figure>,
    warnings: &'a [String],
    classes: Vec<ClassRow>,
    truth_known: bool,
    hatch: Value,
    lining: Vec<Value>,
    plan: Vec<Value>,
    ground: Option<[String; 2]>,
    ground_gradient: String,
    true_path: bool,
    defects: Vec<DefectRow<'a>>,
    doubtful: Vec<DefectRow<'a>>,
    missed: Vec<UnreportedRow>,
    hidden: Vec<UnreportedRow>,
    charts: Vec<Value>,
    localisation: Vec<Fact>,
    seen: Vec<Fact>,
    hours: Vec<HourBar>,
    provenance: Vec<Fact>,
}

/// A key figure of the banner.
#[derive(Serialize)]
struct Figure {
    value: String,
    unit: &'static str,
    label: &'static str,
    note: String,
    /// True if it speaks against the run.
    bad: bool,
}

/// A line of a list of facts.
#[derive(Serialize)]
struct Fact {
    name: &'static str,
    value: String,
}

#[derive(Serialize)]
struct ClassRow {
    title: &'static str,
    colour: &'static str,
    reported: usize,
    confirmed: usize,
    unconfirmed: usize,
    truth: usize,
    found: usize,
    missed: usize,
    hidden: usize,
}

#[derive(Serialize)]
struct DefectRow<'a> {
    number: usize,
    code: &'a str,
    class: &'static str,
    colour: &'static str,
    chainage: String,
    clock: String,
    position: String,
    sizes: Vec<Fact>,
    score: String,
    views: u32,
    resolution: String,
    evidence: Option<Value>,
    confirmed: Option<bool>,
}

#[derive(Serialize)]
struct UnreportedRow {
    class: &'static str,
    colour: &'static str,
    chainage: String,
    clock: String,
    size: String,
    width: String,
    why: String,
}

#[derive(Serialize)]
struct HourBar {
    label: String,
    width: String,
    percent: String,
}

fn count_fates(summary: &RunSummary) -> Option<[usize; 3]> {
    let truth = summary.truth.as_ref()?;
    let of = |wanted: fn(&TruthFate) -> bool| truth.iter().filter(|t| wanted(&t.fate)).count();
    Some([
        of(|f| matches!(f, TruthFate::Found(_))),
        of(|f| *f == TruthFate::Missed),
        of(|f| matches!(f, TruthFate::NotVisible { .. })),
    ])
}

fn false_reports(summary: &RunSummary) -> usize {
    summary.defects.iter().filter(|d| d.confirmed == Some(false)).count()
}

fn lead(summary: &RunSummary) -> String {
    let n = summary.defects.len();
    let fell = if summary.fell { "fell" } else { "did not fall" };
    let known = summary.position.map_or(String::new(), |position| {
        format!(" At the end it knew its chainage to {} m (one sigma).", number(position.final_sigma_m, 2))
    });
    format!(
        "{n} {} reported on the lining between chainage {} and {} m. The robot walked {} m and {fell}.{known}",
        if n == 1 { "defect" } else { "defects" },
        number(summary.inspected_m[0], 1),
        number(summary.inspected_m[1], 1),
        number(summary.distance_walked_m, 1),
    )
}

fn figures(summary: &RunSummary) -> Vec<Figure> {
    let mut figures = Vec::new();
    let mut add = |value: String, unit, label, note: String, bad| {
        figures.push(Figure { value, unit, label, note, bad });
    };
    let share =
        |name: &str, value: Option<f64>| value.map_or(String::new(), |v| format!("{name} {}", percent(v)));
    if let Some([found, missed, hidden]) = count_fates(summary) {
        let of = format!("of {} visible", found + missed);
        let recall = share(", recall", summary.recall);
        add(found.to_string(), "", "Found", of + &recall, false);
        add(missed.to_string(), "", "Missed", "visible, not reported".to_owned(), missed > 0);
        let wrong = false_reports(summary);
        add(wrong.to_string(), "", "False", share("precision", summary.precision), wrong > 0);
        add(hidden.to_string(), "", "Not visible", "to any camera".to_owned(), false);
    } else {
        add(summary.defects.len().to_string(), "", "Reported", "truth not known".to_owned(), false);
    }
    if let Some(l) = summary.localisation {
        let note = format!("{} of {} m", share_text(l.far_end_share), number(l.far_end_walked_m, 0));
        add(number(l.far_end_error_m, 2), "m", "Position error, far end", note, false);
    }
    add(number(summary.distance_walked_m, 1), "m", "Walked", String::new(), false);
    let wall = summary.wall_s.map_or(String::new(), |s| format!("computed in {}", duration(s)));
    add(duration(summary.simulated_s).replace(" min", ""), "min", "Time", wall, false);
    let fell = if summary.fell { "yes" } else { "no" };
    add(fell.to_owned(), "", "Fell", String::new(), summary.fell);
    figures
}

fn speed(speed: &WalkingSpeed) -> String {
    format!("{} m/s, asked for {} m/s", maybe(speed.walked_m_s, 2), number(speed.asked_m_s, 2))
}

fn share_text(share: f64) -> String {
    format!("{} %", number(share * 100.0, 2))
}

fn classes(summary: &RunSummary) -> Vec<ClassRow> {
    let truth = summary.truth.as_deref().unwrap_or_default();
    DefectClass::ALL
        .into_iter()
        .map(|class| {
            let reports = |wanted: Option<Option<bool>>| {
                let of_class = summary.defects.iter().filter(|d| d.defect.class == class);
                of_class.filter(|d| wanted.is_none_or(|w| d.confirmed == w)).count()
            };
            let fate = |wanted: fn(&TruthFate) -> bool| {
                truth.iter().filter(|t| t.class == class && wanted(&t.fate)).count()
            };
            ClassRow {
                title: class_title(class),
                colour: class_colour(class),
                reported: reports(None),
                confirmed: reports(Some(Some(true))),
                unconfirmed: reports(Some(Some(false))),
                truth: fate(|_| true),
                found: fate(|f| matches!(f, TruthFate::Found(_))),
                missed: fate(|f| *f == TruthFate::Missed),
                hidden: fate(|f| matches!(f, TruthFate::NotVisible { .. })),
            }
        })
        .collect()
}

fn defect(d: &ReportDefect) -> DefectRow<'_> {
    let mut sizes = Vec::new();
    let mut add = |name, value: String| sizes.push(Fact { name, value });
    if let Some(joint) = d.defect.temperature {
        let least = if joint.too_far { "≥ " } else { "" };
        add("Temperature", format!("{least}{} °C", number(joint.celsius, 1)));
        let sisters = match joint.sisters {
            Some(SisterComparison { joints, rise_k }) => {
                format!("{least}{} K, of {joints} compared", number(rise_k, 1))
            }
            None => "none seen to compare with".to_owned(),
        };
        add("Over sister joints", sisters);
        add("Over ambient", format!("{least}{} K", number(joint.over_ambient_k, 1)));
        let too_far = if joint.too_far { ", too far to measure: hotter than given" } else { "" };
        add("Distance", format!("{} m{too_far}", number(joint.distance_m, 1)));
        add("Emissivity", format!("{} assumed", number(joint.emissivity, 2)));
    }
    if d.defect.class != DefectClass::HotJoint {
        add("Length", format!("{} m", number(d.defect.length_m, 2)));
        match d.defect.width {
            Some(CrackWidth::Measured { width_mm, sigma_mm }) => {
                add("Width, widest", format!("{} ± {} mm", number(width_mm, 1), number(sigma_mm, 1)));
            }
            Some(CrackWidth::Below { limit_mm }) => add("Width", format!("< {} mm", number(limit_mm, 1))),
            None => {}
        }
        if d.defect.class != DefectClass::Crack {
            add("Area", format!("{} m²", number(d.defect.area_m2, 3)));
        }
        let extent = format!(
            "{} × {} m",
            number(d.defect.bounds.length_m(), 2),
            number(d.defect.bounds.height_m(), 2)
        );
        add("Extent", extent);
    }
    let [x, y, z] = d.position_m.map(|v| number(v, 2));
    DefectRow {
        number: d.number,
        code: &d.defect.code,
        class: class_title(d.defect.class),
        colour: class_colour(d.defect.class),
        chainage: match d.chainage_sigma_m {
            Some(sigma_m) => format!("{} ± {}", number(d.defect.centre.chainage_m, 2), number(sigma_m, 2)),
            None => number(d.defect.centre.chainage_m, 2),
        },
        clock: clock_text(d.defect.clock_h),
        position: format!("{x}, {y}, {z}"),
        sizes,
        score: number(d.defect.score, 2),
        views: d.defect.views,
        resolution: maybe(d.defect.mm_per_px, 2),
        evidence: d.evidence.as_deref().and_then(data_uri).map(Value::from_safe_string),
        confirmed: d.confirmed,
    }
}

/// A picture file as a `data:` address, safe in markup as it is; `None` for bytes that are neither PNG nor JPEG.
fn data_uri(bytes: &[u8]) -> Option<String> {
    let kind = match bytes {
        [0x89, b'P', b'N', b'G', ..] => "png",
        [0xff, 0xd8, 0xff, ..] => "jpeg",
        _ => return None,
    };
    Some(format!("data:image/{kind};base64,{}", STANDARD.encode(bytes)))
}

fn unreported(summary: &RunSummary, wanted: impl Fn(&TruthFate) -> bool) -> Vec<UnreportedRow> {
    let row = |t: &TruthRow| {
        let [chainage_m, arc_m] = t.bounds.centre();
        UnreportedRow {
            class: class_title(t.class),
            colour: class_colour(t.class),
            chainage: number(chainage_m, 2),
            clock: clock_text(summary.design.clock_h(LiningPoint { chainage_m, arc_m })),
            size: format!("{} × {} m", number(t.bounds.length_m(), 2), number(t.bounds.height_m(), 2)),
            width: t.width_mm.map_or(String::new(), |w| format!("{} mm wide", number(w, 2))),
            why: match &t.fate {
                TruthFate::NotVisible { why } => why.clone(),
                TruthFate::Found(_) | TruthFate::Missed => String::new(),
            },
        }
    };
    summary.truth.iter().flatten().filter(|t| wanted(&t.fate)).map(row).collect()
}

fn charts(summary: &RunSummary) -> Vec<String> {
    let rows = &summary.profile;
    let far = rows.iter().max_by(|a, b| a.chainage_m.total_cmp(&b.chainage_m));
    let mark = || far.map(|r| (r.time_s, format!("farthest, {} m", number(r.chainage_m, 1))));
    let chart = |title, class, value: &dyn Fn(&ProfileRow) -> f64| {
        let points = rows.iter().map(|r| [r.time_s, value(r)]).collect();
        Chart { title, class, points, mark: mark() }.draw()
    };
    let floor = |r: &ProfileRow| summary.design.alignment.pose_at(r.chainage_m).z_m;
    [
        chart("Chainage, m", "line position", &|r| r.chainage_m),
        chart("Speed over ground, m/s", "line speed", &|r| r.speed_m_s),
        chart("Height of the body above the design floor, m", "line height", &|r| r.height_m - floor(r)),
        chart("Greatest joint torque, N m", "line torque", &|r| r.torque_peak_nm),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn localisation(summary: &RunSummary) -> Vec<Fact> {
    let fact = |name, value| Fact { name, value };
    let mut facts = Vec::new();
    if let Some(position) = summary.position {
        let metres = |m: f64| format!("{} m", number(m, 2));
        facts.push(fact("Chainage known to, at the far end (one sigma)", metres(position.far_end_sigma_m)));
        facts.push(fact("Chainage known to, at the end (one sigma)", metres(position.final_sigma_m)));
    }
    let Some(l) = summary.localisation else { return facts };
    facts.extend([
        fact("Far end reached", format!("chainage {} m", number(l.far_end_chainage_m, 2))),
        fact("Walked until there", format!("{} m", number(l.far_end_walked_m, 1))),
        fact("Position error there", format!("{} m", number(l.far_end_error_m, 3))),
        fact("Error over distance walked", share_text(l.far_end_share)),
        fact("Position error at the end of the run", format!("{} m", number(l.final_error_m, 3))),
    ]);
    facts
}

fn seen(summary: &RunSummary) -> Vec<Fact> {
    let l = summary.limits;
    let fact = |name, value| Fact { name, value };
    vec![
        fact("Lining seen by a camera", format!("{} of the inspected length", percent(l.covered_share))),
        fact("Median size of a pixel on the lining", format!("{} mm", number(l.median_mm_per_px, 2))),
        fact(
            "Narrowest crack such pictures show reliably",
            format!("{} mm", number(l.narrowest_crack_mm, 2)),
        ),
    ]
}

/// Share of the lining seen within half an hour of each hour of the clock, in the inspected length.
fn coverage_by_hour(summary: &RunSummary) -> Vec<HourBar> {
    let c = &summary.coverage;
    if c.mm_per_px.len() < c.columns * c.rows || c.cell_m <= 0.0 {
        return Vec::new();
    }
    let [from_m, to_m] = summary.inspected_m;
    let section = &summary.design.section;
    let inspected: Vec<usize> = (0..c.columns)
        .filter(|i| (from_m..=to_m).contains(&(c.chainage0_m + (*i as f64 + 0.5) * c.cell_m)))
        .collect();
    // Columns that the map does not even hold were not seen either.
    let columns = inspected.len().max(((to_m - from_m) / c.cell_m) as usize);
    let hour_of_row = |row: usize| {
        let arc_m = c.arc0_m + (row as f64 + 0.5) * c.cell_m;
        let inside = arc_m.abs() <= section.half_arc_m();
        inside.then(|| (section.angle_of_arc(arc_m) / std::f64::consts::TAU * 12.0).round() as i32)
    };
    lining::hours(summary)
        .filter_map(|(hour, _)| {
            let rows = (0..c.rows).filter(|row| hour_of_row(*row) == Some(hour));
            let (mut seen, mut cells) = (0usize, 0usize);
            for row in rows {
                cells += columns;
                seen += inspected.iter().filter(|i| !c.mm_per_px[row * c.columns + **i].is_nan()).count();
            }
            let share = (cells > 0).then(|| seen as f64 / cells as f64)?;
            Some(HourBar {
                label: format!("{} o’clock", (hour + 11).rem_euclid(12) + 1),
                width: format!("{:.1}%", share * 100.0),
                percent: percent(share),
            })
        })
        .collect()
}

fn provenance(summary: &RunSummary) -> Vec<Fact> {
    let fact = |name, value| Fact { name, value };
    let mut facts = vec![fact("Mission", summary.mission.clone()), fact("Robot", summary.robot.clone())];
    facts.extend(summary.seed.map(|seed| fact("Seed", seed.to_string())));
    facts.extend([
        fact("Adit", summary.software_version.clone()),
        fact("Defect model", summary.model_version.clone()),
        fact("Walking speed out", speed(&summary.speeds[0])),
        fact("Walking speed home", speed(&summary.speeds[1])),
        fact("Time on the run’s clock", format!("{} s", number(summary.simulated_s, 1))),
    ]);
    if let Some(wall_s) = summary.wall_s {
        let speed = number(summary.simulated_s / wall_s, 1);
        let text = format!("{} s ({speed} times real time)", number(wall_s, 1));
        facts.push(fact("Time on the machine’s clock", text));
    }
    let section = &summary.design.section;
    facts.push(fact(
        "Tunnel",
        format!(
            "{} m long, crown {} m above a floor {} m wide",
            number(summary.design.length_m(), 1),
            number(section.crown_up_m(), 2),
            number(2.0 * section.floor_half_width_m(), 2)
        ),
    ));
    let [from_m, to_m] = summary.drawn_m();
    if [from_m, to_m] != [0.0, summary.design.length_m()] {
        let text =
            format!("chainage {} to {} m, which was walked or seen", number(from_m, 0), number(to_m, 0));
        facts.push(fact("Drawn", text));
    }
    facts
}
