//! How a reader of the adapter's frames, which have no checksum, finds its place; and how often it is wrong.

#![allow(clippy::print_stderr, reason = "figures for whoever runs it with --nocapture")]

use firmware_bridge::protocol::WireError;
use firmware_bridge::protocol::damiao::adapter::INBOUND_LEN;
use firmware_bridge::protocol::damiao::{
    Access, Answer, Fault, Feedback, Inbound, Model, Monitor, MonitorReply, MotorId, Place, Reader,
    RegisterReply, Report, State,
};
use proptest::prelude::*;

const STATES: [State; 9] = [
    State::Disabled,
    State::Enabled,
    State::Fault(Fault::OverVoltage),
    State::Fault(Fault::UnderVoltage),
    State::Fault(Fault::OverCurrent),
    State::Fault(Fault::MosOverTemperature),
    State::Fault(Fault::RotorOverTemperature),
    State::Fault(Fault::CommunicationLost),
    State::Fault(Fault::Overload),
];

/// Numbers without end that are the same every time (xorshift64*).
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, limit: u64) -> usize {
        (((self.roll() >> 32) * limit) >> 32) as usize
    }

    fn byte(&mut self) -> u8 {
        (self.roll() >> 56) as u8
    }

    /// A motor's feedback: any motion, temperatures as they are.
    fn feedback(&mut self, id: u8) -> Inbound {
        let id = MotorId::new(id).expect("an id");
        Answer::Feedback(Feedback {
            id,
            master: 0x10 + u16::from(id.get()),
            state: State::Enabled,
            position: self.roll() as u16,
            velocity: self.roll() as u16 & 0xFFF,
            torque: self.roll() as u16 & 0xFFF,
            mos_c: 20 + (self.byte() >> 2),
            rotor_c: 20 + (self.byte() >> 2),
        })
        .inbound()
    }
}

/// All that a reader finds.
fn read_all(stream: &[u8], chunk: usize) -> (Vec<Inbound>, usize) {
    let mut reader = Reader::new();
    let (mut found, mut errors) = (Vec::new(), 0);
    for mut piece in stream.chunks(chunk) {
        while let Some(result) = reader.next_frame(&mut piece) {
            match result {
                Ok(frame) => found.push(frame),
                Err(_) => errors += 1,
            }
        }
    }
    (found, errors)
}

/// How the vendor's library finds frames: AA, and 55 fifteen bytes on.
fn by_the_vendors_rule(stream: &[u8]) -> Vec<&[u8]> {
    let (mut found, mut at) = (Vec::new(), 0);
    while at + INBOUND_LEN <= stream.len() {
        if stream[at] == 0xAA && stream[at + INBOUND_LEN - 1] == 0x55 {
            found.push(&stream[at..at + INBOUND_LEN]);
            at += INBOUND_LEN;
        } else {
            at += 1;
        }
    }
    found
}

fn bytes(frames: &[Inbound]) -> Vec<u8> {
    frames.iter().flat_map(Inbound::encode).collect()
}

#[test]
fn a_quiet_line_is_believed_at_once_and_a_noisy_one_only_with_a_neighbour() {
    let mut dice = Dice(1);
    let [first, second] = [dice.feedback(1), dice.feedback(2)];
    assert_eq!(read_all(&bytes(&[first]), 16).0, [first]);

    let mut reader = Reader::new();
    let noisy = [&[0x00, 0xAA, 0x11][..], &first.encode()].concat();
    let mut rest = noisy.as_slice();
    assert!(matches!(reader.next_frame(&mut rest), Some(Err(WireError::Header { .. }))));
    assert_eq!(reader.next_frame(&mut rest), None, "one frame after noise waits");
    assert_eq!(reader.place(), Place::Lost);
    let next = second.encode();
    let mut rest = next.as_slice();
    assert_eq!(reader.next_frame(&mut rest), Some(Ok(first)), "and the second vouches for it");
    assert_eq!(reader.next_frame(&mut rest), Some(Ok(second)));
    assert_eq!((reader.place(), reader.counts().losses, reader.counts().frames), (Place::Known, 1, 2));
}

