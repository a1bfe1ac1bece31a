//! Whatever is done to a file, what is read of it is what was written, in order, from the beginning.

use std::io::{Cursor, Write};

use mcap::records::MessageHeader;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::super::RawRecorder;
use super::super::sink::tests::{Shared, Step, step};
use super::*;

const MESSAGES: u64 = 30;

/// A small recording, saved seven times.
fn recording() -> Vec<u8> {
    let output = Shared::with_room(usize::MAX);
    let mut recorder = RawRecorder::new(output.clone()).expect("begins");
    for i in 0..MESSAGES {
        step(&mut recorder, i).expect("recorded");
    }
    recorder.finish().expect("finishes");
    output.bytes()
}

fn play(file: &[u8]) -> Result<(Vec<Played>, Option<Missing>), PlaybackError> {
    let playback = Playback::new(Cursor::new(file))?;
    let missing = playback.missing();
    Ok((playback.collect::<Result<_, _>>()?, missing))
}

#[test]
fn all_messages_come_back() {
    let file = recording();
    let playback = Playback::new(Cursor::new(&file)).expect("opens");
    let topics: Vec<_> = playback.topics().map(|topic| (topic.name.as_str(), &*topic.type_name)).collect();
    // In the order in which they came.
    let expected = [("/one", "a_msgs/msg/Text"), ("/two", "a_msgs/msg/Count"), ("/late", "a_msgs/msg/Text")];
    assert_eq!(topics, expected);
    let (messages, missing) = play(&file).expect("reads");
    assert_eq!((messages.len() as u64, missing), (MESSAGES, None));
    assert_eq!(messages[7].topic.name, "/two");
    assert_eq!(messages[7].log_time, Stamp::from_nanos(1_070));
    assert_eq!((messages[7].data.len(), messages[7].data[1]), (20, 44));
}

#[test]
fn a_file_cut_anywhere_gives_the_messages_before_the_cut() {
    let file = recording();
    let (all, _) = play(&file).expect("reads");
    let mut counts = Vec::new();
    for length in 0..file.len() {
        match play(&file[..length]) {
            Ok((messages, missing)) => {
                assert!(all.starts_with(&messages), "cut to {length} bytes");
                assert!(
                    matches!(missing, Some(Missing::End { at, .. }) if at <= length as u64),
                    "{missing:?}"
                );
                counts.push(messages.len());
            }
            Err(error) => assert!(length < 8 && matches!(error, PlaybackError::NotMcap { .. }), "{error}"),
        }
    }
    assert!(counts.is_sorted() && counts.first() == Some(&0) && counts.last() == Some(&all.len()));
    counts.dedup();
    assert_eq!(counts.len(), 9, "one chunk more, eight times");
}

/// A power cut may leave any of the bytes of a save, those of a kill are a special case.
#[test]
fn a_file_torn_while_it_was_saved_keeps_all_that_was_saved_before() {
    let output = Shared::with_room(usize::MAX);
    let mut recorder = RawRecorder::new(output.clone()).expect("begins");
    let mut before = output.bytes();
    for i in 0..MESSAGES {
        output.steps.borrow_mut().clear();
        step(&mut recorder, i).expect("recorded");
        let saved = play(&before).map_or(0, |(messages, _)| messages.len());
        let (now, _) = play(&output.bytes()).expect("reads");
        for op in output.steps.borrow().iter() {
            let Step::Write(at, bytes) = op else { continue };
            for written in (0..bytes.len()).step_by(7) {
                let mut torn = Cursor::new(before.clone());
                torn.seek(SeekFrom::Start(*at)).expect("memory");
                torn.write_all(&bytes[..written]).expect("memory");
                let playback = Playback::new(Cursor::new(torn.get_ref())).expect("opens");
                let messages: Vec<_> = playback.filter_map(Result::ok).collect();
                assert!(now.starts_with(&messages) && messages.len() >= saved, "torn at {written}");
                // Closed again, it opens as any file does, with what had been saved.
                let missing = repair::close(&mut torn).expect("closes");
                let summary = mcap::Summary::read(torn.get_ref()).expect("opens").expect("has a summary");
                let count = summary.stats.as_ref().expect("statistics").message_count as usize;
                let indexed = summary.chunk_indexes.iter().map(|chunk| {
                    summary
                        .stream_chunk(torn.get_ref(), chunk)
                        .expect("a chunk")
                        .filter(Result::is_ok)
                        .count()
                });
                assert_eq!(indexed.sum::<usize>(), count);
                assert!(count >= saved, "torn at {written}, {missing:?}");
                let closed = play(torn.get_ref()).expect("reads").0;
                assert!(messages.starts_with(&closed), "torn at {written}, {missing:?}");
            }
            let mut whole = Cursor::new(before);
            whole.seek(SeekFrom::Start(*at)).expect("memory");
            whole.write_all(bytes).expect("memory");
            before = whole.into_inner();
        }
    }
}

