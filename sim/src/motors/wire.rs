//! The bytes of virtual motors: orders out of what is heard, and what is said.

use firmware_bridge::port::{BusPort, PortError};
use firmware_bridge::protocol::FrameReader;
use firmware_bridge::protocol::go_m8010::{Command, Fault, Mode, MotorId, Reply};
use firmware_bridge::robot::{CommandReader, MotorReport, RobotProtocol, RobotReport};
use robot_interface::joints::JOINTS;
use robot_interface::robot::MotorProtocol;
use robot_interface::time::Stamp;

use super::motor::{Order, VirtualMotor};
use crate::engine::JointReading;

/// Simulated time between two reports of a whole robot: 500 Hz.
pub const REPORT_NANOS: u64 = 2_000_000;

/// Language of a bus, and what is not yet said in it.
#[derive(Clone, Debug)]
pub(super) enum Wire {
    GoM8010 {
        reader: FrameReader<Command>,
        /// Those to answer, by their place, and the mode that they were told.
        asked: Vec<(usize, Mode)>,
    },
    Robot(Box<RobotWire>),
}

/// A whole robot's messages.
#[derive(Clone, Debug)]
pub(super) struct RobotWire {
    protocol: RobotProtocol,
    reader: CommandReader,
    message: Vec<u8>,
    /// Time of the last report.
    reported: Option<Stamp>,
    /// Everything of the report but the motors.
    pub(super) sensors: RobotReport,
}

impl Wire {
    /// The language of a robot's motors; `None` if the virtual ones do not speak it.
    pub(super) fn of(protocol: MotorProtocol) -> Option<Self> {
        if let Some(protocol) = RobotProtocol::of(protocol) {
            return Some(Self::Robot(Box::new(RobotWire {
                protocol,
                reader: CommandReader::new(protocol),
                message: Vec::new(),
                reported: None,
                sensors: RobotReport::default(),
            })));
        }
        let is_spoken = protocol == MotorProtocol::GoM8010;
        is_spoken.then(|| Self::GoM8010 { reader: FrameReader::new(), asked: Vec::new() })
    }

    /// The greatest id that a motor can have.
    pub(super) const fn max_id(&self) -> u8 {
        match self {
            Self::GoM8010 { .. } => 14,
            Self::Robot(_) => JOINTS as u8 - 1,
        }
    }

    /// Takes what has arrived. Returns how many frames were no command.
    pub(super) fn hear(&mut self, now: Stamp, mut bytes: &[u8], motors: &mut [VirtualMotor]) -> u64 {
        let mut rejected = 0;
        match self {
            Self::GoM8010 { reader, asked } => {
                while let Some(found) = reader.next_frame(&mut bytes) {
                    let command = match found {
                        Ok(command) if !matches!(command.mode, Mode::Undefined(_)) => command,
                        _ => {
                            rejected += 1;
                            continue;
                        }
                    };
                    let order = match command.mode {
                        Mode::Foc => Order::Drive(command.targets),
                        // A virtual encoder needs no calibration; nobody's leg is to turn by itself for it.
                        Mode::Brake | Mode::Calibrate | Mode::Undefined(_) => Order::Brake,
                    };
                    for (place, motor) in motors.iter_mut().enumerate().filter(|(_, motor)| motor.connected) {
                        let is_meant = MotorId::new(motor.id) == Some(command.id);
                        if is_meant || command.id == MotorId::BROADCAST {
                            motor.order = Some((now, order));
                        }
                        if is_meant {
                            asked.push((place, command.mode));
                        }
                    }
                }
            }
            Self::Robot(robot) => {
                while let Some(found) = robot.reader.next(&mut bytes) {
                    let Ok(targets) = found else {
                        rejected += 1;
                        continue;
                    };
                    for motor in motors.iter_mut().filter(|motor| motor.connected) {
                        motor.order =
                            targets[usize::from(motor.id)].map(|targets| (now, Order::Drive(targets)));
                    }
                }
            }
        }
        rejected
    }

    /// Answers, or reports if it is time.
    pub(super) fn speak<P: BusPort>(
        &mut self,
        now: Stamp,
        motors: &[VirtualMotor],
        readings: &[JointReading; JOINTS],
        port: &mut P,
    ) -> Result<(), PortError> {
        match self {
            Self::GoM8010 { asked, .. } => {
                // One that cannot answer does not keep the others from it.
                let mut sent = Ok(());
                for (place, mode) in asked.drain(..) {
                    let motor = &motors[place];
                    sent = sent.and(port.write(&reply(motor, mode, &readings[motor.joint]).encode()));
                }
                sent
            }
            Self::Robot(robot) => {
                let is_due =
                    robot.reported.is_none_or(|at| now.nanos().saturating_sub(at.nanos()) >= REPORT_NANOS);
                if !is_due {
                    return Ok(());
                }
                robot.reported = Some(now);
                robot.report(now, motors, readings);
                port.write(&robot.message)
            }
        }
    }
}

impl RobotWire {
    fn report(&mut self, now: Stamp, motors: &[VirtualMotor], readings: &[JointReading; JOINTS]) {
        let mut report = self.sensors;
        report.tick_ms = (now.nanos() / 1_000_000) as u32;
        for motor in motors.iter().filter(|motor| motor.connected) {
            let measured = motor.measured(&readings[motor.joint]);
            report.motors[usize::from(motor.id)] = MotorReport {
                position_rad: measured.position_rad,
                velocity_rad_s: measured.velocity_rad_s,
                torque_nm: measured.torque_nm,
                temperature_c: motor.temperature_c,
                driven: Some(motor.order.is_some()),
            };
        }
        self.protocol.encode_report(&report, &mut self.message);
    }
}

fn reply(motor: &VirtualMotor, mode: Mode, reading: &JointReading) -> Reply {
    let measured = motor.measured(reading);
    Reply {
        id: MotorId::new(motor.id).unwrap_or(MotorId::BROADCAST),
        mode,
        torque_nm: measured.torque_nm,
        velocity_rad_s: measured.velocity_rad_s,
        position_rad: measured.position_rad,
        temperature_c: motor.temperature_c,
        error: motor.overheated.then_some(Fault::Overheat),
        foot_force: 0,
    }
}
