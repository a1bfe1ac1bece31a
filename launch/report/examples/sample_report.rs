//! Writes a report of an invented run, to look at the report's layout without walking a tunnel:
//! `cargo run -p report --example sample_report -- FOLDER [METRES]`.

#![expect(clippy::print_stdout, reason = "an example talks to whoever runs it")]

use std::io::Cursor;
use std::path::Path;

use anyhow::Context as _;
use image::{ImageFormat, Rgb, RgbImage};
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use report::{
    Coverage, ElevationPicture, Limits, Localisation, ProfileRow, ReportDefect, RunSummary, TruthFate,
    TruthRow, Verdict, WalkingSpeed, write_all,
};
use robot_interface::defect::{
    CrackWidth, Defect, DefectClass, JointTemperature, LiningBox, SisterComparison,
};
use robot_interface::tunnel::{
    Alignment, LiningPoint, Section, SectionShape, Segment, TunnelDesign, TunnelPoint,
};

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().context("give a folder to write to")?;
    let length_m = arguments.next().map_or(Ok(60.0), |text| text.parse()).context("METRES is a number")?;
    std::fs::create_dir_all(&folder)?;
    write_all(Path::new(&folder), &invented(length_m)?)?;
    println!("{folder}/report.html");
    Ok(())
}

fn invented(length_m: f64) -> anyhow::Result<RunSummary> {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let bend =
        |share: f64, curvature_per_m, grade| Segment { length_m: length_m * share, curvature_per_m, grade };
    let design = TunnelDesign {
        alignment: Alignment::new(vec![
            bend(0.42, 0.0, 0.0),
            bend(0.33, 1.0 / 60.0, 0.015),
            bend(0.25, 0.0, 0.0),
        ])?,
        section: Section::new(SectionShape::Circular { diameter_m: 3.0, floor_height_m: 0.45 })?,
    };
    let inspected_m = [1.0, length_m - 2.0];
    let mut defects = Vec::new();
    let mut truth = Vec::new();
    let mut counts = [0usize; 6];
    for i in 0..(length_m / 2.4) as usize {
        let class = DefectClass::ALL[[0, 1, 0, 2, 3, 0, 1, 4][i % 8]];
        let middle = [1.6 + i as f64 * 2.4 + rng.random_range(-0.6..0.6), rng.random_range(-2.9..2.9)];
        if middle[0] > inspected_m[1] {
            continue;
        }
        let outline = outline(class, middle, &mut rng);
        let bounds = bounds(&outline, middle);
        let width_mm = (class == DefectClass::Crack).then(|| rng.random_range(0.3..3.0));
        let number = defects.len() + 1;
        let fate = match i % 9 {
            4 => TruthFate::Missed,
            7 => TruthFate::NotVisible { why: "behind the cable rack".to_owned() },
            _ => TruthFate::Found(number),
        };
        let reported = matches!(fate, TruthFate::Found(_));
        truth.push(TruthRow { class, bounds: bounds.grown(0.02), width_mm, fate });
        if reported {
            counts[class as usize] += 1;
            let code =
                format!("{}{}", ["", "CR", "LE", "SP", "CO", "HJ"][class as usize], counts[class as usize]);
            defects.push(report(&design, number, class, code, bounds, outline, width_mm, &mut rng)?);
        }
    }
    for d in defects.iter_mut().skip(3).step_by(8) {
        d.confirmed = Some(false);
    }
    truth.retain(|t| match t.fate {
        TruthFate::Found(n) => defects[n - 1].confirmed == Some(true),
        _ => true,
    });
    let found = truth.iter().filter(|t| matches!(t.fate, TruthFate::Found(_))).count() as f64;
    let missed = truth.iter().filter(|t| t.fate == TruthFate::Missed).count() as f64;
    let (profile, estimate_path, true_path) = walk(&design, inspected_m[1], &mut rng);
    Ok(RunSummary {
        verdict: Verdict::Completed,
        mission: "invented-tunnel".to_owned(),
        robot: "go2".to_owned(),
        seed: Some(7),
        software_version: "0.1.0".to_owned(),
        model_version: "invented".to_owned(),
        simulated_s: profile.last().map_or(0.0, |r| r.time_s),
        wall_s: Some(96.3),
        distance_walked_m: 2.0 * (inspected_m[1] - 1.0) + 3.1,
        speeds: [
            WalkingSpeed { asked_m_s: 0.6, walked_m_s: Some(0.52) },
            WalkingSpeed { asked_m_s: 0.9, walked_m_s: Some(0.55) },
        ],
        fell: false,
        inspected_m,
        recall: Some(found / (found + missed)),
        precision: Some(found / defects.len() as f64),
        coverage: coverage(&design, length_m),
        limits: Limits { median_mm_per_px: 1.31, narrowest_crack_mm: 0.6, covered_share: 0.87 },
        profile,
        estimate_path,
        true_path,
        elevation: Some(elevation(&design, length_m, &mut rng)),
        localisation: Some(Localisation {
            far_end_chainage_m: inspected_m[1],
            far_end_error_m: 0.212,
            far_end_walked_m: inspected_m[1] + 0.8,
            far_end_share: 0.0036,
            final_error_m: 0.094,
        }),
        position: None,
        warnings: vec!["Everything in this report is invented, to show its layout.".to_owned()],
        design,
        defects,
        doubtful: Vec::new(),
        truth: Some(truth),
    })
}

