//! A microcontroller of Adit's own link where there is none: the device's end as firmware has it, with rotors for
//! actuators. The link itself is the crate `adit-link`.

use adit_link::{
    ActuatorCommand, ActuatorInfo, ActuatorState, Device, DeviceConfig, DeviceConfigError, DeviceEvent,
    Faults, FirmwareVersion, LIST_LEN, List, Mode, Text,
};
use robot_interface::time::Stamp;

use super::Impedance;
use super::device::{Rotor, VirtualBus};
use super::go_m8010::COMMAND_TIMEOUT_NANOS;

/// Bits a second where the link is a serial line; a port on USB has no rate and ignores it. Three actuators take
/// about 151 bytes a cycle both ways, 0.76 ms.
pub const BAUD: u32 = 2_000_000;

/// Inertia of an output shaft without load, kg m^2.
const INERTIA_KG_M2: f64 = 0.01;
/// Limits of an actuator.
const MAX_TORQUE_NM: f32 = 45.0;
const MAX_VELOCITY_RAD_S: f32 = 30.0;
const MAX_KP: f32 = 500.0;
const MAX_KD: f32 = 20.0;
/// Damping of shorted windings, and once commands have stopped, N m s/rad.
const BRAKE_KD: f64 = 1.0;
const IDLE_KD: f32 = 0.5;
/// From here on an actuator reports that it is too hot, degrees Celsius.
const OVERHEAT_C: f64 = 90.0;
const SUPPLY_V: f32 = 24.0;
/// It reports after a greeting and each command, and this long after its last report, us.
const LONGEST_SILENCE_US: u64 = 5_000;

/// One actuator, to be looked at and changed from outside.
#[derive(Clone, Copy, Debug)]
pub struct VirtualActuator {
    /// Its number.
    pub id: u8,
    /// The rotor.
    pub rotor: Rotor,
    /// Its faults, besides heat.
    pub faults: Faults,
}

/// The last report of the state.
#[derive(Clone, Copy, Debug, Default)]
struct Reported {
    /// The command that it answered.
    command_seq: Option<u16>,
    at_us: u64,
}

/// A microcontroller with its actuators.
#[derive(Clone, Debug)]
pub struct VirtualDevice {
    config: DeviceConfig,
    device: Device,
    actuators: Vec<VirtualActuator>,
    reported: Reported,
}

impl VirtualDevice {
    /// A device with actuators of these ids; `None` if there are more than six, or two of one id.
    pub fn of(ids: &[u8]) -> Option<Self> {
        let mut actuators = List::new();
        for &id in ids {
            let (max_torque_nm, max_velocity_rad_s) = (MAX_TORQUE_NM, MAX_VELOCITY_RAD_S);
            let info = ActuatorInfo { id, max_torque_nm, max_velocity_rad_s, max_kp: MAX_KP, max_kd: MAX_KD };
            actuators.push(info).ok()?;
        }
        let config = DeviceConfig {
            name: Text::try_from("virtual").ok()?,
            serial: 1,
            firmware: FirmwareVersion { major: 0, minor: 1, patch: 0 },
            actuators,
            command_timeout_us: COMMAND_TIMEOUT_NANOS / 1000,
            damping_nm_s_rad: IDLE_KD,
            stop_interval_us: 20_000,
        };
        Self::new(config).ok()
    }

    /// A device of this configuration, at rest.
    ///
    /// # Errors
    /// [`DeviceConfigError`] names what is wrong with it.
    pub fn new(config: DeviceConfig) -> Result<Self, DeviceConfigError> {
        let device = Device::new(config.clone())?;
        let actuator = |info: &ActuatorInfo| VirtualActuator {
            id: info.id,
            rotor: Rotor::new(INERTIA_KG_M2, info.max_torque_nm.into()),
            faults: Faults::NONE,
        };
        let actuators = config.actuators.iter().map(actuator).collect();
        Ok(Self { config, device, actuators, reported: Reported::default() })
    }

    /// Its end of the link.
    pub const fn device(&self) -> &Device {
        &self.device
    }

