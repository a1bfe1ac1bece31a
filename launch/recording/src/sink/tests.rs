//! The file opens at every moment, and whatever the disk does.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::io::{Cursor, Seek, SeekFrom};
use std::rc::Rc;

use super::super::{RawRecorder, RecordError};
use super::*;

/// Operation on a file.
#[derive(Clone)]
pub(in super::super) enum Step {
    Write(u64, Vec<u8>),
    Cut(u64),
}

/// A file in memory that can be looked at while it is written, on a disk with so many blocks of [`BLOCK`] bytes.
/// Blocks that were never written take none. What is there can be written over when the disk is full, and a write
/// that does not fit is done in part, as on a real one.
#[derive(Clone)]
pub(in super::super) struct Shared {
    file: Rc<RefCell<Cursor<Vec<u8>>>>,
    blocks: Rc<RefCell<BTreeSet<u64>>>,
    room: usize,
    pub(in super::super) steps: Rc<RefCell<Vec<Step>>>,
}

const BLOCK: u64 = 256;

impl Shared {
    pub(in super::super) fn with_room(room: usize) -> Self {
        Self { file: Rc::default(), blocks: Rc::default(), room, steps: Rc::default() }
    }

    pub(in super::super) fn bytes(&self) -> Vec<u8> {
        self.file.borrow().get_ref().clone()
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut file = self.file.borrow_mut();
        let (at, mut blocks) = (file.position(), self.blocks.borrow_mut());
        let fits = |byte: &u64| {
            let block = (at + byte) / BLOCK;
            blocks.contains(&block) || blocks.len() < self.room && blocks.insert(block)
        };
        let count = (0..bytes.len() as u64).take_while(fits).count();
        if count == 0 && !bytes.is_empty() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.steps.borrow_mut().push(Step::Write(at, bytes[..count].to_vec()));
        file.write(&bytes[..count])
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for Shared {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.borrow_mut().seek(to)
    }
}

impl Output for Shared {
    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.steps.borrow_mut().push(Step::Cut(length));
        self.file.borrow_mut().cut(length)
    }
}

/// Message `i` of a recording on three topics of two types, saved after every fourth.
pub(in super::super) fn step(recorder: &mut RawRecorder<Shared>, i: u64) -> Result<(), RecordError> {
    let (topic, type_name, text) = match i % 3 {
        0 => ("/one", "a_msgs/msg/Text", "string data\n"),
        1 => ("/two", "a_msgs/msg/Count", "uint32 data\n"),
        _ => ("/late", "a_msgs/msg/Text", "string data\n"),
    };
    let topic = if i < 6 { "/one" } else { topic };
    let (type_name, text) = if i < 6 { ("a_msgs/msg/Text", "string data\n") } else { (type_name, text) };
    let data: Vec<u8> = (0..20 + i % 7).map(|byte| (byte * 37 + i) as u8).collect();
    let at = Stamp::from_nanos(1_000 + 10 * i);
    recorder.message(topic, type_name, || Ok(text.to_owned()), "", at, at, &data)?;
    recorder.tick(Stamp::from_nanos(i * 125_000_000))
}

/// Log times of the messages, as one that seeks reads them: by the summary and the chunks it names.
fn seek_and_read(file: &[u8]) -> Vec<u64> {
    let summary = mcap::Summary::read(file).expect("opens").expect("has a summary");
    let mut times = Vec::new();
    for chunk in &summary.chunk_indexes {
        for message in summary.stream_chunk(file, chunk).expect("a chunk") {
            times.push(message.expect("a message").log_time);
        }
        for entries in summary.read_message_indexes(file, chunk).expect("an index").values() {
            assert!(!entries.is_empty());
        }
    }
    let statistics = summary.stats.expect("statistics");
    assert_eq!(statistics.message_count as usize, times.len());
    assert_eq!(statistics.channel_message_counts.values().sum::<u64>() as usize, times.len());
    assert_eq!(statistics.message_start_time, times.first().copied().unwrap_or_default());
    assert_eq!(statistics.message_end_time, times.last().copied().unwrap_or_default());
    times
}

#[test]
fn the_file_opens_after_every_step_and_lacks_only_what_is_not_saved() {
    let output = Shared::with_room(usize::MAX);
    let mut recorder = RawRecorder::new(output.clone()).expect("begins");
    assert!(seek_and_read(&output.bytes()).is_empty(), "an empty recording is one, too");
    for i in 0..50 {
        step(&mut recorder, i).expect("recorded");
        let saved = if i % 4 == 0 && i > 0 { i + 1 } else { i - i % 4 + u64::from(i > 3) };
        assert_eq!(seek_and_read(&output.bytes()).len() as u64, saved, "after message {i}");
    }
    recorder.finish().expect("finishes");
    let times = seek_and_read(&output.bytes());
    assert_eq!(times, (0..50).map(|i| 1_000 + 10 * i).collect::<Vec<_>>());
}

