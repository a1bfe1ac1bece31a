//! The device's clock by the host's: the bounds hold, and are narrow.

#![allow(clippy::print_stderr, reason = "figures for whoever runs it with --nocapture")]

mod common;

use adit_link::{ClockSync, Exchange, HostEvent};
use common::{Habits, Line, MS};
use proptest::prelude::*;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Two clocks: the host's is true, the device's starts late and runs at its own rate.
#[derive(Clone, Copy, Debug)]
struct Clocks {
    started_ns: u64,
    drift_ppm: f64,
}

impl Clocks {
    /// What the device's clock shows at a time, us.
    fn device_us(self, now_ns: u64) -> u64 {
        let since = (now_ns - self.started_ns) as f64;
        (since * (1.0 + self.drift_ppm * 1e-6) / 1000.0) as u64
    }
}

/// Greatest error and greatest claimed uncertainty, us.
#[derive(Clone, Copy, Debug, Default)]
struct Worst {
    error_us: f64,
    uncertainty_us: f64,
}

impl Worst {
    /// Translates the present; the bound must hold, give or take the microsecond that the clock shows late.
    fn look(&mut self, clock: &ClockSync, clocks: Clocks, now_ns: u64) {
        let Some(time) = clock.host_time(clocks.device_us(now_ns)) else { return };
        let error_ns = time.ns.abs_diff(now_ns);
        assert!(error_ns <= time.uncertainty_ns + 1000, "{error_ns} beyond {}", time.uncertainty_ns);
        self.error_us = self.error_us.max(error_ns as f64 / 1000.0);
        self.uncertainty_us = self.uncertainty_us.max(time.uncertainty_ns as f64 / 1000.0);
    }
}

/// A minute of both ends over a line; what is worst after the first ten seconds.
fn minute(there: Habits, back: Habits, drift_ppm: f64, seed: u64) -> (Worst, f64) {
    let clocks = Clocks { started_ns: 1_800_000_000_000_000_000, drift_ppm };
    let mut host = common::host();
    let mut device = common::device(0);
    let (mut to_device, mut to_host) = (Line::new(there, seed), Line::new(back, seed + 1));
    let mut worst = Worst::default();
    // Both ends look at the line when they get to it, not at once.
    let mut rng = ChaCha8Rng::seed_from_u64(seed + 2);
    let mut passed_ns = 0;
    while passed_ns < 60_000 * MS {
        passed_ns += rng.random_range(20_000..80_000);
        let now_ns = clocks.started_ns + passed_ns;
        let now_us = clocks.device_us(now_ns);
        while let Some(bytes) = to_device.receive(now_ns) {
            device.handle_bytes(&bytes, now_us);
        }
        while let Some(bytes) = to_host.receive(now_ns) {
            host.handle_bytes(&bytes, now_ns);
        }
        if let Some(bytes) = host.poll_transmit(now_ns) {
            to_device.send(bytes, now_ns);
        }
        if let Some(bytes) = device.poll_transmit(now_us) {
            to_host.send(bytes, now_ns);
        }
        while let Some(event) = host.poll_event() {
            assert_ne!(event, HostEvent::ClockStepped);
        }
        let mut all = worst;
        all.look(host.clock(), clocks, now_ns);
        if passed_ns > 10_000 * MS {
            worst = all;
        }
    }
    let (drift, bound) = host.clock().drift_ppm();
    assert!((drift - drift_ppm).abs() <= bound + 0.5, "{drift} ppm, give or take {bound}");
    (worst, (drift - drift_ppm).abs())
}

#[track_caller]
fn check(
    there: Habits,
    back: Habits,
    drift_ppm: f64,
    error_us: f64,
    uncertainty_us: f64,
    drift_error_ppm: f64,
) {
    for seed in [1, 2] {
        let (worst, drift_error) = minute(there, back, drift_ppm, seed);
        eprintln!("{worst:?}, drift off by {drift_error:.3} ppm");
        assert!(worst.error_us < error_us, "{worst:?}");
        assert!(worst.uncertainty_us < uncertainty_us, "{worst:?}");
        assert!(drift_error < drift_error_ppm, "{drift_error} ppm");
    }
}

/// A megabaud serial line.
const SERIAL: Habits = Habits { byte_ns: 10_000, ..Habits::PERFECT };

