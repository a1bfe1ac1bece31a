//! One bus of motors, of whichever kind: polled, behind a microcontroller of Adit's own link, or a whole robot.

use std::ops::RangeInclusive;

use adit_link::LIST_LEN;
use robot_interface::joints::JOINTS;
use robot_interface::robot::{JointDescription, MotorProtocol, MotorsDescription, RobotDescription};
use robot_interface::time::Stamp;

use super::codec::MotorCodec;
use super::cycle::{BusCounts, Cycle};
use super::error::BridgeError;
use super::limits::EncodableLimits;
use super::linked_bus::{self, LinkedBus};
use super::polled_bus::PolledBus;
use super::robot_bus::{self, RobotBus};
use super::wiring::Motor;
use crate::protocol::Impedance;
use crate::protocol::device::VirtualBus;
use crate::protocol::imu::ImuFrame;
use crate::protocol::link::{self, VirtualDevice};
use crate::robot::{RobotProtocol, RobotReport};

/// Bits a second on the lines of motors that speak this, or on the robot's network.
pub fn baud(protocol: MotorProtocol) -> u32 {
    let otherwise = if protocol.is_networked() { robot_bus::BITS_PER_S } else { link::BAUD };
    MotorCodec::baud(protocol).unwrap_or(otherwise)
}

/// Virtual motors in place of those of one of a robot's buses, all at rest at zero.
///
/// # Errors
/// [`BridgeError`] if there can be no such bus.
pub fn virtual_bus(robot: &RobotDescription, bus: usize) -> Result<Box<dyn VirtualBus + Send>, BridgeError> {
    if robot.motors.protocol.is_networked() {
        return Err(BridgeError::Networked);
    }
    let here = robot.joints.0.iter().filter(|joint| joint.bus == bus);
    let ids: Vec<u8> = here.map(|joint| joint.id).collect();
    if let Some(motors) = MotorCodec::virtual_bus(&robot.motors, &ids)? {
        return Ok(motors);
    }
    let device = VirtualDevice::of(&ids);
    Ok(Box::new(device.ok_or(BridgeError::Crowded { bus, motors: ids.len(), most: LIST_LEN })?))
}

/// The kind of all of a robot's buses.
#[derive(Clone, Copy, Debug)]
pub(super) enum BusKind {
    /// Motors are asked one after the other.
    Polled(MotorCodec),
    /// A microcontroller is told of all its motors at once.
    Linked,
    /// A whole robot is told of all its motors at once, and reports by itself.
    Robot(RobotProtocol),
}

impl BusKind {
    /// # Errors
    /// [`BridgeError::Model`] for a model that is not known, or missing.
    pub(super) fn of(motors: &MotorsDescription) -> Result<Self, BridgeError> {
        if let Some(robot) = RobotProtocol::of(motors.protocol) {
            return Ok(Self::Robot(robot));
        }
        Ok(MotorCodec::new(motors)?.map_or(Self::Linked, Self::Polled))
    }

    /// The greatest values that a command can carry.
    pub(super) fn limits(&self) -> EncodableLimits {
        match self {
            Self::Polled(codec) => codec.limits(),
            Self::Linked => linked_bus::LIMITS,
            Self::Robot(_) => robot_bus::LIMITS,
        }
    }

    /// The ids that one motor can have.
    pub(super) fn ids(&self) -> RangeInclusive<u8> {
        match self {
            Self::Polled(codec) => codec.ids(),
            Self::Linked => 0..=u8::MAX,
            Self::Robot(_) => 0..=(JOINTS as u8 - 1),
        }
    }

    /// Number of motors that one bus can have.
    pub(super) const fn max_motors(&self) -> usize {
        match self {
            Self::Polled(_) | Self::Robot(_) => JOINTS,
            Self::Linked => LIST_LEN,
        }
    }

    /// Length of the commands to so many motors and of their answers, bytes.
    pub(super) fn exchange_len(&self, motors: usize) -> usize {
        match self {
            Self::Polled(codec) => motors * (codec.command_len() + codec.reply_len()),
            Self::Linked => linked_bus::exchange_len(motors),
            Self::Robot(protocol) => protocol.command_len() + protocol.report_len(),
        }
    }

    /// Length of a motor's answer, bytes; `None` of what answers for all its motors at once.
    pub(super) fn reply_len(&self) -> Option<usize> {
        match self {
            Self::Polled(codec) => Some(codec.reply_len()),
            Self::Linked | Self::Robot(_) => None,
        }
    }

