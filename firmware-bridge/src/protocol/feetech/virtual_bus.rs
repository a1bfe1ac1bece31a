//! Servos that are not there: what they would answer.

use robot_interface::time::Stamp;

use super::super::FrameReader;
use super::super::device::VirtualBus;
use super::packet::{MAX_PACKET_LEN, MAX_PARAMETERS, Packet, Parameters, Status};
use super::register::FIRST_VOLATILE;
use super::{Errors, Fault, REGISTERS, Register, Request, ServoId};

/// Bytes of the register table.
const TABLE_LEN: usize = 87;
/// Most servos on a virtual bus.
const MAX_SERVOS: usize = 32;
/// The servo's own greatest velocity (ticks/s) and acceleration (ticks/s^2).
const MAX_VELOCITY: f64 = 3400.0;
const MAX_ACCELERATION: f64 = 25_400.0;
/// Longest step of the integration, s.
const STEP_S: f64 = 0.001;
/// A servo that was left alone for longer than this has come to rest, s.
const LONGEST_S: f64 = 20.0;
/// A pause after which what was unfinished is forgotten, ns: no packet of a master has one so long.
const GAP_NANOS: u64 = 50_000_000;
/// Value of [`Register::TORQUE`] that calls the present position the middle.
const CALIBRATE: i32 = 128;
const MIDDLE: i32 = 2048;

/// One servo. It behaves as the vendor describes; where the vendor says nothing, it does nothing.
#[derive(Clone, Debug)]
pub struct VirtualServo {
    /// Angle of its sensor, ticks, before [`Register::OFFSET`].
    pub sensor: f64,
    /// Velocity, ticks/s.
    pub velocity: f64,
    /// Its faults; set one to see how a master takes it.
    pub errors: Errors,
    table: [u8; TABLE_LEN],
    /// The registers as they will be when it is switched on again.
    kept: [u8; FIRST_VOLATILE as usize],
    /// Address and bytes that wait for an action.
    waiting: Option<(u8, Parameters)>,
    at: Option<Stamp>,
}

impl VirtualServo {
    /// An STS3215 as delivered, its torque off, at tick 2048.
    pub fn new(id: ServoId) -> Self {
        let mut servo = Self {
            sensor: MIDDLE.into(),
            velocity: 0.0,
            errors: Errors::NONE,
            table: [0; TABLE_LEN],
            kept: [0; FIRST_VOLATILE as usize],
            waiting: None,
            at: None,
        };
        servo.restore(id);
        servo
    }

    /// Switches the servo off and on: what was written under lock is forgotten, the torque is off.
    pub fn power_cycle(&mut self) {
        self.table = [0; TABLE_LEN];
        self.table[..usize::from(FIRST_VOLATILE)].copy_from_slice(&self.kept);
        self.waiting = None;
        self.velocity = 0.0;
        self.set(Register::LOCK, 1);
        self.set(Register::TORQUE_LIMIT, self.get(Register::MAX_TORQUE));
        self.set(Register::VOLTAGE, 120);
        self.set(Register::TEMPERATURE, 28);
        self.set(Register::GOAL_POSITION, self.position());
        self.publish(0.0);
    }

    /// The contents of a register.
    pub fn get(&self, register: Register) -> i32 {
        let at = usize::from(register.address);
        register.number([self.table[at], self.table[at + usize::from(register.len) - 1]])
    }

    /// Puts a number into a register, also into one that a master cannot write.
    pub fn set(&mut self, register: Register, number: i32) {
        let (at, len) = (usize::from(register.address), usize::from(register.len));
        self.table[at..at + len].copy_from_slice(&register.bytes(number)[..len]);
    }

    fn id(&self) -> u8 {
        self.table[usize::from(Register::ID.address)]
    }

    fn position(&self) -> i32 {
        self.sensor.round() as i32 - self.get(Register::OFFSET)
    }