#[test]
fn a_quiet_serial_line() {
    check(SERIAL, SERIAL, 40.0, 50.0, 450.0, 1.0);
}

#[test]
fn a_line_that_loses_delays_and_doubles() {
    // As a USB adapter that hands over its bytes every few milliseconds, on a bad cable.
    let bad =
        Habits { latency_ns: 200_000, jitter_ns: 4 * MS, loss: 0.1, flips: 0.05, doubles: 0.02, ..SERIAL };
    check(bad, bad, -85.0, 1000.0, 2000.0, 5.0);
}

#[test]
fn a_line_that_is_slower_one_way_keeps_within_its_bounds() {
    // Nothing at the ends can see this: the error is half of the difference, and the bound says so.
    let slow = Habits { latency_ns: 3 * MS, ..SERIAL };
    check(slow, SERIAL, 120.0, 1600.0, 2000.0, 1.0);
}

#[test]
fn a_clock_that_is_set_is_noticed() {
    let mut clock = ClockSync::new(200);
    for second in 1..20 {
        let t1 = second * 1000 * MS;
        let t2 = second * 1_000_000;
        assert_eq!(clock.take(t1, t2, t2 + 10, t1 + 400_000), Exchange::Agrees);
    }
    // The device starts anew: its clock shows zero.
    assert_eq!(clock.take(20_000 * MS, 0, 10, 20_000 * MS + 400_000), Exchange::Contradicts);
    let time = clock.host_time(0).expect("known again");
    assert!(time.ns.abs_diff(20_000 * MS) <= time.uncertainty_ns);
    // Nor may a clock run faster than clocks do.
    let faster = clock.take(21_000 * MS, 1_010_000, 1_010_010, 21_000 * MS + 400_000);
    assert_eq!(faster, Exchange::Contradicts);
}

#[test]
fn impossible_times_are_ignored() {
    let mut clock = ClockSync::new(200);
    let never = [
        (10, 0, 0, 9),
        (0, 5, 4, 100),
        (0, 0, 1000, 5),
        (0, u64::MAX, u64::MAX, 5),
        (0, 0, u64::MAX, u64::MAX),
    ];
    for (t1, t2, t3, t4) in never {
        assert_eq!(clock.take(t1, t2, t3, t4), Exchange::Impossible);
        assert_eq!(clock.host_time(5), None);
    }
}

proptest! {
    /// However the delay is shared between the two ways, and whatever the drift.
    #[test]
    fn the_bounds_hold(
        drift_ppm in -190.0..190.0_f64,
        exchanges in prop::collection::vec((1..3000_u64, 0..5000_u64, 0..200_u64, 0..5000_u64), 1..400),
    ) {
        let clocks = Clocks { started_ns: 3_000_000_000, drift_ppm };
        let mut clock = ClockSync::new(200);
        let mut worst = Worst::default();
        let mut now_ns = clocks.started_ns;
        for (pause_ms, there_us, hold_us, back_us) in exchanges {
            now_ns += pause_ms * MS;
            let t2_ns = now_ns + there_us * 1000;
            let t3_ns = t2_ns + hold_us * 1000;
            let t4_ns = t3_ns + back_us * 1000;
            let (t2_us, t3_us) = (clocks.device_us(t2_ns), clocks.device_us(t3_ns));
            prop_assert_eq!(clock.take(now_ns, t2_us, t3_us, t4_ns), Exchange::Agrees);
            now_ns = t4_ns;
            for later_ms in [0, 1, 1000] {
                worst.look(&clock, clocks, now_ns + later_ms * MS);
            }
        }
    }

    #[test]
    fn no_times_panic(
        exchanges in prop::collection::vec((any::<u64>(), any::<u64>(), any::<u64>(), any::<u64>()), 0..50),
        device_us in any::<u64>(),
    ) {
        let mut clock = ClockSync::new(200);
        clock.take(0, 0, 0, u64::MAX);
        clock.take(u64::MAX, 0, 0, u64::MAX);
        for (t1, t2, t3, t4) in exchanges {
            clock.take(t1.min(t4), t2.min(t3) >> 10, t3 >> 10, t1.max(t4));
            clock.take(t1, t2, t3, t4);
            clock.host_time(device_us);
        }
    }
}
