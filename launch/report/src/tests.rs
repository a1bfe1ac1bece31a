use robot_interface::defect::{
    CrackWidth, Defect, DefectClass, JointTemperature, LiningBox, SisterComparison,
};
use robot_interface::tunnel::{Alignment, LiningPoint, Section, SectionShape, Segment, TunnelDesign};

use super::*;

fn design() -> TunnelDesign {
    let segment = |length_m, curvature_per_m| Segment { length_m, curvature_per_m, grade: 0.01 };
    TunnelDesign {
        alignment: Alignment::new(vec![segment(12.0, 0.0), segment(14.0, 1.0 / 40.0)]).expect("valid"),
        section: Section::new(SectionShape::Horseshoe { width_m: 2.8, wall_height_m: 1.2 }).expect("valid"),
    }
}

fn defect(number: usize, class: DefectClass, outline: Vec<[f64; 2]>) -> ReportDefect {
    let (chainage_m, arc_m) = (5.25 * number as f64, 1.5);
    let bounds = LiningBox {
        chainage_min_m: chainage_m,
        chainage_max_m: chainage_m,
        arc_min_m: arc_m,
        arc_max_m: arc_m,
    }
    .grown(0.2);
    let design = design();
    let at = LiningPoint { chainage_m, arc_m };
    let defect = Defect {
        class,
        code: format!("<X{number}>"),
        bounds,
        centre: at,
        clock_h: design.clock_h(at),
        length_m: 0.4321,
        width: match number {
            1 => Some(CrackWidth::Measured { width_mm: 2.7, sigma_mm: 0.9 }),
            5 => Some(CrackWidth::Below { limit_mm: 1.4 }),
            _ => None,
        },
        area_m2: 0.0123,
        temperature: (class == DefectClass::HotJoint).then_some(JointTemperature {
            celsius: 63.25,
            too_far: false,
            over_ambient_k: 41.5,
            sisters: Some(SisterComparison { joints: 3, rise_k: 32.125 }),
            distance_m: 1.4,
            emissivity: 0.95,
        }),
        score: 0.875,
        views: 3,
        mm_per_px: Some(1.25),
        outline,
        evidence: None,
    };
    ReportDefect {
        number,
        position_m: defect.position_m(&design),
        defect,
        evidence: Some(vec![0xff, 0xd8, 0xff, 0xe0]),
        confirmed: Some(number != 3),
        chainage_sigma_m: (number != 4).then_some(0.25),
    }
}

