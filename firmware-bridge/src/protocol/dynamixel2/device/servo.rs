//! One virtual servo: what instructions do to it, and how it moves.

use robot_interface::time::Stamp;

use super::super::build::CLEAR_TURNS;
use super::super::x_series::{AMPERE_PER_UNIT, HardwareError, RAD_PER_TICK, RAD_S_PER_UNIT, address};
use super::super::{FactoryReset, Instruction, ServoError};
use super::table::{ControlTable, RAM_START, TABLE_LEN};
use crate::protocol::Impedance;
use crate::protocol::device::Rotor;

/// Torque of one ampere, N m (e-manual: the XM430-W350 stalls at 4.1 N m with 2.3 A, at 12 V).
const TORQUE_PER_AMPERE: f64 = 4.1 / 2.3;
/// Torque at a standstill with 12 V, N m.
const STALL_TORQUE_NM: f64 = 4.1;
/// Velocity without load at 12 V, rad/s (46 rev/min).
const FREE_VELOCITY_RAD_S: f64 = 46.0 * std::f64::consts::TAU / 60.0;
/// The whole of the PWM, in its steps.
const FULL_PWM: f64 = 885.0;
/// Inertia of horn, gearbox and motor at the horn, a guess, kg m^2.
const INERTIA_KG_M2: f64 = 0.01;
/// Stiffness of the position's control, N m/rad, and its damping, N m s/rad: critical for the inertia.
const STIFFNESS: f64 = 20.0;
const DAMPING: f64 = 0.9;
/// Damping of the velocity's control, and of a gearbox without torque, N m s/rad.
const VELOCITY_DAMPING: f64 = 1.0;
const GEAR_DAMPING: f64 = 0.05;
/// Steps of a turn.
const TURN: i64 = 4096;
/// Milliseconds after which the servo's clock starts again.
const TICKS_OF_CLOCK: u64 = 32_768;

/// A write that waits for its action.
#[derive(Clone, Copy, Debug)]
struct Registered {
    address: u16,
    data: [u8; TABLE_LEN],
    len: usize,
}

/// Kinds of answers, in the order in which a servo's status return level lets it give them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Ping,
    Read,
    Other,
}

#[derive(Clone, Debug)]
pub(super) struct Servo {
    table: ControlTable,
    rotor: Rotor,
    registered: Option<Registered>,
}

impl Servo {
    pub(super) fn new(id: u8) -> Self {
        let mut table = ControlTable::new();
        table.set(address::ID, id.into());
        let mut rotor = Rotor::new(INERTIA_KG_M2, STALL_TORQUE_NM);
        rotor.position_rad = 2048.0 * RAD_PER_TICK;
        let mut servo = Self { table, rotor, registered: None };
        servo.measure(Stamp::ZERO);
        servo
    }

    pub(super) fn id(&self) -> u8 {
        self.table.get(address::ID) as u8
    }

    /// Its answer to a ping: model and firmware.
    pub(super) fn identity(&self) -> [u8; 3] {
        let model = (self.table.get(address::MODEL_NUMBER) as u16).to_le_bytes();
        [model[0], model[1], self.table.get(address::FIRMWARE_VERSION) as u8]
    }

    /// Returns whether its status return level lets it give such an answer.
    pub(super) fn answers(&self, kind: Kind) -> bool {
        kind <= match self.table.get(address::STATUS_RETURN_LEVEL) {
            0 => Kind::Ping,
            1 => Kind::Read,
            _ => Kind::Other,
        }
    }

    pub(super) fn has_fault(&self) -> bool {
        self.table.get(address::HARDWARE_ERROR_STATUS) != 0
    }

    /// A fault stays until the servo starts again; one of those that it is set to heed takes its torque.
    pub(super) fn fail(&mut self, faults: HardwareError) {
        let all = self.table.get(address::HARDWARE_ERROR_STATUS) | i64::from(faults.byte());
        self.table.set(address::HARDWARE_ERROR_STATUS, all);
        if self.is_shut_down() {
            self.table.set(address::TORQUE_ENABLE, 0);
            self.drive();
        }
    }

