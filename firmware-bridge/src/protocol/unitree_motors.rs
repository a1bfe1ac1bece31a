//! Unitree's motors where there are none: rotors without a robot, that answer in the vendor's bytes.
//!
//! As Adit's motors are set up, they damp once their last command is older than [`COMMAND_TIMEOUT_NANOS`].

use robot_interface::time::Stamp;

use super::device::{Rotor, VirtualBus};
use super::go_m8010::{self, COMMAND_TIMEOUT_NANOS, Fault};
use super::unitree_a1::{self, CommandFrame, Model};
use super::{Frame, FrameReader, Impedance};

/// Inertia of the rotor with what turns with it, kg m^2.
const INERTIA_KG_M2: f64 = 5e-4;
/// Greatest torque of the windings, N m.
const MAX_TORQUE_NM: f64 = 3.7;
/// Damping of shorted windings, N m s/rad.
const BRAKE_KD: f64 = 0.25;
/// Damping once commands have stopped, N m s/rad.
const IDLE_KD: f64 = 0.1;
/// From here on a motor reports that it is too hot, degrees Celsius.
const OVERHEAT_C: f64 = 90.0;

/// One motor, to be looked at and changed from outside.
#[derive(Clone, Copy, Debug)]
pub struct VirtualMotor {
    /// Its address.
    pub id: u8,
    /// The rotor.
    pub rotor: Rotor,
    /// True if it hears and answers; otherwise it is as if unplugged, and goes on under power.
    pub connected: bool,
    commanded: Option<Stamp>,
}

impl VirtualMotor {
    const fn new(id: u8) -> Self {
        let rotor = Rotor::new(INERTIA_KG_M2, MAX_TORQUE_NM);
        Self { id, rotor, connected: true, commanded: None }
    }

    /// Time of the last command.
    pub const fn commanded(&self) -> Option<Stamp> {
        self.commanded
    }

    /// Loses power and comes back: it forgets its turns and its last command.
    pub const fn reboot(&mut self) {
        *self = Self::new(self.id);
    }

    /// Turns until `now`; commands that have stopped hold nothing any more.
    pub fn run_to(&mut self, now: Stamp) {
        if self.commanded.is_some_and(|at| now.nanos().saturating_sub(at.nanos()) > COMMAND_TIMEOUT_NANOS) {
            self.rotor.drive = Impedance::damping(IDLE_KD);
        }
        self.rotor.run_to(now);
    }

    fn take(&mut self, now: Stamp, drive: Impedance) {
        self.run_to(now);
        (self.rotor.drive, self.commanded) = (drive, Some(now));
    }
}

/// Motors of one kind on one bus.
#[derive(Clone, Debug)]
pub struct VirtualMotors {
    motors: Vec<VirtualMotor>,
    decoder: CommandDecoder,
}

#[derive(Clone, Debug)]
enum CommandDecoder {
    GoM8010(FrameReader<go_m8010::Command>),
    A1(FrameReader<CommandFrame>, Model),
}

impl VirtualMotors {
    /// GO-M8010-6 motors with these ids; an id above 14 is never addressed.
    pub fn go_m8010(ids: &[u8]) -> Self {
        Self::with(ids, CommandDecoder::GoM8010(FrameReader::new()))
    }

    /// A1 or B1 motors with these ids.
    pub fn a1(model: Model, ids: &[u8]) -> Self {
        Self::with(ids, CommandDecoder::A1(FrameReader::new(), model))
    }

    fn with(ids: &[u8], decoder: CommandDecoder) -> Self {
        Self { motors: ids.iter().copied().map(VirtualMotor::new).collect(), decoder }
    }

    /// The motors, to be looked at.
    pub fn motors(&self) -> &[VirtualMotor] {
        &self.motors
    }

    /// The motors, to be changed.
    pub fn motors_mut(&mut self) -> &mut [VirtualMotor] {
        &mut self.motors
    }
}

impl VirtualBus for VirtualMotors {
    fn hear(&mut self, now: Stamp, bytes: &[u8], say: &mut dyn FnMut(&[u8])) {
        match &mut self.decoder {
            CommandDecoder::GoM8010(reader) => each(reader, bytes, |command| {
                let everybody = command.id == go_m8010::MotorId::BROADCAST;
                for motor in listeners(&mut self.motors, command.id.get(), everybody) {
                    if let Some(drive) = go_drive(&command) {
                        motor.take(now, drive);
                    }
                    if !everybody {
                        say(&go_reply(motor, &command).encode());
                    }
                }
            }),
            CommandDecoder::A1(reader, model) => each(reader, bytes, |frame| {
                let command = frame.read(*model);
                let everybody = command.id == unitree_a1::MotorId::BROADCAST;
                for motor in listeners(&mut self.motors, command.id.0, everybody) {
                    if let Some(drive) = a1_drive(&command) {
                        motor.take(now, drive);
                    }
                    if !everybody {
                        say(&a1_reply(motor, &command).encode());
                    }
                }
            }),
        }
    }

    fn rotor(&mut self, id: u8) -> Option<&mut Rotor> {
        self.motors.iter_mut().find(|motor| motor.id == id).map(|motor| &mut motor.rotor)
    }
}

/// Calls back for each whole frame; noise is passed over without a word.
fn each<F: Frame>(reader: &mut FrameReader<F>, mut bytes: &[u8], mut heard: impl FnMut(F)) {
    while let Some(found) = reader.next_frame(&mut bytes) {
        if let Ok(frame) = found {
            heard(frame);
        }
    }
}

