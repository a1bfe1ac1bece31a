//! Numbers between JSON and frames: what is printed encodes to the same frame, and what scripts write is taken.

use firmware_bridge::protocol::damiao::Model;
use launch::wire_tools::{Codec, Found, Protocol, parse_hex, to_hex};
use serde_json::Value;

use super::{codec, frame};

fn shown(codec: &Codec, bytes: &[u8]) -> String {
    match codec.decode(bytes, &[]).as_slice() {
        [(_, Found::Frame(json))] => json.clone(),
        other => panic!("{}: {other:?}", to_hex(bytes)),
    }
}

fn refused(codec: &Codec, json: &str) -> String {
    let value: Value = serde_json::from_str(json).expect("JSON");
    codec.encode(value.as_object().expect("an object")).expect_err(json).to_string()
}

/// The number just below a step, in few digits, is truncated to the step below: an impedance command that went through
/// decode and encode again lost a step of q and dq each time.
#[test]
fn a_frame_that_is_decoded_encodes_to_the_same_frame() {
    for protocol in &Protocol::ALL {
        for example in codec(*protocol).examples() {
            let codec = codec(*protocol);
            let bytes = frame(&codec, example);
            let json = shown(&codec, &bytes);
            assert_eq!(to_hex(&frame(&codec, &json)), to_hex(&bytes), "{example} became {json}");
        }
    }
    let go = include_str!("../../../firmware-bridge/tests/vectors/go_m8010_commands.tsv");
    let replies = include_str!("../../../firmware-bridge/tests/vectors/go_m8010_replies.tsv");
    let a1 = include_str!("../../../firmware-bridge/tests/vectors/unitree_a1_commands.tsv");
    let damiao = include_str!("../../../firmware-bridge/tests/vectors/damiao_commands.tsv");
    let feedback = include_str!("../../../firmware-bridge/tests/vectors/damiao_feedback.tsv");
    let mut count = 0;
    for row in [go, replies, a1, damiao, feedback].iter().flat_map(|table| table.lines()) {
        if row.starts_with('#') {
            continue;
        }
        let row: Vec<_> = row.split('\t').collect();
        let bytes = row.iter().find_map(|cell| parse_hex(cell).ok().filter(|bytes| bytes.len() > 8));
        let bytes = bytes.expect("a frame");
        let protocol = match row[0] {
            "go" | "gorep" => Protocol::GoM8010,
            "a1" => Protocol::A1,
            "b1" => Protocol::B1,
            _ => Protocol::Damiao,
        };
        let model = row.iter().find_map(|cell| Model::named(cell)).unwrap_or(Model::Dm4310);
        let codec = Codec { model, ..codec(protocol) };
        let json = shown(&codec, &bytes);
        assert_eq!(to_hex(&frame(&codec, &json)), to_hex(&bytes), "{row:?} became {json}");
        count += 1;
    }
    assert!(count > 150, "the tables were read: {count}");
}

/// The vendor's Python packs doubles: through single precision, a position came out a step low.
#[test]
fn damiao_numbers_are_not_rounded_to_single_precision() {
    let codec = Codec { model: Model::Dm4340, ..codec(Protocol::Damiao) };
    let json = r#"{"id":1,"q":11.440261275561081,"dq":3.85474115406425,"kp":0,"kd":1.9962054686699222,"tau":14.578661485818401}"#;
    assert_eq!(to_hex(&frame(&codec, json)[21..23]), "F525");
    let json = r#"{"action":"position_force","id":1,"q":1,"dq":0.07,"current_share":0.7}"#;
    assert_eq!(to_hex(&frame(&codec, json)[25..29]), "0700581B", "7 and 7000");
}

