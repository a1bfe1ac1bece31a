//! One bus's part of a cycle: its motors are asked one after the other, and each has a slot of time.

use robot_interface::joints::{JOINTS, JointMeasurement};
use robot_interface::robot::JointDescription;
use robot_interface::time::Stamp;

use super::codec::{MotorCodec, OutgoingFrame, ReplyDecoder};
use super::cycle::{BusCounts, Cycle};
use super::reply::MotorReply;
use super::wiring::Motor;
use crate::protocol::{Impedance, WireError};

/// Readings in a row that are refused because they cannot be: after that the joint may really be elsewhere, as when
/// its motor lost power.
const MAX_IMPLAUSIBLE: u8 = 3;
/// Distance beyond what its speed allows that a joint may have gone between two readings, rad.
const READING_SLACK_RAD: f64 = 0.1;

/// The schedule and the decoder of one bus.
#[derive(Clone, Debug)]
pub(super) struct PolledBus {
    /// The motors in the order in which they are asked.
    motors: Vec<PolledMotor>,
    /// Time that a motor has to answer before the next is asked, ns.
    slot_nanos: u64,
    /// Number of `motors` that have been asked in this cycle.
    asked: usize,
    waiting: Option<Waiting>,
    decoder: ReplyDecoder,
    echo: Echo,
    counts: BusCounts,
}

/// The search for the command's own echo in what comes after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Echo {
    /// So many of the command's first bytes have come.
    Awaited(usize),
    /// It was there: whatever looks like it now is something else.
    Over,
}

/// A motor, and what is known of it.
#[derive(Clone, Copy, Debug)]
struct PolledMotor {
    joint: usize,
    id: u8,
    codec: MotorCodec,
    /// This cycle's command.
    frame: OutgoingFrame,
    /// It has said anything in this cycle.
    replied: bool,
    /// Readings in a row that were refused because they cannot be.
    implausible: u8,
}

/// The motor whose answer is awaited, by its place in the bus's list.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    place: usize,
    asked: Stamp,
    deadline: Stamp,
}

impl PolledBus {
    /// A bus of motors that all speak alike, of which nothing is known yet.
    pub(super) fn new(motors: &[Motor], slot_nanos: u64, codec: MotorCodec) -> Self {
        let motor = |&Motor { joint, id }: &Motor| PolledMotor {
            joint,
            id,
            codec,
            frame: OutgoingFrame::EMPTY,
            replied: false,
            implausible: 0,
        };
        Self {
            motors: motors.iter().map(motor).collect(),
            slot_nanos,
            asked: motors.len(),
            waiting: None,
            decoder: codec.decoder(),
            echo: Echo::Over,
            counts: BusCounts::default(),
        }
    }

    /// Starts over with the first motor, to drive them all to their targets, or only to read them.
    pub(super) fn begin(&mut self, targets: Option<&[Impedance; JOINTS]>) {
        for motor in &mut self.motors {
            motor.frame = match targets {
                Some(targets) => motor.codec.drive(motor.id, &targets[motor.joint]),
                None => motor.codec.read(motor.id),
            };
            motor.replied = false;
        }
        self.asked = 0;
        self.waiting = None;
    }

    /// Asks no more in this cycle. A motor that has not answered, or was not even asked, counts as missed.
    pub(super) fn end(&mut self, cycle: &mut Cycle) {
        self.asked = self.motors.len();
        self.waiting = None;
        for motor in self.motors.iter_mut().filter(|motor| !motor.replied) {
            cycle.links[motor.joint].missed += 1;
            motor.codec.handle_silence();
        }
    }

    /// No motor is left to ask or to wait for.
    pub(super) const fn is_complete(&self) -> bool {
        self.waiting.is_none() && self.asked == self.motors.len()
    }

    /// The frame to the next motor, if none is being waited for. Its slot begins now.
    pub(super) fn poll_transmit(&mut self, now: Stamp) -> Option<&[u8]> {
        if self.waiting.is_some() {
            return None;
        }
        let place = self.asked;
        let motor = self.motors.get(place)?;
        self.asked += 1;
        self.decoder.clear();
        self.echo = Echo::Awaited(0);
        self.waiting = Some(Waiting { place, asked: now, deadline: now.plus_nanos(self.slot_nanos) });
        Some(motor.frame.bytes())
    }

