//! The device's clock by the host's: offset and drift from exchanges of times, with bounds that hold.
//!
//! An exchange is NTP's (RFC 5905, section 8): sent `t1` and received `t4` by the host's clock, received `t2` and
//! answered `t3` by the device's. However the way there and the way back share the delay
//! `d = (t4 - t1) - (t3 - t2)`, the offset at the middle is `((t2 - t1) + (t3 - t4)) / 2`, give or take `d / 2`.
//! So of each stretch of exchanges the one with the least delay is kept, and the pair of them that bounds the
//! drift most tightly gives the drift. Stretches grow with the time that the link has stood, from [`SHORTEST`] to
//! [`LONGEST`] exchanges: at 20 exchanges a second the drift is measured over up to 100 s.

use heapless::Deque;

/// Exchanges of which one is kept, at first.
const SHORTEST: u16 = 2;
/// And at last.
const LONGEST: u16 = 128;
/// Kept exchanges.
const KEPT: usize = 16;
/// The device counts whole microseconds, so each of its two times may be this much too early, ns.
const TICK_NS: u64 = 1000;
/// A crystal's rate changes with its temperature: so much is allowed for beyond what was measured.
const WANDER: f64 = 1e-6;

/// A time of the device by the host's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostTime {
    /// Host's time, ns.
    pub ns: u64,
    /// Bound of its error, ns: a bound, not a deviation.
    pub uncertainty_ns: u64,
}

/// An exchange of times beside those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exchange {
    /// It fits them, and adds to them.
    Agrees,
    /// It cannot be true together with them: a clock was set, or the device started anew. Only this exchange is
    /// kept.
    Contradicts,
    /// It cannot be true at all, and is ignored.
    Impossible,
}

/// One exchange: both clocks at its middle.
#[derive(Clone, Copy, Debug)]
struct Sample {
    host_ns: u64,
    device_ns: u64,
    bound_ns: f64,
}

/// Rate of the device's clock against the host's: 1e-6 is one microsecond a second faster.
#[derive(Clone, Copy, Debug)]
struct Drift {
    rate: f64,
    bound: f64,
}

/// Follows the device's clock.
#[derive(Clone, Debug)]
pub struct ClockSync {
    max_drift: f64,
    /// Oldest first.
    kept: Deque<Sample, KEPT>,
    /// Exchanges that each of the kept stands for, but the newest.
    stretch: u16,
    /// Exchanges that the newest stands for.
    in_newest: u16,
    drift: Drift,
}

impl ClockSync {
    /// For clocks that differ in rate by at most so many parts in a million, both clocks' errors added.
    pub fn new(max_drift_ppm: u32) -> Self {
        let max_drift = f64::from(max_drift_ppm) * 1e-6;
        Self {
            max_drift,
            kept: Deque::new(),
            stretch: SHORTEST,
            in_newest: 0,
            drift: Drift { rate: 0.0, bound: max_drift },
        }
    }

    /// Takes an exchange; times as above, `t1` and `t4` in ns, `t2` and `t3` in us.
    pub fn take(&mut self, t1_ns: u64, t2_us: u64, t3_us: u64, t4_ns: u64) -> Exchange {
        let Some(sample) = sample(t1_ns, t2_us, t3_us, t4_ns) else { return Exchange::Impossible };
        if !self.contradicts(&sample) {
            self.keep(sample);
            if self.fit() {
                return Exchange::Agrees;
            }
        }
        self.restart();
        self.keep(sample);
        Exchange::Contradicts
    }

    /// Forgets everything.
    pub fn restart(&mut self) {
        self.kept.clear();
        self.stretch = SHORTEST;
        self.in_newest = 0;
        self.drift = Drift { rate: 0.0, bound: self.max_drift };
    }

    /// A time of the device's by the host's clock; `None` before the first exchange.
    pub fn host_time(&self, device_us: u64) -> Option<HostTime> {
        let device_ns = device_us.saturating_mul(1000);
        let since = |sample: &Sample| device_ns.wrapping_sub(sample.device_ns).cast_signed() as f64;
        let (bound, sample) = self.best(|sample| since(sample))?;
        let ahead = (since(sample) / (1.0 + self.drift.rate)) as i64;
        Some(HostTime { ns: sample.host_ns.saturating_add_signed(ahead), uncertainty_ns: bound as u64 + 1 })
    }

