//! Sits at the motors' end and looks at every command that one of them takes.
//!
//! It knows what the bridge wrote, what each motor has really said, and what was asked of the safety layer, and
//! shares no arithmetic with the bridge but the description's joint-to-rotor conversions.

use std::collections::VecDeque;

use firmware_bridge::bridge::Cycle;
use firmware_bridge::protocol::Impedance;
use firmware_bridge::protocol::device::Rotor;
use firmware_bridge::protocol::go_m8010::{Command, Mode, Reply};
use firmware_bridge::safety::PowerState;
use robot_interface::joints::{JOINT_NAMES, JOINTS, JointMeasurement};
use robot_interface::robot::{JointDescription, RobotDescription};
use robot_interface::time::Stamp;

/// Half a step of the wire, rotor side: N m, rad/s, rad, and of gains.
#[expect(clippy::approx_constant, reason = "the wire's own two pi")]
const HALF: [f64; 4] = [0.5 / 256.0, 0.5 * 6.2832 / 256.0, 0.5 * 6.2832 / 32_768.0, 0.5 * 25.6 / 32_768.0];
/// Rounding of the judge's own sums, N m.
const SLACK_NM: f64 = 1e-6;
/// Least time in which torque may grow from nothing to the joint's greatest, s: standing, and active.
const RISE_S: [f64; 2] = [0.02, 0.004];
/// Replies that are remembered for each joint.
const MEMORY: usize = 512;

/// What was found over an episode.
#[derive(Clone, Debug, Default)]
pub(crate) struct Findings {
    /// Commands that motors have taken.
    pub(crate) accepted: u64,
    /// Of these, commands that were never sent: damaged ones that the checksum lets pass.
    pub(crate) counterfeit: u64,
    /// Readings that were older than their cycle.
    pub(crate) stale: u64,
    /// The oldest of them, in cycles.
    pub(crate) oldest: u64,
    /// Readings that the motor never gave.
    pub(crate) false_readings: u64,
    /// Commands taken by a motor that has restarted and not been heard since.
    pub(crate) blind: u64,
    /// The greatest torque that the motor's own state made of a command, over the joint's greatest; all commands but
    /// the blind ones.
    pub(crate) worst_share: f64,
    /// What must not be; the first few are spelt out.
    pub(crate) violations: u64,
    pub(crate) told: Vec<String>,
}

/// What a joint's last command came to, as far as the sender knew.
#[derive(Clone, Copy, Debug)]
struct Driven {
    drive_nm: f64,
    /// What the wire's rounding can have changed of it.
    unsure_nm: f64,
    at: Stamp,
}

pub(crate) struct Judge {
    joints: [JointDescription; JOINTS],
    robot: RobotDescription,
    pub(crate) findings: Findings,
    /// What the bridge wrote in this cycle.
    written: Vec<Command>,
    cycle: u64,
    begun: Stamp,
    power: PowerState,
    /// When the brisk pace was last allowed.
    brisk_at: Option<Stamp>,
    /// What the sender knows of each joint, `[12]`.
    known: [Option<JointMeasurement>; JOINTS],
    /// The motor's own word that it comes from, if it is one, `[12]`.
    true_known: [Option<JointMeasurement>; JOINTS],
    said: [VecDeque<(u64, JointMeasurement)>; JOINTS],
    restarted: [bool; JOINTS],
    driven: [Option<Driven>; JOINTS],
}

impl Judge {
    pub(crate) fn new(robot: &RobotDescription) -> Self {
        Self {
            joints: robot.joints.0,
            robot: robot.clone(),
            findings: Findings::default(),
            written: Vec::new(),
            cycle: 0,
            begun: Stamp::ZERO,
            power: PowerState::Off,
            brisk_at: None,
            known: [None; JOINTS],
            true_known: [None; JOINTS],
            said: Default::default(),
            restarted: [false; JOINTS],
            driven: [None; JOINTS],
        }
    }

    /// A cycle begins, with commands that were admitted in this state.
    pub(crate) fn begin(&mut self, cycle: u64, power: PowerState, now: Stamp) {
        (self.cycle, self.power, self.begun) = (cycle, power, now);
        self.written.clear();
        if power == PowerState::Active {
            self.brisk_at = Some(now);
        }
    }

    /// The bridge hands a frame to its port.
    pub(crate) fn wrote(&mut self, frame: &[u8]) {
        match Command::decode(frame) {
            Ok(command) => self.written.push(command),
            Err(error) => self.violation(format!("the bridge wrote what is no command: {error}")),
        }
    }

    /// A motor has lost its turns.
    pub(crate) fn restarted(&mut self, bus: usize, id: u8) {
        if let Some(joint) = self.joint(bus, id) {
            self.restarted[joint] = true;
            self.said[joint].clear();
        }
    }

