//! The protocols that a bridge drives joints by: all of them take an impedance command and give a reading. Here, and
//! nowhere else in the bridge, is what differs.

use adit_link::LIST_LEN;
use robot_interface::joints::JOINTS;
use robot_interface::robot::{MotorProtocol, MotorsDescription};

use super::fault::MotorFault;
use super::prepare::Preparation;
use super::{BridgeError, linked};
use crate::wire::damiao::{self, Action, Answer, RegisterReply, State};
use crate::wire::unitree_a1::{self, Model};
use crate::wire::{FrameReader, Impedance, WireError, go_m8010};

/// A motor's answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Heard {
    Reading(Reading),
    /// What stands in a register of a Damiao motor.
    Register(RegisterReply),
}

impl Heard {
    /// In whose name it is.
    pub(super) const fn id(&self) -> u8 {
        match self {
            Self::Reading(reading) => reading.id,
            Self::Register(reply) => reply.id.get(),
        }
    }
}

/// What a motor measures, at its own side.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Reading {
    pub(super) id: u8,
    /// Whether the motor is in a mode that its protocol defines.
    pub(super) defined: bool,
    /// Whether it takes commands, of a motor that must be enabled first.
    pub(super) state: Option<State>,
    pub(super) torque_nm: f64,
    pub(super) velocity_rad_s: f64,
    pub(super) position_rad: f64,
    pub(super) temperature_c: f64,
    pub(super) fault: Option<MotorFault>,
}

/// The longest frame of any of them.
const MOST: usize = unitree_a1::COMMAND_LEN;

/// A frame to be sent, as its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Outgoing {
    bytes: [u8; MOST],
    len: usize,
}

impl Outgoing {
    /// A frame that has not been made yet.
    pub(super) const EMPTY: Self = Self { bytes: [0; MOST], len: 0 };

    fn of(frame: &[u8]) -> Self {
        let mut bytes = [0; MOST];
        bytes[..frame.len()].copy_from_slice(frame);
        Self { bytes, len: frame.len() }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// The greatest that a command can carry, at the motor's side.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Most {
    pub(super) torque_nm: f64,
    pub(super) velocity_rad_s: f64,
    pub(super) position_rad: f64,
    pub(super) kp: f64,
    pub(super) kd: f64,
}

/// Bits a second on the lines of motors that speak this.
pub const fn baud(protocol: MotorProtocol) -> u32 {
    match protocol {
        MotorProtocol::GoM8010 => go_m8010::BAUD,
        MotorProtocol::A1 => Model::A1.baud(),
        MotorProtocol::B1 => Model::B1.baud(),
        MotorProtocol::Damiao => damiao::BAUD,
        MotorProtocol::Adit => linked::BAUD,
    }
}

/// How a robot's motors are spoken to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Dialect {
    GoM8010,
    A1(Model),
    Damiao(damiao::Ranges),
    /// Adit's own link, which is no request and reply: a bus of it makes its frames by itself.
    Link,
}

impl Dialect {
    /// # Errors
    /// [`BridgeError::Model`] for a model that is not known, or missing.
    pub(super) fn of(motors: &MotorsDescription) -> Result<Self, BridgeError> {
        Ok(match motors.protocol {
            MotorProtocol::GoM8010 => Self::GoM8010,
            MotorProtocol::A1 => Self::A1(Model::A1),
            MotorProtocol::B1 => Self::A1(Model::B1),
            MotorProtocol::Damiao => {
                let model = motors.model.as_deref().and_then(damiao::Model::named);
                Self::Damiao(model.ok_or(BridgeError::Model)?.ranges())
            }
            MotorProtocol::Adit => Self::Link,
        })
    }

    /// Bits a second on the line.
    pub(super) const fn baud(self) -> u32 {
        match self {
            Self::GoM8010 => baud(MotorProtocol::GoM8010),
            Self::A1(Model::A1) => baud(MotorProtocol::A1),
            Self::A1(Model::B1) => baud(MotorProtocol::B1),
            Self::Damiao(_) => baud(MotorProtocol::Damiao),
            Self::Link => baud(MotorProtocol::Adit),
        }
    }

    /// Bytes of the commands to so many motors and of their answers.
    pub(super) const fn exchange_len(self, motors: usize) -> usize {
        match self {
            Self::GoM8010 => motors * (go_m8010::COMMAND_LEN + go_m8010::REPLY_LEN),
            Self::A1(_) => motors * (unitree_a1::COMMAND_LEN + unitree_a1::REPLY_LEN),
            Self::Damiao(_) => motors * (damiao::OUTBOUND_LEN + damiao::INBOUND_LEN),
            Self::Link => linked::exchange_len(motors),
        }
    }

    /// How many motors one bus can have.
    pub(super) const fn most_motors(self) -> usize {
        match self {
            Self::Link => LIST_LEN,
            Self::GoM8010 | Self::A1(_) | Self::Damiao(_) => JOINTS,
        }
    }

