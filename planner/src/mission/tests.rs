use super::*;

/// A robot that does what it is told, along a tunnel.
struct Rig {
    mission: Mission,
    input: MissionInput,
    held: bool,
    pictures: Vec<f64>,
    phases: Vec<MissionPhase>,
}

fn plan() -> MissionPlan {
    MissionPlan {
        home_m: 1.0,
        stations_m: vec![4.0, 7.0],
        dwell_s: 1.0,
        picture_every_m: 1.0,
        speed_m_s: [0.5, 0.8],
        timeout_s: 100.0,
        stuck_after_s: 5.0,
        standing_height_m: 0.31,
        max_tilt_rad: 0.45,
    }
}

const STANDING: Posture = Posture { height_m: 0.30, tilt_rad: 0.02, joint_error_rad: 0.1, joint_error_of: 2 };
const ON_ITS_BELLY: Posture = Posture { height_m: 0.06, ..STANDING };

impl Rig {
    fn new(plan: MissionPlan) -> Self {
        let input = MissionInput {
            now: Stamp::ZERO,
            place: TunnelPoint { chainage_m: plan.home_m, left_m: 0.0, up_m: 0.3 },
            gait: GaitMode::Damped,
            fallen: false,
            ready: true,
            posture: Some(STANDING),
            battery: BatteryLevel::Enough,
            order: None,
        };
        Self {
            mission: Mission::new(plan),
            input,
            held: false,
            pictures: vec![],
            phases: vec![MissionPhase::Idle],
        }
    }

    fn run(&mut self, seconds: f64) -> MissionOutput {
        let mut output = self.tick();
        for _ in 1..(seconds * 10.0) as usize {
            output = self.tick();
        }
        output
    }

    fn tick(&mut self) -> MissionOutput {
        self.input.now = self.input.now.plus_nanos(100_000_000);
        let output = self.mission.step(&self.input);
        match output.gait {
            Some(GaitMode::StandUp) => self.input.gait = GaitMode::Walk,
            Some(GaitMode::LieDown) => self.input.gait = GaitMode::Damped,
            _ => {}
        }
        let here = self.input.place.chainage_m;
        let towards = output.goal_m.map_or(0.0, |g| (g - here).clamp(-1.0, 1.0) * output.speed_m_s);
        if !self.held {
            self.input.place.chainage_m += 0.1 * output.back_up_m_s.unwrap_or(towards);
        }
        if output.picture {
            self.pictures.push(here);
        }
        if self.phases.last() != Some(&output.phase) {
            self.phases.push(output.phase);
        }
        output
    }
}

#[test]
fn it_goes_out_looks_and_comes_home() {
    use MissionPhase::{Done, Go, Idle, Inspect, LieDown, Return, StandUp};
    let mut rig = Rig::new(plan());
    rig.run(60.0);
    assert_eq!(rig.phases, [Idle, StandUp, Go, Inspect, Go, Inspect, Return, LieDown, Done]);
    assert!(rig.mission.completed());
    assert!((rig.input.place.chainage_m - 1.0).abs() < 0.3);
    assert!(rig.pictures.windows(2).all(|p| p[1] - p[0] < 1.1), "one a metre: {:?}", rig.pictures);
    for station in [4.0, 7.0] {
        assert!(rig.pictures.iter().any(|p| (p - station).abs() < 0.2), "{station} in {:?}", rig.pictures);
    }
}

#[test]
fn stuck_on_the_way_out_it_backs_up_then_goes_home() {
    let mut rig = Rig::new(plan());
    rig.run(4.0);
    rig.held = true;
    rig.run(45.0);
    assert_eq!(rig.phases.iter().filter(|p| **p == MissionPhase::BackUpOut).count(), 3);
    assert!(rig.phases.contains(&MissionPhase::BackUpHome), "it tries to go home, and is held there too");
    rig.held = false;
    rig.run(20.0);
    assert_eq!(rig.mission.phase(), MissionPhase::Done);
    assert_eq!(rig.mission.abort_reason(), Some(AbortReason::Stuck));
    assert!(!rig.mission.completed());
}

#[test]
fn time_up_sends_it_home() {
    let mut rig = Rig::new(MissionPlan { timeout_s: 5.0, ..plan() });
    rig.run(30.0);
    assert_eq!(rig.mission.abort_reason(), Some(AbortReason::Timeout));
    assert_eq!(rig.mission.phase(), MissionPhase::Done);
    assert!(!rig.phases.contains(&MissionPhase::Inspect));
}

