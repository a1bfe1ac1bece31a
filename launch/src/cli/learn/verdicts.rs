//! The table of verdicts: a row for each region that the model marked and for the rest of each picture, and what a person says
//! of it.

use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use robot_interface::defect::DefectClass;
use serde::Deserialize;

use crate::cli::exit::BadInput;

/// Name of the table in a folder of exported pictures.
const FILE: &str = "verdicts.csv";
/// Region of all that the model did not mark.
const REST: &str = "rest";

/// A row as it stands in the file.
#[derive(Debug, Deserialize)]
pub(super) struct Row {
    picture: String,
    /// Number of the region in its picture, or [`REST`].
    region: String,
    /// Class that the model gave it; empty for the rest.
    class: String,
    left: u32,
    top: u32,
    /// Exclusive, as is `bottom`.
    right: u32,
    bottom: u32,
    mean_score: String,
    verdict: String,
}

impl Row {
    /// A region that the model marked, not looked at yet.
    pub(super) fn region(
        picture: &str,
        number: usize,
        class: DefectClass,
        bounds_px: [u32; 4],
        score: f64,
    ) -> Self {
        let [left, top, right, bottom] = bounds_px;
        Self {
            picture: picture.to_owned(),
            region: number.to_string(),
            class: class.name().to_owned(),
            left,
            top,
            right,
            bottom,
            mean_score: format!("{score:.2}"),
            verdict: String::new(),
        }
    }

    /// The rest of a picture.
    pub(super) fn rest(picture: &str, width: u32, height: u32) -> Self {
        Self {
            picture: picture.to_owned(),
            region: REST.to_owned(),
            class: String::new(),
            left: 0,
            top: 0,
            right: width,
            bottom: height,
            mean_score: String::new(),
            verdict: String::new(),
        }
    }
}

/// What a person says of a region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing.
    Unseen,
    /// It is what the model says; of the rest: nothing is there.
    Right,
    /// It is no defect; of the rest: something is there, and where is not said.
    Wrong,
    /// It is of this class.
    Class(DefectClass),
}

/// What a row speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// A region that the model marked as `class`; `[left, top, right, bottom]`, right and bottom exclusive.
    Region { class: DefectClass, bounds_px: [u32; 4] },
    /// All that it did not mark.
    Rest,
}

/// A row that was read.
#[derive(Clone, Debug)]
pub(super) struct Judged {
    pub(super) line: u64,
    pub(super) picture: String,
    pub(super) place: Place,
    pub(super) verdict: Verdict,
}

/// The table of a folder.
pub(super) struct Verdicts {
    pub(super) path: PathBuf,
    pub(super) rows: Vec<Judged>,
    /// What stands between two columns: spreadsheets of some countries write semicolons.
    separator: u8,
    /// Columns in the order of the table.
    columns: Vec<String>,
    /// Whether the file is there, and ends with a line's end.
    ending: Option<bool>,
}

/// Columns of a new table.
const COLUMNS: [&str; 9] =
    ["picture", "region", "class", "left", "top", "right", "bottom", "mean_score", "verdict"];

