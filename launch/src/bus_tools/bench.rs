//! Benchmark of the motors' cycle, beside the least that the same ports allow: one cycle of the one, then one of the
//! other, so that both see the same machine.

use std::sync::atomic::{AtomicBool, Ordering};

use firmware_bridge::bridge::MotorBridge;
use firmware_bridge::port::{BusDriver, BusPort, SerialPort};
use robot_interface::time::Stamp;

use super::baseline::Baseline;
use stack::realtime::{exchange, monotonic, sleep_until, thread_cpu_nanos};

/// Cycles before those that are counted: caches and branch predictors have seen the way, and the far end is awake.
const WARM_UP: usize = 40;

/// Durations in the order in which they came, as many as were planned: to the nanosecond, and without allocation.
#[derive(Debug)]
pub(crate) struct Samples {
    nanos: Vec<u32>,
}

impl Samples {
    fn planned(count: usize) -> Self {
        Self { nanos: Vec::with_capacity(count) }
    }

    fn add(&mut self, nanos: u64) {
        if self.nanos.len() < self.nanos.capacity() {
            self.nanos.push(u32::try_from(nanos).unwrap_or(u32::MAX));
        }
    }

    pub(crate) fn sort(&mut self) {
        self.nanos.sort_unstable();
    }

    /// Returns the duration that a share of all were no longer than, us, once sorted; 0 of none.
    pub(crate) fn quantile_us(&self, share: f64) -> f64 {
        let place = (share * self.nanos.len() as f64).ceil() as usize;
        let nanos = self.nanos.get(place.saturating_sub(1).min(self.nanos.len().saturating_sub(1)));
        nanos.map_or(0.0, |nanos| f64::from(*nanos) / 1e3)
    }
}

/// Measurements of one of the two loops.
#[derive(Debug)]
pub(crate) struct Figures {
    /// From the beginning of a cycle to the last answer.
    pub(crate) took: Samples,
    /// Delay of a cycle's beginning.
    pub(crate) late: Samples,
    /// Cycles.
    pub(crate) cycles: u64,
    /// Cycles that were not over when the next one was due.
    pub(crate) overrun: u64,
    /// Answers that did not come.
    pub(crate) missed: u64,
    /// Time on a processor, ns.
    pub(crate) cpu_nanos: u64,
}

impl Figures {
    fn planned(count: usize) -> Self {
        let [took, late] = [(); 2].map(|()| Samples::planned(count));
        Self { took, late, cycles: 0, overrun: 0, missed: 0, cpu_nanos: 0 }
    }

    fn add(&mut self, cycle: &Measured, period_nanos: u64) {
        self.took.add(cycle.took_nanos);
        self.late.add(cycle.late_nanos);
        self.cycles += 1;
        self.overrun += u64::from(cycle.late_nanos + cycle.took_nanos >= period_nanos);
        self.missed += cycle.missed as u64;
        self.cpu_nanos += cycle.cpu_nanos;
    }

    /// Share of a processor that the loop takes, if it is the only one.
    pub(crate) fn cpu_share(&self, period_nanos: u64) -> f64 {
        self.cpu_nanos as f64 / (self.cycles.max(1) * period_nanos) as f64
    }
}

struct Measured {
    late_nanos: u64,
    took_nanos: u64,
    cpu_nanos: u64,
    missed: usize,
}

/// Both loops on the same ports.
pub(crate) struct Bench {
    bridge: MotorBridge,
    driver: BusDriver<SerialPort>,
    baseline: Option<Baseline>,
    period_nanos: u64,
    pub(crate) ours: Figures,
    /// Empty where there is no baseline.
    pub(crate) least: Figures,
}

impl Bench {
    /// For so many cycles of each, or of the motors' alone where the protocol has no baseline.
    pub(crate) fn new(
        bridge: MotorBridge,
        driver: BusDriver<SerialPort>,
        period_nanos: u64,
        cycles: usize,
    ) -> Self {
        let baseline = Baseline::new(&bridge);
        let ours = Figures::planned(cycles);
        let least = Figures::planned(if baseline.is_some() { cycles } else { 0 });
        Self { bridge, driver, baseline, period_nanos, ours, least }
    }

