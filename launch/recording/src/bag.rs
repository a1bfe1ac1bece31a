//! A recording in one file or in several: a folder that rosbag2 split, or files that are given.
//!
//! Messages come in the order of their log time, whichever file they are in.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use robot_interface::time::Stamp;

use crate::playback::{Playback, PlaybackError, Played, Topic};

/// Name of the file in which rosbag2 says what files a folder's recording is made of.
const METADATA: &str = "metadata.yaml";

/// A recording of one file or several.
#[derive(Debug)]
pub struct Bag {
    name: String,
    parts: Vec<Part>,
    notes: Vec<String>,
}

#[derive(Debug)]
struct Part {
    playback: Playback,
    /// Message that was read but not given out.
    next: Option<Played>,
}

impl Bag {
    /// Opens the recording in `paths`, each of them an MCAP file or a folder of them.
    ///
    /// # Errors
    /// If one cannot be read, is no MCAP file, or a folder has none.
    pub fn open(paths: &[PathBuf]) -> Result<Self, PlaybackError> {
        let (mut files, mut notes) = (Vec::new(), Vec::new());
        for path in paths {
            if path.is_dir() {
                let folder = Folder::read(path)?;
                files.extend(folder.files);
                notes.extend(folder.notes);
            } else {
                files.push(path.clone());
            }
        }
        let name = |path: &PathBuf| {
            path.file_name()
                .map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
        };
        if files.len() > 1 {
            let names: Vec<_> = files.iter().map(name).collect();
            notes
                .insert(0, format!("{} files are read as one recording: {}.", files.len(), names.join(", ")));
        }
        let names: Vec<_> = paths.iter().map(name).collect();
        let open = |file: &PathBuf| Ok(Part { playback: Playback::open(file)?, next: None });
        let parts: Vec<_> = files.iter().map(open).collect::<Result<_, PlaybackError>>()?;
        for (part, file) in parts.iter().zip(&files) {
            if let Some(missing) = part.playback.missing() {
                notes.push(match files.as_slice() {
                    [_] => format!("{}.", sentence(&missing.to_string())),
                    _ => format!("{}: {missing}.", name(file)),
                });
            }
        }
        Ok(Self { name: names.join(", "), parts, notes })
    }

    /// Returns the names of what was given.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns what a reader of the messages must know: files that are missing or not whole.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Returns true if no file lacks anything, as far as its structure shows.
    pub fn is_whole(&self) -> bool {
        self.parts.iter().all(|part| part.playback.missing().is_none())
    }

    /// Returns the length of all files in bytes.
    pub fn size(&self) -> u64 {
        self.parts.iter().map(|part| part.playback.size()).sum()
    }

    /// Returns how many messages were recorded, if each file says so.
    pub fn recorded_messages(&self) -> Option<u64> {
        self.parts.iter().map(|part| part.playback.recorded_messages()).sum()
    }

    /// The topics, each once; one whose type is not the same in all files, once a type.
    pub fn topics(&self) -> impl Iterator<Item = &Arc<Topic>> {
        let mut topics: BTreeMap<(&str, &str), &Arc<Topic>> = BTreeMap::new();
        for topic in self.parts.iter().flat_map(|part| part.playback.topics()) {
            topics.entry((&topic.name, &topic.type_name)).or_insert(topic);
        }
        topics.into_values()
    }
}

impl Part {
    /// A time that no message of this part still to come is earlier than; `None` at its end.
    fn earliest(&self) -> Option<Stamp> {
        self.next.as_ref().map_or_else(|| self.playback.earliest(), |next| Some(next.log_time))
    }
}

impl Iterator for Bag {
    type Item = Result<Played, PlaybackError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let open = self.parts.iter_mut().filter_map(|part| Some((part.earliest()?, part)));
            let (_, part) = open.min_by_key(|(earliest, _)| *earliest)?;
            if let Some(next) = part.next.take() {
                return Some(Ok(next));
            }
            match part.playback.next() {
                Some(Ok(next)) => part.next = Some(next),
                Some(Err(error)) => return Some(Err(error)),
                None => {}
            }
        }
    }
}

/// The recordings of a folder.
struct Folder {
    files: Vec<PathBuf>,
    notes: Vec<String>,
}

impl Folder {
    fn read(folder: &Path) -> Result<Self, PlaybackError> {
        let error = |source| PlaybackError::Open { path: folder.to_owned(), source };
        let entries = std::fs::read_dir(folder).map_err(error)?;
        let mut all: Vec<PathBuf> =
            entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>().map_err(error)?;
        // By name, numbers as numbers: rosbag2 numbers its files without leading zeros.
        all.sort_by_cached_key(|path| natural(&path.file_name().unwrap_or_default().to_string_lossy()));
        let has = |path: &Path, extension: &str| path.extension().is_some_and(|found| found == extension);
        let mut files: Vec<_> = all.iter().filter(|path| has(path, "mcap")).cloned().collect();
        let listed =
            std::fs::read_to_string(folder.join(METADATA)).map(|text| listed(&text)).unwrap_or_default();
        let mut notes = Vec::new();
        let there: Vec<_> =
            listed.iter().map(|name| folder.join(name)).filter(|path| path.is_file()).collect();
        if there.iter().any(|path| has(path, "mcap")) {
            let missing: Vec<_> = listed.into_iter().filter(|name| !folder.join(name).is_file()).collect();
            if !missing.is_empty() {
                notes.push(format!(
                    "{} names {}, which is not in the folder: its messages are missing.",
                    folder.join(METADATA).display(),
                    missing.join(", ")
                ));
            }
            files = there;
        }
        if files.is_empty() {
            // A single file that is no recording says best what it is.
            if let Some(other) =
                all.iter().find(|path| has(path, "db3") || has(path, "bag") || has(path, "zstd"))
            {
                Playback::open(other)?;
            }
            let reason = if all.iter().any(|path| path.is_dir()) {
                "no .mcap file stands in it; give the folder of one recording"
            } else {
                "no .mcap file stands in it"
            };
            return Err(PlaybackError::EmptyFolder { folder: folder.to_owned(), reason: reason.to_owned() });
        }
        Ok(Self { files, notes })
    }
}

