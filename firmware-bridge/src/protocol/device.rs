//! Virtual devices at the far end of a bus where there is no motor, for tests, demonstrations and
//! `--virtual`. The simulator's motors, which move a robot, are elsewhere (`sim`).

use robot_interface::time::Stamp;

use super::Impedance;

/// Devices of one protocol on one bus. Sans-IO: hears what a master sends, says what the devices answer.
pub trait VirtualBus {
    /// Takes bytes that arrived at `now`, in pieces of any size; `say` is called with each answer's bytes.
    /// Behaves as real devices do: only whole, intact frames in a device's own name (or to all) have an
    /// effect, and noise is passed over without a word.
    fn hear(&mut self, now: Stamp, bytes: &[u8], say: &mut dyn FnMut(&[u8]));

    /// The rotor of the device of this id, to be looked at and turned by hand.
    fn rotor(&mut self, _id: u8) -> Option<&mut Rotor> {
        None
    }
}

impl<T: VirtualBus + ?Sized> VirtualBus for Box<T> {
    fn hear(&mut self, now: Stamp, bytes: &[u8], say: &mut dyn FnMut(&[u8])) {
        (**self).hear(now, bytes, say);
    }

    fn rotor(&mut self, id: u8) -> Option<&mut Rotor> {
        (**self).rotor(id)
    }
}

/// Temperature of a rotor that has done nothing, degrees Celsius.
pub const AMBIENT_C: f64 = 22.0;
/// Longest step of the integration, s.
const STEP_S: f64 = 0.001;
/// A rotor that was left alone for longer than this has come to rest, s.
const LONGEST_S: f64 = 2.0;
/// Seconds after which an unloaded rotor has cooled to 1/e.
const COOLING_S: f64 = 300.0;
/// Heating by the square of the torque, K/s/(N m)^2.
const HEATING: f64 = 0.05;

/// A rotor without load: inertia, a little friction, and a drive.
#[derive(Clone, Copy, Debug)]
pub struct Rotor {
    /// Angle, rad.
    pub position_rad: f64,
    /// Angular velocity, rad/s.
    pub velocity_rad_s: f64,
    /// Torque of the drive in the last step, N m.
    pub torque_nm: f64,
    /// Temperature, degrees Celsius.
    pub temperature_c: f64,
    /// Its drive from now on.
    pub drive: Impedance,
    inertia_kg_m2: f64,
    max_torque_nm: f64,
    at: Option<Stamp>,
}

impl Rotor {
    /// A rotor at rest. Its drive gives at most `max_torque_nm`.
    pub const fn new(inertia_kg_m2: f64, max_torque_nm: f64) -> Self {
        Self {
            position_rad: 0.0,
            velocity_rad_s: 0.0,
            torque_nm: 0.0,
            temperature_c: AMBIENT_C,
            drive: Impedance::damping(0.0),
            inertia_kg_m2,
            max_torque_nm,
            at: None,
        }
    }

    /// Turns until `now`. Backward Euler in the drive's stiffness and damping, so any gains are stable.
    pub fn run_to(&mut self, now: Stamp) {
        let passed_s = self.at.map_or(0.0, |at| now.seconds_since(at)).clamp(0.0, LONGEST_S);
        self.at = Some(now);
        let steps = (passed_s / STEP_S).ceil();
        for _ in 0..steps as u32 {
            self.step(passed_s / steps);
        }
    }

    fn step(&mut self, dt_s: f64) {
        let Impedance { position_rad, velocity_rad_s, torque_nm, kp, kd } = self.drive;
        let wanted = torque_nm + kp * (position_rad - self.position_rad) + kd * velocity_rad_s;
        let drag = self.inertia_kg_m2 / dt_s + kd + kp * dt_s;
        let next = (self.inertia_kg_m2 / dt_s * self.velocity_rad_s + wanted) / drag;
        let torque = (next - self.velocity_rad_s) * self.inertia_kg_m2 / dt_s;
        self.torque_nm = torque.max(-self.max_torque_nm).min(self.max_torque_nm);
        self.velocity_rad_s += self.torque_nm * dt_s / self.inertia_kg_m2;
        self.position_rad += self.velocity_rad_s * dt_s;
        let cooling = (AMBIENT_C - self.temperature_c) / COOLING_S;
        self.temperature_c += (HEATING * self.torque_nm.powi(2) + cooling) * dt_s;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(rotor: &mut Rotor, from_ms: u64, to_ms: u64) {
        for ms in from_ms..=to_ms {
            rotor.run_to(Stamp::from_nanos(ms * 1_000_000));
        }
    }

    #[test]
    fn it_goes_where_it_is_driven_and_gives_no_more_than_it_can() {
        let mut rotor = Rotor::new(0.01, 2.0);
        rotor.drive = Impedance { position_rad: 1.0, kp: 20.0, kd: 1.0, ..Impedance::default() };
        for ms in 0..3000 {
            rotor.run_to(Stamp::from_nanos(ms * 1_000_000));
            assert!(rotor.torque_nm.abs() <= 2.0, "{rotor:?}");
        }
        assert!((rotor.position_rad - 1.0).abs() < 1e-3 && rotor.temperature_c > AMBIENT_C, "{rotor:?}");
    }

    #[test]
    fn the_steepest_gains_are_stable() {
        let mut rotor = Rotor::new(1e-4, 100.0);
        rotor.drive = Impedance { position_rad: 0.5, kp: 500.0, kd: 5.0, ..Impedance::default() };
        run(&mut rotor, 0, 500);
        assert!((rotor.position_rad - 0.5).abs() < 1e-3, "{rotor:?}");
    }

    #[test]
    fn a_damped_rotor_comes_to_rest() {
        let mut rotor = Rotor::new(0.01, 10.0);
        (rotor.velocity_rad_s, rotor.drive) = (5.0, Impedance::damping(0.1));
        run(&mut rotor, 0, 1000);
        assert!(rotor.velocity_rad_s.abs() < 0.01 && rotor.position_rad > 0.1, "{rotor:?}");
    }
}