    /// Returns whether there is anything to compare with.
    pub(crate) const fn has_baseline(&self) -> bool {
        self.baseline.is_some()
    }

    /// Runs the planned cycles, or until told to stop. Does not allocate.
    pub(crate) fn run(&mut self, stop: &AtomicBool) {
        let planned = self.ours.took.nanos.capacity() + self.least.took.nanos.capacity();
        let mut due = monotonic().plus_nanos(self.period_nanos);
        for number in 0..WARM_UP + planned {
            if stop.load(Ordering::Relaxed) {
                return;
            }
            sleep_until(due);
            let ours = number % 2 == 0 || self.baseline.is_none();
            let measured = self.cycle(due, ours);
            let figures = if ours { &mut self.ours } else { &mut self.least };
            if number >= WARM_UP {
                figures.add(&measured, self.period_nanos);
            }
            due = due.plus_nanos(self.period_nanos);
            let behind = monotonic().nanos().saturating_sub(due.nanos());
            // Whole periods are left out, so that nothing is made up for in a rush.
            due = due.plus_nanos(behind.div_ceil(self.period_nanos) * self.period_nanos);
        }
    }

    fn cycle(&mut self, due: Stamp, ours: bool) -> Measured {
        // What came too late for the cycle before is for neither loop.
        for port in self.driver.ports_mut() {
            while port.read(&mut [0; 256]).is_ok_and(|count| count > 0) {}
        }
        let cpu = thread_cpu_nanos();
        let begun = monotonic();
        let limit = begun.plus_nanos(self.period_nanos / 10 * 9);
        let (ended, missed) = match &mut self.baseline {
            Some(baseline) if !ours => baseline.cycle(&mut self.driver, begun, limit),
            _ => self.read(begun, limit),
        };
        Measured {
            late_nanos: begun.nanos().saturating_sub(due.nanos()),
            took_nanos: ended.nanos().saturating_sub(begun.nanos()),
            cpu_nanos: thread_cpu_nanos() - cpu,
            missed,
        }
    }

    fn read(&mut self, begun: Stamp, limit: Stamp) -> (Stamp, usize) {
        self.bridge.begin_reading(begun);
        let ended = exchange(&mut self.driver, &mut self.bridge, begun, limit);
        let cycle = self.bridge.end_cycle(ended);
        (ended, cycle.answered.iter().filter(|answered| !**answered).count())
    }
}

#[cfg(test)]
mod tests {
    use allocation_counter::measure;
    use robot_interface::joints::JOINTS;

    use super::*;
    use crate::bus_tools::ports::Buses;

    #[test]
    fn quantiles_are_those_of_the_samples() {
        let mut samples = Samples::planned(1000);
        for nanos in (1..=1001).rev() {
            samples.add(nanos * 1000);
        }
        assert_eq!(samples.nanos.len(), 1000, "no more than planned");
        samples.sort();
        let found = [0.0, 0.5, 0.99, 1.0].map(|share| samples.quantile_us(share));
        assert_eq!(found, [2.0, 501.0, 991.0, 1001.0]);
        assert_eq!(Samples::planned(0).quantile_us(0.5), 0.0);
    }

    #[test]
    fn neither_loop_allocates_and_both_hear_the_motors() {
        const CYCLES: usize = 50;
        // Slow: a busy machine must not make the test fail.
        let period_nanos = 20_000_000;
        let buses = Buses::virtual_of("go2-serial", period_nanos).expect("a virtual robot");
        let mut bench = Bench::new(buses.bridge, buses.driver, period_nanos, CYCLES);
        let stop = AtomicBool::new(false);
        let info = measure(|| bench.run(&stop));
        assert_eq!(info.count_total, 0, "{info:?}");
        for figures in [&bench.ours, &bench.least] {
            assert_eq!(figures.cycles, CYCLES as u64);
            assert!(figures.missed < (CYCLES * JOINTS) as u64, "{figures:?}");
        }
        stop.store(true, Ordering::Relaxed);
        bench.run(&stop);
        assert_eq!(bench.ours.cycles, CYCLES as u64, "it stops when told");
    }
}
