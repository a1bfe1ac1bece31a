//! What must hold of every decoder, whatever comes: one function a target. `cargo fuzz` calls them with what it breeds
//! (`firmware-bridge/fuzz`), and the test `fuzz` with random and damaged frames, on stable Rust.
//!
//! Of each reader: it does not panic; what it keeps is of fixed size and within it; every frame that it finds can be
//! written and read again; and after any noise it is back within two good frames, unless the noise has beaten the
//! checksum and taken a part of them along.

pub(crate) mod bridge;

use adit_link::{Decoder, MAX_FRAME_LEN, Message, encode_frame};
use firmware_bridge::protocol::Impedance;
use firmware_bridge::protocol::damiao::{self, Answer, Inbound};
use firmware_bridge::protocol::dynamixel2::{self, ErrorByte};
use firmware_bridge::protocol::feetech::{self, Errors};
use firmware_bridge::protocol::imu::ImuFrame;
use firmware_bridge::protocol::unitree_a1::{self, CommandFrame};
use firmware_bridge::protocol::{Frame, FrameReader, go_m8010};

pub(crate) use self::bridge::{handle_bytes, linked_bytes};

/// A target's body: it panics if something does not hold.
pub(crate) type Body = fn(&[u8]);

/// The targets by name.
pub(crate) const TARGETS: [(&str, Body); 9] = [
    ("go_m8010", go_m8010_frames),
    ("unitree_a1", unitree_a1_frames),
    ("imu", imu_frames),
    ("dynamixel2", dynamixel2_packets),
    ("feetech", feetech_packets),
    ("damiao", damiao_frames),
    ("adit_link", adit_link_frames),
    ("handle_bytes", handle_bytes),
    ("linked_bytes", linked_bytes),
];

/// Commands and replies of the GO-M8010-6.
pub(crate) fn go_m8010_frames(data: &[u8]) {
    let reply = go_m8010::Reply {
        id: go_m8010::MotorId::new(3).expect("an address"),
        mode: go_m8010::Mode::Foc,
        torque_nm: 0.5,
        velocity_rad_s: -1.0,
        position_rad: 7.0,
        temperature_c: 40.0,
        error: None,
        foot_force: 5,
    };
    comes_back::<go_m8010::Reply, 128>(data, &reply.encode(), |found, bytes| {
        found.encode().as_slice() == bytes
    });
    let command = go_m8010::Command {
        id: reply.id,
        mode: reply.mode,
        targets: Impedance { position_rad: 7.0, velocity_rad_s: -1.0, torque_nm: 0.5, kp: 0.5, kd: 0.1 },
    };
    comes_back::<go_m8010::Command, 128>(data, &command.encode_nearest(), |found, bytes| {
        found.encode_nearest().as_slice() == bytes
    });
}

/// Commands and replies of the A1 and B1 motors.
pub(crate) fn unitree_a1_frames(data: &[u8]) {
    let reply = unitree_a1::Reply {
        id: unitree_a1::MotorId(1),
        mode: unitree_a1::Mode::Foc,
        torque_nm: 0.5,
        velocity_rad_s: -1.0,
        position_rad: 7.0,
        temperature_c: 40.0,
        error: 0,
        foot_force: 5,
        gyro_rad_s: [0.0; 3],
        accel_m_s2: [0.0, 0.0, 9.81],
    };
    comes_back::<unitree_a1::Reply, 128>(data, &reply.encode(), |found, bytes| {
        found.encode().as_slice() == bytes
    });
    let command = unitree_a1::Command {
        id: reply.id,
        mode: reply.mode,
        targets: Impedance { position_rad: 7.0, velocity_rad_s: -1.0, torque_nm: 0.5, kp: 0.5, kd: 0.1 },
    };
    let model = unitree_a1::Model::A1;
    comes_back::<CommandFrame, 128>(data, &command.encode_nearest(model), |found, bytes| {
        found.read(model).encode_nearest(model).as_slice() == bytes
    });
}

/// The inertial sensor's frames.
pub(crate) fn imu_frames(data: &[u8]) {
    let frame = ImuFrame {
        sequence: 7,
        time_us: 1_000_000,
        angular_velocity_rad_s: [0.5, -0.25, 2.0],
        specific_force_m_s2: [-1.0, 0.125, 9.75],
    };
    comes_back::<ImuFrame, 128>(data, &frame.encode(), |found, bytes| found.encode().as_slice() == bytes);
}

/// Packets of DYNAMIXEL Protocol 2.0.
pub(crate) fn dynamixel2_packets(data: &[u8]) {
    use dynamixel2::{MAX_PACKET_LEN, Packet};
    let status = Packet::status(2, ErrorByte::from_byte(0), &[1, 2, 0xFF, 0xFF, 0xFD, 3]).expect("it fits");
    let mut buffer = [0; MAX_PACKET_LEN];
    let good = status.encode(&mut buffer).to_vec();
    comes_back::<Packet, MAX_PACKET_LEN>(data, &good, |found, bytes| {
        found.encode(&mut [0; MAX_PACKET_LEN]) == bytes
    });
}