#[test]
fn bytes_behind_the_end_are_told_and_ignored() {
    let mut file = recording();
    let at = file.len() as u64;
    file.extend_from_slice(b"something else");
    let (messages, missing) = play(&file).expect("reads");
    assert_eq!((messages.len() as u64, missing), (MESSAGES, Some(Missing::Trailing { at })));
    let mut file = Cursor::new(file);
    assert_eq!(repair::close(&mut file).expect("closes"), Some(Missing::Trailing { at }));
    assert_eq!(repair::close(&mut file).expect("is closed"), None);
    assert_eq!(file.get_ref().len() as u64, at);
}

#[test]
fn a_damaged_chunk_is_told_once_and_the_others_are_read() {
    let mut file = recording();
    let summary = mcap::Summary::read(&file).expect("opens").expect("has a summary");
    let chunk = &summary.chunk_indexes[2];
    let at = chunk.compressed_data_offset().expect("an offset") + chunk.compressed_size / 2;
    file[at as usize] ^= 0x10;
    let (good, bad): (Vec<_>, Vec<_>) =
        Playback::new(Cursor::new(&file)).expect("opens").partition(Result::is_ok);
    assert_eq!((good.len() as u64, bad.len()), (MESSAGES - 4, 1));
    let error = bad[0].as_ref().expect_err("bad").to_string();
    assert!(error.contains(&format!("at byte {}", chunk.chunk_start_offset)), "{error}");
}

#[test]
fn no_bytes_make_it_panic() {
    let file = recording();
    let mut random = ChaCha8Rng::seed_from_u64(7);
    for _ in 0..3_000 {
        let mut file = file.clone();
        for _ in 0..random.random_range(1..6) {
            let at = random.random_range(8..file.len());
            file[at] = random.random();
        }
        // Whatever is said of it, reading ends.
        assert!(Playback::new(Cursor::new(&file)).into_iter().flatten().count() < 1_000);
        let _ = repair::close(Cursor::new(file));
    }
}

#[test]
fn messages_come_in_the_order_of_their_time_whatever_the_order_of_the_file() {
    for chunked in [true, false] {
        let options = mcap::WriteOptions::new().compression(None).use_chunks(chunked);
        let mut writer = options.create(Cursor::new(Vec::new())).expect("begins");
        let channel = writer.add_channel(0, "/t", "cdr", &BTreeMap::new()).expect("added");
        for log_time in [3, 5, 4, 9, 1, 2, 7, 8, 6] {
            let header = MessageHeader { channel_id: channel, sequence: 0, log_time, publish_time: 0 };
            writer.write_to_known_channel(&header, &[log_time as u8]).expect("written");
            if log_time % 2 == 0 {
                writer.flush().expect("flushed");
            }
        }
        writer.finish().expect("finishes");
        let (messages, missing) = play(writer.into_inner().get_ref()).expect("reads");
        let times: Vec<_> = messages.iter().map(|message| message.log_time.nanos()).collect();
        assert_eq!(times, (1..=9).collect::<Vec<_>>());
        assert_eq!(missing, None);
    }
}

/// What `play` gives without its errors, and these.
fn play_damaged(file: &[u8]) -> (Vec<Played>, Vec<PlaybackError>) {
    let playback = Playback::new(Cursor::new(file)).expect("opens");
    let (messages, errors): (Vec<_>, Vec<_>) = playback.partition(Result::is_ok);
    (messages.into_iter().flatten().collect(), errors.into_iter().filter_map(Result::err).collect())
}

/// The chunks of a recording: where each stands, and the log times of its messages.
fn chunks(file: &[u8]) -> Vec<(std::ops::Range<usize>, std::ops::RangeInclusive<u64>)> {
    let summary = mcap::Summary::read(file).expect("opens").expect("has a summary");
    let chunk = |chunk: &mcap::records::ChunkIndex| {
        let start = chunk.chunk_start_offset as usize;
        let times = chunk.message_start_time..=chunk.message_end_time;
        (start..start + chunk.chunk_length as usize, times)
    };
    summary.chunk_indexes.iter().map(chunk).collect()
}