fn outline(class: DefectClass, [s, a]: [f64; 2], rng: &mut ChaCha8Rng) -> Vec<[f64; 2]> {
    match class {
        DefectClass::HotJoint => Vec::new(),
        DefectClass::Crack => {
            let direction: f64 = rng.random_range(0.0..3.1);
            (0..14)
                .map(|i| {
                    let along = (f64::from(i) - 6.5) * 0.09;
                    let across = rng.random_range(-0.04..0.04);
                    let (sin, cos) = direction.sin_cos();
                    [s + along * cos - across * sin, (a + along * sin + across * cos).clamp(-3.4, 3.4)]
                })
                .collect()
        }
        _ => {
            let radius: f64 = rng.random_range(0.1..0.45);
            let mut ring: Vec<[f64; 2]> = (0..24)
                .map(|i| {
                    let (sin, cos) = (f64::from(i) / 24.0 * std::f64::consts::TAU).sin_cos();
                    let r = radius * rng.random_range(0.75..1.1);
                    [s + r * cos, (a + 1.4 * r * sin).clamp(-3.45, 3.45)]
                })
                .collect();
            ring.push(ring[0]);
            ring
        }
    }
}

fn bounds(outline: &[[f64; 2]], [s, a]: [f64; 2]) -> LiningBox {
    let start = LiningBox { chainage_min_m: s, chainage_max_m: s, arc_min_m: a, arc_max_m: a }.grown(0.05);
    outline.iter().fold(start, |b, [s, a]| {
        b.union(&LiningBox { chainage_min_m: *s, chainage_max_m: *s, arc_min_m: *a, arc_max_m: *a })
    })
}

#[expect(clippy::too_many_arguments, reason = "an invented defect is all of these")]
fn report(
    design: &TunnelDesign,
    number: usize,
    class: DefectClass,
    code: String,
    bounds: LiningBox,
    outline: Vec<[f64; 2]>,
    width_mm: Option<f64>,
    rng: &mut ChaCha8Rng,
) -> anyhow::Result<ReportDefect> {
    let [chainage_m, arc_m] = bounds.centre();
    let centre = LiningPoint { chainage_m, arc_m };
    let evidence = if number % 6 == 5 { None } else { Some(picture(&bounds, &outline, rng)?) };
    let defect = Defect {
        class,
        code,
        bounds,
        centre,
        clock_h: design.clock_h(centre),
        length_m: bounds.length_m().hypot(bounds.height_m()),
        width: width_mm.map(|width_mm| CrackWidth::Measured { width_mm, sigma_mm: 0.7 }),
        area_m2: bounds.length_m() * bounds.height_m() * 0.7,
        temperature: (class == DefectClass::HotJoint).then_some(JointTemperature {
            celsius: 61.4,
            too_far: false,
            over_ambient_k: 39.9,
            sisters: Some(SisterComparison { joints: 3, rise_k: 27.6 }),
            distance_m: 1.4,
            emissivity: 0.95,
        }),
        score: rng.random_range(0.55..0.99),
        views: rng.random_range(1..6),
        mm_per_px: Some(rng.random_range(0.9..2.1)),
        outline,
        evidence: None,
    };
    let position_m = defect.position_m(design);
    Ok(ReportDefect {
        number,
        defect,
        position_m,
        evidence,
        confirmed: Some(true),
        chainage_sigma_m: Some(0.02 * chainage_m),
    })
}

fn picture(bounds: &LiningBox, outline: &[[f64; 2]], rng: &mut ChaCha8Rng) -> anyhow::Result<Vec<u8>> {
    let frame = bounds.grown(0.25);
    let mut picture = RgbImage::from_fn(360, 240, |x, y| {
        let glow = 1.0 - ((f64::from(x) - 180.0) / 320.0).powi(2) - ((f64::from(y) - 120.0) / 260.0).powi(2);
        let grey = (150.0 * glow + rng.random_range(-9.0..9.0)).clamp(0.0, 255.0) as u8;
        Rgb([grey, grey, (f64::from(grey) * 0.95) as u8])
    });
    for pair in outline.windows(2) {
        for step in 0..40 {
            let t = f64::from(step) / 40.0;
            let s = pair[0][0] + (pair[1][0] - pair[0][0]) * t;
            let a = pair[0][1] + (pair[1][1] - pair[0][1]) * t;
            let x = ((s - frame.chainage_min_m) / frame.length_m() * 359.0) as u32;
            let y = ((a - frame.arc_min_m) / frame.height_m() * 239.0) as u32;
            picture.put_pixel(x.min(359), y.min(239), Rgb([28, 26, 24]));
        }
    }
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, ImageFormat::Jpeg)?;
    Ok(bytes.into_inner())
}