    fn is_shut_down(&self) -> bool {
        self.table.get(address::HARDWARE_ERROR_STATUS) & self.table.get(address::SHUTDOWN) != 0
    }

    /// Moves until `now`, and measures.
    pub(super) fn run_to(&mut self, now: Stamp) {
        self.rotor.run_to(now);
        self.measure(now);
        if self.rotor.temperature_c > self.table.get(address::TEMPERATURE_LIMIT) as f64 {
            self.fail(HardwareError::OVERHEATING);
        }
    }

    pub(super) fn read(&self, address: u16, length: u16) -> Result<&[u8], ServoError> {
        self.table.read(address, length)
    }

    pub(super) fn write(&mut self, now: Stamp, address: u16, data: &[u8]) -> Result<(), ServoError> {
        self.run_to(now);
        self.table.check(address, data)?;
        let before = |field| self.table.get(field);
        let (torque, mode) = (before(address::TORQUE_ENABLE), before(address::OPERATING_MODE));
        self.table.write(address, data);
        if self.table.get(address::TORQUE_ENABLE) > torque {
            if self.is_shut_down() {
                self.table.set(address::TORQUE_ENABLE, 0);
                return Err(ServoError::ResultFail);
            }
            // It holds where it is until it is sent elsewhere.
            self.table.set(address::GOAL_POSITION, self.ticks());
        }
        if self.table.get(address::OPERATING_MODE) != mode {
            let goals = address::GOAL_PWM..=address::GOAL_POSITION;
            self.table.reset(|field| goals.contains(&field));
            self.within_a_turn();
        }
        self.drive();
        Ok(())
    }

    /// All but pings and reads; `to_all` if it was sent to every servo.
    pub(super) fn change(
        &mut self,
        now: Stamp,
        to_all: bool,
        instruction: Instruction,
        params: &[u8],
    ) -> Result<(), ServoError> {
        match instruction {
            Instruction::Write => {
                let (&address, data) = params.split_first_chunk().ok_or(ServoError::DataLength)?;
                self.write(now, u16::from_le_bytes(address), data)
            }
            Instruction::RegWrite => {
                let (&address, data) = params.split_first_chunk().ok_or(ServoError::DataLength)?;
                self.register(u16::from_le_bytes(address), data)
            }
            Instruction::Action => {
                let Registered { address, data, len } =
                    self.registered.take().ok_or(ServoError::Instruction)?;
                self.table.set(address::REGISTERED_INSTRUCTION, 0);
                self.write(now, address, &data[..len])
            }
            Instruction::Reboot => {
                self.reboot();
                Ok(())
            }
            Instruction::FactoryReset => {
                let &[option] = params else { return Err(ServoError::DataLength) };
                let option = FactoryReset::from_byte(option).ok_or(ServoError::DataRange)?;
                // Told to all, it would leave them with one id; the e-manual says that nobody does it.
                if !(to_all && option == FactoryReset::All) {
                    self.factory_reset(option);
                }
                Ok(())
            }
            Instruction::Clear if params != CLEAR_TURNS => Err(ServoError::DataRange),
            Instruction::Clear if self.table.get(address::MOVING) != 0 => Err(ServoError::ResultFail),
            Instruction::Clear => {
                self.within_a_turn();
                self.measure(now);
                Ok(())
            }
            _ => Err(ServoError::Instruction),
        }
    }

    fn register(&mut self, address: u16, data: &[u8]) -> Result<(), ServoError> {
        self.table.check(address, data)?;
        let mut registered = Registered { address, data: [0; TABLE_LEN], len: data.len() };
        // What the table's check lets pass is no longer than the table.
        registered.data.get_mut(..data.len()).ok_or(ServoError::Access)?.copy_from_slice(data);
        self.registered = Some(registered);
        self.table.set(address::REGISTERED_INSTRUCTION, 1);
        Ok(())
    }

