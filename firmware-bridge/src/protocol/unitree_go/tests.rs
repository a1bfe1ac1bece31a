use proptest::prelude::*;

use super::*;

/// The command of `LowCmd` in the vendor's Python `struct` format, `<4B4IH2x` + `B3x5f3I` x 20 + `4B55Bx2I`, without the last word.
fn c_struct(command: &LowCmd) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend(command.head);
    out.extend([command.level_flag, command.frame_reserve]);
    command.sn.iter().chain(&command.version).for_each(|word| out.extend(word.to_le_bytes()));
    out.extend(command.bandwidth.to_le_bytes());
    out.extend([0; 2]);
    for motor in &command.motors {
        out.extend([motor.mode, 0, 0, 0]);
        let values = [motor.q, motor.dq, motor.tau, motor.kp, motor.kd];
        values.iter().for_each(|value| out.extend(value.to_le_bytes()));
        motor.reserve.iter().for_each(|word| out.extend(word.to_le_bytes()));
    }
    out.push(command.bms.off);
    out.extend(command.bms.reserve);
    out.extend(command.wireless_remote);
    out.extend(command.led);
    out.extend(command.fan);
    out.extend([command.gpio, 0]);
    out.extend(command.reserve.to_le_bytes());
    out
}

/// The vendor's checksum, bit by bit.
fn bitwise(bytes: &[u8]) -> u32 {
    let mut crc = 0xFFFF_FFFF_u32;
    for word in bytes.as_chunks::<4>().0 {
        let word = u32::from_le_bytes(*word);
        for bit in (0..32).rev() {
            let differs = (crc >> 31) ^ (word >> bit & 1) > 0;
            crc = crc << 1 ^ if differs { 0x04C1_1DB7 } else { 0 };
        }
    }
    crc
}

fn motor() -> impl Strategy<Value = MotorCmd> {
    let targets = proptest::array::uniform5(-100.0f32..100.0);
    (any::<u8>(), targets, any::<[u32; 3]>()).prop_map(|(mode, [q, dq, tau, kp, kd], reserve)| MotorCmd {
        mode,
        q,
        dq,
        tau,
        kp,
        kd,
        reserve,
    })
}

fn command() -> impl Strategy<Value = LowCmd> {
    let motors = proptest::collection::vec(motor(), MOTORS);
    (
        motors,
        any::<([u32; 2], [u32; 2], u16, [u8; 12], [u8; 4], u32)>(),
        proptest::collection::vec(any::<u8>(), 40),
    )
        .prop_map(|(motors, (sn, version, bandwidth, led, more, reserve), remote)| {
            let mut command = LowCmd { sn, version, bandwidth, led, reserve, ..LowCmd::new() };
            command.motors.copy_from_slice(&motors);
            command.wireless_remote.copy_from_slice(&remote);
            (command.bms.off, command.fan, command.gpio) = (more[0], [more[1], more[2]], more[3]);
            command
        })
}

proptest! {
    #[test]
    fn a_command_carries_the_checksum_of_the_c_struct(mut command in command()) {
        let mut sample = Vec::new();
        command.encode_into(&mut sample);
        prop_assert_eq!(sample.len(), LowCmd::SAMPLE_LEN);
        prop_assert_eq!(command.crc, bitwise(&c_struct(&command)));
        let read = LowCmd::decode(&sample).expect("whole");
        prop_assert_eq!(read, command);
        prop_assert_eq!(read.checksum(), read.crc);
    }

    #[test]
    fn a_state_comes_back_and_a_changed_one_is_seen(
        q in -10.0f32..10.0, tick: u32, soc: u8, at in 24usize..LowState::SAMPLE_LEN - 4, mask in 1u8..=255,
    ) {
        let mut state = LowState::new();
        (state.motors[7].q, state.tick, state.bms.soc_percent) = (q, tick, soc);
        let mut sample = Vec::new();
        state.encode_into(&mut sample);
        prop_assert_eq!(sample.len(), LowState::SAMPLE_LEN);
        let read = LowState::decode(&sample).expect("whole");
        prop_assert_eq!(read, state);
        prop_assert_eq!(read.checksum(), read.crc);
        sample[at] ^= mask;
        let read = LowState::decode(&sample).expect("whole");
        // Gaps are no part of the state, whatever they hold.
        prop_assert!(read.checksum() != read.crc || read == state);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..1300), cdr: bool) {
        let bytes = if cdr { [&[0, 1, 0, 0][..], &bytes].concat() } else { bytes };
        let _ = LowCmd::decode(&bytes);
        let _ = LowState::decode(&bytes);
        let _ = Request::decode(&bytes);
        let _ = Response::decode(&bytes);
    }
}