    /// Registers as delivered, but for the id.
    fn restore(&mut self, id: ServoId) {
        self.table = [0; TABLE_LEN];
        for (register, number) in [
            (REGISTERS[0], 3),
            (REGISTERS[1], 10),
            (Register::MODEL, 777),
            (Register::ID, id.get().into()),
            (Register::STATUS_LEVEL, 1),
            (Register::MAX_POSITION, 4095),
            (Register::MAX_TEMPERATURE, 70),
            (Register::MAX_VOLTAGE, 140),
            (Register::MIN_VOLTAGE, 40),
            (Register::MAX_TORQUE, 1000),
        ] {
            self.set(register, number);
        }
        self.kept.copy_from_slice(&self.table[..usize::from(FIRST_VOLATILE)]);
        self.power_cycle();
    }

    /// Moves until `now`.
    fn run_to(&mut self, now: Stamp) {
        let passed_s = self.at.map_or(0.0, |at| now.seconds_since(at)).clamp(0.0, LONGEST_S);
        self.at = Some(now);
        let steps = (passed_s / STEP_S).ceil();
        let mut drive = 0.0;
        for _ in 0..steps as u32 {
            drive = self.step(passed_s / steps);
        }
        self.publish(drive);
    }

    /// One step with a trapezoid of velocity. Returns the drive as a share of the greatest.
    fn step(&mut self, dt_s: f64) -> f64 {
        if self.get(Register::TORQUE) != 1 {
            self.velocity = 0.0;
            return 0.0;
        }
        let limit = f64::from(self.get(Register::ACCELERATION)) * 100.0;
        let acceleration = if limit > 0.0 { limit.min(MAX_ACCELERATION) } else { MAX_ACCELERATION };
        let speed = f64::from(self.get(Register::GOAL_VELOCITY));
        let wanted = if self.get(Register::MODE) == 1 {
            speed.clamp(-MAX_VELOCITY, MAX_VELOCITY)
        } else {
            let most = if speed == 0.0 { MAX_VELOCITY } else { speed.abs().min(MAX_VELOCITY) };
            let error = f64::from(self.goal()) - (self.sensor - f64::from(self.get(Register::OFFSET)));
            let braking = (2.0 * acceleration * error.abs()).sqrt();
            error.signum() * most.min(braking).min(error.abs() / dt_s)
        };
        let change = (wanted - self.velocity).clamp(-acceleration * dt_s, acceleration * dt_s);
        self.velocity += change;
        self.sensor += self.velocity * dt_s;
        change / (MAX_ACCELERATION * dt_s)
    }

    /// The goal within the limits.
    fn goal(&self) -> i32 {
        let (least, most) = (self.get(Register::MIN_POSITION), self.get(Register::MAX_POSITION));
        let goal = self.get(Register::GOAL_POSITION);
        if (least, most) == (0, 0) || most < least { goal } else { goal.clamp(least, most) }
    }

    /// Brings the registers that show the state up to date.
    fn publish(&mut self, drive: f64) {
        if self.errors.has(Fault::Overload) {
            self.set(Register::TORQUE, 0);
        }
        let moving = self.velocity.abs() > 1.0;
        self.set(Register::POSITION, self.position());
        self.set(Register::VELOCITY, self.velocity.round() as i32);
        self.set(Register::LOAD, (drive * 1000.0).round() as i32);
        self.set(Register::MOVING, moving.into());
        self.set(Register::ERRORS, self.errors.0.into());
    }

    fn read(&self, address: u8, len: u8) -> Option<&[u8]> {
        let from = usize::from(address);
        self.table.get(from..from + usize::from(len)).filter(|bytes| bytes.len() <= MAX_PARAMETERS)
    }

    /// Writes what can be written of these bytes.
    fn write(&mut self, address: u8, data: &[u8]) {
        for (at, &byte) in (usize::from(address)..TABLE_LEN).zip(data) {
            let register = REGISTERS.iter().find(|register| {
                (usize::from(register.address)..usize::from(register.address + register.len)).contains(&at)
            });
            let is_id = at == usize::from(Register::ID.address);
            if register.is_none_or(|register| !register.writable) || (is_id && ServoId::new(byte).is_none()) {
                continue;
            }
            self.table[at] = byte;
            if let Some(kept) = self.kept.get_mut(at).filter(|_| self.table[55] == 0) {
                *kept = byte;
            }
        }
        if self.get(Register::TORQUE) == CALIBRATE {
            self.set(Register::OFFSET, self.sensor.round() as i32 - MIDDLE);
            self.set(Register::TORQUE, 0);
        }
    }