/// A zeroed record ended the reading: half a recording was lost, and called its last second.
#[test]
fn a_hole_costs_what_stood_in_it_and_no_more() {
    let file = recording();
    let (all, _) = play(&file).expect("reads");
    let chunks = chunks(&file);
    for (place, times) in &chunks {
        let rest: Vec<_> = all.iter().filter(|m| !times.contains(&m.log_time.nanos())).cloned().collect();
        // The whole record; what it is; its length; the sizes in its header; what it holds.
        for spoilt in [0..place.len(), 0..1, 1..9, 25..45, 9..60, 60..place.len()] {
            for byte in [0, 0x55, 0xff] {
                let mut file = file.clone();
                file[place.start + spoilt.start..place.start + spoilt.end].fill(byte);
                let (messages, errors) = play_damaged(&file);
                assert_eq!(messages, rest, "{place:?} {spoilt:?} {byte}");
                let lost: u64 = errors.iter().filter_map(PlaybackError::lost_bytes).sum();
                let length = place.len() as u64;
                // A record of a kind that is not known is to be skipped, and only the count of messages tells.
                let is_unknown = spoilt == (0..1) && byte != 0;
                assert!(
                    is_unknown && errors.is_empty() || (length..length + 400).contains(&lost),
                    "{lost} of {length}: {errors:?}"
                );
                let playback = Playback::new(Cursor::new(&file)).expect("opens");
                assert_eq!((playback.missing(), playback.recorded_messages()), (None, Some(MESSAGES)));
            }
        }
    }
}

/// The same without a summary: then the topics whose definition is lost are lost, and said.
#[test]
fn a_hole_in_a_recording_that_was_cut_off_is_gone_around() {
    let mut file = recording();
    let (all, _) = play(&file).expect("reads");
    let chunks = chunks(&file);
    file.truncate(chunks.last().expect("chunks").0.end);
    // All topics are named in the first two.
    for (place, times) in &chunks[2..] {
        let rest: Vec<_> = all.iter().filter(|m| !times.contains(&m.log_time.nanos())).cloned().collect();
        let mut file = file.clone();
        file[place.clone()].fill(0);
        let (messages, errors) = play_damaged(&file);
        let is_last = place.end == file.len();
        assert_eq!((messages, errors.len()), (rest, usize::from(!is_last)), "{place:?}");
        let missing = Playback::new(Cursor::new(&file)).expect("opens").missing();
        assert!(matches!(missing, Some(Missing::End { is_index: false, .. })), "{missing:?}");
        assert!(
            repair::close(Cursor::new(file)).is_ok() == is_last,
            "what stands behind a hole is not cut off"
        );
    }
    file[chunks[0].0.clone()].fill(0);
    let (messages, errors) = play_damaged(&file);
    assert!(
        messages.iter().all(|message| message.topic.name == "/two") && !messages.is_empty(),
        "{messages:?}"
    );
    let orphans =
        errors.iter().map(|e| if let PlaybackError::Orphans { messages, .. } = e { *messages } else { 0 });
    let left = all.iter().filter(|m| !chunks[0].1.contains(&m.log_time.nanos())).count();
    assert_eq!(orphans.sum::<u64>() + messages.len() as u64, left as u64, "{errors:?}");
}

#[test]
fn whatever_part_is_overwritten_the_chunks_outside_of_it_are_read() {
    let file = recording();
    let (all, _) = play(&file).expect("reads");
    let chunks = chunks(&file);
    let data_end = chunks.last().expect("chunks").0.end;
    let mut random = ChaCha8Rng::seed_from_u64(11);
    for _ in 0..2_000 {
        let start = random.random_range(chunks[0].0.start..data_end);
        let end = random.random_range(start + 1..=data_end.min(start + 900));
        let mut spoilt = file.clone();
        match random.random_range(0..3) {
            0 => spoilt[start..end].fill(0),
            1 => spoilt[start..end].fill(random.random()),
            _ => random.fill(&mut spoilt[start..end]),
        }
        let (messages, _) = play_damaged(&spoilt);
        let whole = |m: &&Played| {
            let of = |(_, times): &&(_, std::ops::RangeInclusive<u64>)| times.contains(&m.log_time.nanos());
            let (place, _) = chunks.iter().find(of).expect("is in a chunk");
            place.end <= start || end <= place.start
        };
        let missing = all.iter().filter(whole).find(|message| !messages.contains(message));
        assert_eq!(missing, None, "{start}..{end}");
        assert!(messages.iter().all(|message| all.contains(message)), "{start}..{end}");
    }
}