    /// A motor answers.
    pub(crate) fn said(&mut self, bus: usize, reply: &Reply) {
        let Some(joint) = self.joint(bus, reply.id.get()) else { return };
        let description = &self.joints[joint];
        let measured = JointMeasurement {
            position_rad: description.joint_position_rad(reply.position_rad),
            velocity_rad_s: description.joint_velocity_rad_s(reply.velocity_rad_s),
            torque_nm: description.joint_torque_nm(reply.torque_nm),
            temperature_c: reply.temperature_c,
        };
        self.said[joint].push_back((self.cycle, measured));
        if self.said[joint].len() > MEMORY {
            self.said[joint].pop_front();
        }
    }

    /// The cycle is over: are its readings what the motors said, and when?
    pub(crate) fn end(&mut self, cycle: &Cycle) {
        for joint in 0..JOINTS {
            if !cycle.answered[joint] {
                continue;
            }
            let measured = cycle.states.joints[joint];
            self.known[joint] = Some(measured);
            let own = self.said[joint].iter().rev().find(|(_, said)| *said == measured);
            match own.copied() {
                Some((at, said)) => {
                    self.true_known[joint] = Some(said);
                    self.restarted[joint] = false;
                    let age = self.cycle - at;
                    self.findings.stale += u64::from(age > 0);
                    self.findings.oldest = self.findings.oldest.max(age);
                }
                None => self.findings.false_readings += 1,
            }
        }
    }

    /// A motor takes a command, in this state.
    pub(crate) fn accepted(&mut self, bus: usize, id: u8, command: &Command, rotor: &Rotor) {
        self.findings.accepted += 1;
        let Some(joint) = self.joint(bus, id) else { return };
        if !self.written.contains(command) || command.id.get() != id {
            self.findings.counterfeit += 1;
            return;
        }
        self.check_fields(joint, command);
        self.check_power(joint, command);
        self.check_torque(joint, command, rotor);
        self.check_growth(joint, command);
    }

    fn check_fields(&mut self, joint: usize, command: &Command) {
        let description = self.joints[joint];
        let name = JOINT_NAMES[joint];
        let targets = command.targets;
        let [torque, velocity, position, _] = HALF;
        let position_rad = description.joint_position_rad(targets.position_rad);
        let reach = 1.01 * position / description.gear_ratio.get();
        let (lower, upper) = (description.lower_rad.get() - reach, description.upper_rad.get() + reach);
        if targets.kp > 0.0 && !(lower..=upper).contains(&position_rad) {
            self.violation(format!("{name}: pulled to {position_rad} rad, beyond its stops"));
        }
        let most = description.rotor_velocity_rad_s(description.max_velocity_rad_s.get()).abs();
        if targets.velocity_rad_s.abs() > most + 1.01 * velocity {
            self.violation(format!("{name}: {} rad/s at the rotor, of {most}", targets.velocity_rad_s));
        }
        let most = description.rotor_torque_nm(description.max_torque_nm.get()).abs();
        if targets.torque_nm.abs() > most + 1.01 * torque {
            self.violation(format!("{name}: {} N m at the rotor, of {most}", targets.torque_nm));
        }
        let gains = [targets.kp, targets.kd];
        let most = [self.robot.protection.max_kp(), self.robot.protection.max_kd()]
            .map(|gain| description.rotor_gain(gain));
        let within = |(gain, most): (&f64, f64)| (0.0..=most + 1.01 * HALF[3]).contains(gain);
        if !gains.iter().zip(most).all(within) {
            self.violation(format!("{name}: gains {gains:?}"));
        }
        if command.mode != Mode::Foc {
            self.violation(format!("{name}: mode {:?}", command.mode));
        }
    }

    fn check_power(&mut self, joint: usize, command: &Command) {
        let Impedance { kp, torque_nm, velocity_rad_s, .. } = command.targets;
        let drives = kp != 0.0 || torque_nm != 0.0 || velocity_rad_s != 0.0;
        if drives && !matches!(self.power, PowerState::Standing | PowerState::Active) {
            self.violation(format!("{}: driven while {}", JOINT_NAMES[joint], self.power.name()));
        }
        if drives && self.known[joint].is_none() {
            self.violation(format!("{}: driven and never heard", JOINT_NAMES[joint]));
        }
    }

