//! The written result of a run: `report.html` to read and print, `defects.geojson` and `defects.csv` to load, and the score
//! against a simulator's ground truth.
//!
//! | part              | does                                                                                      |
//! |-------------------|-------------------------------------------------------------------------------------------|
//! | [`RunSummary`]    | all that a report says, filled in by the caller; nothing in it is computed here            |
//! | [`html`]          | one page without scripts or links to the network: plan, unrolled lining, profile, a card for each defect |
//! | [`geojson`]       | defects as a feature collection in metres of the frame `map` (RFC 7946)                   |
//! | [`csv()`]         | defects as a table, one a row                                                             |
//! | [`write_all`], [`write_each`] | the three files in a folder, each as a whole or as it was before              |
//! | [`score`]         | reports matched with true defects: found, missed, false, not visible                      |
//!
//! # Data flow
//!
//! ```text
//!  RunOutcome of the robot's side                                      ground truth, of a simulated run
//!        |                                                                        |
//!        |            reports: class, bounds     +--------------+  true defects   |
//!        +-------------------------------------->| score::score |<----------------+
//!        |                                       +--------------+
//!        v                                              | fates, recall, precision
//!  +------------+                                       |
//!  | RunSummary |<--------------------------------------+
//!  +------------+
//!        |----> html    ----> report.html
//!        |----> geojson ----> defects.geojson
//!        +----> csv     ----> defects.csv
//! ```
//!
//! # Limits
//!
//! - The functions that make the text are pure: the same summary gives the same bytes. No clock, no locale and no random
//!   number takes part, and only `report.html` shows the time that a run took ([`RunSummary::wall_s`]).
//! - A report of a real run has no truth, and then says nothing about recall and precision.
//! - The crate depends on `robot-interface` alone: it sees neither the robot's parts nor the simulator.
//!
//! `cargo run -p report --example sample_report -- FOLDER` writes a report of an invented run, to change the layout by.
//!
//! # A score
//!
//! Two cracks and a leakage are really there; one crack is reported half a metre off, and one report is of nothing.
//!
//! ```
//! use report::score::{Fate, Placed, score};
//! use robot_interface::defect::{DefectClass, LiningBox};
//!
//! // Extent on the unrolled lining, m: along the axis from the portal, and around from the crown.
//! let placed = |class, chainage_m: f64, arc_m: f64| {
//!     let point = LiningBox { chainage_min_m: chainage_m, chainage_max_m: chainage_m, arc_min_m: arc_m, arc_max_m: arc_m };
//!     Placed { class, bounds: point.grown(0.2) }
//! };
//! // Whether any camera could have seen it is the simulator's to say: the leakage is behind a cable rack.
//! let truth = [
//!     (placed(DefectClass::Crack, 5.0, 1.0), true),
//!     (placed(DefectClass::Crack, 9.0, -1.2), true),
//!     (placed(DefectClass::Leakage, 12.0, 2.0), false),
//! ];
//! let reports = [placed(DefectClass::Crack, 30.0, 0.0), placed(DefectClass::Crack, 5.5, 1.1)];
//!
//! let score = score(&reports, &truth);
//! assert_eq!(score.fates, [Fate::Found(1), Fate::Missed, Fate::NotVisible]);
//! assert_eq!(score.confirmed, [false, true]);
//! assert_eq!((score.recall(), score.precision()), (Some(0.5), Some(0.5)));
//! ```
//!
//! # A file
//!
//! ```
//! use report::{Coverage, Limits, ReportDefect, RunSummary, Verdict, geojson};
//! use robot_interface::defect::{Defect, DefectClass, LiningBox};
//! use robot_interface::tunnel::{Alignment, LiningPoint, Section, SectionShape, Segment, TunnelDesign};
//!
//! // A leakage at the crown, five metres behind the portal.
//! let design = TunnelDesign {
//!     alignment: Alignment::new(vec![Segment { length_m: 20.0, curvature_per_m: 0.0, grade: 0.0 }])?,
//!     section: Section::new(SectionShape::Circular { diameter_m: 3.0, floor_height_m: 0.45 })?,
//! };
//! let centre = LiningPoint { chainage_m: 5.0, arc_m: 0.0 };
//! let defect = Defect {
//!     class: DefectClass::Leakage,
//!     code: "LE1".to_owned(),
//!     bounds: LiningBox { chainage_min_m: 4.8, chainage_max_m: 5.2, arc_min_m: -0.2, arc_max_m: 0.2 },
//!     centre,
//!     clock_h: design.clock_h(centre),
//!     length_m: 0.4,
//!     area_m2: 0.16,
//!     score: 0.9,
//!     views: 4,
//!     outline: vec![[4.8, -0.2], [5.2, -0.2], [5.2, 0.2], [4.8, 0.2], [4.8, -0.2]],
//!     // Width of a crack, temperature of a cable joint, picture: not of this one.
//!     width: None,
//!     temperature: None,
//!     mm_per_px: None,
//!     evidence: None,
//! };
//! let position_m = defect.position_m(&design);
//! let summary = RunSummary {
//!     verdict: Verdict::Completed,
//!     mission: "culvert".to_owned(),
//!     robot: "go2".to_owned(),
//!     inspected_m: [1.0, 18.0],
//!     defects: vec![ReportDefect { number: 1, defect, position_m, evidence: None, confirmed: None, chainage_sigma_m: None }],
//!     doubtful: Vec::new(),
//!     design,
//! #   seed: None,
//! #   software_version: String::new(),
//! #   model_version: String::new(),
//! #   simulated_s: 90.0,
//! #   wall_s: None,
//! #   distance_walked_m: 35.0,
//! #   speeds: [report::WalkingSpeed { asked_m_s: 0.6, walked_m_s: None }; 2],
//! #   fell: false,
//! #   truth: None,
//! #   recall: None,
//! #   precision: None,
//! #   coverage: Coverage { cell_m: 1.0, columns: 0, rows: 0, chainage0_m: 0.0, arc0_m: 0.0, mm_per_px: Vec::new() },
//! #   limits: Limits { median_mm_per_px: f64::NAN, narrowest_crack_mm: f64::NAN, covered_share: 0.0 },
//! #   profile: Vec::new(),
//! #   estimate_path: Vec::new(),
//! #   true_path: Vec::new(),
//! #   elevation: None,
//! #   localisation: None,
//! #   position: None,
//! #   warnings: Vec::new(),
//!     // and the run's times, path, coverage and limits
//! };
//! let file: serde_json::Value = serde_json::from_str(&geojson(&summary)?)?;
//! let feature = &file["features"][0];
//! assert_eq!((&feature["geometry"]["type"], &feature["properties"]["clock"]), (&"Polygon".into(), &"12:00".into()));
//! assert_eq!(geojson(&summary)?, geojson(&summary)?);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod chart;
mod error;
mod files;
mod lining;
mod page;
mod plan;
pub mod score;
mod style;
mod summary;
mod svg;
pub mod widths;