#[test]
fn a_hole_between_messages_without_chunks_is_gone_around() {
    let mut writer =
        mcap::WriteOptions::new().use_chunks(false).create(Cursor::new(Vec::new())).expect("begins");
    let channel = writer.add_channel(0, "/t", "cdr", &BTreeMap::new()).expect("added");
    for log_time in 0..50 {
        let header = MessageHeader { channel_id: channel, sequence: 0, log_time, publish_time: 0 };
        writer.write_to_known_channel(&header, &[1 + log_time as u8; 40]).expect("written");
    }
    writer.finish().expect("finishes");
    let file = writer.into_inner().into_inner();
    let message = 9 + 22 + 40;
    let first = file.windows(40).position(|bytes| bytes == [1; 40]).expect("the first") - 9 - 22;
    for lost in 0..46 {
        let mut file = file.clone();
        file[first + lost * message..first + (lost + 1) * message].fill(0);
        let (messages, errors) = play_damaged(&file);
        assert_eq!((messages.len(), errors.len()), (49, 1), "{lost}");
    }
}

/// A recording that Python's mcap and zstd's own library wrote.
const ZSTD: &[u8] = include_bytes!("zstd.mcap");

#[test]
fn recordings_in_zstd_are_read() {
    let (messages, missing) = play(ZSTD).expect("reads");
    assert_eq!((messages.len(), missing), (60, None));
    let words = "the robot walks through a tunnel and writes down what is wrong with it";
    let words: Vec<_> = words.split(' ').collect();
    for (i, message) in messages.iter().enumerate() {
        let text: Vec<_> = (1..9).map(|j| words[(i * j + j) % words.len()]).collect();
        assert_eq!(message.data[8..], [text.join(" ").as_bytes(), &[0]].concat());
    }
}

#[test]
fn a_damaged_chunk_in_zstd_is_told_and_the_others_are_read() {
    let mut random = ChaCha8Rng::seed_from_u64(5);
    let chunks = chunks(ZSTD);
    for (place, times) in &chunks {
        for _ in 0..300 {
            let mut file = ZSTD.to_vec();
            // Behind the header.
            file[random.random_range(place.start + 53..place.end)] ^= 1 << random.random_range(0..8);
            let (messages, errors) = play_damaged(&file);
            let lost = 1 + (times.end() - times.start()) as usize / 10;
            // A bit that says nothing of the content, as that of a checksum that is not asked for, costs nothing.
            assert!(
                matches!((messages.len(), errors.len()), (60, 0))
                    || (messages.len(), errors.len()) == (60 - lost, 1)
            );
        }
    }
    for _ in 0..2_000 {
        let mut file = ZSTD.to_vec();
        for _ in 0..random.random_range(1..6) {
            let at = random.random_range(8..file.len());
            file[at] = random.random();
        }
        assert!(Playback::new(Cursor::new(&file)).into_iter().flatten().count() < 1_000);
    }
}

#[test]
fn a_file_that_is_no_recording_is_named_for_what_it_is() {
    let cases: [(&[u8], FileKind, &str); 7] = [
        (b"SQLite format 3\0more", FileKind::Sqlite, "ros2 bag convert"),
        (b"#ROSBAG V2.0\n", FileKind::Ros1Bag, "rosbags-convert"),
        (&[0x28, 0xb5, 0x2f, 0xfd, 4], FileKind::Zstd, "zstd -d"),
        (b"\x89MCAP1\r\n", FileKind::OtherMcap, "copy it again"),
        (&[0; 100], FileKind::Zeros, "begins with zeros"),
        (b"", FileKind::Empty, "it is empty"),
        (b"\x89PNG\r\n\x1a\n", FileKind::Unknown, "run.mcap"),
    ];
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.bin");
    for (bytes, kind, remedy) in cases {
        std::fs::write(&path, bytes).expect("written");
        let error = Playback::open(&path).expect_err("none");
        assert!(matches!(error, PlaybackError::NotMcap { found, .. } if found == kind), "{error}");
        let said = error.to_string();
        assert!(said.contains("a.bin is no MCAP file") && said.contains(remedy), "{said}");
    }
}