/// A kill stops a write between two pages, and all later ones.
#[test]
fn the_file_opens_wherever_a_kill_hits() {
    let output = Shared::with_room(usize::MAX);
    let mut recorder = RawRecorder::new(output.clone()).expect("begins");
    // The file is there once the recorder is.
    let mut file = Cursor::new(output.bytes());
    output.steps.borrow_mut().clear();
    let data = vec![7; 3_000];
    for i in 0..200 {
        step(&mut recorder, i).expect("recorded");
        // So much that the room has to move, more than once.
        let at = Stamp::from_nanos(1_000 + 10 * i);
        let random = data.iter().enumerate().map(|(k, _)| ((k as u64 * (i + 3) * 2_654_435_761) >> 9) as u8);
        let data: Vec<u8> = random.collect();
        recorder
            .message("/big", "a_msgs/msg/Big", || Ok(String::new()), "", at, at, &data)
            .expect("recorded");
    }
    recorder.finish().expect("finishes");
    let mut count = 0;
    for step in output.steps.borrow().iter() {
        let Step::Write(at, bytes) = step else {
            let Step::Cut(length) = step else { continue };
            file.cut(*length).expect("memory");
            continue;
        };
        let mut from = 0;
        while from < bytes.len() {
            let page = (*at as usize + from) / 4096 + 1;
            let to = (page * 4096 - *at as usize).min(bytes.len());
            file.seek(SeekFrom::Start(*at + from as u64)).expect("memory");
            file.write_all(&bytes[from..to]).expect("memory");
            let now = seek_and_read(file.get_ref()).len();
            assert!(now >= count, "what was saved stays: {now} of {count}");
            count = now;
            from = to;
        }
    }
    assert_eq!(seek_and_read(file.get_ref()).len(), 400);
    assert_eq!(file.get_ref(), &output.bytes());
}

#[test]
fn the_tail_has_the_bytes_that_the_crate_writes() {
    let output = Shared::with_room(usize::MAX);
    let mut recorder = RawRecorder::new(output.clone()).expect("begins");
    for i in 0..=40 {
        step(&mut recorder, i).expect("recorded");
    }
    assert_eq!(recorder.finish().expect("finishes"), Recorded { messages: 41, dropped: 0 });
    let mut theirs = output.bytes();
    // Closing it again after its end was lost gives it a tail of ours.
    let mut ours = Cursor::new(theirs[..theirs.len() - 1].to_vec());
    super::super::playback::close(&mut ours).expect("closes");
    let mut ours = ours.into_inner();
    let footer = mcap::read::footer(&ours).expect("a footer");
    // The checksum over the data is the end of the record before the summary.
    let checksum = footer.summary_start as usize - 4..footer.summary_start as usize;
    for file in [&mut ours, &mut theirs] {
        file[checksum.clone()].fill(0);
    }
    assert_eq!(ours, theirs);
}

#[test]
fn a_full_disk_leaves_a_file_that_opens_wherever_it_fills() {
    let record = |room| {
        let output = Shared::with_room(room);
        let mut errors = Vec::new();
        let recorder = RawRecorder::new(output.clone());
        let recorded = recorder.ok().map(|mut recorder| {
            errors.extend((0..30).filter_map(|i| step(&mut recorder, i).err()));
            match recorder.finish() {
                Ok(recorded) => Some(recorded),
                Err(error) => {
                    errors.push(error);
                    None
                }
            }
        });
        (output.bytes(), recorded, errors)
    };
    let mut counts = Vec::new();
    for room in 0..200 {
        let (file, recorded, errors) = record(room);
        let Some(recorded) = recorded else { continue };
        let times = seek_and_read(&file);
        assert!(times.iter().enumerate().all(|(i, time)| *time == 1_000 + 10 * i as u64));
        assert!(errors.len() <= 1 && (errors.len() == 1) == (times.len() < 30), "{room} blocks: {errors:?}");
        if let Some(recorded) = recorded {
            assert_eq!((recorded.messages, recorded.dropped), (times.len() as u64, 30 - times.len() as u64));
        }
        counts.push(times.len());
    }
    assert!(counts.is_sorted() && counts.first() == Some(&0) && counts.last() == Some(&30), "{counts:?}");
}

#[test]
fn a_topic_has_one_type() {
    let mut recorder = RawRecorder::new(Cursor::new(Vec::new())).expect("begins");
    let mut message = |type_name| {
        let text = || Ok(String::new());
        recorder.message("/t", type_name, text, "", Stamp::ZERO, Stamp::ZERO, &[])
    };
    message("a/msg/A").expect("recorded");
    assert!(matches!(message("a/msg/B"), Err(RecordError::Type { .. })));
    message("a/msg/A").expect("goes on");
    assert_eq!(recorder.finish().expect("finishes").messages, 2);
}

#[test]
fn a_topic_without_a_definition_is_recorded_and_said_once() {
    let output = Shared::with_room(usize::MAX);
    let mut recorder = RawRecorder::new(output.clone()).expect("begins");
    let mut message = || {
        let text = || super::super::definitions::schema(&[], "odd_msgs/msg/Odd");
        recorder.message("/t", "odd_msgs/msg/Odd", text, "", Stamp::ZERO, Stamp::ZERO, &[0, 1, 0, 0])
    };
    let error = message().expect_err("no definition").to_string();
    assert!(error.starts_with("/t is recorded without its definition: no folder"), "{error}");
    message().expect("not said again");
    recorder.finish().expect("finishes");
    let file = output.bytes();
    let summary = mcap::Summary::read(&file).expect("opens").expect("has a summary");
    let schema = summary.schemas.values().next().expect("one");
    assert_eq!((schema.name.as_str(), schema.encoding.as_str()), ("odd_msgs/msg/Odd", ""));
    assert_eq!(summary.stats.expect("statistics").message_count, 2);
}