#[test]
fn whole_numbers_are_printed_without_and_taken_with_a_fraction() {
    let go = codec(Protocol::GoM8010);
    let floats = r#"{"id":3.0,"mode":1.0,"tau":1,"dq":0.0,"q":0,"temp_c":35.0,"error":0.0,"foot_force":7.0}"#;
    let json = shown(&go, &frame(&go, floats));
    assert!(json.contains(r#""temp_c":35,"#), "{json}");
    let dynamixel = codec(Protocol::Dynamixel2);
    let floats = r#"{"instruction":"write","id":1.0,"address":116.0,"data":[1.0,8]}"#;
    let integers = r#"{"instruction":"write","id":1,"address":116,"data":[1,8]}"#;
    assert_eq!(frame(&dynamixel, floats), frame(&dynamixel, integers));
    let damiao = codec(Protocol::Damiao);
    let json = r#"{"action":"write","id":1,"register":"CTRL_MODE","value":1.0}"#;
    assert_eq!(shown(&damiao, &frame(&damiao, json)), json.replace("1.0", "1"));
}

#[test]
fn what_is_not_finite_is_a_string_that_registers_take_back() {
    let damiao = codec(Protocol::Damiao);
    for (bits, name) in [("0000C07F", "NaN"), ("0000807F", "Infinity"), ("000080FF", "-Infinity")] {
        let answer = parse_hex(&format!("AA110811000000 01003315 {bits} 55")).expect("hex");
        let json = shown(&damiao, &answer);
        assert!(json.contains(&format!("\"value\":\"{name}\"")), "{json}");
        assert_eq!(frame(&damiao, &json), answer);
    }
    let json = r#"{"action":"velocity","id":1,"dq":"NaN"}"#;
    assert!(refused(&damiao, json).contains("finite"));
}

#[test]
fn damiao_registers_have_names_or_numbers_and_answers_say_what_was_done() {
    let damiao = codec(Protocol::Damiao);
    for (hex, part) in [
        ("55AA1E03010000000A00000000FF0700000008000001003325 00000000 00", r#""register":37}"#),
        ("AA110811000000 01003325 07000000 55", r#""register":37,"value":7}"#),
        ("AA110811000000 01005515 00004841 55", r#""access":"write","register":"PMAX","value":12.5}"#),
        ("AA110811000000 0100AA01 00000000 55", r#""access":"save","register":"saved","value":0}"#),
    ] {
        let bytes = parse_hex(hex).expect("hex");
        let json = shown(&damiao, &bytes);
        assert!(json.ends_with(part), "{json}");
        assert_eq!(to_hex(&frame(&damiao, &json)), to_hex(&bytes), "{json}");
    }
}

#[test]
fn damiao_ids_that_the_library_does_not_drive_are_shown() {
    let damiao = codec(Protocol::Damiao);
    let enable = parse_hex("55AA1E03010000000A0000000021000000000800 00 FFFFFFFFFFFFFFFC 00").expect("hex");
    assert_eq!(shown(&damiao, &enable), r#"{"action":"enable","id":33}"#);
    let answer = parse_hex("AA110811000000107FFF7FF7FF1E1F55").expect("hex");
    assert!(shown(&damiao, &answer).starts_with(r#"{"action":"feedback","id":0,"master":17,"state":1,"#));
}

#[test]
fn what_a_frame_cannot_carry_is_refused_by_the_fields_name() {
    let feedback = r#"{"action":"feedback","id":1,"master":17,"state":1,"q":0,"dq":0,"tau":0,"mos_temp_c":1,"rotor_temp_c":1}"#;
    let sync = r#"{"instruction":"sync_read","address":56,"length":2,"ids":[1,2]}"#;
    let block = r#"{"instruction":"sync_write","address":42,"length":2,"items":[{"id":1,"data":[0,8]}]}"#;
    let long = format!(r#"{{"instruction":"write","id":1,"address":0,"data":{:?}}}"#, [1_u8; 244]);
    let cases = [
        (Protocol::Damiao, feedback.replace(r#""state":1"#, r#""state":16"#), "state is 16"),
        (Protocol::Damiao, feedback.replace("17", "2048"), "master is 2048"),
        (
            Protocol::Damiao,
            r#"{"action":"write","id":1,"register":"PMAX","value":1e39}"#.to_owned(),
            "PMAX is 1e39",
        ),
        (Protocol::Feetech, sync.replace("[1,2]", "[1,255]"), "id 255"),
        (Protocol::Feetech, sync.replace("[1,2]", "[1,1]"), "id 1 is named twice"),
        (Protocol::Feetech, block.replace(r#""id":1"#, r#""id":254"#), "id 254"),
        (Protocol::Feetech, block.replace("[0,8]", "[0]"), "data of id 1 are 1 bytes where length is 2"),
        (Protocol::Feetech, long, "data take 244 bytes where a packet has room for 243"),
    ];
    for (protocol, json, part) in cases {
        let why = refused(&codec(protocol), &json);
        assert!(why.contains(part) && !why.contains("FrameReader"), "{json}: {why}");
    }
}

#[test]
fn the_common_answer_to_a_fast_read_goes_there_and_back() {
    let dynamixel = codec(Protocol::Dynamixel2);
    let hex = "FFFFFD00FE19005500030102030484EE00070908070617EA8004FFFFFD00BFAF";
    let json = shown(&dynamixel, &parse_hex(hex).expect("hex"));
    assert_eq!(to_hex(&frame(&dynamixel, &json)), hex, "{json}");
}
