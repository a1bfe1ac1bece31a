//! Messages of whole robots. `launch/tests/vendor/unitree_go.py` compares them with the vendor's own library.

use launch::wire_tools::{RobotProtocol, parse_hex, to_hex};
use serde_json::{Value, json};

use super::{text, wire};

fn encoded(protocol: RobotProtocol, object: &Value) -> Vec<u8> {
    protocol.encode(object.as_object().expect("an object")).unwrap_or_else(|why| panic!("{object}: {why}"))
}

fn decoded(protocol: RobotProtocol, message: &[u8]) -> Value {
    serde_json::from_str(&protocol.decode(message).expect("a message")).expect("JSON")
}

#[test]
fn every_example_comes_back() {
    for protocol in RobotProtocol::ALL {
        for example in protocol.examples() {
            let object: Value = serde_json::from_str(example).expect("JSON");
            let message = encoded(protocol, &object);
            assert_eq!(encoded(protocol, &decoded(protocol, &message)), message, "{example}");
        }
    }
}

#[test]
fn a_low_command_of_twelve_motors_is_a_sample_of_808_bytes_behind_its_encapsulation() {
    let motor = json!({"mode": 1, "q": 0.1, "dq": 0, "tau": 0, "kp": 20, "kd": 0.5});
    let sample = encoded(RobotProtocol::UnitreeGo, &json!({"motors": vec![motor; 12]}));
    assert_eq!((sample.len(), &sample[..7]), (812, &[0, 1, 0, 0, 0xFE, 0xEF, 0xFF][..]));
    let shown = decoded(RobotProtocol::UnitreeGo, &sample);
    assert_eq!(shown["motors"].as_array().map(Vec::len), Some(20));
    assert_eq!((&shown["motors"][11]["q"], &shown["motors"][12]["mode"]), (&json!(0.1), &json!(0)));
    assert_eq!(shown["crc_ok"], true);
}

#[test]
fn a_state_whose_checksum_is_wrong_is_shown_and_says_so() {
    let example = RobotProtocol::UnitreeGo.examples()[1];
    let mut sample = encoded(RobotProtocol::UnitreeGo, &serde_json::from_str(example).expect("JSON"));
    let last = sample.len() - 1;
    sample[last] ^= 1;
    let shown = decoded(RobotProtocol::UnitreeGo, &sample);
    assert_eq!((&shown["crc_ok"], &shown["battery"]["soc_percent"]), (&json!(false), &json!(80)));
}

#[test]
fn a_request_has_its_parameter_as_json_or_as_text() {
    let with = |parameter: Value| {
        encoded(RobotProtocol::UnitreeGo, &json!({"api_id": 1008, "parameter": parameter, "noreply": true}))
    };
    let sample = with(json!({"x": 0.5}));
    assert_eq!(sample, with(json!("{\"x\":0.5}")));
    assert_eq!(decoded(RobotProtocol::UnitreeGo, &sample)["parameter"], json!({"x": 0.5}));
}

#[test]
fn each_line_is_a_message_and_what_is_none_is_named_with_its_line() {
    let take = "1401000000000000000000 00";
    let output =
        wire(&["decode", "--protocol", "deeprobotics"], &format!("# taking over\n{take}\n\n{take}00\nxx\n"));
    assert_eq!(text(&output.stdout), "{\"code\":276,\"value\":0}\n");
    let told = text(&output.stderr);
    assert!(told.contains("line 4: 13 bytes where its header makes it 12"), "{told}");
    assert!(told.contains("line 5: `x` is no hexadecimal digit"), "{told}");
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn what_makes_no_message_says_what_would() {
    for (protocol, object, why) in [
        (RobotProtocol::UnitreeGo, json!({}), "a command has motors"),
        (RobotProtocol::UnitreeGo, json!({"motors": vec![json!({"mode": 1}); 1]}), "missing field `q`"),
        (
            RobotProtocol::UnitreeGo,
            json!({"motors": vec![json!({"mode": 1, "q": 1e300, "dq": 0, "tau": 0, "kp": 0, "kd": 0}); 1]}),
            "q is more than single precision holds",
        ),
        (
            RobotProtocol::UnitreeGo,
            json!({"motors": vec![json!({"mode": 1, "q": "NaN", "dq": 0, "tau": 0, "kp": 0, "kd": 0}); 1]}),
            "finite numbers only",
        ),
        (RobotProtocol::DeepRobotics, json!({"joints": []}), "0 joints: a robot has 12"),
        (RobotProtocol::DeepRobotics, json!({"code": 1}), "one of value, number and payload"),
        (RobotProtocol::DeepRobotics, json!({"code": 1, "value": 0, "count": 1u32 << 24}), "it goes from 0"),
    ] {
        let refused = protocol.encode(object.as_object().expect("an object")).expect_err("no message");
        assert!(refused.to_string().contains(why), "{object}: {refused}");
    }
}

/// States of both robots, and what a Lite3 sends more.
#[test]
fn states_of_lite3_and_x30_differ_in_their_feet() {
    let joints = vec![json!({"q": 0.5, "dq": 0.0, "tau": -1.5, "temperature_c": 31.0}); 12];
    let imu = json!({"stamp": 7, "rpy_deg": [1.0, 2.0, 3.0], "gyroscope": [0.0, 0.0, 0.0], "accelerometer": [0.0, 0.0, 9.81]});
    for (robot, len) in [("lite3", 348), ("x30", 296)] {
        let state = json!({
            "tick_ms": 5, "robot": robot, "imu": imu, "joints": joints, "contact_force": vec![2.5; 12],
        });
        let datagram = encoded(RobotProtocol::DeepRobotics, &state);
        assert_eq!(datagram.len(), len);
        assert_eq!(decoded(RobotProtocol::DeepRobotics, &datagram), state);
        assert_eq!(parse_hex(&to_hex(&datagram)).expect("digits"), datagram);
    }
}