    /// Does what a request says; the answer's parameters, if there is one to a request in its own name.
    fn obey(&mut self, request: &Request<'_>) -> Option<Parameters> {
        let always = self.get(Register::STATUS_LEVEL) != 0;
        let done = always.then(Parameters::new);
        match *request {
            Request::Ping => Some(Parameters::new()),
            Request::Read { address, len } => self.read(address, len)?.try_into().ok(),
            Request::Write { address, data } => {
                self.write(address, data);
                done
            }
            Request::RegWrite { address, data } => {
                self.waiting = data.try_into().ok().map(|data| (address, data));
                done
            }
            Request::Action => {
                if let Some((address, data)) = self.waiting.take() {
                    self.write(address, data.as_slice());
                }
                done
            }
            Request::Reset => {
                self.restore(ServoId::new(self.id())?);
                done
            }
            Request::SyncRead { .. } | Request::SyncWrite { .. } => None,
        }
    }

    fn say(&self, id: u8, parameters: Parameters, say: &mut dyn FnMut(&[u8])) {
        let Some(id) = ServoId::new(id) else { return };
        let mut buffer = [0; MAX_PACKET_LEN];
        say(Status { id, errors: self.errors, parameters }.encode(&mut buffer));
    }
}

/// A bus with up to 32 servos.
#[derive(Clone, Debug)]
pub struct VirtualServos {
    servos: [Option<VirtualServo>; MAX_SERVOS],
    reader: FrameReader<Packet, MAX_PACKET_LEN>,
    heard_at: Stamp,
}

impl VirtualServos {
    /// A bus with an STS3215 for each id; those beyond the thirty-second are left out.
    pub fn of(ids: impl IntoIterator<Item = ServoId>) -> Self {
        let mut servos = std::array::from_fn(|_| None);
        for (place, id) in servos.iter_mut().zip(ids) {
            *place = Some(VirtualServo::new(id));
        }
        Self { servos, reader: FrameReader::new(), heard_at: Stamp::ZERO }
    }

    /// The servo that answers to an id.
    pub fn servo(&mut self, id: ServoId) -> Option<&mut VirtualServo> {
        self.servos.iter_mut().flatten().find(|servo| servo.id() == id.get())
    }

    fn obey(&mut self, now: Stamp, packet: &Packet, say: &mut dyn FnMut(&[u8])) {
        let Ok(request) = Request::decode(packet) else { return };
        for servo in self.servos.iter_mut().flatten() {
            servo.run_to(now);
        }
        match request {
            Request::SyncRead { address, len, ids } => {
                for &id in ids {
                    let Some(servo) = ServoId::new(id).and_then(|id| self.servo(id)) else { continue };
                    let bytes = servo.read(address, len).and_then(|bytes| bytes.try_into().ok());
                    if let Some(parameters) = bytes {
                        servo.say(id, parameters, say);
                    }
                }
            }
            Request::SyncWrite { address, len, blocks } => {
                for block in blocks.chunks_exact(usize::from(len) + 1) {
                    let servo = ServoId::new(block[0]).and_then(|id| self.servo(id));
                    if let Some(servo) = servo {
                        servo.write(address, &block[1..]);
                    }
                }
            }
            request => {
                let broadcast = packet.id == ServoId::BROADCAST;
                for servo in self.servos.iter_mut().flatten() {
                    let id = servo.id();
                    if !broadcast && id != packet.id.get() {
                        continue;
                    }
                    // A broadcast ping is answered by all: with one servo on the bus it asks for its id.
                    let heard = !broadcast || request == Request::Ping;
                    if let Some(parameters) = servo.obey(&request).filter(|_| heard) {
                        servo.say(id, parameters, say);
                    }
                }
            }
        }
    }
}

impl VirtualBus for VirtualServos {
    fn hear(&mut self, now: Stamp, mut bytes: &[u8], say: &mut dyn FnMut(&[u8])) {
        if now.nanos().saturating_sub(self.heard_at.nanos()) > GAP_NANOS {
            self.reader.clear();
        }
        self.heard_at = now;
        while let Some(found) = self.reader.next_frame(&mut bytes) {
            // Servos pass over noise without a word; the master notices that no answer comes.
            if let Ok(packet) = found {
                self.obey(now, &packet, say);
            }
        }
    }
}
