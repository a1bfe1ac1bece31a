//! Battery monitor: what is left in the pack, whether its gauge can be believed, and what the way home takes.
//!
//! The gauge counts charge (the share that is left); the energy of a metre is learnt on the way from it, beginning with the
//! robot file's figure. A reading that cannot be (no number, a rise, a drop faster than all motors could make, a gauge that
//! stands still) is not believed: meanwhile the charge is reckoned on at the power of walking, and after a while the
//! battery counts as not known.

use robot_interface::robot::RobotDescription;
use robot_interface::sensors::BatterySample;
use robot_interface::time::Stamp;

/// Energy of walking per weight and distance that is taken where the robot's file has no figure: learned gaits of robots
/// of 10 to 50 kg are published with a cost of transport of 0.5 to 2 for the motors.
const COST_OF_TRANSPORT: f64 = 2.5;
/// Walking speed behind that figure, for what the electronics draw meanwhile, m/s: it turns and climbs on the way.
const SLOW_M_S: f64 = 0.5;
/// Energy of a pack per mass of its robot, where neither file nor gauge tells the pack's, Wh/kg.
const PACK_WH_PER_KG: f64 = 10.0;
/// Longest way that is reckoned with, m.
const LONGEST_M: f64 = 1e6;
const GRAVITY_M_S2: f64 = 9.81;
const JOULE_PER_WH: f64 = 3600.0;
/// Distance after which what was measured counts for as much as the figure that it began with, m.
const LEARNT_AFTER_M: f64 = 10.0;
/// Factor on the energy of the way home: obstacles, backing up, a gauge of whole percents.
const MARGIN: f64 = 1.5;
/// Share of the pack that is not walked on: packs switch off somewhere in their last percents.
const LAST_SHARE: f64 = 0.05;
/// Distance whose energy is kept for lying down, m: four seconds of walking, where it takes two.
const LIE_DOWN_M: f64 = 2.5;
/// Distance whose energy turning round takes, m.
const TURN_ROUND_M: f64 = 3.0;
/// Time without a reading that can be believed after which the battery counts as not known, s.
const UNKNOWN_AFTER_S: f64 = 10.0;
/// Share of the pack by which two readings may differ whatever lies between: gauges count in whole percents.
const RESOLUTION: f64 = 0.02;
/// Share of the pack by which a gauge that goes by voltage recovers when the robot stands.
const RECOVERY: f64 = 0.10;
/// Share of the pack that electronics may have drawn while the gauge stands still.
const STILL_SHARE: f64 = 0.05;
/// Share of the electronics' power that is drawn at any time.
const LEAST_DRAW: f64 = 0.5;

/// State of the battery as a mission goes by it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BatteryLevel {
    /// Nothing was ever heard of one.
    #[default]
    Unmeasured,
    /// It is enough for the way home and for going on.
    Enough,
    /// What is left is for the way home.
    Low,
    /// What is left is for lying down.
    Critical,
    /// Its gauge fell silent, or says what cannot be.
    Unknown,
}

/// Reading of the gauge that was believed.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Reading {
    at: Stamp,
    charged: f64,
    way_m: f64,
}

/// Battery monitor.
#[derive(Clone, Debug)]
pub struct BatteryMonitor {
    /// Energy of a full pack, Wh, where it is known.
    capacity_wh: Option<f64>,
    assumed_capacity_wh: f64,
    file_wh_per_m: f64,
    least_w: f64,
    most_w: f64,
    speed_m_s: f64,
    first: Option<Reading>,
    last: Option<Reading>,
    /// Stamp of the newest message: one that comes again is no news.
    newest: Option<Stamp>,
}

impl BatteryMonitor {
    /// Returns a monitor that has heard nothing, of a robot that walks at `speed_m_s`.
    pub fn new(robot: &RobotDescription, speed_m_s: f64) -> Self {
        let battery = robot.battery.as_ref();
        let electronics_w = battery.map_or(0.0, |b| b.electronics_w.get());
        Self {
            capacity_wh: battery.map(|b| b.capacity_wh.get()),
            assumed_capacity_wh: PACK_WH_PER_KG * robot.body.mass_kg.get(),
            file_wh_per_m: walking_wh_per_m(robot),
            least_w: LEAST_DRAW * electronics_w,
            most_w: robot.protection.max_power_w() + electronics_w,
            speed_m_s,
            first: None,
            last: None,
            newest: None,
        }
    }

    /// Takes a reading of the gauge that came at `now`, when the robot had gone `way_m`.
    pub fn handle_sample(&mut self, now: Stamp, sample: &BatterySample, way_m: f64) {
        if self.newest.is_some_and(|newest| sample.stamp <= newest) {
            return;
        }
        self.newest = Some(sample.stamp);
        let charged = sample.charged;
        if !(0.0..=1.0).contains(&charged) {
            return;
        }
        let measured_wh = sample.capacity_ah * sample.voltage_v;
        if self.capacity_wh.is_none() && measured_wh.is_finite() && measured_wh > 0.0 {
            self.capacity_wh = Some(measured_wh);
        }
        if self.may_be(now, charged) {
            // No pack gains charge on the way: what has recovered goes again under load.
            let charged = self.last.map_or(charged, |last| charged.min(last.charged));
            let way_m = if way_m.is_finite() { way_m } else { self.last.map_or(0.0, |last| last.way_m) };
            let way_m = way_m.clamp(0.0, LONGEST_M);
            let reading = Reading { at: now, charged, way_m };
            self.first.get_or_insert(reading);
            self.last = Some(reading);
        }
    }