impl Verdicts {
    /// Reads the table of a folder; it is empty if there is none.
    pub(super) fn read(folder: &Path) -> Result<Self, BadInput> {
        let path = folder.join(FILE);
        let text = match std::fs::read_to_string(&path) {
            // Lines are counted by their line feeds: a carriage return before one would count as another.
            Ok(text) => text.replace("\r\n", "\n"),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                let columns = COLUMNS.map(str::to_owned).to_vec();
                return Ok(Self { path, rows: Vec::new(), separator: b',', columns, ending: None });
            }
            Err(e) => {
                return Err(BadInput {
                    message: format!("{}: cannot be read: {e}", path.display()),
                    help: "save it as text with columns between commas (CSV), in UTF-8".to_owned(),
                });
            }
        };
        let header = text.lines().next().unwrap_or_default();
        let separator = if header.contains(',') { b',' } else { b';' };
        let mut reader = csv::ReaderBuilder::new().delimiter(separator).from_reader(text.as_bytes());
        let refuse = |line: u64, problem: String, help: String| BadInput {
            message: format!("{}:{line}: {problem}", path.display()),
            help,
        };
        let broken = |e: csv::Error| {
            let help = "keep the columns and rows that `adit learn export` wrote, and fill `verdict` alone";
            refuse(e.position().map_or(1, csv::Position::line), e.to_string(), help.to_owned())
        };
        let headers = reader.headers().map_err(broken)?.clone();
        let mut rows = Vec::new();
        for record in reader.records() {
            let record = record.map_err(broken)?;
            let row: Row = record.deserialize(Some(&headers)).map_err(broken)?;
            let line = record.position().map_or(0, csv::Position::line);
            rows.push(row.judged(line).map_err(|(problem, help)| refuse(line, problem, help))?);
        }
        let columns = headers.iter().map(str::to_owned).collect();
        Ok(Self { path, rows, separator, columns, ending: Some(text.ends_with('\n')) })
    }

    /// Whether a folder has a table.
    pub(super) fn is_in(folder: &Path) -> bool {
        folder.join(FILE).exists()
    }

    /// Names of the pictures that have rows.
    pub(super) fn pictures(&self) -> BTreeSet<String> {
        self.rows.iter().map(|row| row.picture.clone()).collect()
    }

    /// Adds rows behind those that are there, which stay as they are.
    pub(super) fn append(&mut self, rows: &[Row]) -> anyhow::Result<()> {
        let mut writer = csv::WriterBuilder::new().delimiter(self.separator).from_writer(Vec::new());
        if self.ending.is_none() {
            writer.write_record(&self.columns)?;
        }
        for row in rows {
            writer.write_record(self.columns.iter().map(|column| row.value(column)))?;
        }
        let mut text = if self.ending == Some(false) { vec![b'\n'] } else { Vec::new() };
        text.extend(writer.into_inner().map_err(|e| csv::Error::from(e.into_error()))?);
        let file = OpenOptions::new().append(true).create(true).open(&self.path);
        file.and_then(|mut file| file.write_all(&text))
            .with_context(|| format!("cannot write {}", self.path.display()))?;
        self.ending = Some(true);
        Ok(())
    }
}

impl Row {
    /// The value of a column; nothing in one that is not the table's own.
    fn value(&self, column: &str) -> String {
        match column {
            "picture" => self.picture.clone(),
            "region" => self.region.clone(),
            "class" => self.class.clone(),
            "left" => self.left.to_string(),
            "top" => self.top.to_string(),
            "right" => self.right.to_string(),
            "bottom" => self.bottom.to_string(),
            "mean_score" => self.mean_score.clone(),
            "verdict" => self.verdict.clone(),
            _ => String::new(),
        }
    }

    /// What the row says, or what is wrong with it and the remedy.
    fn judged(self, line: u64) -> Result<Judged, (String, String)> {
        let class = |name: &str| DefectClass::VISUAL.into_iter().find(|class| class.name() == name);
        let classes = DefectClass::VISUAL.map(DefectClass::name).join(", ");
        let place = match (self.region.as_str(), class(&self.class)) {
            (REST, _) => Place::Rest,
            (_, Some(class)) => {
                Place::Region { class, bounds_px: [self.left, self.top, self.right, self.bottom] }
            }
            (_, None) => {
                let help =
                    format!("leave the column as it was written ({classes}); the correction is `verdict`");
                return Err((format!("class {:?} is not known", self.class), help));
            }
        };
        let word = self.verdict.trim().to_lowercase();
        let verdict = match (word.as_str(), place) {
            ("", _) => Verdict::Unseen,
            ("right", _) => Verdict::Right,
            ("wrong", _) => Verdict::Wrong,
            (_, Place::Rest) => {
                let problem = format!("verdict {:?} is not known for the rest of a picture", self.verdict);
                return Err((problem, "write right if nothing else is there, or leave it empty".to_owned()));
            }
            (name, Place::Region { .. }) => class(name).map(Verdict::Class).ok_or_else(|| {
                let help = format!("write right, wrong or one of {classes}, or leave it empty");
                (format!("verdict {:?} is not known", self.verdict), help)
            })?,
        };
        Ok(Judged { line, picture: self.picture, place, verdict })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "picture,region,class,left,top,right,bottom,mean_score,verdict\n";

    fn read(text: &str) -> Result<Verdicts, String> {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join(FILE), text).expect("written");
        Verdicts::read(folder.path()).map_err(|e| e.to_string())
    }

