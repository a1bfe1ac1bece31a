//! What the tests share: sample messages, configurations, and a simulated serial line.

#![allow(dead_code, reason = "no test uses all of it")]

use std::collections::VecDeque;

use adit_link::{
    ActuatorCommand, ActuatorInfo, ActuatorState, Command, Device, DeviceConfig, Fault, Faults,
    FirmwareVersion, Hello, Host, HostConfig, Imu, List, Log, LogLevel, MAX_FRAME_LEN, Message, Mode,
    Refusal, State, Status, Stopped, Text, TimeReply, TimeRequest, Welcome, encode_frame,
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

pub(crate) const MS: u64 = 1_000_000;

pub(crate) fn text(words: &str) -> Text {
    Text::try_from(words).expect("short enough")
}

pub(crate) fn frame(seq: u16, message: &Message) -> Vec<u8> {
    let mut bytes = [0; MAX_FRAME_LEN];
    let len = encode_frame(seq, message, &mut bytes).expect("a fit message");
    bytes[..len].to_vec()
}

pub(crate) fn impedance(id: u8, position_rad: f32) -> ActuatorCommand {
    ActuatorCommand {
        id,
        mode: Mode::Impedance,
        position_rad,
        velocity_rad_s: 0.0,
        torque_nm: 0.0,
        kp: 100.0,
        kd: 20.0,
    }
}

pub(crate) fn command(ids: &[u8], position_rad: f32) -> Command {
    Command { actuators: ids.iter().map(|&id| impedance(id, position_rad)).collect() }
}

fn infos(count: u8) -> List<ActuatorInfo> {
    (0..count).map(info).collect()
}

pub(crate) fn info(id: u8) -> ActuatorInfo {
    ActuatorInfo { id, max_torque_nm: 45.0, max_velocity_rad_s: 21.0, max_kp: 500.0, max_kd: 50.0 }
}

/// One of each kind of message, in the order of their numbers.
pub(crate) fn one_of_each() -> Vec<Message> {
    let state = |id| ActuatorState {
        id,
        mode: Mode::Damp,
        position_rad: 0.25,
        velocity_rad_s: -3.5,
        torque_nm: 1.75,
        temperature_c: 41.0,
        faults: Faults::OVERHEAT.with(Faults::ENCODER),
    };
    vec![
        Message::Hello(Hello { version: 1, session: 77 }),
        Message::Welcome(Welcome {
            version: 1,
            session: 77,
            firmware: FirmwareVersion { major: 0, minor: 3, patch: 1 },
            serial: 0x0123_4567_89AB_CDEF,
            name: text("FL"),
            actuators: infos(3),
        }),
        Message::Command(command(&[0, 1, 2], 0.8)),
        Message::State(State {
            time_us: 1_234_567,
            status: Status::Active,
            command_seq: Some(41),
            supply_v: 24.5,
            actuators: (0..3).map(state).collect(),
        }),
        Message::Imu(Imu {
            time_us: 9_000_000_000,
            angular_velocity_rad_s: [0.5, -0.25, 2.0],
            specific_force_m_s2: [-1.0, 0.125, 9.75],
            temperature_c: 33.0,
        }),
        Message::TimeRequest(TimeRequest { t1_ns: 1_800_000_000_123_456_789, padding: [0; 16] }),
        Message::TimeReply(TimeReply { t1_ns: 1_800_000_000_123_456_789, t2_us: 55_000, t3_us: 55_010 }),
        Message::EmergencyStop,
        Message::Reset { answer: 0xDEAD_BEEF },
        Message::Stopped(Stopped { by_device: true, challenge: 12 }),
        Message::Fault(Fault {
            time_us: 5,
            actuator: Some(1),
            faults: Faults::SILENT,
            text: text("no answer on bus 1"),
        }),
        Message::Log(Log { time_us: 5, level: LogLevel::Info, text: text("calibrated") }),
        Message::Ack { seq: 300 },
        Message::Refused { seq: 300, why: Refusal::UnknownActuator(9) },
    ]
}

pub(crate) fn device_config(actuators: u8) -> DeviceConfig {
    DeviceConfig {
        name: text("FL"),
        serial: 42,
        firmware: FirmwareVersion { major: 0, minor: 1, patch: 0 },
        actuators: infos(actuators),
        command_timeout_us: 20_000,
        damping_nm_s_rad: 2.0,
        stop_interval_us: 50_000,
    }
}

pub(crate) fn host_config() -> HostConfig {
    HostConfig {
        link_timeout_ns: 200 * MS,
        hello_interval_ns: 50 * MS,
        sync_interval_ns: 50 * MS,
        retry_interval_ns: 5 * MS,
        max_drift_ppm: 200,
        first_session: 1000,
    }
}

pub(crate) fn host() -> Host {
    Host::new(host_config()).expect("a good configuration")
}

pub(crate) fn device(actuators: u8) -> Device {
    Device::new(device_config(actuators)).expect("a good configuration")
}

/// What a direction of the line does to frames.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Habits {
    pub(crate) byte_ns: u64,
    pub(crate) latency_ns: u64,
    /// Each frame waits up to so much longer, but overtakes none.
    pub(crate) jitter_ns: u64,
    /// The share of frames that vanish.
    pub(crate) loss: f64,
    /// The share of frames in which one bit flips.
    pub(crate) flips: f64,
    /// The share of frames that come twice.
    pub(crate) doubles: f64,
}

impl Habits {
    pub(crate) const PERFECT: Self =
        Self { byte_ns: 10_000, latency_ns: 0, jitter_ns: 0, loss: 0.0, flips: 0.0, doubles: 0.0 };
}

/// One direction of a serial line.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) habits: Habits,
    rng: ChaCha8Rng,
    free_ns: u64,
    last_ns: u64,
    on_the_way: VecDeque<(u64, Vec<u8>)>,
}

impl Line {
    pub(crate) fn new(habits: Habits, seed: u64) -> Self {
        let rng = ChaCha8Rng::seed_from_u64(seed);
        Self { habits, rng, free_ns: 0, last_ns: 0, on_the_way: VecDeque::new() }
    }

    pub(crate) fn is_free(&self, now_ns: u64) -> bool {
        now_ns >= self.free_ns
    }

    pub(crate) fn send(&mut self, frame: &[u8], now_ns: u64) {
        let habits = self.habits;
        self.free_ns = self.free_ns.max(now_ns) + frame.len() as u64 * habits.byte_ns;
        if self.rng.random_bool(habits.loss) {
            return;
        }
        let mut bytes = frame.to_vec();
        if self.rng.random_bool(habits.flips) {
            let bit = self.rng.random_range(0..8 * bytes.len());
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
        if self.rng.random_bool(habits.doubles) {
            bytes.extend_from_within(..);
        }
        let arrival_ns = self.free_ns + habits.latency_ns + self.rng.random_range(0..=habits.jitter_ns);
        self.last_ns = self.last_ns.max(arrival_ns);
        self.on_the_way.push_back((self.last_ns, bytes));
    }

    pub(crate) fn receive(&mut self, now_ns: u64) -> Option<Vec<u8>> {
        self.on_the_way.front().filter(|(at_ns, _)| *at_ns <= now_ns)?;
        self.on_the_way.pop_front().map(|(_, bytes)| bytes)
    }
}