    /// Returns true if the gauge can have come from its last reading that was believed to this one.
    fn may_be(&self, now: Stamp, charged: f64) -> bool {
        let (Some(first), Some(last)) = (self.first, self.last) else { return true };
        let share = |power_w: f64, since: Stamp| {
            power_w * now.seconds_since(since).max(0.0) / JOULE_PER_WH / self.pack_wh()
        };
        let lowest = last.charged - share(self.most_w, last.at) - RESOLUTION;
        let still = first.charged - share(self.least_w, first.at) + STILL_SHARE;
        (lowest..=(last.charged + RECOVERY).min(still)).contains(&charged)
    }

    /// Returns the level at `now`, `home_m` away from home.
    pub fn level(&self, now: Stamp, home_m: f64) -> BatteryLevel {
        let Some(last) = self.last else { return BatteryLevel::Unmeasured };
        let is_silent = now.seconds_since(last.at) > UNKNOWN_AFTER_S;
        let left_wh = self.left_wh(now).unwrap_or(0.0);
        if left_wh <= self.reserve_wh() {
            BatteryLevel::Critical
        } else if is_silent {
            BatteryLevel::Unknown
        } else if left_wh <= self.home_wh(home_m) {
            BatteryLevel::Low
        } else {
            BatteryLevel::Enough
        }
    }

    /// Returns the energy that is left, Wh; reckoned on from the last reading that was believed. `None` if there was none.
    pub fn left_wh(&self, now: Stamp) -> Option<f64> {
        let last = self.last?;
        // Between two readings of a gauge that goes on nothing is guessed.
        let silent_s = now.seconds_since(last.at);
        let walking_w = self.wh_per_m() * self.speed_m_s * JOULE_PER_WH;
        let reckoned_s = if silent_s > UNKNOWN_AFTER_S { silent_s } else { 0.0 };
        Some((last.charged * self.pack_wh() - walking_w * reckoned_s / JOULE_PER_WH).max(0.0))
    }

    /// Returns the share of a full charge that is left, 0 to 1; `None` if nothing was heard.
    pub fn charged(&self, now: Stamp) -> Option<f64> {
        self.left_wh(now).map(|left_wh| left_wh / self.pack_wh())
    }

    /// Returns the energy at which the robot turns home from `home_m` away, Wh: turning round and
    /// the way, with a margin, and lying down.
    pub fn home_wh(&self, home_m: f64) -> f64 {
        MARGIN * self.wh_per_m() * (home_m.max(0.0) + TURN_ROUND_M) + self.reserve_wh()
    }

    /// Returns the energy that is kept for lying down, Wh.
    pub fn reserve_wh(&self) -> f64 {
        (LAST_SHARE * self.pack_wh()).max(LIE_DOWN_M * self.wh_per_m())
    }

    /// Returns the energy of a metre as used so far, Wh; the robot file's figure at first.
    pub fn wh_per_m(&self) -> f64 {
        let (used_wh, way_m) = match (self.first, self.last) {
            (Some(first), Some(last)) => (
                ((first.charged - last.charged) * self.pack_wh()).max(0.0),
                (last.way_m - first.way_m).max(0.0),
            ),
            _ => (0.0, 0.0),
        };
        (used_wh + LEARNT_AFTER_M * self.file_wh_per_m) / (way_m + LEARNT_AFTER_M)
    }

    /// Returns the energy of a full pack, Wh.
    pub fn pack_wh(&self) -> f64 {
        self.capacity_wh.unwrap_or(self.assumed_capacity_wh)
    }

    /// Returns the energy that a way takes by the robot file's figure, lying down at its end included, Wh.
    pub fn way_wh(&self, way_m: f64) -> f64 {
        self.file_wh_per_m * (way_m + TURN_ROUND_M)
            + (LAST_SHARE * self.pack_wh()).max(LIE_DOWN_M * self.file_wh_per_m)
    }
}

/// Returns the energy of a metre of walking by the robot's file, or by its mass where that has no figure, Wh.
fn walking_wh_per_m(robot: &RobotDescription) -> f64 {
    let battery = robot.battery.as_ref();
    if let Some(figure) = battery.and_then(|b| b.walking_wh_per_km) {
        return figure.get() / 1000.0;
    }
    let electronics_w = battery.map_or(0.0, |b| b.electronics_w.get());
    let joule_per_m = COST_OF_TRANSPORT * robot.body.mass_kg.get() * GRAVITY_M_S2 + electronics_w / SLOW_M_S;
    joule_per_m / JOULE_PER_WH
}

#[cfg(test)]
mod tests;
