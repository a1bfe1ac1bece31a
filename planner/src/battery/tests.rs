use proptest::prelude::*;
use robot_interface::fixtures::go2;

use super::*;

fn at(s: f64) -> Stamp {
    Stamp::from_nanos((s * 1e9) as u64)
}

fn sample(s: f64, charged: f64) -> BatterySample {
    BatterySample {
        stamp: at(s),
        voltage_v: 28.8,
        current_a: -8.0,
        charge_ah: charged * 8.0,
        capacity_ah: 8.0,
        charged,
    }
}

/// A Go2 whose pack drops by a percent each ten metres and seconds, from full.
fn walked(seconds: u32) -> BatteryMonitor {
    let mut monitor = BatteryMonitor::new(&go2(), 0.9);
    for s in 0..=seconds {
        let s = f64::from(s);
        monitor.handle_sample(at(s), &sample(s, 1.0 - 0.001 * s), s);
    }
    monitor
}

#[test]
fn it_turns_home_while_the_way_home_can_still_be_walked() {
    // A percent of 230 Wh in ten metres: half a kilometre home is half the pack, and half of that again as margin.
    let monitor = walked(200);
    assert!((monitor.wh_per_m() - 0.2304).abs() < 0.02, "{}", monitor.wh_per_m());
    for (home_m, expected) in [
        (0.0, BatteryLevel::Enough),
        (300.0, BatteryLevel::Enough),
        (550.0, BatteryLevel::Low),
        (5_000.0, BatteryLevel::Low),
    ] {
        assert_eq!(monitor.level(at(200.0), home_m), expected, "{home_m} m from home");
    }
    let left_m = monitor.left_wh(at(200.0)).expect("heard") / monitor.wh_per_m();
    assert!(left_m > 700.0, "what is left is for {left_m} m");
}

#[test]
fn what_is_left_at_last_is_for_lying_down() {
    let mut monitor = BatteryMonitor::new(&go2(), 0.6);
    monitor.handle_sample(at(0.0), &sample(0.0, 0.06), 0.0);
    assert_eq!(monitor.level(at(0.0), 0.0), BatteryLevel::Enough);
    assert_eq!(monitor.level(at(0.0), 20.0), BatteryLevel::Low);
    monitor.handle_sample(at(1.0), &sample(1.0, 0.049), 1.0);
    assert_eq!(monitor.level(at(1.0), 0.0), BatteryLevel::Critical);
    assert!(monitor.reserve_wh() * 3600.0 > 250.0 * 4.0, "four seconds of walking: lying down takes two");
}

#[test]
fn nothing_heard_is_not_an_empty_battery() {
    let monitor = BatteryMonitor::new(&go2(), 0.6);
    assert_eq!(monitor.level(at(1e4), 100.0), BatteryLevel::Unmeasured);
    assert_eq!(monitor.charged(at(1e4)), None);
}

#[test]
fn a_gauge_that_falls_silent_or_lies_is_not_believed() {
    let full = |s: f64| sample(s, 0.9);
    let nothing = |_: f64| None;
    type Case<'a> = (&'a str, &'a dyn Fn(f64) -> Option<BatterySample>);
    let cases: [Case<'_>; 8] = [
        ("silent", &nothing),
        ("no number", &|s| Some(sample(s, f64::NAN))),
        ("more than full", &|s| Some(sample(s, 1.7))),
        ("less than empty", &|s| Some(sample(s, -0.1))),
        ("jumps up", &|s| Some(sample(s, 1.0))),
        ("jumps down", &|s| Some(sample(s, 0.3))),
        ("the same message again", &|_| Some(full(0.0))),
        ("its time goes back", &|s| Some(full(100.0 - s))),
    ];
    for (name, gauge) in cases {
        let mut monitor = BatteryMonitor::new(&go2(), 0.6);
        let mut said = Vec::new();
        monitor.handle_sample(at(200.0), &full(200.0), 0.0);
        monitor.handle_sample(at(201.0), &sample(201.0, 0.89), 1.0);
        for tenths in 2011..2150 {
            let s = f64::from(tenths) / 10.0;
            if let Some(sample) = gauge(s) {
                monitor.handle_sample(at(s), &sample, 1.0);
            }
            said.push(monitor.level(at(s), 20.0));
        }
        assert_eq!(said[..95], [BatteryLevel::Enough; 95], "{name}: for a while the last reading counts");
        assert_eq!(said.last(), Some(&BatteryLevel::Unknown), "{name}");
        let left = monitor.charged(at(400.0)).expect("heard once");
        assert!(left < 0.84, "{name}: reckoned on, {left}");
    }
}

