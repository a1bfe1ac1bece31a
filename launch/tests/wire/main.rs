//! `adit wire`: every protocol's frames from JSON and to JSON, through the binary and through its library.

mod damaged;
mod numbers;
mod robots;
mod streams;

use std::io::Write;
use std::process::{Command, Output, Stdio};

use firmware_bridge::protocol::damiao::Model;
use launch::wire_tools::{Codec, Found, Protocol, parse_hex, to_hex};
use proptest::prelude::*;
use serde_json::Value;

fn codec(protocol: Protocol) -> Codec {
    Codec { protocol, model: Model::Dm4310, answers: false }
}

fn frame(codec: &Codec, json: &str) -> Vec<u8> {
    let value: Value = serde_json::from_str(json).expect("JSON");
    codec.encode(value.as_object().expect("an object")).unwrap_or_else(|why| panic!("{json}: {why}"))
}

/// `adit wire` with this on its standard input.
fn wire(arguments: &[&str], input: &str) -> Output {
    let mut adit = Command::new(env!("CARGO_BIN_EXE_adit"))
        .arg("wire")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("adit starts");
    let mut pipe = adit.stdin.take().expect("piped");
    let input = input.to_owned();
    // It answers before it has read everything, and waits until somebody reads that.
    let writer = std::thread::spawn(move || pipe.write_all(input.as_bytes()));
    let output = adit.wait_with_output().expect("it ends");
    // A directory as the input leaves the pipe unread.
    let _ = writer.join().expect("no panic");
    output
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("text")
}

