//! What is kept of a run for its report: where the robot was, the ground, how the mission ended.

use anyhow::Context as _;
use robot_interface::state::RobotState;
use robot_interface::terrain::TerrainGrid;
use robot_interface::time::Stamp;

use crate::config::Mission;
use crate::lockstep::{Mosaic, Outcome, Sample, Trace};
use crate::report::{self, Verdict};
use crate::ros::Setting;
use crate::run;
use crate::stack::Findings;

/// Between two samples of the robot's place, ns.
const SAMPLE_NANOS: u64 = 100_000_000;

pub(super) struct Story {
    mission: Mission,
    trace: Trace,
    mosaic: Mosaic,
    began: Option<Stamp>,
    sampled: Option<Stamp>,
    phase: String,
    torque_peak_nm: f64,
    missed_replies: u64,
}

impl Story {
    pub(super) fn new(mission: &Mission) -> Self {
        Self {
            mission: mission.clone(),
            trace: Trace::default(),
            mosaic: Mosaic::new(&mission.design),
            began: None,
            sampled: None,
            phase: String::new(),
            torque_peak_nm: 0.0,
            missed_replies: 0,
        }
    }

    pub(super) fn torque(&mut self, peak_nm: f64, missed_replies: u64) {
        self.torque_peak_nm = self.torque_peak_nm.max(peak_nm);
        self.missed_replies = missed_replies;
    }

    pub(super) fn status(&mut self, phase: String) {
        self.phase = phase;
    }

    pub(super) fn ground(&mut self, grid: &TerrainGrid) {
        self.mosaic.add(grid);
    }

    /// Takes where the robot is; before a mission has begun nothing is kept.
    pub(super) fn moved(&mut self, state: &RobotState) {
        let due = self.sampled.is_none_or(|at| state.stamp >= at.plus_nanos(SAMPLE_NANOS));
        if self.phase.is_empty() || !due {
            return;
        }
        self.began.get_or_insert(state.stamp);
        self.sampled = Some(state.stamp);
        let place = robot_interface::frames::Point::from_coords(state.map_from_base.origin());
        self.trace.samples.push(Sample {
            stamp: state.stamp,
            estimate: state.map_from_base,
            truth: None,
            chainage_m: self.mission.design.to_tunnel(place).chainage_m,
            speed_m_s: state.velocity_m_s.xy().norm(),
            torque_peak_nm: std::mem::take(&mut self.torque_peak_nm),
            outbound: !self.phase.contains("home"),
        });
    }

    /// Writes report, GeoJSON and table of what there is so far; the folder.
    pub(super) fn write(
        &self,
        setting: &Setting,
        findings: Findings,
        refused_scans: u64,
    ) -> anyhow::Result<String> {
        let simulated_s = self.began.zip(self.sampled).map_or(0.0, |(began, last)| last.seconds_since(began));
        let outcome = Outcome {
            abort: None,
            simulated_s,
            trace: self.trace.clone(),
            mosaic: self.mosaic.clone(),
            findings,
            truth: None,
            refused_scans,
            missed_replies: self.missed_replies,
        };
        let mut summary = run::summarise(&self.mission, &setting.robot, &outcome, None)?;
        if self.phase != "completed" {
            let reason =
                self.phase.strip_prefix("given up: ").unwrap_or("the mission is not over").to_owned();
            summary.verdict = Verdict::Aborted { reason };
        }
        let folder = &setting.run_dir;
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot make the folder {}: choose another --out", folder.display()))?;
        report::write_all(folder, &summary)?;
        Ok(folder.display().to_string())
    }
}
