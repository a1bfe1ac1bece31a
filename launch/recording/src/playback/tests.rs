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
                assert!(matches!(missing, Some(Missing::End { at }) if at <= length as u64), "{missing:?}");
                counts.push(messages.len());
            }
            Err(error) => assert!(length < 8 && matches!(error, PlaybackError::Magic), "{error}"),
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
