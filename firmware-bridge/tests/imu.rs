//! The inertial sensor's frame: golden bytes, damage of every kind, and finding the place again.

use firmware_bridge::protocol::imu::{
    IMU_FRAME_LEN, ImuCounts, ImuFrame, ImuReader, MAX_FORCE_M_S2, MAX_RATE_RAD_S, RESTART_FRAMES,
};
use firmware_bridge::protocol::{FrameReader, WireError};
use proptest::prelude::*;
use robot_interface::sensors::ImuSample;
use robot_interface::time::Stamp;

fn frame(sequence: u16) -> ImuFrame {
    ImuFrame {
        sequence,
        time_us: 1_000_000 + 2000 * u64::from(sequence),
        angular_velocity_rad_s: [0.5, -0.25, 2.0],
        specific_force_m_s2: [-1.0, 0.125, 9.75],
    }
}

/// CRC-16/KERMIT bit by bit: not the code that the codec uses.
fn kermit(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, &byte| {
        (0..8).fold(crc ^ u16::from(byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0x8408 } else { crc >> 1 })
    })
}

/// The frame's bytes with one 4-byte reading replaced and the checksum made right again.
fn with_reading(at: usize, value: f32) -> [u8; IMU_FRAME_LEN] {
    let mut bytes = frame(1).encode();
    bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
    let crc = kermit(&bytes[..36]);
    bytes[36..].copy_from_slice(&crc.to_le_bytes());
    bytes
}

/// What a reader finds in a stream given in chunks of one size.
fn read_all(stream: &[u8], chunk: usize) -> (Vec<ImuFrame>, ImuCounts) {
    let mut reader = ImuReader::new();
    let mut found = Vec::new();
    for mut bytes in stream.chunks(chunk) {
        found.extend(std::iter::from_fn(|| reader.next_frame(&mut bytes)));
    }
    (found, reader.counts())
}

#[test]
fn golden_bytes() {
    let golden = ImuFrame {
        sequence: 0x1234,
        time_us: 0x0102_0304_0506_0708,
        angular_velocity_rad_s: [1.0, -2.0, 0.5],
        specific_force_m_s2: [0.0, -0.0, 9.75],
    };
    let mut bytes = vec![0xAD, 0x17, 0x34, 0x12, 0x08, 0x07, 0x06, 0x05, 0x04, 0x03, 0x02, 0x01];
    bytes.extend([0x00, 0x00, 0x80, 0x3F, 0x00, 0x00, 0x00, 0xC0, 0x00, 0x00, 0x00, 0x3F]);
    bytes.extend([0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x80, 0x00, 0x00, 0x1C, 0x41]);
    bytes.extend([0xFA, 0x09]);
    assert_eq!(kermit(&bytes[..36]), 0x09FA, "computed bit by bit");
    assert_eq!(golden.encode().as_slice(), bytes);
    assert_eq!(ImuFrame::decode(&bytes), Ok(golden));
}

#[test]
fn a_sample_keeps_its_axes_and_its_time() {
    let sample = ImuSample {
        stamp: Stamp::from_nanos(12_345_000),
        angular_velocity_rad_s: [0.5, -1.25, 2.0].into(),
        linear_acceleration_m_s2: [0.125, -3.0, 9.75].into(),
    };
    let frame = ImuFrame::of_sample(9, &sample);
    let expected = ImuFrame {
        sequence: 9,
        time_us: 12_345,
        angular_velocity_rad_s: [0.5, -1.25, 2.0],
        specific_force_m_s2: [0.125, -3.0, 9.75],
    };
    assert_eq!(frame, expected);
    assert_eq!(frame.sample(sample.stamp), sample);
}

#[test]
fn a_frame_cut_at_any_byte_is_refused() {
    let bytes = frame(7).encode();
    for length in 0..IMU_FRAME_LEN {
        let expected = Err(WireError::Length { expected: IMU_FRAME_LEN, found: length });
        assert_eq!(ImuFrame::decode(&bytes[..length]), expected);
        // In a stream, the cut one costs itself only.
        let stream = [&bytes[..length], &frame(8).encode(), &frame(9).encode()].concat();
        assert!(read_all(&stream, 5).0.ends_with(&[frame(8), frame(9)]), "cut at {length}");
    }
    let longer = [bytes.as_slice(), &[0]].concat();
    assert!(matches!(ImuFrame::decode(&longer), Err(WireError::Length { .. })));
}