    /// A bus of these motors, which share so much of each cycle.
    pub(super) fn bus(&self, motors: Vec<Motor>, nanos: u64) -> MotorBus {
        match self {
            Self::Polled(codec) => {
                let slot_nanos = nanos / motors.len() as u64;
                MotorBus::Polled(Box::new(PolledBus::new(&motors, slot_nanos, *codec)))
            }
            Self::Linked => MotorBus::Linked(Box::new(LinkedBus::new(motors, nanos))),
            Self::Robot(protocol) => MotorBus::Robot(Box::new(RobotBus::new(*protocol, motors, nanos))),
        }
    }
}

/// A cycle's course on one bus.
#[derive(Clone, Debug)]
pub(super) enum MotorBus {
    Polled(Box<PolledBus>),
    Linked(Box<LinkedBus>),
    Robot(Box<RobotBus>),
}

impl MotorBus {
    /// Begins a cycle, to the motors' targets or only to read them.
    pub(super) fn begin(
        &mut self,
        now: Stamp,
        targets: Option<&[Impedance; JOINTS]>,
        clamped: &mut [bool; JOINTS],
    ) {
        match self {
            Self::Polled(bus) => bus.begin(targets),
            Self::Linked(bus) => bus.begin(now, targets, clamped),
            Self::Robot(bus) => bus.begin(now, targets),
        }
    }

    /// Ends the cycle, and counts the motors that have not answered.
    pub(super) fn end(&mut self, joints: &[JointDescription; JOINTS], cycle: &mut Cycle) {
        match self {
            Self::Polled(bus) => bus.end(cycle),
            Self::Linked(bus) => bus.end(cycle),
            Self::Robot(bus) => bus.end(joints, cycle),
        }
    }

    /// Nobody is left to ask or to wait for.
    pub(super) const fn is_complete(&self) -> bool {
        match self {
            Self::Polled(bus) => bus.is_complete(),
            Self::Linked(bus) => bus.is_complete(),
            Self::Robot(bus) => bus.is_complete(),
        }
    }

    /// The next frame to send.
    pub(super) fn poll_transmit(&mut self, now: Stamp) -> Option<&[u8]> {
        match self {
            Self::Polled(bus) => bus.poll_transmit(now),
            Self::Linked(bus) => bus.poll_transmit(now),
            Self::Robot(bus) => bus.poll_transmit(),
        }
    }

    /// Takes bytes that arrived.
    pub(super) fn handle_bytes(
        &mut self,
        now: Stamp,
        bytes: &[u8],
        joints: &[JointDescription; JOINTS],
        round_trip_nanos: &mut [Option<u64>; JOINTS],
        cycle: &mut Cycle,
    ) {
        match self {
            Self::Polled(bus) => bus.handle_bytes(now, bytes, joints, round_trip_nanos, cycle),
            Self::Linked(bus) => bus.handle_bytes(now, bytes, joints, round_trip_nanos, cycle),
            Self::Robot(bus) => bus.handle_bytes(now, bytes),
        }
    }

    /// The end of the slot of whoever is waited for.
    pub(super) fn deadline(&self) -> Option<Stamp> {
        match self {
            Self::Polled(bus) => bus.deadline(),
            Self::Linked(bus) => bus.deadline(),
            Self::Robot(bus) => bus.deadline(),
        }
    }

    /// Gives up on whoever has let his time run out.
    pub(super) fn expire(&mut self, now: Stamp) {
        match self {
            Self::Polled(bus) => bus.expire(now),
            Self::Linked(bus) => bus.expire(now),
            Self::Robot(bus) => bus.expire(now),
        }
    }

    /// Clears faults and stops that are kept until an operator has looked at them. Returns whether there were any.
    pub(super) fn clear_faults(&mut self) -> bool {
        match self {
            Self::Polled(bus) => bus.clear_faults(),
            Self::Linked(bus) => bus.reset_stop(),
            Self::Robot(_) => false,
        }
    }

    /// Counts of what came besides answers, since the start.
    pub(super) fn counts(&self) -> BusCounts {
        match self {
            Self::Polled(bus) => bus.counts(),
            Self::Linked(bus) => bus.counts(),
            Self::Robot(bus) => bus.counts(),
        }
    }

    /// The next inertial sample of a robot that sends them with its joints' states, and when it came.
    pub(super) fn poll_imu(&mut self) -> Option<(Stamp, ImuFrame)> {
        match self {
            Self::Robot(bus) => bus.poll_imu(),
            Self::Polled(_) | Self::Linked(_) => None,
        }
    }

    /// The newest report of a whole robot.
    pub(super) const fn report(&self) -> Option<&RobotReport> {
        match self {
            Self::Robot(bus) => bus.report(),
            Self::Polled(_) | Self::Linked(_) => None,
        }
    }
}