    fn reboot(&mut self) {
        self.registered = None;
        let volatile = RAM_START..address::REALTIME_TICK;
        self.table.reset(|field| volatile.contains(&field));
        self.within_a_turn();
        self.drive();
    }

    fn factory_reset(&mut self, option: FactoryReset) {
        let kept: &[u16] = match option {
            FactoryReset::All => &[],
            FactoryReset::AllButId => &[address::ID],
            FactoryReset::AllButIdAndBaud => &[address::ID, address::BAUD_RATE],
        };
        self.table.reset(|field| field < RAM_START && !kept.contains(&field));
        self.reboot();
    }

    /// Forgets whole turns, as the encoder knows only the angle within one.
    fn within_a_turn(&mut self) {
        let turns = self.ticks().div_euclid(TURN) * TURN;
        self.rotor.position_rad -= turns as f64 * RAD_PER_TICK;
        self.table.set(address::GOAL_POSITION, self.ticks());
        self.drive();
    }

    fn ticks(&self) -> i64 {
        (self.rotor.position_rad / RAD_PER_TICK).round() as i64
    }

    /// Sets the drive that the table now asks for.
    fn drive(&mut self) {
        let goal = |field| self.table.get(field) as f64;
        let velocity = |velocity_rad_s, kd| Impedance { velocity_rad_s, ..Impedance::damping(kd) };
        self.rotor.drive = match (goal(address::TORQUE_ENABLE) > 0.0, self.table.get(address::OPERATING_MODE))
        {
            (false, _) => Impedance::damping(GEAR_DAMPING),
            (true, 0) => Impedance {
                torque_nm: goal(address::GOAL_CURRENT) * AMPERE_PER_UNIT * TORQUE_PER_AMPERE,
                ..Impedance::damping(GEAR_DAMPING)
            },
            (true, 1) => velocity(goal(address::GOAL_VELOCITY) * RAD_S_PER_UNIT, VELOCITY_DAMPING),
            (true, 16) => velocity(
                goal(address::GOAL_PWM) / FULL_PWM * FREE_VELOCITY_RAD_S,
                STALL_TORQUE_NM / FREE_VELOCITY_RAD_S,
            ),
            (true, _) => Impedance {
                position_rad: goal(address::GOAL_POSITION) * RAD_PER_TICK,
                kp: STIFFNESS,
                ..Impedance::damping(DAMPING)
            },
        };
    }

    /// Puts what can be measured into the table.
    fn measure(&mut self, now: Stamp) {
        let torque = self.rotor.torque_nm;
        let current = torque / TORQUE_PER_AMPERE / AMPERE_PER_UNIT;
        let velocity = (self.rotor.velocity_rad_s / RAD_S_PER_UNIT).round() as i64;
        let moving = velocity.abs() > self.table.get(address::MOVING_THRESHOLD);
        for (field, value) in [
            (address::REALTIME_TICK, (now.nanos() / 1_000_000 % TICKS_OF_CLOCK) as i64),
            (address::MOVING, i64::from(moving)),
            (address::PRESENT_PWM, (torque / STALL_TORQUE_NM * FULL_PWM).round() as i64),
            (address::PRESENT_CURRENT, current.round() as i64),
            (address::PRESENT_VELOCITY, velocity),
            (address::PRESENT_POSITION, self.ticks()),
            (address::VELOCITY_TRAJECTORY, self.table.get(address::GOAL_VELOCITY)),
            (address::POSITION_TRAJECTORY, self.table.get(address::GOAL_POSITION)),
            (address::PRESENT_TEMPERATURE, self.rotor.temperature_c.round() as i64),
        ] {
            self.table.set(field, value);
        }
    }
}