#[test]
fn a_state_has_its_fields_where_the_vendor_has_them() {
    let mut state = LowState::new();
    state.imu.temperature_c = -5;
    (state.motors[0].mode, state.motors[0].q, state.motors[1].mode) = (1, 1.0, 2);
    (state.bms.soc_percent, state.foot_force[0], state.tick) = (77, 300, 0x0102_0304);
    (state.bit_flag, state.adc_reel, state.power_v) = (9, 2.0, 29.5);
    let mut sample = Vec::new();
    state.encode_into(&mut sample);
    let body = &sample[4..];
    assert_eq!((body[76], body[77], &body[80..84]), (251, 1, &1.0f32.to_le_bytes()[..]));
    // Of motors after the first 48 bytes each: mode, seven numbers, temperature, lost, two words.
    assert_eq!(body[124], 2);
    let bms = 76 + 48 * MOTORS;
    assert_eq!(body[bms + 3], 77);
    assert_eq!(body[bms + 44..bms + 46], 300i16.to_le_bytes());
    assert_eq!(body[bms + 60..bms + 64], [4, 3, 2, 1]);
    assert_eq!((body[bms + 104], &body[bms + 108..bms + 112]), (9, &2.0f32.to_le_bytes()[..]));
    assert_eq!(body[bms + 116..bms + 120], 29.5f32.to_le_bytes());
}

#[test]
fn a_request_and_its_answer_come_back() {
    let identity = RequestIdentity { id: 7, api_id: api::MOVE };
    let policy = RequestPolicy { priority: 0, noreply: true };
    let parameter = r#"{"x":0.3,"y":0.0,"z":0.1}"#;
    let request =
        Request { header: RequestHeader { identity, lease_id: 0, policy }, parameter, binary: Vec::new() };
    let sample = request.encode();
    assert_eq!(Request::decode(&sample).expect("whole"), request);
    assert_eq!(sample[4..20], [7i64.to_le_bytes(), 1008i64.to_le_bytes()].concat());
    let answer = Response { header: ResponseHeader { identity, code: -1 }, data: "", binary: vec![1, 2] };
    assert_eq!(Response::decode(&answer.encode()).expect("whole"), answer);
}

#[test]
fn nothing_is_allocated_once_there_is_room() {
    let (mut command, mut sample) = (LowCmd::new(), Vec::with_capacity(LowCmd::SAMPLE_LEN));
    let allocated = allocation_counter::measure(|| command.encode_into(&mut sample));
    assert_eq!(allocated.count_total, 0);
}

/// The checksums that the vendor's `crc.py` gives for the same messages.
#[test]
fn checksums_are_the_vendors() {
    let mut command = LowCmd::new();
    let mut state = LowState::new();
    for (i, (sent, told)) in command.motors.iter_mut().zip(&mut state.motors).take(12).enumerate() {
        *sent = MotorCmd { mode: 1, q: 0.125 * i as f32, kp: 20.0, kd: 0.5, ..MotorCmd::default() };
        *told = MotorState { mode: 1, q: 0.125 * i as f32, temperature_c: 30, ..MotorState::default() };
    }
    (state.imu.quaternion[0], state.tick, state.bms.soc_percent) = (1.0, 1234, 80);
    assert_eq!((command.checksum(), state.checksum()), (0x0C3E_961C, 0x8A95_A9C7));
}