    /// Somebody presses its stop button.
    pub fn stop(&mut self, now: Stamp) {
        self.device.stop(micros(now));
    }

    /// It starts anew, and knows nobody; its shafts stay where they are.
    pub fn restart(&mut self) {
        if let Ok(device) = Device::new(self.config.clone()) {
            (self.device, self.reported) = (device, Reported::default());
        }
    }

    /// The actuators, to be looked at.
    pub fn actuators(&self) -> &[VirtualActuator] {
        &self.actuators
    }

    /// The actuators, to be changed.
    pub fn actuators_mut(&mut self) -> &mut [VirtualActuator] {
        &mut self.actuators
    }

    /// Has the actuators do what is due now.
    fn drive(&mut self, now_us: u64) -> List<Mode> {
        let (_, commands) = self.device.drive(now_us);
        let mut modes = List::new();
        for (actuator, command) in self.actuators.iter_mut().zip(commands) {
            actuator.rotor.drive = drive(command);
            // There are no more actuators than a list takes.
            let _ = modes.push(command.mode);
        }
        modes
    }
}

impl VirtualBus for VirtualDevice {
    fn hear(&mut self, now: Stamp, bytes: &[u8], say: &mut dyn FnMut(&[u8])) {
        let now_us = micros(now);
        // What was due until now: commands may have stopped meanwhile.
        self.drive(now_us);
        for actuator in &mut self.actuators {
            actuator.rotor.run_to(now);
        }
        self.device.handle_bytes(bytes, now_us);
        let modes = self.drive(now_us);
        let events = std::iter::from_fn(|| self.device.poll_event());
        let greeted = events.filter(|event| matches!(event, DeviceEvent::Greeted { .. })).count() > 0;
        let silent_us = now_us.saturating_sub(self.reported.at_us);
        if greeted
            || self.device.command_seq() != self.reported.command_seq
            || silent_us >= LONGEST_SILENCE_US
        {
            self.reported = Reported { command_seq: self.device.command_seq(), at_us: now_us };
            let states = self.actuators.iter().zip(&modes).map(|(actuator, mode)| state(actuator, *mode));
            let states: List<ActuatorState> = states.take(LIST_LEN).collect();
            // Only a rotor that was set to what is no number is not reported.
            let _ = self.device.report_state(now_us, SUPPLY_V, &states);
        }
        while let Some(frame) = self.device.poll_transmit(now_us) {
            say(frame);
        }
    }

    fn rotor(&mut self, id: u8) -> Option<&mut Rotor> {
        self.actuators.iter_mut().find(|actuator| actuator.id == id).map(|actuator| &mut actuator.rotor)
    }
}

/// The number of a session that begins now: another one whenever a host begins anew.
pub(crate) const fn session(now: Stamp) -> u32 {
    let micros = micros(now);
    (micros ^ micros >> 32) as u32
}

const fn micros(now: Stamp) -> u64 {
    now.nanos() / 1000
}

fn drive(command: &ActuatorCommand) -> Impedance {
    match command.mode {
        Mode::Off => Impedance::default(),
        Mode::Brake => Impedance::damping(BRAKE_KD),
        Mode::Damp => Impedance::damping(command.kd.into()),
        Mode::Impedance => Impedance {
            position_rad: command.position_rad.into(),
            velocity_rad_s: command.velocity_rad_s.into(),
            torque_nm: command.torque_nm.into(),
            kp: command.kp.into(),
            kd: command.kd.into(),
        },
    }
}

fn state(actuator: &VirtualActuator, mode: Mode) -> ActuatorState {
    let VirtualActuator { id, rotor, faults } = *actuator;
    let heat = if rotor.temperature_c >= OVERHEAT_C { Faults::OVERHEAT } else { Faults::NONE };
    ActuatorState {
        id,
        mode,
        position_rad: rotor.position_rad as f32,
        velocity_rad_s: rotor.velocity_rad_s as f32,
        torque_nm: rotor.torque_nm as f32,
        temperature_c: rotor.temperature_c as f32,
        faults: faults.with(heat),
    }
}