    /// The torque that a motor makes of the command stays within the joint's: as the sender knew the joint, and, by
    /// what the joint has moved since the last word of its own that the sender took, as it is.
    fn check_torque(&mut self, joint: usize, command: &Command, rotor: &Rotor) {
        let Some(known) = self.known[joint] else { return };
        let description = self.joints[joint];
        let share = self.robot.protection.torque_share(known.temperature_c);
        let greatest = description.rotor_torque_nm(description.max_torque_nm.get()).abs();
        let knew = rotor_state(&description, &known);
        let (drive, torque) = drive_and_torque(&command.targets, knew);
        let most = greatest * share + rounding(&command.targets, knew);
        // Damping alone may be that of a joint that has long been silent, whose speed nobody knows.
        if drive != 0.0 && torque.abs() > most + SLACK_NM {
            self.violation(format!("{}: {torque} N m at the rotor, of {most}", JOINT_NAMES[joint]));
        }
        if self.restarted[joint] {
            self.findings.blind += 1;
            return;
        }
        let is = [rotor.position_rad, rotor.velocity_rad_s];
        let (drive, torque) = drive_and_torque(&command.targets, is);
        if torque * drive > 0.0 {
            let driven = torque.abs().min(drive.abs());
            self.findings.worst_share = self.findings.worst_share.max(driven / greatest);
        }
        let Some(true_known) = self.true_known[joint] else { return };
        let was = rotor_state(&description, &true_known);
        let Impedance { kp, kd, .. } = command.targets;
        let moved = kp * (is[0] - was[0]).abs() + kd * (is[1] - was[1]).abs();
        // The share is that of the temperature that the joint really told.
        let share = self.robot.protection.torque_share(true_known.temperature_c);
        let rounding = rounding(&command.targets, was) + rounding(&command.targets, is);
        let most = greatest * share + moved + rounding;
        if excess_nm(drive, torque, most, moved + rounding) > SLACK_NM {
            let name = JOINT_NAMES[joint];
            self.violation(format!("{name}: {torque} N m at the rotor as it is, of {most}"));
        }
    }

    /// Torque grows no faster than the pace since the last command that this motor took.
    fn check_growth(&mut self, joint: usize, command: &Command) {
        let Some(known) = self.known[joint] else { return };
        let description = self.joints[joint];
        let knew = rotor_state(&description, &known);
        let (drive_nm, _) = drive_and_torque(&command.targets, knew);
        let unsure_nm = rounding(&command.targets, knew);
        let last = self.driven[joint].replace(Driven { drive_nm, unsure_nm, at: self.begun });
        let Some(last) = last else { return };
        let brisk = self.brisk_at.is_some_and(|at| at >= last.at);
        let greatest = description.rotor_torque_nm(description.max_torque_nm.get()).abs();
        let grown = greatest * self.begun.seconds_since(last.at) / RISE_S[usize::from(brisk)];
        let before = if drive_nm * last.drive_nm >= 0.0 { last.drive_nm.abs() } else { 0.0 };
        let most = before + grown + unsure_nm + last.unsure_nm + SLACK_NM;
        if drive_nm.abs() > most {
            let name = JOINT_NAMES[joint];
            self.violation(format!("{name}: from {} to {drive_nm} N m at the rotor", last.drive_nm));
        }
    }

    fn violation(&mut self, what: String) {
        self.findings.violations += 1;
        if self.findings.told.len() < 3 {
            self.findings.told.push(format!("cycle {}: {what}", self.cycle));
        }
    }

    fn joint(&self, bus: usize, id: u8) -> Option<usize> {
        self.joints.iter().position(|joint| (joint.bus, joint.id) == (bus, id))
    }
}

/// Position, rad, and velocity, rad/s, of the rotor.
fn rotor_state(joint: &JointDescription, measured: &JointMeasurement) -> [f64; 2] {
    [joint.rotor_position_rad(measured.position_rad), joint.rotor_velocity_rad_s(measured.velocity_rad_s)]
}

/// What the command asks of a rotor in this state, without and with the damping of its own motion, N m.
fn drive_and_torque(targets: &Impedance, [position_rad, velocity_rad_s]: [f64; 2]) -> (f64, f64) {
    let drive = targets.torque_nm
        + targets.kp * (targets.position_rad - position_rad)
        + targets.kd * targets.velocity_rad_s;
    (drive, drive - targets.kd * velocity_rad_s)
}

/// What is too much of a torque, as far as it is the command's, N m: damping of the joint's own motion is not, and
/// neither is what it comes to with a drive within `unsure_nm` of none.
fn excess_nm(drive: f64, torque: f64, most: f64, unsure_nm: f64) -> f64 {
    if torque * drive > 0.0 { (torque.abs() - most).min(drive.abs() - unsure_nm) } else { 0.0 }
}

/// What the wire's rounding can change of it, N m.
fn rounding(targets: &Impedance, [position_rad, velocity_rad_s]: [f64; 2]) -> f64 {
    let [torque, velocity, position, gain] = HALF;
    let stretched = (targets.position_rad - position_rad).abs();
    let faster = (targets.velocity_rad_s - velocity_rad_s).abs().max(targets.velocity_rad_s.abs());
    torque + targets.kp * position + targets.kd * velocity + gain * (stretched + faster + position + velocity)
}
