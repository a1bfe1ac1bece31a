#![allow(missing_docs, clippy::all)]
use launch::config::{Mission, Robot};
use launch::lockstep::*;
struct O(bool);
impl Observer for O {
    fn progress(&mut self, p: &Progress) {
        if self.0 && (p.simulated_s * 10.0).round() as u64 % 50 == 0 { println!("{p:?}"); }
    }
    fn stop_requested(&self) -> bool { false }
}
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let mut m = Mission::load(&a[1]).unwrap();
    for seed in a[2].parse::<u64>().unwrap()..=a[3].parse().unwrap() {
        m.seed = seed;
        let r = Robot::load("go2").unwrap();
        let t = std::time::Instant::now();
        let o = run(&m, &r, &mut O(a.len() > 4)).unwrap();
        println!("seed {seed} abort {:?} sim {:.1} wall {:.1} walked {:.1} far {:?} final {:?} refused {} missed {}", o.abort, o.simulated_s, t.elapsed().as_secs_f64(), o.trace.walked_m(), o.trace.far_end(), o.trace.final_error_m(), o.refused_scans, o.missed_replies);
    }
}