#[test]
fn a_quiet_time_gives_the_place_back() {
    let frame = Dice(2).feedback(3);
    let mut reader = Reader::new();
    let noisy = [&[1, 2, 3][..], &frame.encode()].concat();
    let mut rest = noisy.as_slice();
    while reader.next_frame(&mut rest).is_some() {}
    assert_eq!(reader.clear(), INBOUND_LEN, "the frame that had no neighbour");
    let bytes = frame.encode();
    let mut rest = bytes.as_slice();
    assert_eq!(reader.next_frame(&mut rest), Some(Ok(frame)));
}

#[test]
fn other_nodes_and_the_adapters_reports_keep_the_place() {
    let mut dice = Dice(3);
    let mut other = dice.feedback(4);
    (other.id, other.format, other.data) = (0x18FF_50E5, 0x45, [0; 8]);
    let sent = Inbound { report: Report::Sent, ..dice.feedback(5) };
    let frames = [dice.feedback(1), other, sent, dice.feedback(2)];
    assert_eq!(read_all(&bytes(&frames), 7), (frames.to_vec(), 0));
}

/// A perfect frame that nobody sent just now, such as an old one out of a buffer.
#[test]
fn a_perfect_frame_alone_in_noise_is_not_believed() {
    let mut dice = Dice(7);
    let [stray, first, second] = [1, 2, 3].map(|id| dice.feedback(id));
    let stream = [&[1, 2, 3][..], &stray.encode(), &[4, 5], &first.encode(), &second.encode()].concat();
    let mut reader = Reader::new();
    let mut rest = stream.as_slice();
    let found: Vec<_> = std::iter::from_fn(|| reader.next_frame(&mut rest)).filter_map(Result::ok).collect();
    assert_eq!(found, [first, second]);
    assert_eq!(reader.counts().unconfirmed, 1);
}

/// The state 5 would make the one window that begins eight bytes late possible.
#[test]
fn states_without_a_name_do_not_vouch_for_each_other() {
    let answer = |id| {
        let feedback = Feedback {
            id: MotorId::new(id).expect("an id"),
            master: 0,
            state: State::Fault(Fault::Undefined(5)),
            position: 0xAA11,
            velocity: 0x080,
            torque: 0,
            mos_c: 0,
            rotor_c: 0,
        };
        Answer::Feedback(feedback).inbound()
    };
    let frames = [answer(5), answer(5), answer(5)];
    assert_eq!(read_all(&bytes(&frames), 16).0, frames, "in place they are told as they are");
    let (found, _) = read_all(&bytes(&frames)[3..], 16);
    assert_eq!(found, [], "out of place there are two readings of them, and none is believed");
}

#[test]
fn a_report_without_an_answer_behind_it_waits_for_one() {
    let frame = Dice(6).feedback(1);
    let heartbeat = Inbound { report: Report::Heartbeat, ..frame };
    let mut reader = Reader::new();
    let said = heartbeat.encode();
    let mut rest = said.as_slice();
    assert_eq!(reader.next_frame(&mut rest), None);
    assert_eq!((reader.place(), reader.clear()), (Place::Known, INBOUND_LEN), "a new request forgets it");
    assert_eq!(read_all(&bytes(&[heartbeat, frame]), 16), (vec![heartbeat, frame], 0));
    assert_eq!(read_all(&bytes(&[heartbeat, heartbeat, frame, frame]), 16), (vec![frame, frame], 1));
}

/// The case that [`firmware_bridge::protocol::damiao`] proves on paper, tried with bytes that are meant to break it.
fn any_answer() -> impl Strategy<Value = Inbound> {
    let bad =
        prop_oneof![Just(0xAA_u8), Just(0x11), Just(0x08), Just(0x00), Just(0x55), Just(0x07), any::<u8>()];
    let data = prop::array::uniform7(bad);
    let master = prop_oneof![Just(0_u16), Just(0x55), Just(0xAA), Just(0x11), 0_u16..0x800];
    let feedback = (1_u8..16, master, 0..STATES.len(), data.clone()).prop_map(|(id, master, state, d)| {
        let word = |at: usize| u16::from_be_bytes([d[at], d[at + 1]]);
        Answer::Feedback(Feedback {
            id: MotorId::new(id).expect("an id"),
            master,
            state: STATES[state],
            position: word(0),
            velocity: word(2) >> 4,
            torque: word(3) & 0xFFF,
            mos_c: d[5],
            rotor_c: d[6],
        })
    });
    let register = (1_u8..16, 0_u16..0x800, any::<bool>(), 0_usize..45, data).prop_map(
        |(id, master, write, register, d)| {
            Answer::Register(RegisterReply {
                id: MotorId::new(id).expect("an id"),
                master,
                access: if write { Access::Write } else { Access::Read },
                register: firmware_bridge::protocol::damiao::REGISTERS[register],
                bytes: [d[0], d[1], d[2], d[3]],
            })
        },
    );
    prop_oneof![4 => feedback, 1 => register].prop_map(|answer| answer.inbound())
}