fn listeners(
    motors: &mut [VirtualMotor],
    id: u8,
    everybody: bool,
) -> impl Iterator<Item = &mut VirtualMotor> {
    motors.iter_mut().filter(move |motor| motor.connected && (everybody || motor.id == id))
}

/// `None` for a mode without a meaning, which changes nothing.
fn go_drive(command: &go_m8010::Command) -> Option<Impedance> {
    use go_m8010::Mode;
    match command.mode {
        Mode::Foc => Some(command.targets),
        // A virtual encoder needs no calibration.
        Mode::Brake | Mode::Calibrate => Some(Impedance::damping(BRAKE_KD)),
        Mode::Undefined(_) => None,
    }
}

fn go_reply(motor: &VirtualMotor, command: &go_m8010::Command) -> go_m8010::Reply {
    go_m8010::Reply {
        id: command.id,
        mode: command.mode,
        torque_nm: motor.rotor.torque_nm,
        velocity_rad_s: motor.rotor.velocity_rad_s,
        position_rad: motor.rotor.position_rad,
        temperature_c: motor.rotor.temperature_c,
        error: (motor.rotor.temperature_c >= OVERHEAT_C).then_some(Fault::Overheat),
        foot_force: 0,
    }
}

fn a1_drive(command: &unitree_a1::Command) -> Option<Impedance> {
    use unitree_a1::Mode;
    match command.mode {
        Mode::Foc => Some(command.targets),
        Mode::Idle => Some(Impedance::default()),
        // Nothing that is not there needs a test run.
        Mode::OpenLoop => Some(Impedance::damping(BRAKE_KD)),
        Mode::Undefined(_) => None,
    }
}

fn a1_reply(motor: &VirtualMotor, command: &unitree_a1::Command) -> unitree_a1::Reply {
    unitree_a1::Reply {
        id: command.id,
        mode: command.mode,
        torque_nm: motor.rotor.torque_nm,
        velocity_rad_s: motor.rotor.velocity_rad_s,
        position_rad: motor.rotor.position_rad,
        temperature_c: motor.rotor.temperature_c,
        error: u8::from(motor.rotor.temperature_c >= OVERHEAT_C),
        foot_force: 0,
        gyro_rad_s: [0.0; 3],
        accel_m_s2: [0.0, 0.0, 9.81],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Stamp {
        Stamp::from_nanos(ms * 1_000_000)
    }

    fn command(id: u8, position_rad: f64) -> go_m8010::Command {
        go_m8010::Command {
            id: go_m8010::MotorId::new(id).unwrap_or(go_m8010::MotorId::BROADCAST),
            mode: go_m8010::Mode::Foc,
            targets: Impedance { position_rad, kp: 1.0, ..Impedance::damping(0.05) },
        }
    }

    fn ask(bus: &mut VirtualMotors, now: Stamp, bytes: &[u8]) -> Vec<u8> {
        let mut said = Vec::new();
        bus.hear(now, bytes, &mut |answer| said.extend_from_slice(answer));
        said
    }

    #[test]
    fn a_motor_goes_where_it_is_told_and_says_where_it_is() {
        let mut bus = VirtualMotors::go_m8010(&[0, 1]);
        for ms in 0..500 {
            ask(&mut bus, at(ms), &command(1, 2.0).encode());
        }
        let said = ask(&mut bus, at(500), &command(1, 2.0).encode());
        let reply = go_m8010::Reply::decode(&said).expect("an answer");
        assert!((reply.position_rad - 2.0).abs() < 0.01 && reply.id.get() == 1, "{reply:?}");
        assert_eq!(bus.motors()[0].rotor.position_rad, 0.0, "the other one stays");
    }

    #[test]
    fn everybody_is_told_at_once_and_nobody_answers() {
        let mut bus = VirtualMotors::go_m8010(&[0, 1]);
        assert_eq!(ask(&mut bus, at(0), &command(15, 1.0).encode()), []);
        assert!(bus.motors().iter().all(|motor| motor.commanded() == Some(at(0))));
    }

    #[test]
    fn what_is_not_for_it_or_damaged_moves_nothing() {
        let mut bus = VirtualMotors::go_m8010(&[0]);
        let mut damaged = command(0, 1.0).encode();
        damaged[8] ^= 1;
        for bytes in [damaged, command(3, 1.0).encode()] {
            assert_eq!(ask(&mut bus, at(0), &bytes), []);
        }
        assert_eq!(bus.motors()[0].commanded(), None);
    }

    #[test]
    fn commands_that_stop_are_not_followed_for_ever() {
        let mut bus = VirtualMotors::go_m8010(&[0]);
        ask(&mut bus, at(0), &command(0, 100.0).encode());
        bus.motors_mut()[0].run_to(at(90));
        assert!(bus.motors()[0].rotor.drive.kp > 0.9);
        bus.motors_mut()[0].run_to(at(110));
        assert_eq!(bus.motors()[0].rotor.drive, Impedance::damping(IDLE_KD));
    }

    #[test]
    fn an_a1_answers_in_its_own_bytes() {
        let mut bus = VirtualMotors::a1(Model::A1, &[2]);
        let command = unitree_a1::Command {
            id: unitree_a1::MotorId(2),
            mode: unitree_a1::Mode::Foc,
            targets: Impedance { torque_nm: 0.5, ..Impedance::damping(0.01) },
        };
        let said = ask(&mut bus, at(0), &command.encode(Model::A1));
        assert_eq!(said.len(), unitree_a1::REPLY_LEN);
        let said = ask(&mut bus, at(20), &command.encode(Model::A1));
        let reply = unitree_a1::Reply::decode(&said).expect("an answer");
        assert!(reply.velocity_rad_s > 0.1, "{reply:?}");
    }
}