fn coverage(design: &TunnelDesign, length_m: f64) -> Coverage {
    let (cell_m, half) = (0.1, design.section.half_arc_m());
    let (columns, rows) = ((length_m / cell_m) as usize, (2.0 * half / cell_m).ceil() as usize);
    let mm_per_px = (0..rows * columns)
        .map(|i| {
            let (s, a) = ((i % columns) as f64 * cell_m, (i / columns) as f64 * cell_m - half);
            let behind_rack = (-2.0..-1.75).contains(&a) || (-2.75..-2.5).contains(&a);
            let low = a.abs() > half - 0.35 + 0.15 * (s * 2.0).sin();
            let gap = (33.0..34.1).contains(&s) && a > 0.8;
            let ends = s < 0.6 + 0.2 * a.abs() || s > length_m - 1.4;
            if behind_rack || low || gap || ends { f32::NAN } else { 1.2 + 0.2 * a.abs() as f32 }
        })
        .collect();
    Coverage { cell_m, columns, rows, chainage0_m: 0.0, arc0_m: -half, mm_per_px }
}

fn elevation(design: &TunnelDesign, length_m: f64, rng: &mut ChaCha8Rng) -> ElevationPicture {
    let resolution_m = 0.05;
    let end = design.alignment.pose_at(length_m);
    let origin_m = [-1.0, -2.5];
    let width = ((end.x_m + 2.0) / resolution_m) as usize;
    let height = ((end.y_m.abs() + 5.0) / resolution_m) as usize;
    let elevation_m = (0..width * height)
        .map(|i| {
            let x = origin_m[0] + (i % width) as f64 * resolution_m;
            let y = origin_m[1] + (i / width) as f64 * resolution_m;
            let (s, left) = design.alignment.closest(x, y);
            if !(0.0..=length_m - 0.6).contains(&s) || left.abs() > 1.2 || (left > 0.75 && s % 7.0 < 1.2) {
                return f32::NAN;
            }
            let kerb = if left < -0.65 { 0.12 } else { 0.0 };
            let debris = if (s % 11.0 - 4.0).hypot(left - 0.3) < 0.25 { 0.1 } else { 0.0 };
            let puddle = if (s % 17.0 - 9.0).hypot(left + 0.1) < 0.6 { -0.03 } else { 0.0 };
            let noise = rng.random_range(-0.008..0.008);
            (design.alignment.pose_at(s).z_m + kerb + debris + puddle + noise) as f32
        })
        .collect();
    ElevationPicture { origin_m, resolution_m, width, height, elevation_m }
}

type Path2 = Vec<[f64; 2]>;

fn walk(design: &TunnelDesign, end_m: f64, rng: &mut ChaCha8Rng) -> (Vec<ProfileRow>, Path2, Path2) {
    let (mut rows, mut estimate, mut real) = (Vec::new(), Vec::new(), Vec::new());
    let (mut s, mut time_s, mut home, mut dwell) = (1.0, 0.0, false, 20);
    while !(home && s <= 1.0) {
        time_s += 0.1;
        let speed = if dwell > 0 {
            0.0
        } else if home {
            -0.85
        } else {
            0.58
        };
        dwell = (dwell - 1).max(0);
        let before: f64 = s;
        s += speed * 0.1;
        if !home && (s / 9.5).floor() > (before / 9.5).floor() {
            dwell = 10;
        }
        home |= s >= end_m;
        let left = 0.15 * (s * 0.4).sin() + if home { 0.2 } else { 0.0 };
        let at = |s: f64, left_m: f64| {
            let p = design.to_map(TunnelPoint { chainage_m: s, left_m, up_m: 0.0 }).coords;
            [p.x, p.y]
        };
        real.push(at(s, left));
        estimate.push(at(s + 0.003 * s, left + 0.002 * s * (s * 0.11).sin()));
        rows.push(ProfileRow {
            time_s,
            chainage_m: s,
            speed_m_s: (speed.abs() + rng.random_range(-0.08..0.08)).max(0.0),
            height_m: design.alignment.pose_at(s).z_m + 0.29 + rng.random_range(-0.01..0.01),
            torque_peak_nm: rng.random_range(11.0..19.0) + if rng.random_bool(0.01) { 14.0 } else { 0.0 },
        });
    }
    (rows, estimate, real)
}