/// Requests and answers of Feetech's servos.
pub(crate) fn feetech_packets(data: &[u8]) {
    use feetech::{MAX_PACKET_LEN, Packet, ServoId, Status};
    let id = ServoId::new(4).expect("an id");
    let status = Status::new(id, Errors(0), &[1, 2, 0xFF, 0xFF, 3]).expect("it fits");
    let mut buffer = [0; MAX_PACKET_LEN];
    let good = status.encode(&mut buffer).to_vec();
    comes_back::<Status, MAX_PACKET_LEN>(data, &good, |found, bytes| {
        found.encode(&mut [0; MAX_PACKET_LEN]) == bytes
    });
    comes_back::<Packet, MAX_PACKET_LEN>(data, &good, |found, bytes| {
        found.encode(&mut [0; MAX_PACKET_LEN]) == bytes
    });
}

/// The adapter's frames of Damiao's motors, which have no checksum: its reader is its own.
pub(crate) fn damiao_frames(data: &[u8]) {
    let feedback = damiao::Feedback {
        id: damiao::MotorId::new(1).expect("an id"),
        master: 0x11,
        state: damiao::State::Enabled,
        position: 0x8123,
        velocity: 0x7FF,
        torque: 0x812,
        mos_c: 30,
        rotor_c: 31,
    };
    let good = Answer::Feedback(feedback).inbound();
    let mut reader = damiao::Reader::new();
    let mut read = |mut bytes: &[u8]| {
        let mut found = Vec::new();
        while let Some(next) = reader.next_frame(&mut bytes) {
            if let Ok(frame) = next {
                // What it carries is looked at by whoever asked: no answer may make him panic.
                let _ = Answer::decode(&frame);
                assert_eq!(Inbound::decode(&frame.encode()), Ok(frame));
                found.push(frame);
            }
        }
        found
    };
    read(data);
    let first = read(&[good.encode(), good.encode()].concat());
    if !first.contains(&good) {
        assert!(!first.is_empty(), "two good frames, and none was found");
        assert!(read(&[good.encode(), good.encode()].concat()).contains(&good), "nor in two more");
    }
}

/// Frames of Adit's own link.
pub(crate) fn adit_link_frames(data: &[u8]) {
    let mut decoder = Decoder::new();
    let mut rest = data;
    while let Some(found) = decoder.next_frame(&mut rest) {
        let Ok((seq, message)) = found else { continue };
        let mut frame = [0; MAX_FRAME_LEN];
        let len = encode_frame(seq, &message, &mut frame).expect("what was read can be written");
        let again = Decoder::new().next_frame(&mut &frame[..len]);
        assert!(matches!(again, Some(Ok((same, _))) if same == seq), "{message:?} became {again:?}");
    }
    let mut frame = [0; MAX_FRAME_LEN];
    let len = encode_frame(7, &Message::EmergencyStop, &mut frame).expect("it fits");
    let good = &frame[..len];
    let two = [good, good].concat();
    let mut rest = two.as_slice();
    let found: Vec<_> = std::iter::from_fn(|| decoder.next_frame(&mut rest)).collect();
    assert_eq!(found.last(), Some(&Ok((7, Message::EmergencyStop))), "{found:?}");
}

/// A reader that has seen `data` is back within two good frames.
///
/// `same` says whether a frame gives the bytes again; a frame whose reserved bits were set need not.
fn comes_back<F: Frame, const N: usize>(data: &[u8], good: &[u8], same: impl Fn(&F, &[u8]) -> bool) {
    let mut reader = FrameReader::<F, N>::new();
    // In pieces too, as a port gives them.
    let (front, back) = data.split_at(data.len() / 2);
    for mut piece in [front, back] {
        let mut calls = 0;
        while reader.next_frame(&mut piece).is_some() {
            calls += 1;
            assert!(calls <= 2 * (data.len() + N), "it reports without end");
        }
        assert!(reader.held().len() < N, "{} bytes are kept", reader.held().len());
    }
    let mut is_back = |mut bytes: &[u8]| {
        // To the end, though the first good one would do: what is behind it must not panic either.
        let found: Vec<_> = std::iter::from_fn(|| reader.next_frame(&mut bytes)).flatten().collect();
        found.iter().any(|frame| same(frame, good))
    };
    let two = [good, good].concat();
    if is_back(&two) {
        return;
    }
    assert!(beats_the_checksum::<F>(data, &two), "two good frames, and none was found");
    // Noise that passes for a frame may take along as much as the longest frame has.
    assert!(is_back(&good.repeat(F::MAX_LEN / good.len() + 2)), "nor in as many as the longest frame hides");
}

/// Whether some noise, with a part of what follows it, passes for a frame.
fn beats_the_checksum<F: Frame>(noise: &[u8], behind: &[u8]) -> bool {
    let stream = [noise, behind].concat();
    (0..stream.len()).filter(|&at| at != noise.len() && at != noise.len() + behind.len() / 2).any(|at| {
        let bytes = &stream[at..];
        let len = if bytes.starts_with(F::HEADER) { F::len_of(bytes).ok().flatten() } else { None };
        let window = len.and_then(|len| bytes.get(..len));
        window.is_some_and(|window| at + window.len() > noise.len() && F::decode(window).is_ok())
    })
}