fn nasty_noise() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        3 => Just(0xAA_u8),
        3 => Just(0x11),
        1 => Just(0x08),
        2 => Just(0x00),
        2 => Just(0x55),
        1 => any::<u8>(),
    ];
    prop::collection::vec(byte, 1..80)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Opened in the middle of a stream, a reader takes nothing that is out of place.
    #[test]
    fn no_window_out_of_place_is_an_answer(
        frames in prop::collection::vec(any_answer(), 3..8), cut in 1..INBOUND_LEN, chunk in 1_usize..40,
    ) {
        let stream = bytes(&frames);
        for window in stream[cut..].windows(INBOUND_LEN).step_by(1).enumerate() {
            let (at, window) = window;
            if (at + cut) % INBOUND_LEN != 0 {
                let answer = Inbound::decode(window).ok().and_then(|frame| Answer::decode(&frame).ok()?);
                let plausible = answer.filter(|answer| !matches!(answer,
                    Answer::Feedback(Feedback { state: State::Fault(Fault::Undefined(_)), .. })));
                prop_assert_eq!(plausible, None, "at {}", at + cut);
            }
        }
        let (found, _) = read_all(&stream[cut..], chunk);
        let answers: Vec<_> = found.into_iter().filter(|frame| frame.can().is_some()).collect();
        prop_assert!(answers.is_empty() || frames.ends_with(&answers), "{answers:?}");
    }

    /// Within two good frames after any noise; three if the noise itself began like a frame on a quiet line.
    #[test]
    fn the_place_is_found_again_after_noise(
        before in any_answer(), noise in nasty_noise(), frames in prop::collection::vec(any_answer(), 3..6),
        chunk in 1_usize..40,
    ) {
        let stream = [before.encode().as_slice(), &noise, &bytes(&frames)].concat();
        let (found, errors) = read_all(&stream, chunk);
        prop_assert_eq!(found[0], before);
        prop_assert!(errors >= 1 || found.len() > frames.len(), "the noise was noticed, or passed for a frame");
        prop_assert!(found.ends_with(&frames) || found.ends_with(&frames[1..]), "{} of {}", found.len(), frames.len());
    }

    #[test]
    fn chunks_do_not_matter(frames in prop::collection::vec(any_answer(), 1..8), chunk in 1_usize..50) {
        prop_assert_eq!(read_all(&bytes(&frames), chunk), (frames, 0));
    }

    #[test]
    fn a_frame_cut_short_costs_no_more_than_its_follower(
        cut in any_answer(), kept in 1..INBOUND_LEN, frames in prop::collection::vec(any_answer(), 3..5),
    ) {
        let stream = [&cut.encode()[..kept], &bytes(&frames)].concat();
        let (found, _) = read_all(&stream, 5);
        prop_assert!(found.ends_with(&frames) || found.ends_with(&frames[1..]));
    }

    #[test]
    fn arbitrary_bytes_never_panic(noise in prop::collection::vec(any::<u8>(), 0..200), chunk in 1_usize..40) {
        let _ = read_all(&noise, chunk);
    }
}

/// The numbers in the module's documentation: noise alone.
#[test]
fn noise_alone_is_never_believed_where_the_vendors_rule_believes_it() {
    let mut dice = Dice(4);
    let (mut ours, mut vendors) = (0, 0);
    let mut reader = Reader::new();
    for _ in 0..1024 {
        let noise: Vec<u8> = (0..8192).flat_map(|_| dice.roll().to_le_bytes()).collect();
        vendors += by_the_vendors_rule(&noise).len();
        let mut rest = noise.as_slice();
        while let Some(result) = reader.next_frame(&mut rest) {
            ours += usize::from(result.is_ok());
        }
    }
    eprintln!("64 MiB of noise: {ours} frames here, {vendors} by the vendor's rule");
    assert_eq!(ours, 0);
    assert!((700..1300).contains(&vendors), "{vendors}: about 2^-16 a byte");
    assert_eq!(reader.counts().unconfirmed, 0, "not even a single window");
}