    /// Takes bytes that arrived. What is not the awaited motor's intact reply is counted and changes nothing else.
    pub(super) fn handle_bytes(
        &mut self,
        now: Stamp,
        mut bytes: &[u8],
        joints: &[JointDescription; JOINTS],
        round_trip_nanos: &mut [Option<u64>; JOINTS],
        cycle: &mut Cycle,
    ) {
        loop {
            let Some(Waiting { place, asked, .. }) = self.waiting else {
                self.counts.stray_bytes += bytes.len() as u64;
                return;
            };
            let noise = self.skip_echo(place, &mut bytes);
            let motor = &mut self.motors[place];
            let joint = motor.joint;
            cycle.links[joint].bad_header += noise;
            match self.decoder.next(&mut bytes) {
                None => return,
                Some(Ok(MotorReply::Reading(reading))) if !reading.defined => {
                    cycle.links[joint].bad_mode += 1
                }
                Some(Ok(reply)) if reply.id() == motor.id => {
                    if motor.take(now, &reply, &joints[joint], cycle) {
                        self.waiting = None;
                        round_trip_nanos[joint] = Some(now.nanos().saturating_sub(asked.nanos()));
                        cycle.links[joint].replies += 1;
                        motor.replied = true;
                    }
                }
                Some(Ok(reply)) => {
                    cycle.links[joint].wrong_id += 1;
                    if let Some(late) = self.asked_before(reply.id())
                        && !cycle.answered[late]
                    {
                        cycle.links[late].late += 1;
                    }
                }
                Some(Err(WireError::Crc { .. })) => cycle.links[joint].bad_crc += 1,
                Some(Err(
                    WireError::Header { .. }
                    | WireError::Length { .. }
                    | WireError::Address(_)
                    | WireError::Impossible { .. }
                    | WireError::Reading { .. },
                )) => cycle.links[joint].bad_header += 1,
            }
        }
    }

    /// Takes the echo of a motor's command off the front of what came, as far as it is there. Bytes that began like
    /// one and are none go to the decoder; returns how many stretches of noise it made of them.
    ///
    /// Only between frames: a reply may hold any bytes.
    fn skip_echo(&mut self, place: usize, bytes: &mut &[u8]) -> u64 {
        let Echo::Awaited(seen) = self.echo else { return 0 };
        if seen == 0 && self.decoder.is_holding() {
            return 0;
        }
        let sent = self.motors[place].frame.bytes();
        let same = sent[seen..].iter().zip(*bytes).take_while(|(sent, came)| sent == came).count();
        *bytes = &bytes[same..];
        let seen = seen + same;
        self.echo = Echo::Awaited(seen);
        if seen == sent.len() {
            self.echo = Echo::Over;
            self.counts.echoes += 1;
        } else if seen > 0 && !bytes.is_empty() {
            self.echo = Echo::Awaited(0);
            // Shorter than a reply: there is no whole one among them.
            let mut begun = &sent[..seen];
            return std::iter::from_fn(|| self.decoder.next(&mut begun)).count() as u64;
        }
        0
    }

    /// The joint of the motor of this id, if its turn is over in this cycle.
    fn asked_before(&self, id: u8) -> Option<usize> {
        let before = &self.motors[..self.asked.saturating_sub(1)];
        before.iter().find(|motor| motor.id == id).map(|motor| motor.joint)
    }

    pub(super) fn deadline(&self) -> Option<Stamp> {
        self.waiting.map(|waiting| waiting.deadline)
    }

    /// Gives up on a motor whose slot is over.
    pub(super) fn expire(&mut self, now: Stamp) {
        self.waiting = self.waiting.filter(|waiting| now < waiting.deadline);
    }

    /// An operator has looked at the motors' faults. Returns whether one has a fault that is kept until then.
    pub(super) fn clear_faults(&mut self) -> bool {
        self.motors.iter_mut().fold(false, |any, motor| any | motor.codec.clear_fault())
    }

    pub(super) const fn counts(&self) -> BusCounts {
        self.counts
    }
}

impl PolledMotor {
    /// Takes the motor's own reply. Returns whether it is believed.
    fn take(&mut self, now: Stamp, reply: &MotorReply, joint: &JointDescription, cycle: &mut Cycle) -> bool {
        let reading = match reply {
            MotorReply::Register(contents) => {
                cycle.faults[self.joint] = self.codec.handle_register(contents);
                return true;
            }
            MotorReply::Reading(reading) => reading,
        };
        if let Some(state) = reading.state {
            self.codec.handle_state(state);
        }
        // Otherwise nobody knows what its numbers mean.
        if self.codec.is_fit() {
            let measured = reading.at_joint(joint);
            let before = cycle.measurement(self.joint);
            if !self.codec.is_checked()
                && self.implausible < MAX_IMPLAUSIBLE
                && before.is_some_and(|before| !can_be(joint, before, now, &measured))
            {
                self.implausible += 1;
                cycle.links[self.joint].implausible += 1;
                return false;
            }
            self.implausible = 0;
            cycle.measured(self.joint, now, measured, reading.fault);
        }
        true
    }
}

/// Returns whether a joint can have gone from one measurement to another in the time between them.
fn can_be(
    joint: &JointDescription,
    (at, before): (Stamp, JointMeasurement),
    now: Stamp,
    measured: &JointMeasurement,
) -> bool {
    let farthest = 1.5 * joint.max_velocity_rad_s.get() * now.seconds_since(at).max(0.0) + READING_SLACK_RAD;
    (measured.position_rad - before.position_rad).abs() <= farthest
}