    /// The ids that one motor can have.
    pub(super) const fn ids(self) -> std::ops::RangeInclusive<u8> {
        match self {
            Self::GoM8010 => 0..=14,
            // 0xBB is everybody.
            Self::A1(_) => 0..=2,
            Self::Damiao(_) => 1..=15,
            Self::Link => 0..=u8::MAX,
        }
    }

    /// Whether a checksum protects a reply. Without one, a reading that cannot be is refused.
    pub(super) const fn is_checked(self) -> bool {
        !matches!(self, Self::Damiao(_))
    }

    pub(super) fn most(self) -> Most {
        match self {
            Self::GoM8010 => Most {
                torque_nm: go_m8010::MAX_TORQUE_NM,
                velocity_rad_s: go_m8010::MAX_VELOCITY_RAD_S,
                position_rad: go_m8010::MAX_POSITION_RAD,
                kp: go_m8010::MAX_GAIN,
                kd: go_m8010::MAX_GAIN,
            },
            Self::A1(model) => Most {
                torque_nm: unitree_a1::MAX_TORQUE_NM,
                velocity_rad_s: unitree_a1::MAX_VELOCITY_RAD_S,
                position_rad: unitree_a1::MAX_POSITION_RAD,
                kp: unitree_a1::MAX_KP,
                kd: model.max_kd(),
            },
            Self::Damiao(ranges) => Most {
                torque_nm: ranges.torque_nm,
                velocity_rad_s: ranges.velocity_rad_s,
                position_rad: ranges.position_rad,
                kp: damiao::MAX_KP,
                kd: damiao::MAX_KD,
            },
            Self::Link => linked::MOST,
        }
    }

    /// The frame that has a motor follow targets, each rounded to the nearest that it can carry where the protocol
    /// leaves that open.
    pub(super) fn drive(self, id: u8, targets: Impedance) -> Outgoing {
        match self {
            Self::GoM8010 => {
                let command = go_m8010::Command { id: go_id(id), mode: go_m8010::Mode::Foc, targets };
                Outgoing::of(&command.encode_nearest())
            }
            Self::A1(model) => {
                let (id, mode) = (unitree_a1::MotorId(id), unitree_a1::Mode::Foc);
                Outgoing::of(&unitree_a1::Command { id, mode, targets }.encode_nearest(model))
            }
            Self::Damiao(ranges) => {
                let half = ranges.half_steps();
                let targets = Impedance {
                    // The vendor's packing truncates: half a step more makes that the nearest.
                    position_rad: targets.position_rad + half.position_rad,
                    velocity_rad_s: targets.velocity_rad_s + half.velocity_rad_s,
                    torque_nm: targets.torque_nm + half.torque_nm,
                    ..targets
                };
                damiao_request(id, Action::Impedance(targets), &ranges)
            }
            Self::Link => Outgoing::EMPTY,
        }
    }

    /// How far a motor of which nothing is known is prepared.
    pub(super) const fn unprepared(self) -> Preparation {
        match self {
            Self::GoM8010 | Self::A1(_) | Self::Link => Preparation::Ready,
            Self::Damiao(_) => Preparation::FIRST,
        }
    }

    /// The frame that has a motor answer and do nothing else: what it holds, it lets go, unless it is known that it
    /// holds nothing.
    pub(super) fn read(self, id: u8, prepared: Preparation, disabled: bool) -> Outgoing {
        match self {
            Self::GoM8010 => Outgoing::of(&go_m8010::Command::idle(go_id(id)).encode()),
            Self::A1(model) => {
                let (id, mode) = (unitree_a1::MotorId(id), unitree_a1::Mode::Idle);
                Outgoing::of(&unitree_a1::Command { id, mode, targets: Impedance::default() }.encode(model))
            }
            Self::Damiao(ranges) => {
                let action = match prepared.action() {
                    _ if !disabled => Action::Disable,
                    Some(action @ Action::Read(_)) => action,
                    _ => Action::Refresh,
                };
                damiao_request(id, action, &ranges)
            }
            Self::Link => Outgoing::EMPTY,
        }
    }

    /// The frame that brings a motor nearer to taking commands, if it does not yet.
    pub(super) fn prepare(self, id: u8, prepared: Preparation) -> Option<Outgoing> {
        match self {
            Self::GoM8010 | Self::A1(_) | Self::Link => None,
            Self::Damiao(ranges) => Some(damiao_request(id, prepared.action()?, &ranges)),
        }
    }

    /// Takes an answer about a register; what is wrong with the motor.
    pub(super) fn learn(self, prepared: &mut Preparation, reply: &RegisterReply) -> Option<MotorFault> {
        match self {
            Self::GoM8010 | Self::A1(_) | Self::Link => None,
            Self::Damiao(ranges) => prepared.take(reply, &ranges),
        }
    }