    #[test]
    fn verdicts_are_read_as_people_and_spreadsheets_write_them() {
        let of = |verdict: &str| {
            let text = format!("{HEADER}a,1,crack,3,4,5,6,0.70,{verdict}\n");
            let alike =
                [text.clone(), text.replace(',', ";"), format!("\u{feff}{}", text.replace('\n', "\r\n"))];
            alike.map(|text| {
                let rows = read(&text).expect(verdict).rows;
                let place = Place::Region { class: DefectClass::Crack, bounds_px: [3, 4, 5, 6] };
                assert_eq!((rows[0].place, rows[0].line), (place, 2));
                rows[0].verdict
            })
        };
        assert_eq!(of(""), [Verdict::Unseen; 3]);
        assert_eq!(of(" Right "), [Verdict::Right; 3]);
        assert_eq!(of("wrong"), [Verdict::Wrong; 3]);
        assert_eq!(of("leakage"), [Verdict::Class(DefectClass::Leakage); 3]);
    }

    #[test]
    fn what_is_not_known_is_named_with_line_and_words() {
        let row = "a,1,crack,3,4,5,6,0.70,right\n";
        for (text, words) in [
            (
                row.replace("right", "maybe"),
                ["verdicts.csv:3: verdict \"maybe\"", "right, wrong or one of crack, leakage"],
            ),
            ("a,rest,,0,0,9,9,,crack\n".to_owned(), ["verdicts.csv:3: ", "if nothing else is there"]),
            (row.replace("crack", "hole"), ["verdicts.csv:3: class \"hole\"", "leave the column"]),
            (row.replace(",3,", ",x,"), ["verdicts.csv:3: ", "fill `verdict` alone"]),
        ] {
            let error = read(&format!("{HEADER}{row}{text}")).err().expect("refused");
            assert!(words.iter().all(|words| error.contains(words)), "{error}");
        }
    }

    #[test]
    fn added_rows_have_the_columns_of_the_table() {
        let folder = tempfile::tempdir().expect("a folder");
        let text = "verdict,region,picture,class,left,top,right,bottom,mean_score\nwrong,rest,a,,0,0,9,9,\n";
        std::fs::write(folder.path().join(FILE), text).expect("written");
        let added = Row::region("b", 1, DefectClass::Crack, [1, 2, 3, 4], 0.5);
        Verdicts::read(folder.path()).expect("a table").append(&[added]).expect("written");
        let verdicts = Verdicts::read(folder.path()).expect("a table");
        let read: Vec<_> = verdicts.rows.iter().map(|row| (row.picture.as_str(), row.verdict)).collect();
        assert_eq!(read, [("a", Verdict::Wrong), ("b", Verdict::Unseen)]);
    }

    #[test]
    fn rows_are_added_behind_those_that_are_there() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(FILE);
        let add = |name: &str| {
            let rows = [Row::region(name, 1, DefectClass::Crack, [1, 2, 3, 4], 0.5), Row::rest(name, 9, 9)];
            Verdicts::read(folder.path()).expect("a table").append(&rows).expect("written");
        };
        add("a");
        // As a spreadsheet may leave it.
        let edited = std::fs::read_to_string(&path).expect("there").replace(",0.50,\n", ",0.50,wrong\n");
        std::fs::write(&path, edited.trim_end().replace(',', ";")).expect("written");
        add("b");
        let verdicts = Verdicts::read(folder.path()).expect("a table");
        let read: Vec<_> = verdicts.rows.iter().map(|row| (row.picture.as_str(), row.verdict)).collect();
        let unseen = Verdict::Unseen;
        assert_eq!(read, [("a", Verdict::Wrong), ("a", unseen), ("b", unseen), ("b", unseen)]);
    }
}
