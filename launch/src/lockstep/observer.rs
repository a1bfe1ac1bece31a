//! Observer of a run: gets its progress, and is asked whether it should end.

/// Progress of a run.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// Simulated time, s.
    pub simulated_s: f64,
    /// Estimated chainage, m.
    pub chainage_m: f64,
    /// Estimated way along the tunnel out and back, m.
    pub way_m: f64,
    /// Present activity, for people.
    pub doing: &'static str,
    /// Defects found so far.
    pub defects: usize,
}

/// Observer of a run.
pub trait Observer {
    /// Called with what is done before the run begins, for people, and with nothing when it is done.
    fn preparing(&mut self, _what: &'static str) {}

    /// Called ten times a simulated second.
    fn progress(&mut self, progress: &Progress);

    /// Called with what is wrong but ends nothing, in a sentence for people, as soon as it is known.
    fn warn(&mut self, text: &str);

    /// Returns true if the run should end: the robot lies down first.
    fn stop_requested(&self) -> bool;
}
