//! Motors behind an adapter that are not there: what they would answer.

use robot_interface::time::Stamp;

use super::super::FrameReader;
use super::super::Impedance;
use super::super::device::{Rotor, VirtualBus};
use super::adapter::{Inbound, OUTBOUND_LEN, Outbound, Report};
use super::answer::{Answer, SAVED};
use super::register::Access;
use super::{
    Action, CanFrame, ControlMode, Fault, Feedback, Model, Motion, MotorId, Ranges, Register, RegisterReply,
    Request, State, Value,
};

/// Inertia of an output shaft without load, kg m^2.
const INERTIA_KG_M2: f64 = 0.01;
/// Stiffness and damping of the motor's own position and velocity control.
const POSITION_KP: f64 = 60.0;
const VELOCITY_KD: f64 = 1.0;
/// Temperature of the power stage above the windings', degrees Celsius.
const MOS_ABOVE_ROTOR_C: f64 = 4.0;
/// A pause after which what was unfinished is forgotten, ns: no frame of a master has one so long.
const GAP_NANOS: u64 = 50_000_000;

/// One motor. It behaves as the vendor describes; where the vendor says nothing, it does nothing.
#[derive(Clone, Debug)]
pub struct VirtualMotor {
    /// The shaft, and what drives it.
    pub rotor: Rotor,
    /// Its state; set a [`State::Fault`] to see how a master takes it.
    pub state: State,
    /// Four bytes of every register.
    registers: [[u8; 4]; 82],
    heard_at: Stamp,
}

impl VirtualMotor {
    /// A disabled motor of a model, answering under the CAN id `master`.
    pub fn new(id: MotorId, model: Model, master: u16) -> Self {
        let ranges = model.ranges();
        let mut motor = Self {
            rotor: Rotor::new(INERTIA_KG_M2, ranges.torque_nm),
            state: State::Disabled,
            registers: [[0; 4]; 82],
            heard_at: Stamp::ZERO,
        };
        for (register, value) in [
            (Register::UNDER_VOLTAGE, Value::Float(15.0)),
            (Register::OVER_TEMPERATURE, Value::Float(100.0)),
            (Register::MASTER_ID, Value::Uint(master.into())),
            (Register::MOTOR_ID, Value::Uint(id.get().into())),
            (Register::CONTROL_MODE, Value::Uint(ControlMode::Impedance as u32)),
            (Register::SOFTWARE_VERSION, Value::Uint(5013)),
            (Register::GEAR_RATIO, Value::Float(10.0)),
            (Register::POSITION_RANGE, Value::Float(ranges.position_rad as f32)),
            (Register::VELOCITY_RANGE, Value::Float(ranges.velocity_rad_s as f32)),
            (Register::TORQUE_RANGE, Value::Float(ranges.torque_nm as f32)),
        ] {
            motor.set(register, value);
        }
        motor
    }

    /// The contents of a register.
    pub fn value(&self, register: Register) -> Value {
        Value::from_bytes(register.kind, self.registers[usize::from(register.number)])
    }

    /// Puts a value into a register, also into one that a master cannot write.
    pub fn set(&mut self, register: Register, value: Value) {
        self.registers[usize::from(register.number)] = value.bytes();
    }

    fn uint(&self, register: Register) -> u32 {
        u32::from_le_bytes(self.registers[usize::from(register.number)])
    }

    fn id(&self) -> Option<MotorId> {
        u8::try_from(self.uint(Register::MOTOR_ID)).ok().and_then(MotorId::new)
    }

    fn master(&self) -> u16 {
        self.uint(Register::MASTER_ID) as u16 & 0x7FF
    }

    fn ranges(&self) -> Option<Ranges> {
        let range = |register| self.value(register).number();
        Ranges::new(
            range(Register::POSITION_RANGE),
            range(Register::VELOCITY_RANGE),
            range(Register::TORQUE_RANGE),
        )
    }

    /// Turns until `now`, and stops with a fault if it is too hot or was left alone for too long.
    fn run_to(&mut self, now: Stamp) {
        self.rotor.run_to(now);
        let left_alone_nanos = now.nanos().saturating_sub(self.heard_at.nanos());
        let timeout_nanos = u64::from(self.uint(Register::TIMEOUT)) * Register::TIMEOUT_STEP_NANOS;
        if self.state != State::Enabled {
            self.rotor.drive = Impedance::default();
        } else if self.rotor.temperature_c > self.value(Register::OVER_TEMPERATURE).number() {
            self.stop(State::Fault(Fault::RotorOverTemperature));
        } else if timeout_nanos > 0 && left_alone_nanos > timeout_nanos {
            self.stop(State::Fault(Fault::CommunicationLost));
        }
    }

    fn stop(&mut self, state: State) {
        self.state = state;
        self.rotor.drive = Impedance::default();
    }

