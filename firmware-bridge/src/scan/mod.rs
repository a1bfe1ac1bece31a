//! Who is on a bus: every id is asked in turn, in words that move no motor. Unitree's let go what they hold when they are
//! asked; others go on as they were. Sans-IO.
//!
//! [`Scan`] has the order and the time; what is asked and what an answer means is one file a protocol.

mod damiao;
mod link;
mod servos;
mod unitree;

use robot_interface::robot::MotorProtocol;
use robot_interface::time::Stamp;

use crate::bridge::baud;
use crate::wire::unitree_a1::Model;
use crate::wire::{self, go_m8010};

/// A language that motors speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Unitree GO-M8010-6.
    GoM8010,
    /// Unitree A1.
    A1,
    /// Unitree B1.
    B1,
    /// ROBOTIS DYNAMIXEL Protocol 2.0.
    Dynamixel2,
    /// Damiao motors behind the vendor's USB-CAN adapter.
    Damiao,
    /// Feetech SMS and STS servos.
    Feetech,
    /// Adit's own link to a microcontroller.
    Adit,
}

impl Protocol {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::GoM8010, Self::A1, Self::B1, Self::Dynamixel2, Self::Damiao, Self::Feetech, Self::Adit];

    /// The name that people write.
    pub const fn name(self) -> &'static str {
        match self {
            Self::GoM8010 => "go-m8010-6",
            Self::A1 => "a1",
            Self::B1 => "b1",
            Self::Dynamixel2 => "dynamixel2",
            Self::Damiao => "damiao",
            Self::Feetech => "feetech",
            Self::Adit => "adit",
        }
    }

    /// The rates at which such motors are usually found, bits a second: as delivered first.
    pub const fn bauds(self) -> &'static [u32] {
        match self {
            Self::GoM8010 => &[go_m8010::BAUD],
            Self::A1 => const { &[Model::A1.baud()] },
            Self::B1 => const { &[Model::B1.baud()] },
            Self::Dynamixel2 => &[57_600, 1_000_000, 115_200, 2_000_000, 3_000_000, 4_000_000],
            Self::Damiao => &[wire::damiao::BAUD],
            Self::Feetech => &[wire::feetech::BAUD, 500_000, 115_200],
            Self::Adit => const { &[baud(MotorProtocol::Adit)] },
        }
    }

    /// Every id that is asked. An A1 or B1 on a leg has one of 0 to 2; its frame carries more. A microcontroller has none
    /// and is asked once; what is found are its actuators.
    pub const fn ids(self) -> std::ops::RangeInclusive<u8> {
        match self {
            Self::GoM8010 | Self::A1 | Self::B1 => 0..=14,
            Self::Dynamixel2 => 0..=wire::dynamixel2::MAX_ID,
            Self::Damiao => 1..=15,
            Self::Feetech => 0..=253,
            Self::Adit => 0..=0,
        }
    }

    fn probe(self, budget_nanos: u64) -> Box<dyn Probe + Send> {
        match self {
            Self::GoM8010 => Box::<unitree::GoM8010>::default(),
            Self::A1 => Box::new(unitree::A1::new(Model::A1)),
            Self::B1 => Box::new(unitree::A1::new(Model::B1)),
            Self::Dynamixel2 => Box::new(servos::Dynamixel::new(budget_nanos)),
            Self::Damiao => Box::<damiao::Damiao>::default(),
            Self::Feetech => Box::<servos::Feetech>::default(),
            Self::Adit => Box::<link::Link>::default(),
        }
    }
}

/// What was found under one id. What the protocol does not tell is `None`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Device {
    /// Its id.
    pub id: u8,
    /// What it calls itself.
    pub model: Option<String>,
    /// Its firmware's version.
    pub firmware: Option<String>,
    /// Position, rad: a Unitree motor's rotor, every other one's shaft.
    pub position_rad: Option<f64>,
    /// Temperature, degrees Celsius.
    pub temperature_c: Option<f64>,
    /// Supply voltage, V.
    pub voltage_v: Option<f64>,
    /// What it complains of, with the remedy.
    pub errors: Vec<String>,
    /// The most intact answers to one question: more than 1 are several motors under one id.
    pub answers: u32,
}

/// An id under which something spoke that could not be understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unclear {
    /// The id that was asked.
    pub id: u8,
    /// Bytes that came.
    pub bytes: usize,
}

/// What a probe has made of the bytes after a question.
#[derive(Debug, Default)]
struct Heard {
    /// Intact answers in the id's name.
    answers: u32,
    /// What they say, on top of what was known.
    device: Device,
}

/// One protocol's questions.
trait Probe {
    /// The `n`th question to an id: the first is always asked, others only of a motor that answered, until `None`.
    fn question(&mut self, now: Stamp, id: u8, n: usize, known: &Device) -> Option<Vec<u8>>;

    /// Takes bytes that came after the question.
    fn hear(&mut self, now: Stamp, id: u8, bytes: &[u8], heard: &mut Heard);

    /// What else the questions to the last id have found.
    fn others(&mut self) -> Vec<Device> {
        Vec::new()
    }
}

/// How long after an answer another one in the same name is waited for, ns.
const SECOND_ANSWER_NANOS: u64 = 3_000_000;