/// Frames that the vendors' own documents and libraries print.
#[test]
fn known_objects_make_the_vendors_bytes() {
    let cases = [
        (
            Protocol::GoM8010,
            r#"{"id":1,"mode":1,"tau":1e6,"dq":1e6,"q":1e6,"kp":1e6,"kd":1e6}"#,
            "FE EE 11 FD 7F F5 7F 6D DB FF 7F FE 7F FE 7F 19 0D",
        ),
        (
            Protocol::A1,
            r#"{"id":2,"mode":10,"tau":1,"dq":6.2832,"q":6.2832,"kp":0.5,"kd":3}"#,
            "FE EE 02 00 0A FF 00 00 00 00 00 00 00 01 24 03 FF 3F 00 00 00 04 00 0C 00 00 00 00 00 00 05 7D B4 52",
        ),
        (Protocol::Dynamixel2, r#"{"instruction":"ping","id":2}"#, "FF FF FD 00 02 03 00 01 19 72"),
        (
            Protocol::Dynamixel2,
            r#"{"instruction":"sync_write","address":116,"length":4,"items":[{"id":1,"data":[150,0,0,0]},{"id":2,"data":[170,0,0,0]}]}"#,
            "FF FF FD 00 FE 11 00 83 74 00 04 00 01 96 00 00 00 02 AA 00 00 00 82 87",
        ),
        (
            Protocol::Dynamixel2,
            r#"{"instruction":"status","id":1,"error":0,"params":[166,0,0,0]}"#,
            "FF FF FD 00 01 08 00 55 00 A6 00 00 00 8C C0",
        ),
        (
            Protocol::Damiao,
            r#"{"id":1,"q":0,"dq":0,"kp":0,"kd":0,"tau":0}"#,
            "55 AA 1E 03 01 00 00 00 0A 00 00 00 00 01 00 00 00 00 08 00 00 7F FF 7F F0 00 00 07 FF 00",
        ),
        (Protocol::Feetech, r#"{"instruction":"ping","id":1}"#, "FF FF 01 02 01 FB"),
    ];
    for (protocol, json, bytes) in cases {
        assert_eq!(frame(&codec(protocol), json), parse_hex(bytes).expect("hex"), "{json}");
    }
}

/// The difference of two numbers, 0 of anything else that is the same.
fn apart(a: &Value, b: &Value) -> f64 {
    match (a.as_f64(), b.as_f64()) {
        (Some(a), Some(b)) => (a - b).abs(),
        _ if a == b => 0.0,
        _ => f64::INFINITY,
    }
}

/// An object that is offered as an example is a frame, which reads back as the same frame: but for numbers with
/// fractions, which the vendors' libraries truncate each time anew to steps of their own (of Damiao's stiffness, an eighth).
#[test]
fn every_example_goes_there_and_back() {
    for protocol in &Protocol::ALL {
        let codec = codec(*protocol);
        for example in codec.examples() {
            let bytes = frame(&codec, example);
            let found = codec.decode(&bytes, &[]);
            let [(range, Found::Frame(json))] = found.as_slice() else { panic!("{example}: {found:?}") };
            assert_eq!(*range, 0..bytes.len());
            let again = frame(&codec, json);
            if let Protocol::GoM8010 | Protocol::A1 | Protocol::B1 | Protocol::Damiao = protocol {
                let second = codec.decode(&again, &[]);
                let [(_, Found::Frame(second))] = second.as_slice() else { panic!("{json}: {second:?}") };
                let [first, second]: [Value; 2] =
                    [json, second].map(|json| serde_json::from_str(json).expect("JSON"));
                for (key, value) in first.as_object().expect("an object") {
                    assert!(apart(value, &second[key]) <= 0.125, "{key} of {example}: {second}");
                }
            } else {
                assert_eq!(to_hex(&again), to_hex(&bytes), "{example} became {json}");
            }
        }
    }
}

#[test]
fn frames_are_found_between_noise_and_across_lines() {
    for protocol in &Protocol::ALL {
        let codec = codec(*protocol);
        let good = to_hex(&frame(&codec, codec.examples()[0]));
        // Two frames in a row, for the protocols in which one alone is not to be believed after noise.
        let (head, tail) = good.split_at(good.len() / 4 * 2);
        let input = format!("# a comment\nFE 00 55\n{head}\n{tail}\n\n0xAA,0x55 {good}\n{good}\n");
        let name = protocol.name();
        let output = wire(&["decode", "--protocol", name], &input);
        let found: Vec<_> = text(&output.stdout).lines().collect();
        assert!(output.status.success(), "{name}: {}", text(&output.stderr));
        assert!(found.len() >= 2 && found.iter().all(|line| *line == found[0]), "{name}: {found:?}");
        assert!(text(&output.stderr).contains("no intact frame"), "{name}");
    }
}

#[test]
fn lines_that_cannot_be_used_are_told_and_the_others_are_done() {
    let good = r#"{"id":3,"mode":1,"tau":1.0,"dq":6.28,"q":6.28,"kp":1.0,"kd":0.05}"#;
    let input = format!("{good}\nnonsense\n{{\"id\":3}}\n{}\n{good}\n", good.replace(":3", ":16"));
    let output = wire(&["encode", "--protocol", "go-m8010-6"], &input);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(text(&output.stdout).lines().count(), 2);
    let told = text(&output.stderr);
    for part in ["line 2: ", "line 3: missing field `mode`", "line 4: id (15 is everybody) is 16"] {
        assert!(told.contains(part), "{told}");
    }
    let nothing = wire(&["decode", "--protocol", "b1"], "00 11 22\n");
    assert_eq!(nothing.status.code(), Some(2));
    assert!(text(&nothing.stderr).contains("check --protocol"));
}

#[test]
fn numbers_that_a_frame_cannot_carry_name_the_remedy() {
    let cases = [
        (Protocol::GoM8010, r#"{"id":1,"mode":9,"tau":0,"dq":0,"q":0,"kp":0,"kd":0}"#, "mode (0 brake"),
        (Protocol::Dynamixel2, r#"{"instruction":"ping","id":253}"#, "252"),
        (Protocol::Dynamixel2, r#"{"instruction":"dance","id":1}"#, "--examples"),
        (Protocol::Damiao, r#"{"action":"enable","id":16}"#, "1 to 15"),
        (Protocol::Damiao, r#"{"action":"read","id":1,"register":"NONE"}"#, "PMAX"),
        (Protocol::Feetech, r#"{"instruction":"ping","id":255}"#, "0 to 253"),
        (Protocol::Adit, r#"{"hello":{"version":2,"session":7}}"#, "seq is missing"),
    ];
    for (protocol, json, remedy) in cases {
        let value: Value = serde_json::from_str(json).expect("JSON");
        let refused = codec(protocol).encode(value.as_object().expect("an object")).expect_err(json);
        assert!(refused.to_string().contains(remedy), "{json}: {refused}");
    }
}

/// Replies of the vendor's motor, with the vendor's own reading of them.
#[test]
fn the_vendors_replies_are_read_as_the_vendor_reads_them() {
    let table = include_str!("../../../firmware-bridge/tests/vectors/go_m8010_replies.tsv");
    let mut count = 0;
    for row in table.lines().filter(|line| !line.starts_with('#')) {
        let row: Vec<_> = row.split('\t').collect();
        let found = codec(Protocol::GoM8010).decode(&parse_hex(row[1]).expect("hex"), &[]);
        let [(_, Found::Frame(json))] = found.as_slice() else { panic!("{row:?}: {found:?}") };
        let read: Value = serde_json::from_str(json).expect("JSON");
        for (key, told) in
            ["id", "mode", "tau", "dq", "q", "temp_c", "error", "foot_force"].iter().zip(&row[3..])
        {
            let (value, told): (f64, f64) =
                (read[key].as_f64().expect("number"), told.parse().expect("number"));
            assert!((value - told).abs() <= 2e-7 * told.abs(), "{key} of {row:?}: {value}");
        }
        count += 1;
    }
    assert_eq!(count, 60, "the whole table was read");
}

proptest! {
    #[test]
    fn no_stream_panics_and_every_byte_is_accounted_for(
        stream in proptest::collection::vec(any::<u8>(), 0..400),
        starts in proptest::collection::btree_set(0_usize..400, 0..8),
    ) {
        let starts: Vec<_> = starts.into_iter().collect();
        for protocol in &Protocol::ALL {
            for answers in [false, true] {
                let mut end = 0;
                for (range, _) in (Codec { answers, ..codec(*protocol) }).decode(&stream, &starts) {
                    prop_assert_eq!(range.start, end);
                    end = range.end;
                }
                prop_assert_eq!(end, stream.len());
            }
        }
    }
}
