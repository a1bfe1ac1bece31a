//! The battery that motors and electronics draw from.
//!
//! An equivalent circuit of one element: an open-circuit voltage that falls linearly with the charge, behind one
//! resistance. Real cells have a knee at either end; for how long a charge lasts the line is near enough. Empty, it is
//! switched off, as a pack's own protection does it: nothing is at its terminals any more, and it gives no power.

use robot_interface::robot::BatteryDescription;
use robot_interface::sensors::BatterySample;
use robot_interface::time::Stamp;

const SECONDS_PER_HOUR: f64 = 3600.0;

/// A battery that was full at the start.
#[derive(Clone, Copy, Debug)]
pub struct Battery {
    description: BatteryDescription,
    /// Charge left, A h.
    charge_ah: f64,
    /// At its terminals, V.
    voltage_v: f64,
    /// Out of it, A.
    current_a: f64,
}

impl Battery {
    /// A full one.
    pub fn new(description: &BatteryDescription) -> Self {
        let charge_ah = description.capacity_ah();
        let voltage_v = description.full_voltage_v.get();
        Self { description: *description, charge_ah, voltage_v, current_a: 0.0 }
    }

    /// Returns true once it is empty, and gives no more power.
    pub fn is_flat(&self) -> bool {
        self.charge_ah <= 0.0
    }

    /// Draws the electronics' power and `motors_w` for `dt_s`. What the motors give back is not stored.
    pub fn step(&mut self, motors_w: f64, dt_s: f64) {
        if self.is_flat() {
            (self.voltage_v, self.current_a) = (0.0, 0.0);
            return;
        }
        let d = &self.description;
        let power_w = d.electronics_w.get() + motors_w.max(0.0);
        let (full_v, empty_v) = (d.full_voltage_v.get(), d.empty_voltage_v.get());
        let open_v = empty_v + (full_v - empty_v) * self.charge_ah / d.capacity_ah();
        let resistance_ohm = d.resistance_ohm.get();
        // P = (V - R I) I; more than V^2 / 4 R it cannot give at all.
        let root = (open_v * open_v - 4.0 * resistance_ohm * power_w).max(0.0).sqrt();
        self.current_a = 2.0 * power_w.min(open_v * open_v / (4.0 * resistance_ohm)) / (open_v + root);
        self.voltage_v = open_v - resistance_ohm * self.current_a;
        self.charge_ah = (self.charge_ah - self.current_a * dt_s / SECONDS_PER_HOUR).max(0.0);
    }

    /// Returns a sample, as a battery's monitor gives it.
    pub fn sample(&self, stamp: Stamp) -> BatterySample {
        let capacity_ah = self.description.capacity_ah();
        BatterySample {
            stamp,
            voltage_v: self.voltage_v,
            current_a: -self.current_a,
            charge_ah: self.charge_ah,
            capacity_ah,
            charged: self.charge_ah / capacity_ah,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use robot_interface::fixtures::go2;

    fn battery() -> BatteryDescription {
        go2().battery.expect("the Go2 has one")
    }

    #[test]
    fn a_full_charge_lasts_for_its_energy() {
        let mut battery = Battery::new(&battery());
        assert!((battery.sample(Stamp::ZERO).capacity_ah - 8.0).abs() < 1e-9);
        let (mut seconds, mut drawn_wh) = (0.0_f64, 0.0_f64);
        while battery.sample(Stamp::ZERO).charged > 0.0 {
            battery.step(60.0, 1.0);
            let said = battery.sample(Stamp::ZERO);
            assert!((-said.voltage_v * said.current_a - 100.0).abs() < 1e-6, "the power asked for: {said:?}");
            drawn_wh += 100.0 / 3600.0;
            seconds += 1.0;
        }
        // 230 Wh at 28.8 V on the mean, less what its own resistance takes: 0.1 ohm at 3.5 A is 1.2 W.
        assert!((drawn_wh - 230.4 * (100.0 / 101.2)).abs() < 2.0, "{drawn_wh} Wh in {seconds} s");
        battery.step(60.0, 1.0);
        let empty = battery.sample(Stamp::ZERO);
        assert_eq!((empty.charge_ah, empty.charged), (0.0, 0.0));
        assert!(
            battery.is_flat() && empty.voltage_v.abs() < 1e-9 && empty.current_a.abs() < 1e-9,
            "{empty:?}"
        );
    }

    #[test]
    fn braking_motors_do_not_charge_it() {
        let mut battery = Battery::new(&battery());
        battery.step(-500.0, 1.0);
        let idle = battery.sample(Stamp::ZERO);
        assert!((-idle.voltage_v * idle.current_a - 40.0).abs() < 1e-9, "{idle:?}");
    }

    proptest! {
        #[test]
        fn whatever_is_drawn_the_numbers_are_finite(powers in proptest::collection::vec(-1e9_f64..1e9, 1..50)) {
            for resistance in [0.0, 0.1] {
                let resistance_ohm = f64::try_into(resistance).expect("not negative");
                let mut battery = Battery::new(&BatteryDescription { resistance_ohm, ..battery() });
                for power_w in &powers {
                    battery.step(*power_w, 0.002);
                    let said = battery.sample(Stamp::ZERO);
                    prop_assert!(said.voltage_v.is_finite() && said.current_a <= 0.0 && said.current_a.is_finite());
                    prop_assert!((0.0..=1.0).contains(&said.charged));
                }
            }
        }
    }
}