    /// Rate of the device's clock against the host's, faster if positive, and the bound of its error, both in parts in a
    /// million.
    pub const fn drift_ppm(&self) -> (f64, f64) {
        (self.drift.rate * 1e6, self.drift.bound * 1e6)
    }

    /// The sample that bounds a time best, which lies so many ns from each, and its bound there, ns.
    fn best(&self, away: impl Fn(&Sample) -> f64) -> Option<(f64, &Sample)> {
        let growth = self.drift.bound + WANDER;
        self.kept
            .iter()
            .map(|sample| (sample.bound_ns + away(sample).abs() * growth, sample))
            .min_by(|a, b| a.0.total_cmp(&b.0))
    }

    fn contradicts(&self, new: &Sample) -> bool {
        let since = |old: &Sample| new.host_ns.wrapping_sub(old.host_ns).cast_signed() as f64;
        let Some((bound, old)) = self.best(since) else { return false };
        let surprise = offset_change(old, new) - since(old) * self.drift.rate;
        surprise.abs() > bound + new.bound_ns
    }

    fn keep(&mut self, new: Sample) {
        let growth = self.drift.bound + WANDER;
        match self.kept.back_mut() {
            Some(newest) if self.in_newest < self.stretch => {
                self.in_newest += 1;
                *newest = better(*newest, new, growth);
            }
            _ => {
                if self.kept.is_full() {
                    self.make_room(growth);
                }
                // There is room now.
                let _ = self.kept.push_back(new);
                self.in_newest = 1;
            }
        }
    }

    /// Makes the stretches twice as long, or once they are long enough forgets the oldest.
    fn make_room(&mut self, growth: f64) {
        if self.stretch >= LONGEST {
            self.kept.pop_front();
            return;
        }
        self.stretch *= 2;
        for _ in 0..KEPT / 2 {
            if let (Some(early), Some(late)) = (self.kept.pop_front(), self.kept.pop_front()) {
                // Two went, so one has room.
                let _ = self.kept.push_back(better(early, late, growth));
            }
        }
    }

    /// The drift from the pair that bounds it most tightly, within what the clocks can differ. False if they
    /// differ by more.
    fn fit(&mut self) -> bool {
        let mut best = Drift { rate: 0.0, bound: f64::INFINITY };
        for (at, late) in self.kept.iter().enumerate() {
            for early in self.kept.iter().take(at) {
                let apart = late.host_ns.saturating_sub(early.host_ns) as f64;
                let bound = (early.bound_ns + late.bound_ns) / apart;
                if bound < best.bound {
                    best = Drift { rate: offset_change(early, late) / apart, bound };
                }
            }
        }
        let least = (best.rate - best.bound).max(-self.max_drift);
        let most = (best.rate + best.bound).min(self.max_drift);
        self.drift = Drift { rate: f64::midpoint(least, most), bound: (most - least) / 2.0 };
        least <= most
    }
}

/// The one of two samples that will bound the times to come more tightly.
fn better(early: Sample, late: Sample, growth: f64) -> Sample {
    let age = late.host_ns.saturating_sub(early.host_ns) as f64;
    if late.bound_ns <= early.bound_ns + age * growth { late } else { early }
}

fn sample(t1_ns: u64, t2_us: u64, t3_us: u64, t4_ns: u64) -> Option<Sample> {
    let host = t4_ns.checked_sub(t1_ns)?;
    let device = t3_us.checked_sub(t2_us)?.checked_mul(1000)?;
    let delay = host.saturating_add(TICK_NS).checked_sub(device)?;
    Some(Sample {
        host_ns: t1_ns + host / 2,
        device_ns: t2_us.checked_mul(1000)?.checked_add(device / 2)?,
        bound_ns: (delay / 2 + TICK_NS) as f64,
    })
}

/// Gain of the device's clock on the host's from one sample to another, ns.
fn offset_change(early: &Sample, late: &Sample) -> f64 {
    let device = late.device_ns.wrapping_sub(early.device_ns).cast_signed();
    let host = late.host_ns.wrapping_sub(early.host_ns).cast_signed();
    device.wrapping_sub(host) as f64
}
