//! A device without hardware, for tests of what talks to one.

use adit_link::{ActuatorState, Device, DeviceConfig, DeviceConfigError, Faults, List, Mode, Status};

/// A supply voltage and a temperature like a real one's.
const SUPPLY_V: f32 = 24.0;
const TEMPERATURE_C: f32 = 30.0;
/// What shorted windings do, N m s/rad.
const BRAKE_NM_S_RAD: f32 = 5.0;

/// A [`Device`] whose actuators are free unit inertias (1 kg m^2) that obey their commands exactly.
#[derive(Clone, Debug)]
pub(crate) struct VirtualDevice {
    /// The link's end.
    pub(crate) device: Device,
    states: List<ActuatorState>,
    stepped_us: u64,
}

impl VirtualDevice {
    /// At rest at zero, at the time `now_us`.
    ///
    /// # Errors
    /// [`DeviceConfigError`] names what is wrong with the configuration.
    pub(crate) fn new(config: DeviceConfig, now_us: u64) -> Result<Self, DeviceConfigError> {
        let states = config
            .actuators
            .iter()
            .map(|info| ActuatorState {
                id: info.id,
                mode: Mode::Damp,
                position_rad: 0.0,
                velocity_rad_s: 0.0,
                torque_nm: 0.0,
                temperature_c: TEMPERATURE_C,
                faults: Faults::NONE,
            })
            .collect();
        Ok(Self { device: Device::new(config)?, states, stepped_us: now_us })
    }

    /// Moves the actuators on to `now_us` by what the device drives them to, and reports them. Returns why they
    /// were driven so.
    pub(crate) fn step(&mut self, now_us: u64) -> Status {
        let dt_s = now_us.saturating_sub(self.stepped_us) as f32 * 1e-6;
        self.stepped_us = now_us;
        let (status, commands) = self.device.drive(now_us);
        for (state, command) in self.states.iter_mut().zip(commands) {
            state.mode = command.mode;
            state.torque_nm = match command.mode {
                Mode::Brake => -BRAKE_NM_S_RAD * state.velocity_rad_s,
                _ => command.torque_at(state.position_rad, state.velocity_rad_s),
            };
            // Semi-implicit Euler: stable as long as kp dt^2 and kd dt are well below one.
            state.velocity_rad_s += state.torque_nm * dt_s;
            state.position_rad += state.velocity_rad_s * dt_s;
        }
        if self.device.report_state(now_us, SUPPLY_V, &self.states).is_err() {
            // Only a command beyond reason gets here; the device goes on from rest.
            for state in &mut self.states {
                (state.position_rad, state.velocity_rad_s, state.torque_nm) = (0.0, 0.0, 0.0);
            }
        }
        status
    }

    /// What the actuators do.
    pub(crate) fn actuators(&self) -> &[ActuatorState] {
        &self.states
    }
}