#[test]
fn stop_lies_down_and_a_fall_ends_it() {
    let mut rig = Rig::new(plan());
    rig.run(3.0);
    rig.input.order = Some(MissionOrder::Stop);
    rig.run(1.0);
    assert_eq!(rig.mission.phase(), MissionPhase::Done);
    assert_eq!(rig.mission.abort_reason(), Some(AbortReason::Stopped));

    let mut rig = Rig::new(plan());
    rig.run(3.0);
    rig.input.fallen = true;
    rig.run(0.2);
    assert_eq!(rig.mission.phase(), MissionPhase::Done);
    assert_eq!(rig.mission.abort_reason(), Some(AbortReason::Fell));
}

#[test]
fn paused_it_stands_until_told_even_when_its_time_is_up() {
    let mut rig = Rig::new(MissionPlan { timeout_s: 20.0, ..plan() });
    rig.run(3.0);
    rig.input.order = Some(MissionOrder::Pause);
    rig.run(0.1);
    rig.input.order = None;
    let here = rig.input.place.chainage_m;
    let output = rig.run(25.0);
    assert_eq!((output.phase, output.goal_m), (MissionPhase::PausedOut, None));
    assert!((rig.input.place.chainage_m - here).abs() < 1e-9);

    let mut rig = Rig::new(plan());
    rig.run(3.0);
    for order in [Some(MissionOrder::Pause), None, Some(MissionOrder::Resume), None] {
        rig.input.order = order;
        rig.run(1.0);
    }
    rig.run(60.0);
    assert!(rig.mission.completed());
    for order in [MissionOrder::Resume, MissionOrder::GoHome] {
        let mut rig = Rig::new(plan());
        rig.run(3.0);
        rig.input.order = Some(order);
        rig.run(60.0);
        assert_eq!(
            rig.mission.completed(),
            order == MissionOrder::Resume,
            "resuming what is not paused is nothing"
        );
    }
}

#[test]
fn the_table_gives_each_pair_once_and_leads_everywhere_to_done() {
    for (i, (phase, event, ..)) in TABLE.iter().enumerate() {
        assert!(!TABLE[..i].iter().any(|(p, e, ..)| (p, e) == (phase, event)), "{phase:?} {event:?} twice");
    }
    let mut reach = vec![MissionPhase::Done];
    while let Some((phase, ..)) =
        TABLE.iter().find(|(phase, _, to, _)| reach.contains(to) && !reach.contains(phase))
    {
        reach.push(*phase);
    }
    assert_eq!(reach.len(), 11, "{reach:?}");
}