fn summary() -> RunSummary {
    let square = vec![[9.9, 1.0], [10.9, 1.0], [10.9, 1.8], [9.9, 1.8], [9.9, 1.0]];
    let defects = vec![
        defect(1, DefectClass::Crack, vec![[5.0, 1.4], [5.2, 1.5], [5.5, 1.6]]),
        defect(2, DefectClass::Leakage, square),
        defect(3, DefectClass::Spalling, Vec::new()),
        defect(4, DefectClass::HotJoint, Vec::new()),
        defect(5, DefectClass::Crack, vec![[26.0, 1.4], [26.1, 1.5]]),
    ];
    let truth = |number: usize, fate| {
        let d = &defects[number - 1].defect;
        TruthRow {
            class: d.class,
            bounds: d.bounds,
            width_mm: d.width.and_then(CrackWidth::measured_mm),
            fate,
        }
    };
    let row = |time_s, chainage_m| ProfileRow {
        time_s,
        chainage_m,
        speed_m_s: 0.5,
        height_m: 0.3,
        torque_peak_nm: 14.0,
    };
    RunSummary {
        verdict: Verdict::Completed,
        mission: "short & <b>sweet</b>".to_owned(),
        robot: "go2".to_owned(),
        seed: Some(424_242),
        software_version: "9.8.7".to_owned(),
        model_version: "model-5".to_owned(),
        simulated_s: 127.4,
        wall_s: Some(33.3),
        distance_walked_m: 47.6,
        speeds: [
            WalkingSpeed { asked_m_s: 0.6, walked_m_s: Some(0.52) },
            WalkingSpeed { asked_m_s: 0.9, walked_m_s: Some(0.55) },
        ],
        fell: false,
        design: design(),
        inspected_m: [1.0, 24.0],
        truth: Some(vec![
            truth(1, TruthFate::Found(1)),
            truth(2, TruthFate::Missed),
            truth(4, TruthFate::NotVisible { why: "behind <the> rack".to_owned() }),
        ]),
        recall: Some(0.5),
        precision: Some(0.75),
        coverage: Coverage {
            cell_m: 1.0,
            columns: 26,
            rows: 8,
            chainage0_m: 0.0,
            arc0_m: -4.0,
            mm_per_px: (0..208).map(|i| if i % 26 < 3 { f32::NAN } else { 1.0 }).collect(),
        },
        limits: Limits { median_mm_per_px: 1.37, narrowest_crack_mm: 0.62, covered_share: 0.88 },
        profile: vec![row(0.0, 1.0), row(60.0, 24.0), row(120.0, 1.0)],
        estimate_path: vec![[1.0, 0.0], [10.0, 0.1], [20.0, 0.9]],
        true_path: vec![[1.0, 0.0], [10.0, 0.0], [20.0, 0.8]],
        elevation: Some(ElevationPicture {
            origin_m: [0.0, -1.0],
            resolution_m: 0.5,
            width: 50,
            height: 6,
            elevation_m: (0..300).map(|i| if i % 7 == 0 { f32::NAN } else { 0.1 }).collect(),
        }),
        localisation: Some(Localisation {
            far_end_chainage_m: 24.0,
            far_end_error_m: 0.173,
            far_end_walked_m: 23.4,
            far_end_share: 0.0074,
            final_error_m: 0.091,
        }),
        position: Some(PositionUncertainty { far_end_sigma_m: 0.31, final_sigma_m: 0.62 }),
        warnings: vec!["The <lamp> failed.".to_owned()],
        defects,
        doubtful: Vec::new(),
    }
}

/// Addresses in attributes that a browser would fetch.
fn outside_references(html: &str) -> Vec<&str> {
    let attributes = ["src=\"", "href=\"", "url("];
    attributes
        .iter()
        .flat_map(|attribute| html.split(attribute).skip(1))
        .filter(|value| !value.starts_with('#') && !value.starts_with("data:"))
        .map(|value| &value[..value.len().min(40)])
        .collect()
}

#[test]
fn the_page_needs_nothing_from_outside() {
    let page = html(&summary()).expect("renders");
    assert_eq!(outside_references(&page), Vec::<&str>::new());
    for word in ["http:", "https:", "<script", "@import"] {
        assert!(!page.contains(word), "{word}");
    }
    assert!(page.contains("data:image/jpeg;base64,/9j/4A=="), "evidence is embedded");
    assert!(page.contains("data:image/png;base64,"), "the ground is embedded");
}

#[test]
fn text_from_outside_is_escaped_everywhere() {
    let mut summary = summary();
    summary.verdict = Verdict::Aborted { reason: "fell <over>".to_owned() };
    let page = html(&summary).expect("renders");
    for raw in ["<b>sweet", "<lamp>", "<the>", "<X1>", "<over>"] {
        assert!(!page.contains(raw), "{raw}");
    }
    assert!(page.contains("Mission aborted: fell &lt;over&gt;"));
    assert!(page.contains("behind &lt;the&gt; rack"));
}

#[test]
fn the_page_says_the_numbers_of_the_summary() {
    let page = html(&summary()).expect("renders");
    for text in [
        "Mission completed",
        "5 defects reported",
        "of 2 visible, recall 50 %",
        "precision 75 %",
        "47.6",
        "0.17",
        "0.74 %",
        "424242",
        "9.8.7",
        "model-5",
        "2:07",
        "1.37 mm",
        "0.62 mm",
        "88 %",
        "63.2 °C",
        "0.091 m",
        "33.3 s",
    ] {
        assert!(page.contains(text), "{text}");
    }
    assert_eq!(page.matches("<tr id=\"defect-").count(), 5);
    assert_eq!(page.matches("class=\"tag bad\"").count(), 1);
    for text in ["5.25 ± 0.25", "2.7 ± 0.9 mm", "&lt; 1.4 mm", "knew its chainage to 0.62 m"] {
        assert!(page.contains(text), "{text}");
    }
    assert_eq!(page.matches("class=\"lining\"").count(), 2, "26 m take two rows");
    assert!(!page.contains("NaN"));
}