    /// Does what a CAN frame says, and returns the answer; `None` if it is for another.
    fn hear(&mut self, now: Stamp, can: &CanFrame) -> Option<Answer> {
        let (id, ranges) = (self.id()?, self.ranges()?);
        let request = Request::decode(can, &ranges).ok().filter(|request| request.id == id)?;
        self.run_to(now);
        self.heard_at = now;
        match request.action {
            Action::Enable if self.state == State::Disabled => self.state = State::Enabled,
            Action::Disable if self.state == State::Enabled => self.stop(State::Disabled),
            Action::SetZero => self.rotor.position_rad = 0.0,
            Action::ClearFault if self.state != State::Enabled => self.state = State::Disabled,
            Action::Read(register) => return Some(self.register(id, Access::Read, register)),
            Action::Write(register, value) => {
                if register.writable {
                    self.set(register, value);
                }
                return Some(self.register(id, Access::Write, register));
            }
            Action::Save if self.state == State::Enabled => return None,
            Action::Save => {
                let bytes = Value::Uint(1).bytes();
                let (master, access) = (self.master(), Access::Save);
                return Some(Answer::Register(RegisterReply { id, master, access, register: SAVED, bytes }));
            }
            action => self.drive(action),
        }
        Some(Answer::Feedback(self.feedback(id, &ranges)))
    }

    /// Takes targets, if it is enabled and they are of its control mode.
    fn drive(&mut self, action: Action) {
        let (mode, drive) = match action {
            Action::Impedance(targets) => (ControlMode::Impedance, targets),
            Action::PositionVelocity { position_rad, .. } => {
                (ControlMode::PositionVelocity, servo(position_rad, POSITION_KP, 0.0))
            }
            Action::Velocity { velocity_rad_s } => (ControlMode::Velocity, servo(0.0, 0.0, velocity_rad_s)),
            Action::PositionForce { position_rad, .. } => {
                (ControlMode::PositionForce, servo(position_rad, POSITION_KP, 0.0))
            }
            _ => return,
        };
        if self.state == State::Enabled && self.uint(Register::CONTROL_MODE) == mode as u32 {
            self.rotor.drive = drive;
        }
    }

    fn register(&self, id: MotorId, access: Access, register: Register) -> Answer {
        let mut bytes = self.registers[usize::from(register.number)];
        if register == Register::OUTPUT_POSITION {
            bytes = (self.rotor.position_rad as f32).to_le_bytes();
        }
        Answer::Register(RegisterReply { id, master: self.master(), access, register, bytes })
    }

    fn feedback(&self, id: MotorId, ranges: &Ranges) -> Feedback {
        let rotor = &self.rotor;
        let [position, velocity, torque] = ranges.steps(&Motion {
            position_rad: rotor.position_rad,
            velocity_rad_s: rotor.velocity_rad_s,
            torque_nm: rotor.torque_nm,
        });
        Feedback {
            id,
            master: self.master(),
            state: self.state,
            position,
            velocity,
            torque,
            mos_c: (rotor.temperature_c + MOS_ABOVE_ROTOR_C).round() as u8,
            rotor_c: rotor.temperature_c.round() as u8,
        }
    }
}

fn servo(position_rad: f64, kp: f64, velocity_rad_s: f64) -> Impedance {
    Impedance { position_rad, velocity_rad_s, kp, ..Impedance::damping(VELOCITY_KD) }
}

/// An adapter with up to fifteen motors on its CAN bus.
#[derive(Clone, Debug)]
pub struct VirtualMotors {
    motors: [Option<VirtualMotor>; 15],
    reader: FrameReader<Outbound, OUTBOUND_LEN>,
    heard_at: Stamp,
}

impl VirtualMotors {
    /// An adapter without motors.
    pub fn new() -> Self {
        Self { motors: std::array::from_fn(|_| None), reader: FrameReader::new(), heard_at: Stamp::ZERO }
    }

    /// An adapter with a motor of this model for each id, answering under id + 16 as is usual.
    pub fn of(model: Model, ids: impl IntoIterator<Item = MotorId>) -> Self {
        let mut bus = Self::new();
        for id in ids {
            bus.add(id, VirtualMotor::new(id, model, u16::from(id.get()) + 0x10));
        }
        bus
    }

    /// Puts a motor on the bus in the place of the one that had this id.
    pub fn add(&mut self, id: MotorId, motor: VirtualMotor) {
        self.motors[usize::from(id.get()) - 1] = Some(motor);
    }

    /// The motor that was added under an id.
    pub fn motor(&mut self, id: MotorId) -> Option<&mut VirtualMotor> {
        self.motors[usize::from(id.get()) - 1].as_mut()
    }
}

impl Default for VirtualMotors {
    fn default() -> Self {
        Self::new()
    }
}

impl VirtualBus for VirtualMotors {
    fn hear(&mut self, now: Stamp, mut bytes: &[u8], say: &mut dyn FnMut(&[u8])) {
        if now.nanos().saturating_sub(self.heard_at.nanos()) > GAP_NANOS {
            self.reader.clear();
        }
        self.heard_at = now;
        while let Some(found) = self.reader.next_frame(&mut bytes) {
            // Noise is the master's to notice: an adapter passes over it without a word.
            let Ok(outbound) = found else { continue };
            if outbound.report {
                let sent = Inbound { report: Report::Sent, ..Inbound::received(outbound.can) };
                say(&sent.encode());
            }
            for motor in self.motors.iter_mut().flatten() {
                if let Some(answer) = motor.hear(now, &outbound.can) {
                    say(&answer.inbound().encode());
                }
            }
        }
    }

    fn rotor(&mut self, id: u8) -> Option<&mut Rotor> {
        self.motor(MotorId::new(id)?).map(|motor| &mut motor.rotor)
    }
}