#[test]
fn every_row_is_taken() {
    for (phase, event, to, action) in TABLE {
        let mut rig = Rig::new(plan());
        let now = Stamp::from_nanos(1_000_000_000_000);
        rig.mission.phase = *phase;
        rig.input.gait = if next(*phase, Event::LetGo).is_some() { GaitMode::Walk } else { GaitMode::Damped };
        (rig.mission.since, rig.mission.best_at, rig.mission.started) = (now, now, Some(now));
        let ago = |s: f64| Stamp::from_nanos(now.nanos() - (s * 1e9) as u64);
        rig.input.now = now;
        rig.input.ready = false;
        rig.input.place.chainage_m = 2.5;
        rig.mission.best_m = if *phase == MissionPhase::Return { -2.5 } else { 2.5 };
        match event {
            Event::NotRisen | Event::Sank => {
                let gait = if *phase == MissionPhase::StandUp { GaitMode::StandUp } else { GaitMode::Walk };
                rig.mission.footing.handle_posture(ago(2.0), gait, Some(&ON_ITS_BELLY));
                (rig.input.gait, rig.input.posture) = (GaitMode::Walk, Some(ON_ITS_BELLY));
                if *event == Event::NotRisen {
                    rig.input.place.chainage_m = 1.1;
                }
            }
            Event::BatteryLow => rig.input.battery = BatteryLevel::Low,
            Event::BatteryCritical => rig.input.battery = BatteryLevel::Critical,
            Event::BatteryUnknown => rig.input.battery = BatteryLevel::Unknown,
            Event::Ready => rig.input.ready = true,
            Event::Standing => rig.input.gait = GaitMode::Walk,
            Event::Arrived if *phase == MissionPhase::Go => rig.input.place.chainage_m = 4.0,
            Event::Arrived => rig.input.place.chainage_m = 1.0,
            Event::Inspected => rig.mission.since = ago(2.0),
            Event::AllInspected => (rig.mission.since, rig.mission.station) = (ago(2.0), 1),
            Event::Stuck => rig.mission.best_at = ago(6.0),
            Event::StuckForGood => (rig.mission.best_at, rig.mission.back_ups) = (ago(6.0), MAX_BACK_UPS),
            Event::BackedUp => rig.mission.since = ago(3.0),
            Event::Timeout => rig.mission.started = Some(ago(101.0)),
            Event::Overdue => rig.mission.started = Some(ago(151.0)),
            Event::Stop => rig.input.order = Some(MissionOrder::Stop),
            Event::Pause => rig.input.order = Some(MissionOrder::Pause),
            Event::Resume => rig.input.order = Some(MissionOrder::Resume),
            Event::GoHome => rig.input.order = Some(MissionOrder::GoHome),
            Event::Lying => {}
            Event::LetGo => rig.input.gait = GaitMode::Damped,
            Event::Fell => rig.input.fallen = true,
        }
        let output = rig.mission.step(&rig.input);
        assert_eq!(rig.mission.phase(), *to, "{phase:?} {event:?}");
        let reason = if let Action::GiveUp(reason) = action { Some(*reason) } else { None };
        assert_eq!(rig.mission.abort_reason(), reason, "{phase:?} {event:?}");
        assert_eq!(output.given_up, reason, "{phase:?} {event:?}");
    }
}

#[test]
fn the_documented_table_is_the_table() {
    let source = include_str!("table.rs");
    let rows = source.lines().filter_map(|line| line.strip_prefix("/// | ")).skip(1);
    let documented: Vec<Vec<&str>> =
        rows.map(|row| row.trim_end_matches('|').split('|').map(str::trim).collect()).collect();
    let table: Vec<Vec<String>> = TABLE
        .iter()
        .map(|(a, b, c, d)| vec![format!("{a:?}"), format!("{b:?}"), format!("{c:?}"), format!("{d:?}")])
        .collect();
    assert_eq!(documented, table);
}

#[test]
fn what_the_table_does_not_name_changes_nothing() {
    let mut rig = Rig::new(plan());
    rig.input.ready = false;
    for (gait, fallen) in [(GaitMode::Walk, false), (GaitMode::Damped, true)] {
        (rig.input.gait, rig.input.fallen) = (gait, fallen);
        rig.run(200.0);
        assert_eq!(rig.mission.phase(), MissionPhase::Idle, "waiting has no end of its own");
    }
    rig.input.order = Some(MissionOrder::Stop);
    rig.tick();
    assert_eq!(rig.mission.phase(), MissionPhase::Done);
    rig.input.ready = true;
    rig.run(10.0);
    assert_eq!(rig.phases, [MissionPhase::Idle, MissionPhase::Done], "over is over");
}

#[test]
fn lost_footing_or_place_ends_it() {
    let mut rig = Rig::new(plan());
    rig.run(3.0);
    rig.input.gait = GaitMode::Damped;
    rig.run(0.2);
    assert_eq!(rig.mission.abort_reason(), Some(AbortReason::LetGo));
    assert_eq!(rig.mission.phase(), MissionPhase::Done);

    let mut rig = Rig::new(plan());
    rig.run(3.0);
    rig.input.place.chainage_m = f64::NAN;
    rig.run(120.0);
    assert_eq!(
        rig.mission.phase(),
        MissionPhase::Done,
        "it does not go on for ever without knowing where it is"
    );
    assert_eq!(rig.mission.abort_reason(), Some(AbortReason::Stuck));
}

#[test]
fn goals_stay_within_the_local_map_and_short_of_home() {
    let mut rig = Rig::new(plan());
    for _ in 0..600 {
        let here = rig.input.place.chainage_m;
        let output = rig.tick();
        if let Some(goal) = output.goal_m {
            assert!((goal - here).abs() <= AHEAD_M + 1e-9, "{goal} from {here}");
            assert!((1.0..=7.0 + ARRIVED_M).contains(&goal), "{goal}");
        }
        if output.phase == MissionPhase::Inspect {
            assert_eq!(output.goal_m, None, "it stands while it looks");
        }
    }
    assert!(rig.mission.completed());
}