#[test]
fn any_flipped_bit_is_noticed() {
    for bit in 0..8 * IMU_FRAME_LEN {
        let mut bytes = frame(7).encode();
        bytes[bit / 8] ^= 1 << (bit % 8);
        match (bit, ImuFrame::decode(&bytes)) {
            (0..16, Err(WireError::Header { .. })) | (16.., Err(WireError::Crc { .. })) => {}
            (_, other) => panic!("bit {bit}: {other:?}"),
        }
    }
}

#[test]
fn readings_that_cannot_be_are_refused_and_leave_whole() {
    for at in (12..36).step_by(4) {
        let most = if at < 24 { MAX_RATE_RAD_S } else { MAX_FORCE_M_S2 };
        for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -most * 1.001, f32::MAX] {
            let bytes = with_reading(at, value);
            let error = ImuFrame::decode(&bytes).expect_err("absurd");
            assert!(matches!(error, WireError::Reading { .. }), "{error}");
            let stream = [bytes.as_slice(), &frame(2).encode()].concat();
            let (found, counts) = read_all(&stream, 11);
            assert_eq!(found, [frame(2)]);
            assert_eq!(counts, ImuCounts { frames: 1, refused: 1, ..ImuCounts::default() });
        }
        assert!(ImuFrame::decode(&with_reading(at, most)).is_ok(), "the limit itself is possible");
    }
}

#[test]
fn missing_samples_are_counted_and_refused_ones_are_not_among_them() {
    let stream: Vec<u8> = [frame(0).encode(), with_reading(12, f32::NAN), frame(2).encode()].concat();
    let (_, counts) = read_all(&stream, 64);
    assert_eq!(counts, ImuCounts { frames: 2, refused: 1, ..ImuCounts::default() });

    let at = |sequence, time_us| ImuFrame { time_us, ..frame(sequence) };
    let (_, counts) = read_frames(&[at(3, 1), at(6, 2), at(u16::MAX, 3), at(2, 4)]);
    // Between 3 and 6 two, between 6 and 65535 all the others, and after that 0 and 1.
    assert_eq!(counts.lost, 2 + (65_535 - 6 - 1) + 2);
    assert_eq!((counts.frames, counts.corrupt, counts.restarts), (4, 0, 0));
}

#[test]
fn a_sensor_that_starts_again_has_lost_nothing() {
    let frames = RESTART_FRAMES as u16 + 1;
    let anew = (0..frames).flat_map(|sequence| frame(sequence).encode());
    let stream: Vec<u8> = frame(900).encode().into_iter().chain(anew).collect();
    let (found, counts) = read_all(&stream, 64);
    assert_eq!(found, [frame(900), frame(frames - 2), frame(frames - 1)]);
    let out_of_order = u64::from(RESTART_FRAMES) - 1;
    assert_eq!(counts, ImuCounts { frames: 3, out_of_order, restarts: 1, ..ImuCounts::default() });
}

/// Each of these was taken for a sensor that had started again, and so for news, however often it came.
#[test]
fn what_repeats_itself_is_no_news() {
    let frozen = vec![frame(900); 1000];
    let (found, counts) = read_frames(&frozen);
    assert_eq!(found, [frame(900)]);
    assert_eq!(counts, ImuCounts { frames: 1, out_of_order: 999, ..ImuCounts::default() });

    // A stretch that comes round and round, and then goes on.
    let mut rounds: Vec<_> = (0..50).flat_map(|_| (100..200).map(frame)).collect();
    rounds.push(frame(200));
    let (found, counts) = read_frames(&rounds);
    assert_eq!(found, (100..=200).map(frame).collect::<Vec<_>>());
    assert_eq!((counts.out_of_order, counts.restarts, counts.lost), (49 * 100, 0, 0));
}