    /// Ears for one bus of requests and replies.
    pub(super) const fn ears(self) -> Option<Ears> {
        Some(match self {
            Self::GoM8010 => Ears::GoM8010(FrameReader::new()),
            Self::A1(_) => Ears::A1(FrameReader::new()),
            Self::Damiao(ranges) => Ears::Damiao(damiao::Reader::new(), ranges),
            Self::Link => return None,
        })
    }
}

/// Only ids of one motor come this far; everybody's would be the one that nobody answers.
fn go_id(id: u8) -> go_m8010::MotorId {
    go_m8010::MotorId::new(id).unwrap_or(go_m8010::MotorId::BROADCAST)
}

fn damiao_request(id: u8, action: Action, ranges: &damiao::Ranges) -> Outgoing {
    match damiao::MotorId::new(id) {
        Some(id) => Outgoing::of(&damiao::Request { id, action }.encode(ranges)),
        // Only ids of one motor come this far.
        None => Outgoing::EMPTY,
    }
}

/// What finds answers in a bus's stream.
#[derive(Clone, Debug)]
pub(super) enum Ears {
    GoM8010(FrameReader<go_m8010::Reply>),
    A1(FrameReader<unitree_a1::Reply>),
    Damiao(damiao::Reader, damiao::Ranges),
}

impl Ears {
    /// Takes bytes off the front of `input` until they make an answer or prove broken; `None` once they are used up.
    pub(super) fn next(&mut self, input: &mut &[u8]) -> Option<Result<Heard, WireError>> {
        match self {
            Self::GoM8010(reader) => {
                reader.next_frame(input).map(|found| found.map(|reply| go_heard(&reply)))
            }
            Self::A1(reader) => reader.next_frame(input).map(|found| found.map(|reply| a1_heard(&reply))),
            Self::Damiao(reader, ranges) => loop {
                let found = reader.next_frame(input)?;
                match found.and_then(|inbound| Answer::decode(&inbound)) {
                    Ok(Some(Answer::Feedback(feedback))) => return Some(Ok(damiao_heard(&feedback, ranges))),
                    Ok(Some(Answer::Register(reply))) => return Some(Ok(Heard::Register(reply))),
                    // The adapter's own reports.
                    Ok(None) => {}
                    Err(error) => return Some(Err(error)),
                }
            },
        }
    }

    /// Forgets an unfinished answer.
    pub(super) const fn clear(&mut self) {
        match self {
            Self::GoM8010(reader) => _ = reader.clear(),
            Self::A1(reader) => _ = reader.clear(),
            Self::Damiao(reader, _) => _ = reader.clear(),
        }
    }

    /// Whether an answer has begun.
    pub(super) fn is_holding(&self) -> bool {
        match self {
            Self::GoM8010(reader) => !reader.held().is_empty(),
            Self::A1(reader) => !reader.held().is_empty(),
            Self::Damiao(reader, _) => reader.is_holding(),
        }
    }
}

fn go_heard(reply: &go_m8010::Reply) -> Heard {
    Heard::Reading(Reading {
        id: reply.id.get(),
        defined: !matches!(reply.mode, go_m8010::Mode::Undefined(_)),
        state: None,
        torque_nm: reply.torque_nm,
        velocity_rad_s: reply.velocity_rad_s,
        position_rad: reply.position_rad,
        temperature_c: reply.temperature_c,
        fault: reply.error.map(MotorFault::from),
    })
}

fn a1_heard(reply: &unitree_a1::Reply) -> Heard {
    Heard::Reading(Reading {
        id: reply.id.0,
        defined: !matches!(reply.mode, unitree_a1::Mode::Undefined(_)),
        state: None,
        torque_nm: reply.torque_nm,
        velocity_rad_s: reply.velocity_rad_s,
        position_rad: reply.position_rad,
        temperature_c: reply.temperature_c,
        fault: (reply.error != 0).then_some(MotorFault::Undefined(reply.error)),
    })
}

fn damiao_heard(feedback: &damiao::Feedback, ranges: &damiao::Ranges) -> Heard {
    use damiao::Fault;
    let motion = feedback.motion(ranges);
    let fault = match feedback.state {
        State::Disabled | State::Enabled => None,
        State::Fault(fault) => Some(match fault {
            Fault::OverVoltage => MotorFault::Overvoltage,
            Fault::UnderVoltage => MotorFault::Undervoltage,
            Fault::OverCurrent | Fault::Overload => MotorFault::Overcurrent,
            Fault::MosOverTemperature | Fault::RotorOverTemperature => MotorFault::Overheat,
            Fault::CommunicationLost => MotorFault::CommandsLost,
            Fault::Undefined(code) => MotorFault::Undefined(code),
        }),
    };
    Heard::Reading(Reading {
        id: feedback.id.get(),
        defined: true,
        state: Some(feedback.state),
        torque_nm: motion.torque_nm,
        velocity_rad_s: motion.velocity_rad_s,
        position_rad: motion.position_rad,
        temperature_c: f64::from(feedback.rotor_c.max(feedback.mos_c)),
        fault,
    })
}
