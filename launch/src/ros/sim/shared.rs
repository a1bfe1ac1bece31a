//! State that the node and the threads of the simulated world share.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use robot_interface::frames::{Base, Map, Transform};
use robot_interface::sensors::BatterySample;
use robot_interface::time::Stamp;

/// State that the node and the threads share.
#[derive(Default)]
pub(super) struct Shared {
    pub(super) running: AtomicBool,
    pub(super) ended: AtomicBool,
    pub(super) picture: AtomicBool,
    /// Bit by bit, which motor buses are unplugged.
    pub(super) unplugged: AtomicU64,
    pub(super) lost_nanos: AtomicU64,
    pub(super) lost_pictures: AtomicU64,
    pub(super) truth: Mutex<Option<(Stamp, Transform<Map, Base>)>>,
    pub(super) battery: Mutex<Option<BatterySample>>,
}

impl Shared {
    pub(super) fn set_running(&self, running: bool) {
        self.running.store(running, Ordering::Relaxed);
    }

    /// The cameras look once, at the next occasion.
    pub(super) fn want_picture(&self) {
        self.picture.store(true, Ordering::Relaxed);
    }

    /// Unplugs a motor bus, or plugs it in again.
    pub(super) fn set_plugged(&self, bus: usize, plugged: bool) {
        let bit = 1 << bus;
        if plugged {
            self.unplugged.fetch_and(!bit, Ordering::Relaxed);
        } else {
            self.unplugged.fetch_or(bit, Ordering::Relaxed);
        }
    }

    /// Simulated time, and where the robot really is.
    pub(super) fn truth(&self) -> Option<(Stamp, Transform<Map, Base>)> {
        self.truth.lock().map_or(None, |truth| *truth)
    }

    /// Returns the battery's state, if there is one.
    pub(super) fn battery(&self) -> Option<BatterySample> {
        self.battery.lock().map_or(None, |battery| *battery)
    }

    /// Returns how far simulated time has fallen behind, s.
    pub(super) fn late_s(&self) -> f64 {
        self.lost_nanos.load(Ordering::Relaxed) as f64 * 1e-9
    }

    /// Moments whose pictures were not taken because too many waited.
    pub(super) fn lost_pictures(&self) -> u64 {
        self.lost_pictures.load(Ordering::Relaxed)
    }

    pub(super) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }
}
