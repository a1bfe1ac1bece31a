//! Streams as people and pipes give them: noise, broken frames, long lines, bad words, JSON over lines.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use launch::wire_tools::{Codec, Decoder, Found, Protocol, parse_hex, to_hex};
use proptest::prelude::*;

use super::{codec, frame, text, wire};

const GO: &str = r#"{"id":3,"mode":1,"tau":1.0,"dq":6.28,"q":6.28,"kp":1.0,"kd":0.05}"#;

fn go_hex() -> String {
    to_hex(&frame(&codec(Protocol::GoM8010), GO))
}

/// The frames and the noise of a stream whose lines are these.
fn found(protocol: Protocol, lines: &[&str]) -> (Vec<String>, usize) {
    let (mut stream, mut starts) = (Vec::new(), Vec::new());
    for line in lines {
        starts.push(stream.len());
        stream.extend(parse_hex(line).expect("hex"));
    }
    let (mut frames, mut noise) = (Vec::new(), 0);
    for (range, found) in codec(protocol).decode(&stream, &starts) {
        match found {
            Found::Frame(json) => frames.push(json),
            Found::Damaged(..) | Found::Noise(_) => noise += range.len(),
        }
    }
    (frames, noise)
}

/// A feedback has no checksum, so the bridge's reader believes none alone after noise. A person with one frame
/// of a log has no second to show.
#[test]
fn a_lone_damiao_answer_is_found_behind_noise() {
    let answer = "AA110812000000950B7B7D097D2B3955";
    let (alone, _) = found(Protocol::Damiao, &[answer]);
    assert_eq!(alone.len(), 1);
    for line in
        [format!("DEADBEEF{answer}"), format!("DEADBEEF{answer}00AA11"), format!("AAAAAA{answer}{answer}")]
    {
        let (frames, noise) = found(Protocol::Damiao, &[&line]);
        assert!(!frames.is_empty() && frames.iter().all(|frame| *frame == alone[0]), "{line}: {frames:?}");
        assert_eq!(noise + frames.len() * 16, line.len() / 2);
    }
    // A state that the vendor does not publish: only where a frame is expected.
    let undefined = answer.replace("00950B", "00250B");
    assert_eq!(found(Protocol::Damiao, &[&undefined]).0.len(), 1);
    assert_eq!(found(Protocol::Damiao, &[&format!("DEAD{undefined}BEEF")]).0.len(), 0);
}

/// The first nine bytes of an answer, and behind them another whole one: 55 stands where the first would end.
#[test]
fn a_window_that_ends_with_its_line_beats_one_that_only_begins_with_it() {
    let good = "AA1108120000001C9D28FA677A553355";
    let line = format!("{}{good}", &"AA110800000000D9AA1108"[..4]);
    let (frames, noise) = found(Protocol::Damiao, &[&line]);
    assert_eq!((frames, noise), (found(Protocol::Damiao, &[good]).0, 2));
}

/// With a checksum of eight bits, a cut frame was completed by the next line, which was lost.
#[test]
fn a_frame_that_fills_its_line_is_not_swallowed_by_a_broken_one() {
    let good = "FFFF7F040151E347";
    let (frames, noise) = found(Protocol::Feetech, &["FFFF7A04", good]);
    assert_eq!((frames, noise), (found(Protocol::Feetech, &[good]).0, 4));
    // So long a frame might still go on: two whole ones within show that it does not.
    let ping = "FFFF010201FB";
    let (frames, noise) = found(Protocol::Feetech, &[&format!("FFFF01F0{ping}00{ping}00")]);
    assert_eq!((frames.len(), noise), (2, 6));
    // But what fills its line is one frame, whatever stands in it.
    let nested = frame(
        &codec(Protocol::Feetech),
        r#"{"instruction":"write","id":1,"address":0,"data":[255,255,1,2,1,251,255,255,1,2,1,251]}"#,
    );
    assert_eq!(found(Protocol::Feetech, &[&to_hex(&nested)]).0.len(), 1);
}

