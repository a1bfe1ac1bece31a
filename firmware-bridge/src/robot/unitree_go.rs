//! Unitree's `LowCmd` and `LowState` as targets and reports.

use nalgebra::{Quaternion, UnitQuaternion};
use robot_interface::joints::JOINTS;

use super::report::{BatteryReport, MAX_READING, MotorReport, MotorTarget, RemoteControl, RobotReport};
use crate::protocol::unitree_go::{LowCmd, LowState, MotorCmd, MotorState};
use crate::protocol::{Frame, Impedance, WireError};

/// `mode` of a motor that is driven.
const DRIVEN: u8 = 1;
/// A velocity that means "none": the vendor's constant. Adit sends 0 instead, which its simulator needs.
const NO_VELOCITY: f32 = 16_000.0;
/// A position that means "none": the vendor's constant.
const NO_POSITION: f32 = 2.1e9;
/// Where the buttons are in what the remote control sends.
const BUTTONS: std::ops::Range<usize> = 2..4;

/// Encapsulation. The message's own first bytes are no help: the vendor's simulator leaves them out.
const SAMPLE_HEAD: &[u8] = &adit_cdr::ENCAPSULATION;

impl Frame for LowState {
    const HEADER: &'static [u8] = SAMPLE_HEAD;
    const MIN_LEN: usize = Self::SAMPLE_LEN;
    const MAX_LEN: usize = Self::SAMPLE_LEN;

    fn len_of(_: &[u8]) -> Result<Option<usize>, WireError> {
        Ok(Some(Self::SAMPLE_LEN))
    }

    /// A state without a checksum is taken if it can be one: the vendor's simulator sends none.
    fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        let state = Self::decode(bytes)
            .or(Err(WireError::Length { expected: Self::SAMPLE_LEN, found: bytes.len() }))?;
        match state.checksum() {
            expected if state.crc != expected && !(state.crc == 0 && is_plausible(&state)) => {
                Err(WireError::Crc { expected, found: state.crc })
            }
            _ => Ok(state),
        }
    }
}

/// Its quaternion has the length of one.
fn has_orientation(state: &LowState) -> bool {
    (state.imu.quaternion.iter().map(|q| q * q).sum::<f32>() - 1.0).abs() < 0.01
}

/// Its numbers are those of a robot.
fn is_plausible(state: &LowState) -> bool {
    let numbers = state.motors.iter().flat_map(|motor| [motor.q, motor.dq, motor.tau_est]);
    has_orientation(state) && numbers.into_iter().all(|number| number.abs() < MAX_READING)
}

impl Frame for LowCmd {
    const HEADER: &'static [u8] = SAMPLE_HEAD;
    const MIN_LEN: usize = Self::SAMPLE_LEN;
    const MAX_LEN: usize = Self::SAMPLE_LEN;

    fn len_of(_: &[u8]) -> Result<Option<usize>, WireError> {
        Ok(Some(Self::SAMPLE_LEN))
    }

    fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        let command = Self::decode(bytes)
            .or(Err(WireError::Length { expected: Self::SAMPLE_LEN, found: bytes.len() }))?;
        match command.checksum() {
            expected if command.crc != expected => Err(WireError::Crc { expected, found: command.crc }),
            _ => Ok(command),
        }
    }
}

pub(super) fn encode_command(targets: &[MotorTarget; JOINTS], out: &mut Vec<u8>) {
    let mut command = LowCmd::new();
    for (motor, target) in command.motors.iter_mut().zip(targets) {
        *motor = target.map_or_else(MotorCmd::default, |target| MotorCmd {
            mode: DRIVEN,
            q: target.position_rad as f32,
            dq: target.velocity_rad_s as f32,
            tau: target.torque_nm as f32,
            kp: target.kp as f32,
            kd: target.kd as f32,
            reserve: [0; 3],
        });
    }
    command.encode_into(out);
}

pub(super) fn targets(command: &LowCmd) -> [MotorTarget; JOINTS] {
    std::array::from_fn(|i| {
        let motor = &command.motors[i];
        // Where there is no target there is nothing to pull towards it.
        let (no_position, no_velocity) = (motor.q.abs() > NO_POSITION, motor.dq.abs() >= NO_VELOCITY);
        (motor.mode == DRIVEN).then(|| Impedance {
            position_rad: if no_position { 0.0 } else { motor.q.into() },
            velocity_rad_s: if no_velocity { 0.0 } else { motor.dq.into() },
            torque_nm: motor.tau.into(),
            kp: if no_position { 0.0 } else { motor.kp.into() },
            kd: if no_velocity { 0.0 } else { motor.kd.into() },
        })
    })
}

pub(super) fn report(state: &LowState) -> RobotReport {
    // The vendor's simulator leaves out checksum and mode.
    let says_mode = state.crc != 0;
    let motor = |i: usize| {
        let motor = &state.motors[i];
        MotorReport {
            position_rad: motor.q.into(),
            velocity_rad_s: motor.dq.into(),
            torque_nm: motor.tau_est.into(),
            temperature_c: motor.temperature_c.into(),
            driven: says_mode.then_some(motor.mode == DRIVEN),
        }
    };
    let [low, high] = [state.wireless_remote[BUTTONS.start], state.wireless_remote[BUTTONS.start + 1]];
    let [w, i, j, k] = state.imu.quaternion;
    let orientation = if has_orientation(state) {
        UnitQuaternion::from_quaternion(Quaternion::new(w, i, j, k))
    } else {
        UnitQuaternion::identity()
    };
    RobotReport {
        tick_ms: state.tick,
        orientation,
        angular_velocity_rad_s: state.imu.gyroscope,
        specific_force_m_s2: state.imu.accelerometer,
        motors: std::array::from_fn(motor),
        foot_force: state.foot_force.map(f64::from),
        battery: Some(BatteryReport {
            charge_percent: state.bms.soc_percent,
            current_a: f64::from(state.bms.current_ma) / 1e3,
            supply_v: state.power_v.into(),
        }),
        remote: Some(RemoteControl { buttons: u16::from_le_bytes([low, high]) }),
    }
}

pub(super) fn encode_report(report: &RobotReport, out: &mut Vec<u8>) {
    let mut state = LowState::new();
    state.tick = report.tick_ms;
    let (q, (roll, pitch, yaw)) = (report.orientation, report.orientation.euler_angles());
    (state.imu.quaternion, state.imu.rpy) = ([q.w, q.i, q.j, q.k], [roll, pitch, yaw]);
    (state.imu.gyroscope, state.imu.accelerometer) =
        (report.angular_velocity_rad_s, report.specific_force_m_s2);
    for (motor, told) in state.motors.iter_mut().zip(&report.motors) {
        *motor = MotorState {
            mode: u8::from(told.driven == Some(true)) * DRIVEN,
            q: told.position_rad as f32,
            dq: told.velocity_rad_s as f32,
            tau_est: told.torque_nm as f32,
            temperature_c: told.temperature_c as i8,
            ..MotorState::default()
        };
    }
    state.foot_force = report.foot_force.map(|force| force as i16);
    if let Some(battery) = report.battery {
        state.bms.soc_percent = battery.charge_percent;
        state.bms.current_ma = (1e3 * battery.current_a) as i32;
        state.power_v = battery.supply_v as f32;
        state.power_a = battery.current_a as f32;
    }
    if let Some(remote) = report.remote {
        state.wireless_remote[BUTTONS].copy_from_slice(&remote.buttons.to_le_bytes());
    }
    state.encode_into(out);
}