/// The files that a `metadata.yaml` of rosbag2 lists, which writes one a line.
fn listed(metadata: &str) -> Vec<String> {
    let lines = metadata.lines().map(str::trim).skip_while(|line| *line != "relative_file_paths:").skip(1);
    let names = lines.map_while(|line| line.strip_prefix("- "));
    names.map(|name| name.trim_matches(['"', '\'', ' ']).to_owned()).collect()
}

/// A name in parts that sort as a reader would: digits as numbers.
fn natural(name: &str) -> Vec<(u64, String)> {
    let mut parts = vec![(0_u64, String::new())];
    for c in name.chars() {
        let last = parts.len() - 1;
        match c.to_digit(10) {
            Some(digit) if parts[last].1.is_empty() => {
                parts[last].0 = parts[last].0.saturating_mul(10).saturating_add(u64::from(digit));
            }
            Some(digit) => parts.push((u64::from(digit), String::new())),
            None => parts[last].1.push(c),
        }
    }
    parts
}

/// Returns the text with a capital letter at its beginning.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RawRecorder;

    /// A recording of a message each of these times.
    fn record(path: &Path, topic: &str, times: impl Iterator<Item = u64>) {
        let mut recorder = RawRecorder::create(path).expect("made");
        for time in times {
            let at = Stamp::from_nanos(time);
            let schema = || Ok("string data\n".to_owned());
            recorder
                .message(topic, "std_msgs/msg/String", schema, "", at, at, &[0, 1, 0, 0])
                .expect("recorded");
        }
        recorder.finish().expect("closed");
    }

    fn times(bag: Bag) -> Vec<u64> {
        bag.map(|played| played.expect("whole").log_time.nanos()).collect()
    }

    #[test]
    fn a_folder_of_split_files_is_one_recording_in_order() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path();
        for i in 0..12 {
            record(&folder.join(format!("b_{i}.mcap")), "/t", 100 * i..100 * i + 50);
        }
        let expected: Vec<_> = (0..12).flat_map(|i| 100 * i..100 * i + 50).collect();
        let bag = Bag::open(&[folder.to_owned()]).expect("opens");
        assert!(bag.notes()[0].contains("12 files") && bag.notes()[0].contains("b_9.mcap, b_10.mcap"));
        assert_eq!((bag.topics().count(), bag.recorded_messages()), (1, Some(600)));
        assert_eq!(times(bag), expected);
        // Given one by one, in any order.
        let files: Vec<_> = (0..12).rev().map(|i| folder.join(format!("b_{i}.mcap"))).collect();
        assert_eq!(times(Bag::open(&files).expect("opens")), expected);

        let metadata = "rosbag2_bagfile_information:\n  version: 9\n  relative_file_paths:\n    - b_3.mcap\n    - \
                        b_4.mcap\n    - b_12.mcap\n  files:\n    - path: b_3.mcap\n";
        std::fs::write(folder.join(METADATA), metadata).expect("written");
        let bag = Bag::open(&[folder.to_owned()]).expect("opens");
        assert!(
            bag.notes().iter().any(|note| note.contains("names b_12.mcap, which is not")),
            "{:?}",
            bag.notes()
        );
        assert_eq!(times(bag), expected[150..250]);
    }

    #[test]
    fn files_of_one_time_are_merged_message_by_message() {
        let folder = tempfile::tempdir().expect("a folder");
        let [a, b] = ["a.mcap", "b.mcap"].map(|name| folder.path().join(name));
        record(&a, "/even", (0..100).map(|i| 2 * i));
        record(&b, "/odd", (0..100).map(|i| 2 * i + 1));
        let bag = Bag::open(&[b, a]).expect("opens");
        assert_eq!(bag.topics().map(|topic| topic.name.as_str()).collect::<Vec<_>>(), ["/even", "/odd"]);
        assert_eq!(times(bag), (0..200).collect::<Vec<_>>());
    }

    #[test]
    fn a_part_that_is_not_whole_is_named_and_the_others_are_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path();
        for i in 0..3 {
            record(&folder.join(format!("b_{i}.mcap")), "/t", 100 * i..100 * i + 50);
        }
        let cut = folder.join("b_1.mcap");
        let bytes = std::fs::read(&cut).expect("there");
        std::fs::write(&cut, &bytes[..60]).expect("written");
        let bag = Bag::open(&[folder.to_owned()]).expect("opens");
        assert!(!bag.is_whole() && bag.recorded_messages().is_none());
        assert!(bag.notes()[1].starts_with("b_1.mcap: the recording was cut off"), "{:?}", bag.notes());
        assert_eq!(times(bag).len(), 100);
    }

    #[test]
    fn a_folder_without_a_recording_says_what_is_there() {
        let folder = tempfile::tempdir().expect("a folder");
        let open = || Bag::open(&[folder.path().to_owned()]).expect_err("none").to_string();
        assert!(open().contains("no .mcap file stands in it"), "{}", open());
        std::fs::create_dir(folder.path().join("bag")).expect("made");
        assert!(open().contains("give the folder of one recording"), "{}", open());
        std::fs::write(folder.path().join("talker.db3"), b"SQLite format 3\0...").expect("written");
        assert!(open().contains("talker.db3") && open().contains("ros2 bag convert"), "{}", open());
    }
}