/// After a silence the sensor's time is far ahead; so it is in noise that passes for a frame.
#[test]
fn a_time_from_nowhere_is_believed_when_it_goes_on() {
    let later = |sequence, s: u64| {
        let frame = frame(sequence);
        ImuFrame { time_us: frame.time_us + 1_000_000 * s, ..frame }
    };
    let (found, counts) = read_frames(&[frame(1), later(7, 1 << 40), frame(2), frame(3)]);
    assert_eq!(found, [frame(1), frame(2), frame(3)]);
    assert_eq!((counts.out_of_order, counts.restarts, counts.lost), (1, 0, 0));
    let (found, counts) = read_frames(&[frame(1), later(2, 3600), later(3, 3600), later(4, 3600)]);
    assert_eq!(found, [frame(1), later(3, 3600), later(4, 3600)]);
    assert_eq!((counts.out_of_order, counts.restarts), (1, 0));
}

fn read_frames(frames: &[ImuFrame]) -> (Vec<ImuFrame>, ImuCounts) {
    read_all(&frames.iter().flat_map(ImuFrame::encode).collect::<Vec<_>>(), 64)
}

fn any_frame() -> impl Strategy<Value = ImuFrame> {
    let readings = (prop::array::uniform3(-100.0_f32..=100.0), prop::array::uniform3(-1000.0_f32..=1000.0));
    (any::<u16>(), any::<u64>(), readings).prop_map(|(sequence, time_us, (rate, force))| ImuFrame {
        sequence,
        time_us,
        angular_velocity_rad_s: rate,
        specific_force_m_s2: force,
    })
}

/// Frames whose times go forward.
fn newer_and_newer(count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<ImuFrame>> {
    let step = prop_oneof![Just(1_u64), 1..=1_000_000_u64];
    (0..u64::MAX / 2, prop::collection::vec((any_frame(), step), count)).prop_map(|(mut time_us, frames)| {
        let next = frames.into_iter().map(|(frame, step_us)| {
            time_us += step_us;
            ImuFrame { time_us, ..frame }
        });
        next.collect()
    })
}

proptest! {
    #[test]
    fn a_frame_survives_its_bytes(frame in any_frame()) {
        prop_assert_eq!(ImuFrame::decode(&frame.encode()), Ok(frame));
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..120)) {
        let _ = ImuFrame::decode(&bytes);
        let _ = read_all(&bytes, 3);
    }

    #[test]
    fn chunks_do_not_matter(frames in newer_and_newer(1..8), chunk in 1_usize..90) {
        let stream: Vec<u8> = frames.iter().flat_map(ImuFrame::encode).collect();
        let (found, counts) = read_all(&stream, chunk);
        prop_assert_eq!(found, frames);
        prop_assert_eq!(counts.corrupt, 0);
    }

    /// Noise made mostly of header bytes, so that false starts are common.
    #[test]
    fn the_place_is_found_again_within_two_frames(
        noise in prop::collection::vec(prop_oneof![Just(0xAD_u8), Just(0x17), any::<u8>()], 1..120),
        frames in newer_and_newer(2..5),
        chunk in 1_usize..90,
    ) {
        let mut stream = noise;
        stream.extend(frames.iter().flat_map(ImuFrame::encode));
        let (found, counts) = read_all(&stream, chunk);
        prop_assert!(counts.corrupt > 0);
        // All but one: once in 65536 a false start passes its checksum and takes the first good frame along.
        prop_assert!(found.ends_with(&frames[1..]), "{} of {}", found.len(), frames.len());
    }

    /// The generic reader and the counting one find the same.
    #[test]
    fn counting_changes_nothing(bytes in prop::collection::vec(any::<u8>(), 0..80), frames in newer_and_newer(2..3)) {
        let stream = [bytes.as_slice(), &frames[0].encode(), &frames[1].encode()].concat();
        let (mut plain, mut rest) = (FrameReader::<ImuFrame>::new(), stream.as_slice());
        let expected: Vec<_> = std::iter::from_fn(|| plain.next_frame(&mut rest)).flatten().collect();
        prop_assert_eq!(read_all(&stream, 13).0, expected);
    }
}