#[test]
fn a_gauge_that_stands_still_is_not_believed() {
    let mut monitor = BatteryMonitor::new(&go2(), 0.6);
    for s in 0..4_000 {
        monitor.handle_sample(at(f64::from(s)), &sample(f64::from(s), 0.8), 0.0);
    }
    assert_eq!(monitor.level(at(3_999.0), 20.0), BatteryLevel::Unknown);
}

#[test]
fn a_gauge_that_recovers_while_the_robot_stands_is_taken_at_its_lowest() {
    let mut monitor = walked(100);
    for s in 101..200 {
        monitor.handle_sample(at(f64::from(s)), &sample(f64::from(s), 0.96), 100.0);
    }
    assert_eq!(monitor.level(at(199.0), 20.0), BatteryLevel::Enough);
    assert!((monitor.charged(at(199.0)).expect("heard") - 0.9).abs() < 1e-9);
}

#[test]
fn a_robot_without_a_figure_is_taken_for_a_hungry_one() {
    let mut robot = go2();
    let by_mass = BatteryMonitor::new(&robot, 0.6).wh_per_m();
    // The simulated Go2 draws 250 W at 0.55 m/s.
    assert!(by_mass * 0.55 * 3600.0 > 240.0, "{by_mass} Wh/m");
    robot.battery = robot.battery.map(|battery| robot_interface::robot::BatteryDescription {
        walking_wh_per_km: Some(80.0.try_into().expect("positive")),
        ..battery
    });
    let monitor = BatteryMonitor::new(&robot, 0.6);
    assert!((monitor.wh_per_m() - 0.08).abs() < 1e-12);
    assert!(monitor.way_wh(1_000.0) > 80.0 && monitor.way_wh(1_000.0) < 100.0);
    robot.battery = None;
    let mut monitor = BatteryMonitor::new(&robot, 0.6);
    assert!(monitor.pack_wh() > 50.0);
    monitor.handle_sample(at(0.0), &sample(0.0, 1.0), 0.0);
    assert!((monitor.pack_wh() - 230.4).abs() < 1e-9, "the gauge tells it");
}

proptest! {
    /// Whatever a gauge says, in whatever order of times: numbers stay numbers, and the charge never grows.
    #[test]
    fn whatever_a_gauge_says_the_charge_is_a_share_and_never_grows(
        said in proptest::collection::vec((any::<f64>(), -0.5_f64..1.5, any::<bool>(), any::<f64>(), 0_u32..30), 1..60),
    ) {
        let mut monitor = BatteryMonitor::new(&go2(), 0.6);
        let (mut s, mut before) = (0.0, 1.0);
        for (wild, tame, is_wild, way_m, step) in said {
            s += f64::from(step);
            let charged = if is_wild { wild } else { tame };
            monitor.handle_sample(at(s), &BatterySample { voltage_v: wild, ..sample(s, charged) }, way_m);
            let left = monitor.charged(at(s)).unwrap_or(before);
            prop_assert!((0.0..=before + 1e-9).contains(&left), "{left} after {before}");
            let believed = matches!(monitor.level(at(s), 5.0), BatteryLevel::Enough | BatteryLevel::Low);
            // What was reckoned on in silence may have been too little.
            before = if believed { left } else { 1.0 };
            prop_assert!(monitor.wh_per_m() > 0.0 && monitor.wh_per_m().is_finite());
        }
    }
}