#[test]
fn a_pipe_is_answered_while_it_is_open() {
    for (direction, line, answer) in [("decode", go_hex(), "{\"id\":3"), ("encode", GO.to_owned(), "FEEE13")]
    {
        let mut adit = Command::new(env!("CARGO_BIN_EXE_adit"))
            .args(["wire", direction, "--protocol", "go-m8010-6"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("adit starts");
        let mut pipe = adit.stdin.take().expect("piped");
        let mut out = BufReader::new(adit.stdout.take().expect("piped"));
        for _ in 0..3 {
            writeln!(pipe, "{line}").expect("it reads");
            let mut heard = String::new();
            out.read_line(&mut heard).expect("it answers");
            assert!(heard.starts_with(answer), "{heard}");
        }
        drop(pipe);
        assert!(adit.wait().expect("it ends").success());
    }
}

#[test]
fn a_bad_word_costs_itself_and_no_more() {
    let good = go_hex();
    for (line, told) in [
        (format!("{good} # a comment with EE"), None),
        (format!("\u{feff}{good}"), None),
        (format!("time: {good}"), Some("line 1: `t` is no hexadecimal digit")),
        (format!("F {good}"), Some("line 1: `F` has an odd number")),
    ] {
        let output = wire(&["decode", "--protocol", "go-m8010-6"], &line);
        assert_eq!(text(&output.stdout).lines().count(), 1, "{line}");
        assert_eq!(output.status.success(), told.is_none(), "{line}");
        assert!(text(&output.stderr).contains(told.unwrap_or_default()), "{}", text(&output.stderr));
    }
}

#[test]
fn a_line_of_any_length_is_read_whole() {
    let bytes = go_hex().as_bytes().chunks(2).map(|pair| text(pair).to_owned()).collect::<Vec<_>>().join(" ");
    for frame in [go_hex(), format!("{bytes} ")] {
        let output = wire(&["decode", "--protocol", "go-m8010-6"], &frame.repeat(5000));
        assert!(output.status.success() && output.stderr.is_empty(), "{}", text(&output.stderr));
        assert_eq!(text(&output.stdout).lines().count(), 5000);
    }
}

#[test]
fn nothing_is_nothing_and_a_directory_is_refused() {
    let output = wire(&["decode", "--protocol", "a1"], "");
    assert!(output.status.success() && output.stderr.is_empty());
    let output = wire(&["decode", "--protocol", "a1", env!("CARGO_MANIFEST_DIR")], "");
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("directory"), "{}", text(&output.stderr));
}

#[test]
fn json_is_taken_as_scripts_write_it() {
    let pretty = GO.replace(',', ",\n  ").replace('{', "{\n  ").replace('}', "\n}");
    let input = format!("\u{feff}{GO}{GO}\n{pretty}\n[{GO},\n {GO}]\n{GO} # a comment\n");
    let output = wire(&["encode", "--protocol", "go-m8010-6"], &input);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout), format!("{}\n", go_hex()).repeat(6));
}

#[test]
fn a_broken_value_costs_the_line_on_which_it_begins() {
    let input = format!("{GO}\n{{bad\n{GO}\n{{\"id\":\n{GO}\n{GO}\n[{GO}, 3, {GO}]\n{{\"id\":3,\n");
    let output = wire(&["encode", "--protocol", "go-m8010-6"], &input);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(text(&output.stdout), format!("{}\n", go_hex()).repeat(6));
    let told = text(&output.stderr);
    for part in [
        "line 2: key must be",
        "line 4: expected `,` or `}` at line 6",
        "line 7: 3 is no JSON",
        "line 8: EOF",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
}

/// Frames, pieces of frames and noise.
fn any_bytes(codec: Codec) -> impl Strategy<Value = Vec<u8>> {
    let frames: Vec<_> = codec.examples().iter().map(|json| frame(&codec, json)).collect();
    let whole = prop::sample::select(frames);
    prop_oneof![
        4 => whole.clone(),
        3 => (whole, 0.0..1.0_f64).prop_map(|(mut bytes, part)| {
            bytes.truncate((bytes.len() as f64 * part) as usize);
            bytes
        }),
        1 => prop::collection::vec(any::<u8>(), 0..12),
    ]
}

proptest! {
    /// Printing early must not change what is found.
    #[test]
    fn a_stream_reads_the_same_as_a_pipe_and_as_a_file(
        protocol in prop::sample::select(vec![
            Protocol::GoM8010, Protocol::A1, Protocol::Dynamixel2, Protocol::Damiao, Protocol::Feetech, Protocol::Adit,
        ]).prop_flat_map(|protocol| {
            prop::collection::vec((any_bytes(codec(protocol)), any::<bool>()), 0..12).prop_map(move |parts| (protocol, parts))
        }),
    ) {
        let (protocol, parts) = protocol;
        let codec = codec(protocol);
        let (mut stream, mut starts, mut piped) = (Vec::new(), Vec::new(), Vec::new());
        let mut decoder = Decoder::new(codec);
        for (bytes, ends_line) in &parts {
            stream.extend_from_slice(bytes);
            decoder.push(bytes);
            if *ends_line {
                starts.push(stream.len());
                decoder.end_line();
            }
            piped.extend(std::iter::from_fn(|| decoder.next_found()));
        }
        decoder.finish();
        piped.extend(std::iter::from_fn(|| decoder.next_found()));
        prop_assert_eq!(codec.decode(&stream, &starts), piped);
    }
}