#[test]
fn on_its_belly_after_rising_it_is_given_up_at_once() {
    let mut rig = Rig::new(plan());
    rig.tick();
    (rig.input.gait, rig.input.posture) = (GaitMode::StandUp, Some(ON_ITS_BELLY));
    rig.run(2.8);
    assert_eq!(rig.mission.phase(), MissionPhase::StandUp, "it may take its time to rise");
    rig.input.gait = GaitMode::Walk;
    rig.run(0.3);
    assert_eq!(rig.mission.abort_reason(), Some(AbortReason::DidNotRise));
    assert_eq!(rig.mission.phase(), MissionPhase::Done);
    assert!(!rig.phases.contains(&MissionPhase::Go), "{:?}", rig.phases);
}

/// Stiff while it rises and soft when it walks: it sinks with the first step.
#[test]
fn sinking_at_the_start_it_did_not_rise_and_later_it_sank() {
    for (walked_s, reason) in [(0.5, AbortReason::DidNotRise), (4.0, AbortReason::Sank)] {
        let mut rig = Rig::new(plan());
        rig.run(walked_s);
        assert_eq!(rig.mission.phase(), MissionPhase::Go);
        (rig.input.posture, rig.held) = (Some(ON_ITS_BELLY), true);
        rig.run(1.5);
        assert_eq!(rig.mission.abort_reason(), Some(reason));
        assert_eq!(rig.mission.phase(), MissionPhase::Done);
    }
}

#[test]
fn let_go_while_it_rises_it_did_not_rise() {
    let mut rig = Rig::new(plan());
    rig.tick();
    for gait in [GaitMode::StandUp, GaitMode::Damped] {
        rig.input.gait = gait;
        rig.tick();
    }
    rig.run(0.2);
    assert_eq!(rig.mission.abort_reason(), Some(AbortReason::DidNotRise));
    assert_eq!(rig.mission.phase(), MissionPhase::Done);
}

#[test]
fn a_low_battery_sends_it_home_and_lays_it_down_before_it_is_empty() {
    for level in [BatteryLevel::Low, BatteryLevel::Unknown] {
        let mut rig = Rig::new(plan());
        rig.run(5.0);
        rig.input.battery = level;
        rig.run(30.0);
        assert!((rig.input.place.chainage_m - 1.0).abs() < 0.3, "{level:?}: it comes home");
        assert!(!rig.mission.completed() && rig.mission.phase() == MissionPhase::Done);
    }
    let mut rig = Rig::new(plan());
    rig.run(5.0);
    rig.input.battery = BatteryLevel::Low;
    rig.run(1.0);
    rig.input.battery = BatteryLevel::Critical;
    rig.run(0.5);
    assert_eq!(rig.mission.phase(), MissionPhase::Done);
    assert_eq!(rig.mission.abort_reason(), Some(AbortReason::BatteryLow), "the first reason is the one");
    assert!(rig.input.place.chainage_m > 2.0, "it lies where it was");

    let mut rig = Rig::new(plan());
    rig.input.battery = BatteryLevel::Critical;
    rig.run(0.2);
    assert_eq!(rig.phases, [MissionPhase::Idle, MissionPhase::Done], "it does not even rise");
}

#[test]
fn paused_it_waits_until_what_is_left_is_for_lying_down() {
    let mut rig = Rig::new(plan());
    rig.run(3.0);
    rig.input.order = Some(MissionOrder::Pause);
    rig.tick();
    rig.input.order = None;
    rig.input.battery = BatteryLevel::Low;
    rig.run(5.0);
    assert_eq!(rig.mission.phase(), MissionPhase::PausedOut);
    rig.input.battery = BatteryLevel::Critical;
    rig.run(0.5);
    assert_eq!(rig.mission.phase(), MissionPhase::Done);
}

#[test]
fn a_robot_whose_battery_nothing_measures_walks_by_the_time_alone() {
    let mut rig = Rig::new(plan());
    (rig.input.battery, rig.input.posture) = (BatteryLevel::Unmeasured, None);
    rig.run(60.0);
    assert!(rig.mission.completed());
}
