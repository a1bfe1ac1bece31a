//! Marks on the lining as lines of JSON, for `perception/training/confidence.py`.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use anyhow::Context as _;
use report::score::{Fate, Placed, score};
use robot_interface::defect::DefectClass;
use serde::Serialize;
use stack::Findings;

use crate::ground_truth::Truth;
use crate::run::placed_truth;

/// Lines of JSON: for each seed one with its visible true defects, and one a mark.
pub(super) struct MarksFile(BufWriter<File>);

#[derive(Serialize)]
#[serde(untagged)]
enum Line<'a> {
    Truth {
        seed: u64,
        /// Each defect that some camera could have seen: its place in the tunnel's list, and its class.
        visible: Vec<(usize, DefectClass)>,
    },
    Mark {
        seed: u64,
        class: DefectClass,
        /// `[chainage, chainage, arc, arc]`, m.
        bounds_m: [f64; 4],
        features: &'a [f64],
        /// True defects that it is, by their places in the tunnel's list.
        is: Vec<usize>,
    },
}

impl MarksFile {
    pub(super) fn create(path: &Path) -> anyhow::Result<Self> {
        let file = File::create_new(path).with_context(|| {
            format!("{} cannot be made\n  help: give a file that is not there yet", path.display())
        })?;
        Ok(Self(BufWriter::new(file)))
    }

    pub(super) fn write(&mut self, seed: u64, findings: &Findings, truth: &Truth) -> anyhow::Result<()> {
        let true_ones = placed_truth(truth);
        let visible = true_ones.iter().enumerate().filter(|(_, (_, visible))| *visible);
        let visible = visible.map(|(i, (placed, _))| (i, placed.class)).collect();
        self.line(&Line::Truth { seed, visible })?;
        for mark in &findings.marks {
            let b = mark.bounds;
            let fates = score(&[Placed { class: mark.class, bounds: b }], &true_ones).fates;
            let found = fates.iter().enumerate().filter(|(_, fate)| matches!(fate, Fate::Found(_)));
            self.line(&Line::Mark {
                seed,
                class: mark.class,
                bounds_m: [b.chainage_min_m, b.chainage_max_m, b.arc_min_m, b.arc_max_m],
                features: &mark.features,
                is: found.map(|(i, _)| i).collect(),
            })?;
        }
        self.0.flush().context("marks cannot be written")
    }

    fn line(&mut self, line: &Line<'_>) -> anyhow::Result<()> {
        serde_json::to_writer(&mut self.0, line).context("marks cannot be written")?;
        self.0.write_all(b"\n").context("marks cannot be written")
    }
}

#[cfg(test)]
mod tests {
    use perception::lining::Mark;
    use robot_interface::defect::LiningBox;
    use sim::tunnel::TrueDefect;
    use stack::Inspector;
    use stack::config::Robot;

    use super::*;
    use crate::mission_file::MissionFile;

    #[test]
    fn a_mark_says_which_true_defect_it_is() {
        let robot = Robot::load("go2").expect("built in");
        let mission = MissionFile::load(Path::new("short")).expect("built in").mission;
        let at = |chainage_m: f64| LiningBox {
            chainage_min_m: chainage_m,
            chainage_max_m: chainage_m + 0.2,
            arc_min_m: 0.0,
            arc_max_m: 0.2,
        };
        let mut findings =
            Inspector::new(&mission, &robot.description).expect("the bundled model").findings();
        let mark =
            |chainage_m| Mark { class: DefectClass::Leakage, bounds: at(chainage_m), features: [0.5; 14] };
        findings.marks = vec![mark(4.1), mark(9.0)];
        let leak = |id, chainage_m| TrueDefect {
            id,
            class: DefectClass::Leakage,
            bounds: at(chainage_m),
            width_mm: None,
            length_m: None,
            area_m2: 0.04,
            temperature_c: None,
        };
        let truth = Truth { defects: vec![leak(7, 2.0), leak(8, 4.0)], visible: vec![8], poses: Vec::new() };
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("marks.jsonl");
        MarksFile::create(&path).and_then(|mut file| file.write(3, &findings, &truth)).expect("written");
        let text = std::fs::read_to_string(&path).expect("there");
        let lines: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        assert_eq!(lines[0], serde_json::json!({"seed": 3, "visible": [[1, "leakage"]]}));
        assert_eq!((&lines[1]["is"], &lines[2]["is"]), (&serde_json::json!([1]), &serde_json::json!([])));
        assert_eq!(lines[1]["class"], "leakage");
        let refused = MarksFile::create(&path).err().expect("it is there already").to_string();
        assert!(refused.contains("not there yet"), "{refused}");
    }
}