use std::io::Write as _;
use std::path::Path;

pub use error::ReportError;
pub use files::{csv, geojson};
pub use page::html;
pub use summary::{
    Coverage, ElevationPicture, Limits, Localisation, PositionUncertainty, ProfileRow, ReportDefect,
    RunSummary, TruthFate, TruthRow, Verdict, WalkingSpeed,
};

/// Writes `report.html`, `defects.geojson` and `defects.csv` into an existing folder. A file is either
/// there as a whole or as it was before.
///
/// # Errors
/// If a part cannot be made or a file cannot be written; the others are written all the same.
pub fn write_all(folder: &Path, summary: &RunSummary) -> Result<(), ReportError> {
    write_each(folder, summary).into_iter().next().map_or(Ok(()), Err)
}

/// Writes as [`write_all`] does, and returns what went wrong with each file that is not there.
pub fn write_each(folder: &Path, summary: &RunSummary) -> Vec<ReportError> {
    type Text = fn(&RunSummary) -> Result<String, ReportError>;
    // The small ones first: on a disk that is almost full they still fit.
    let files: [(&str, Text); 3] =
        [("defects.csv", csv), ("defects.geojson", geojson), ("report.html", html)];
    let write = |(name, text): (&str, Text)| write_whole(&folder.join(name), text(summary)?.as_bytes());
    files.into_iter().map(write).filter_map(Result::err).collect()
}

/// Writes beside the file first and renames, which replaces it in one step.
fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), ReportError> {
    let beside = path.with_extension("part");
    let write = || {
        let mut file = std::fs::File::create(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&beside, path)
    };
    write().map_err(|source| {
        // Half a file is of no use, and takes the room of the next one.
        let _ = std::fs::remove_file(&beside);
        ReportError::Write { path: path.to_owned(), source }
    })
}

#[cfg(test)]
mod tests;
