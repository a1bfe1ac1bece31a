//! Contact detector: which feet carry weight, from joint torques and from how the feet move. No contact switch is
//! assumed.
//!
//! A foot touches down when the ground's force that balances its joints' torques is large and the foot
//! does not move over the ground; it lifts off when the force is gone or the foot clearly moves. Both
//! have two thresholds, so that noise does not make a contact flicker. The motion test needs the
//! velocity estimate; when nothing has passed it for a while, the force alone decides. When nothing has
//! for much longer, the velocity is taken for lost, so that a wrong one cannot lock the feet out for good:
//! feet that slide have one that stands now and then.

use nalgebra::Vector3;
use robot_interface::joints::LEGS;

/// Upward force at which a foot touches down, as a fraction of a quarter of the weight.
const FORCE_ON: f64 = 0.65;
/// Upward force under which it has lifted off, likewise.
const FORCE_OFF: f64 = 0.35;
/// Speed over the ground above which a foot is not taken to have touched down, m/s.
const SPEED_ON_M_S: f64 = 0.4;
/// Speed over the ground above which it has lifted off, m/s.
const SPEED_OFF_M_S: f64 = 0.8;
/// Time that a touchdown must last before it counts, s.
const SETTLE_S: f64 = 0.004;
/// After so long without any contact the motion test is dropped, s.
const BLIND_AFTER_S: f64 = 0.15;
/// After so long in which every foot that carries weight moved, the velocity is lost, s.
const LOST_AFTER_S: f64 = 1.0;

/// Load and slip of one foot at one time.
#[derive(Clone, Copy, Debug)]
pub(super) struct FootReading {
    /// Upward force of the ground, N.
    pub(super) force_up_n: f64,
    /// Velocity of its lowest point over the ground, in the base frame, m/s.
    pub(super) slip: Vector3<f64>,
}

impl FootReading {
    /// Speed of its lowest point over the ground, m/s.
    pub(super) fn slip_m_s(&self) -> f64 {
        self.slip.norm()
    }
}

/// Contact detector with hysteresis.
#[derive(Clone, Debug)]
pub(super) struct ContactDetector {
    quarter_weight_n: f64,
    contacts: [bool; LEGS],
    settling_s: [f64; LEGS],
    without_s: f64,
    /// Time since a foot carried weight and did not move.
    unbelieved_s: f64,
}

impl ContactDetector {
    pub(super) fn new(mass_kg: f64) -> Self {
        Self {
            quarter_weight_n: mass_kg * 9.81 / LEGS as f64,
            contacts: [false; LEGS],
            settling_s: [0.0; LEGS],
            without_s: 0.0,
            unbelieved_s: 0.0,
        }
    }

    /// True once every foot that carries weight has seemed to slide for so long that the velocity must be wrong.
    pub(super) fn is_velocity_lost(&self) -> bool {
        self.unbelieved_s > LOST_AFTER_S
    }

    pub(super) const fn contacts(&self) -> [bool; LEGS] {
        self.contacts
    }

    /// Takes the readings of the four feet, `dt_s` after the last ones.
    pub(super) fn update(&mut self, feet: &[FootReading; LEGS], dt_s: f64) -> [bool; LEGS] {
        self.without_s = if self.contacts.contains(&true) { 0.0 } else { self.without_s + dt_s };
        let loaded = |foot: &&FootReading| foot.force_up_n > FORCE_ON * self.quarter_weight_n;
        let believed = feet.iter().filter(loaded).any(|foot| foot.slip_m_s() < SPEED_ON_M_S);
        let in_the_air = !feet.iter().any(|foot| loaded(&foot));
        if believed {
            self.unbelieved_s = 0.0;
        } else if !in_the_air {
            self.unbelieved_s += dt_s;
        }
        let blind = self.without_s > BLIND_AFTER_S || self.is_velocity_lost();
        for (foot, reading) in feet.iter().enumerate() {
            let load = reading.force_up_n / self.quarter_weight_n;
            if self.contacts[foot] {
                self.contacts[foot] = load > FORCE_OFF && (blind || reading.slip_m_s() < SPEED_OFF_M_S);
                self.settling_s[foot] = 0.0;
            } else if load > FORCE_ON && (blind || reading.slip_m_s() < SPEED_ON_M_S) {
                self.settling_s[foot] += dt_s;
                self.contacts[foot] = self.settling_s[foot] >= SETTLE_S;
            } else {
                self.settling_s[foot] = 0.0;
            }
        }
        self.contacts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(readings: &[(f64, f64)]) -> Vec<bool> {
        let mut detector = ContactDetector::new(16.0);
        let feet = |(force_up_n, slip_m_s)| [FootReading { force_up_n, slip: Vector3::x() * slip_m_s }; LEGS];
        readings.iter().map(|r| detector.update(&feet(*r), 0.002)[0]).collect()
    }

    #[test]
    fn loads_and_unloads_with_hysteresis() {
        let found = run(&[(30.0, 0.0), (30.0, 0.0), (20.0, 0.0), (12.0, 0.0), (20.0, 0.0)]);
        assert_eq!(found, [false, true, true, false, false]);
    }

    #[test]
    fn a_moving_foot_does_not_stand() {
        assert!(!run(&[(60.0, 1.0); 50]).contains(&true));
        assert_eq!(run(&[(60.0, 0.1), (60.0, 0.1), (60.0, 0.6), (60.0, 1.0)]), [false, true, true, false]);
    }

    #[test]
    fn a_wrong_velocity_does_not_lock_the_feet_out() {
        let found = run(&[(60.0, 5.0); 700]);
        assert!(found[..100].contains(&true));
        assert!(found[550..].iter().all(|stands| *stands), "one sample now and then does not correct it");
    }
}