/// One protocol's ids on one port at one rate.
pub struct Scan {
    probe: Box<dyn Probe + Send>,
    ids: std::ops::RangeInclusive<u8>,
    count: usize,
    budget_nanos: u64,
    /// Who is being asked, and which of his questions it is.
    asked: Option<(u8, usize)>,
    deadline: Stamp,
    sent: Vec<u8>,
    /// How many of the bytes sent have come back.
    echoed: usize,
    heard: Heard,
    bytes: usize,
    done: usize,
    found: Vec<Device>,
    unclear: Vec<Unclear>,
    echoes: u64,
    questions: u64,
}

impl Scan {
    /// A scan that waits so long for each answer, ns: the bytes' time on the line, the motor's and the adapter's
    /// delay.
    pub fn new(protocol: Protocol, budget_nanos: u64) -> Self {
        let ids = protocol.ids();
        Self {
            probe: protocol.probe(budget_nanos),
            count: ids.len(),
            ids,
            budget_nanos,
            asked: None,
            deadline: Stamp::ZERO,
            sent: Vec::new(),
            echoed: 0,
            heard: Heard::default(),
            bytes: 0,
            done: 0,
            found: Vec::new(),
            unclear: Vec::new(),
            echoes: 0,
            questions: 0,
        }
    }

    /// What to send, if it is time: the wait for the last answer is over. `None` too once all have been asked.
    pub fn poll_transmit(&mut self, now: Stamp) -> Option<&[u8]> {
        if self.asked.is_some() && now < self.deadline {
            return None;
        }
        let following = self.conclude().and_then(|(id, n)| {
            let known = self.found.last()?;
            Some((id, n, self.probe.question(now, id, n, known)?))
        });
        let (id, n, question) = match following {
            Some(following) => following,
            None => {
                self.done += usize::from(self.asked.take().is_some());
                self.found.append(&mut self.probe.others());
                let id = self.ids.next()?;
                (id, 0, self.probe.question(now, id, 0, &Device { id, ..Device::default() })?)
            }
        };
        self.asked = Some((id, n));
        (self.sent, self.echoed, self.bytes) = (question, 0, 0);
        self.questions += 1;
        let known = if n == 0 { None } else { self.found.last().cloned() };
        self.heard = Heard { answers: 0, device: known.unwrap_or(Device { id, ..Device::default() }) };
        self.deadline = now.plus_nanos(self.budget_nanos);
        Some(&self.sent)
    }

    /// Takes bytes that came.
    pub fn handle_bytes(&mut self, now: Stamp, mut bytes: &[u8]) {
        let Some((id, _)) = self.asked else { return };
        let rest = self.sent.get(self.echoed..).unwrap_or_default();
        // An echo is the first that comes, and whole.
        let same = rest.iter().zip(bytes).take_while(|(sent, came)| sent == came).count();
        if self.bytes == 0 && !rest.is_empty() && (same == bytes.len() || same == rest.len()) {
            self.echoed += same;
            bytes = &bytes[same..];
            self.echoes += u64::from(self.echoed == self.sent.len());
        } else if self.bytes == 0 && self.echoed > 0 && !rest.is_empty() {
            // It only began like one.
            let began = self.sent[..self.echoed].to_vec();
            self.take(now, id, &began);
        }
        if !bytes.is_empty() {
            self.take(now, id, bytes);
        }
    }

    /// When [`poll_transmit`](Self::poll_transmit) is next due.
    pub fn poll_timeout(&self) -> Option<Stamp> {
        self.asked.map(|_| self.deadline)
    }

    /// Every id has been asked, and has answered or let its time run out.
    pub fn is_complete(&self) -> bool {
        self.done == self.count
    }

    /// Ids asked so far, and how many there are.
    pub const fn progress(&self) -> (usize, usize) {
        (self.done, self.count)
    }

    /// Who answered, in the order of their ids.
    pub fn found(&self) -> &[Device] {
        &self.found
    }

    /// Where something spoke that could not be understood: several motors under one id that speak at once, or
    /// another rate.
    pub fn unclear(&self) -> &[Unclear] {
        &self.unclear
    }

    /// Questions that came back whole before their answer, of all that were asked.
    pub const fn echoes(&self) -> (u64, u64) {
        (self.echoes, self.questions)
    }

    fn take(&mut self, now: Stamp, id: u8, bytes: &[u8]) {
        self.bytes += bytes.len();
        let answers = self.heard.answers;
        self.probe.hear(now, id, bytes, &mut self.heard);
        if self.heard.answers > answers {
            self.deadline = self.deadline.min(now.plus_nanos(SECOND_ANSWER_NANOS));
        }
    }

    /// Keeps what the last question has brought; the next question's place if there was an answer.
    fn conclude(&mut self) -> Option<(u8, usize)> {
        let (id, n) = self.asked?;
        let heard = std::mem::take(&mut self.heard);
        if heard.answers == 0 {
            // A motor that answered the question before stays found.
            if n == 0 && self.bytes > 0 {
                self.unclear.push(Unclear { id, bytes: self.bytes });
            }
            return (n > 0).then_some((id, n + 1));
        }
        let before = if n > 0 { self.found.pop().map_or(0, |known| known.answers) } else { 0 };
        self.found.push(Device { answers: heard.answers.max(before), ..heard.device });
        Some((id, n + 1))
    }
}