/// What goes wrong with a stream of twelve motors' answers, each time at one place.
#[derive(Clone, Copy, Debug)]
enum Mishap {
    /// 1 to 15 bytes are missing.
    Lost,
    /// 16, 32 or 48 bytes are missing.
    LostWholeFrames,
    /// 1 to 15 bytes of noise come in between.
    Noise,
    /// A bit is flipped.
    Flipped,
}

/// Frames that were never sent, as a share of so many mishaps.
#[derive(Debug, Default)]
struct Shares {
    /// By the vendor's rule.
    vendor: f64,
    /// By this reader.
    reader: f64,
    /// By this reader and a monitor that knows each motor's id and CAN id.
    monitor: f64,
}

fn false_frames(mishap: Mishap, times: usize) -> Shares {
    let mut dice = Dice(5);
    let mut shares = Shares::default();
    for _ in 0..times {
        let sent: Vec<Inbound> = (0..12).map(|at| dice.feedback(at + 1)).collect();
        let mut stream = bytes(&sent);
        let at = INBOUND_LEN * 4 + dice.below(INBOUND_LEN as u64);
        let count = 1 + dice.below(15);
        match mishap {
            Mishap::Lost => drop(stream.drain(at..at + count)),
            Mishap::LostWholeFrames => drop(stream.drain(at..at + INBOUND_LEN * (1 + dice.below(3)))),
            Mishap::Noise => drop(stream.splice(at..at, (0..count).map(|_| dice.byte()))),
            Mishap::Flipped => stream[at] ^= 1 << dice.below(8),
        }
        let share = 1.0 / times as f64;
        for frame in read_all(&stream, stream.len()).0 {
            let Ok(Some(answer)) = Answer::decode(&frame) else { continue };
            if !sent.contains(&frame) {
                shares.reader += share;
                let monitor = Monitor::new(answer.id(), Model::Dm4310.ranges());
                let heard = monitor.under(0x10 + u16::from(answer.id().get())).interpret(&frame);
                let undefined = |heard| match heard {
                    MonitorReply::Reading(reading) => {
                        matches!(reading.state, State::Fault(Fault::Undefined(_)))
                    }
                    _ => false,
                };
                shares.monitor += if heard.is_some_and(|heard| !undefined(heard)) { share } else { 0.0 };
            }
        }
        let is_sent = |bytes: &[u8]| sent.iter().any(|frame| frame.encode() == bytes);
        let others = by_the_vendors_rule(&stream).iter().filter(|bytes| !is_sent(bytes)).count();
        shares.vendor += others as f64 * share;
    }
    eprintln!("{mishap:?}: {shares:.5?}");
    shares
}

/// The numbers in the module's documentation: a fault in a stream of answers.
#[test]
fn what_remains_is_measured() {
    const TIMES: usize = 200_000;
    let near = |value: f64, expected: f64| (value - expected).abs() < 0.15 * expected;

    let lost = false_frames(Mishap::Lost, TIMES);
    assert!(near(lost.monitor, 0.0006) && lost.vendor > 1.8 * lost.monitor);
    let noise = false_frames(Mishap::Noise, TIMES);
    assert!(near(noise.monitor, 0.0016) && noise.vendor > 2.0 * noise.monitor);
    // 11 of 16 places join two frames into one that is neither; at 4 of them its two ids differ.
    let whole = false_frames(Mishap::LostWholeFrames, TIMES);
    assert!(near(whole.reader, 11.0 / 16.0) && near(whole.monitor, 7.0 / 16.0));
    // 60 of 128 bits are data and not the motor's id; of the states' flips, few have a name.
    let flipped = false_frames(Mishap::Flipped, TIMES);
    assert!(near(flipped.monitor, 60.0 / 128.0) && flipped.reader < flipped.vendor);
}