#[test]
fn a_run_without_truth_claims_nothing() {
    let mut summary = summary();
    summary.truth = None;
    summary.localisation = None;
    summary.elevation = None;
    summary.defects.iter_mut().for_each(|d| d.confirmed = None);
    let page = html(&summary).expect("renders");
    assert!(page.contains("truth not known"));
    for word in ["Missed", "recall", "confirmed", "ground truth"] {
        assert!(!page.contains(word), "{word}");
    }
}

#[test]
fn faint_marks_are_shown_and_not_counted() {
    let mut summary = summary();
    let page = html(&summary).expect("renders");
    assert!(!page.contains("For a person to look at"));
    summary.doubtful = vec![defect(1, DefectClass::Corrosion, Vec::new())];
    let more = html(&summary).expect("renders");
    assert!(more.contains("For a person to look at") && more.contains("Picture of what may be Corrosion"));
    assert_eq!(page.matches("id=\"defect-").count(), more.matches("id=\"defect-").count());
    assert_eq!(csv(&summary).expect("made").lines().count(), 6, "a header and five defects");
}

#[test]
fn an_empty_run_still_makes_a_report() {
    let mut summary = summary();
    summary.defects.clear();
    summary.profile.clear();
    summary.estimate_path.clear();
    summary.truth = Some(Vec::new());
    (summary.recall, summary.precision) = (None, None);
    summary.coverage.mm_per_px.clear();
    summary.limits.median_mm_per_px = f64::NAN;
    let page = html(&summary).expect("renders");
    assert!(page.contains("0 defects reported") && !page.contains("NaN"));
    assert_eq!(csv(&summary).expect("made").lines().count(), 1, "a header alone");
}

#[test]
fn geojson_places_each_defect_on_the_lining() {
    let summary = summary();
    let json: serde_json::Value = serde_json::from_str(&geojson(&summary).expect("made")).expect("parses");
    assert_eq!((&json["type"], &json["frame"]), (&"FeatureCollection".into(), &"map".into()));
    let features = json["features"].as_array().expect("array");
    let kinds: Vec<_> = features.iter().map(|f| f["geometry"]["type"].as_str().expect("text")).collect();
    assert_eq!(kinds, ["LineString", "Polygon", "Polygon", "Point", "LineString"]);
    let crack = &features[0]["properties"];
    assert_eq!(crack["class"], "crack");
    assert_eq!(crack["chainage_m"], 5.25);
    assert_eq!((&crack["width_mm"], &crack["width_sigma_mm"]), (&2.7.into(), &0.9.into()));
    assert_eq!(
        (&crack["chainage_sigma_m"], &crack["width_below_mm"]),
        (&0.25.into(), &serde_json::Value::Null)
    );
    let fine = &features[4]["properties"];
    assert_eq!((&fine["width_mm"], &fine["width_below_mm"]), (&serde_json::Value::Null, &1.4.into()));
    assert_eq!(json["chainage_sigma_m"], serde_json::json!({"far_end": 0.31, "end": 0.62}));
    assert_eq!(features[1]["properties"]["width_mm"], serde_json::Value::Null);
    let ring = features[2]["geometry"]["coordinates"][0].as_array().expect("ring");
    assert_eq!((ring.len(), &ring[0]), (5, &ring[4]), "closed");
    for corner in ring {
        let [x, y, z] = [0, 1, 2].map(|i| corner[i].as_f64().expect("number"));
        let clearance = summary.design.clearance_m(robot_interface::frames::Point::new(x, y, z));
        assert!(clearance.abs() < 0.002, "{clearance} m off the lining");
    }
}

