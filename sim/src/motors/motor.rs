//! One virtual motor: its orders, its drive, its heat.

use firmware_bridge::protocol::Impedance;
use firmware_bridge::protocol::go_m8010::COMMAND_TIMEOUT_NANOS;
use robot_interface::robot::JointDescription;
use robot_interface::time::Stamp;

use crate::engine::{JointDrive, JointReading};

/// Damping at the joint while a motor's commands are stale or it is too hot, N m s/rad: a robot of 15 kg
/// sinks to the ground in about a second rather than dropping.
pub const DAMPING_KD: f64 = 4.0;
/// Damping at the joint while windings are shorted, N m s/rad.
pub const BRAKE_KD: f64 = 10.0;

/// Temperature of the air and of a motor at the start, degrees Celsius.
pub const AMBIENT_C: f64 = 22.0;
/// A motor this hot, degrees Celsius, reports that and damps...
pub const OVERHEAT_C: f64 = 90.0;
/// ...until it has cooled to this.
pub const RECOVERED_C: f64 = 80.0;
/// Heat of the windings at full torque, W; it goes by the torque's square.
const FULL_HEAT_W: f64 = 200.0;
/// Half a kilogram of copper and steel, J/K.
const HEAT_CAPACITY_J_K: f64 = 225.0;
/// From the windings to the air, K/W.
const THERMAL_RESISTANCE_K_W: f64 = 1.5;

/// What a motor was told last, at its own side of the gearbox.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Order {
    /// To follow targets.
    Drive(Impedance),
    /// To short its windings.
    Brake,
}

/// One motor: what it was told, and how warm it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct VirtualMotor {
    pub(super) joint: usize,
    pub(super) id: u8,
    description: JointDescription,
    /// The last order and when it came.
    pub(super) order: Option<(Stamp, Order)>,
    pub(super) temperature_c: f64,
    pub(super) overheated: bool,
    pub(super) connected: bool,
    served: Option<Stamp>,
    /// Drawn from the battery, W; negative where the joint drives the motor.
    pub(super) power_w: f64,
}

impl VirtualMotor {
    pub(super) const fn new(joint: usize, id: u8, description: JointDescription) -> Self {
        Self {
            joint,
            id,
            description,
            order: None,
            temperature_c: AMBIENT_C,
            overheated: false,
            connected: true,
            served: None,
            power_w: 0.0,
        }
    }

    pub(super) fn drive(&self, now: Stamp) -> JointDrive {
        let joint = &self.description;
        let max_torque_nm = joint.max_torque_nm.get();
        let damping = |kd| JointDrive { kd, max_torque_nm, ..JointDrive::default() };
        match self.follows(now) {
            Some(Order::Drive(targets)) => JointDrive {
                position_rad: joint.joint_position_rad(targets.position_rad),
                velocity_rad_s: joint.joint_velocity_rad_s(targets.velocity_rad_s),
                kp: joint.joint_gain(targets.kp),
                kd: joint.joint_gain(targets.kd),
                torque_nm: joint.joint_torque_nm(targets.torque_nm),
                max_torque_nm,
            },
            Some(Order::Brake) => damping(BRAKE_KD),
            None => damping(DAMPING_KD),
        }
    }

    /// What its own sensors see, at the rotor.
    pub(super) fn measured(&self, reading: &JointReading) -> Impedance {
        Impedance {
            torque_nm: self.description.rotor_torque_nm(reading.torque_nm),
            velocity_rad_s: self.description.rotor_velocity_rad_s(reading.velocity_rad_s),
            position_rad: self.description.rotor_position_rad(reading.position_rad),
            kp: 0.0,
            kd: 0.0,
        }
    }

    /// The order that it follows, unless it damps by itself.
    pub(super) fn follows(&self, now: Stamp) -> Option<&Order> {
        let fresh = |at: Stamp| now.nanos().saturating_sub(at.nanos()) <= COMMAND_TIMEOUT_NANOS;
        self.order.as_ref().filter(|(at, _)| fresh(*at) && !self.overheated).map(|(_, order)| order)
    }

    /// Heats and cools since the last call, by the torque at the joint.
    pub(super) fn warm(&mut self, now: Stamp, reading: &JointReading) {
        let dt_s = self.served.map_or(0.0, |last| now.seconds_since(last)).clamp(0.0, 1.0);
        self.served = self.served.max(Some(now));
        let heat_w = FULL_HEAT_W * (reading.torque_nm / self.description.max_torque_nm.get()).powi(2);
        let loss_w = (self.temperature_c - AMBIENT_C) / THERMAL_RESISTANCE_K_W;
        // One that damps by itself has its windings shorted: the joint pays for the heat, and nothing is drawn.
        let driven = matches!(self.follows(now), Some(Order::Drive(_)));
        self.power_w = if driven { reading.torque_nm * reading.velocity_rad_s + heat_w } else { 0.0 };
        self.temperature_c += (heat_w - loss_w) * dt_s / HEAT_CAPACITY_J_K;
        self.overheated = self.temperature_c >= if self.overheated { RECOVERED_C } else { OVERHEAT_C };
    }
}