#[test]
fn the_table_agrees_with_the_summary() {
    let text = csv(&summary()).expect("made");
    let mut reader = ::csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers().expect("header").clone();
    let rows: Vec<_> = reader.records().collect::<Result<_, _>>().expect("rows");
    let get = |row: usize, name: &str| {
        let column = header.iter().position(|h| h == name).expect("column");
        rows[row][column].to_owned()
    };
    assert_eq!(rows.len(), 5);
    assert_eq!((get(0, "chainage_sigma_m"), get(3, "chainage_sigma_m")), ("0.25".to_owned(), String::new()));
    assert_eq!((get(4, "width_mm"), get(4, "width_below_mm")), (String::new(), "1.4".to_owned()));
    assert_eq!(get(0, "class"), "crack");
    assert_eq!(get(0, "code"), "<X1>");
    assert_eq!(get(0, "length_m"), "0.432");
    let joint = ["temperature_c", "temperature_above_c", "over_sisters_k", "sisters", "over_ambient_k"];
    assert_eq!(joint.map(|name| get(3, name)), ["63.25", "", "32.125", "3", "41.5"]);
    assert_eq!(joint.map(|name| get(1, name)), [""; 5], "no joint");
    assert_eq!((get(3, "distance_m"), get(3, "emissivity")), ("1.4".to_owned(), "0.95".to_owned()));
    assert_eq!(get(1, "width_mm"), "");
    assert_eq!(get(2, "chainage_min_m"), "15.55");
}

/// The story: "63 °C" was all that was said of a joint, whatever it was measured from and compared with.
#[test]
fn a_joint_is_told_with_what_it_was_compared_with() {
    let mut summary = summary();
    let page = html(&summary).expect("renders");
    for said in ["63.2 °C", "32.1 K, of 3 compared", "41.5 K", "1.4 m", "0.95 assumed"] {
        assert!(page.contains(said), "{said}");
    }
    let joint = summary.defects[3].defect.temperature.as_mut().expect("a joint");
    (joint.too_far, joint.sisters) = (true, None);
    let page = html(&summary).expect("renders");
    for said in ["≥ 63.2 °C", "none seen to compare with", "too far to measure"] {
        assert!(page.contains(said), "{said}");
    }
    let table = csv(&summary).expect("made");
    assert!(table.contains(",,63.25,,0,41.5,1.4,0.95,"), "{table}");
}

#[test]
fn machine_time_appears_only_on_the_page() {
    let (a, mut b) = (summary(), summary());
    b.wall_s = Some(99.9);
    assert_eq!(geojson(&a).expect("made"), geojson(&b).expect("made"));
    assert_eq!(csv(&a).expect("made"), csv(&b).expect("made"));
    assert_eq!(html(&a).expect("made"), html(&summary()).expect("made"), "the same twice");
}

#[test]
fn files_are_written_whole_and_replace_older_ones() {
    let folder = tempfile::tempdir().expect("folder");
    std::fs::write(folder.path().join("defects.csv"), "old").expect("written");
    write_all(folder.path(), &summary()).expect("written");
    let mut names: Vec<_> = std::fs::read_dir(folder.path())
        .expect("listed")
        .map(|e| e.expect("entry").file_name().into_string().expect("text"))
        .collect();
    names.sort();
    assert_eq!(names, ["defects.csv", "defects.geojson", "report.html"], "nothing left beside");
    let table = std::fs::read_to_string(folder.path().join("defects.csv")).expect("read");
    assert_eq!(table, csv(&summary()).expect("made"));
    let missing = write_all(&folder.path().join("none"), &summary()).expect_err("no such folder");
    assert!(missing.to_string().contains("check that the folder exists"), "{missing}");
}

/// `report.html`, the largest, was written first, and with it the table was lost.
#[test]
fn a_file_that_cannot_be_written_costs_no_other() {
    for (blocked, left) in [
        ("report.html", ["defects.csv", "defects.geojson"]),
        ("defects.csv", ["defects.geojson", "report.html"]),
    ] {
        let folder = tempfile::tempdir().expect("folder");
        std::fs::create_dir(folder.path().join(blocked)).expect("in the way");
        let failures = write_each(folder.path(), &summary());
        assert!(failures.len() == 1 && failures[0].to_string().contains(blocked), "{failures:?}");
        assert!(left.iter().all(|name| folder.path().join(name).is_file()), "{blocked}");
        let parts = std::fs::read_dir(folder.path()).expect("listed");
        assert_eq!(parts.count(), 3, "no half of a file stays");
        assert!(write_all(folder.path(), &summary()).is_err());
    }
}
