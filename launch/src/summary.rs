//! Summary of a run's outcome for its report.

use report::score::{Fate, Score};
use report::{
    Coverage, ElevationPicture, Limits, Localisation, PositionUncertainty, ProfileRow, ReportDefect,
    RunSummary, TruthFate, TruthRow, Verdict, WalkingSpeed,
};
use robot_interface::defect::Defect;
use robot_interface::status::{AbortReason, Ending, MissionState};
use robot_interface::tunnel::clock_text;
use sim::tunnel::TrueDefect;
use stack::config::{Mission, Robot};
use stack::{Findings, RunOutcome, Sample, Trace, picture};

use crate::ground_truth::{Truth, walked_m};

/// Of the ten samples a second one in this many goes into the report's profile and paths.
const PROFILE_EVERY: usize = 5;
/// Error at the end, in one-sigmas of the estimate, from which on a robot was not where it believed to be.
const MAX_SIGMAS: f64 = 3.0;
/// Least one-sigma that this is measured by, m: a robot that lies down slides a little.
const LEAST_SIGMA_M: f64 = 0.1;
/// One-sigma of the chainage that a reader is warned of, m.
const NOTEWORTHY_SIGMA_M: f64 = 0.5;

/// Share of the lining under which a reader is told that little was seen.
const LITTLE_SEEN: f64 = 0.5;
/// Cable joints that are named in the report because a deficiency of theirs is possible, at most.
const POSSIBLE_JOINTS: usize = 10;
/// Share of the speed asked for, under which a reader of the report is told that it was not walked.
const SLOW_SHARE: f64 = 0.8;

/// Seed, truth and score of a simulated run.
pub(crate) struct Simulated<'a> {
    /// Seed of everything random.
    pub seed: u64,
    /// Ground truth.
    pub truth: &'a Truth,
    /// Score of the findings against it.
    pub score: &'a Score,
}

/// Summarises the outcome of a run for the report.
///
/// # Errors
/// If an evidence picture cannot be made.
pub(crate) fn summarise(
    mission: &Mission,
    robot: &Robot,
    outcome: &RunOutcome,
    simulated: Option<&Simulated<'_>>,
) -> anyhow::Result<RunSummary> {
    let findings = &outcome.findings;
    let samples = &outcome.trace.samples;
    let score = simulated.map(|simulated| simulated.score);
    let truth = simulated.map(|simulated| simulated.truth);
    let true_poses = truth.map_or(&[][..], |truth| &truth.poses);
    let every = || samples.iter().step_by(PROFILE_EVERY);
    let profile = every().map(|s| ProfileRow {
        time_s: s.stamp.seconds(),
        chainage_m: s.chainage_m,
        speed_m_s: s.speed_m_s,
        height_m: s.estimate.origin().z,
        torque_peak_nm: s.torque_peak_nm,
    });
    let localisation = truth.and_then(|truth| {
        // Without having walked there is no share of the way to speak of.
        let far = truth.far_end(&outcome.trace).filter(|far| far.walked_m > 1.0)?;
        Some((far, truth.final_error_m(&outcome.trace)?))
    });
    let localisation = localisation.map(|(far, final_error_m)| Localisation {
        far_end_chainage_m: far.chainage_m,
        far_end_error_m: far.error_m,
        far_end_walked_m: far.walked_m,
        far_end_share: far.error_m / far.walked_m.max(1e-9),
        final_error_m,
    });
    let position = position_uncertainty(&outcome.trace);
    let ground = outcome.mosaic.raster();
    let speeds = speeds(mission, outcome);
    Ok(RunSummary {
        verdict: held_against(
            having_seen(verdict(outcome.state.as_ref()), robot, findings),
            localisation.as_ref(),
            position.as_ref(),
        ),
        mission: mission.name.clone(),
        robot: robot.description.name.clone(),
        seed: simulated.map(|simulated| simulated.seed),
        software_version: env!("CARGO_PKG_VERSION").to_owned(),
        model_version: findings.model_version.clone(),
        simulated_s: outcome.duration_s,
        wall_s: None,
        distance_walked_m: match truth {
            Some(truth) => walked_m(&truth.poses),
            None => {
                outcome.trace.parts().map(|part| walked_m(part.iter().map(|sample| &sample.estimate))).sum()
            }
        },
        speeds,
        fell: matches!(
            outcome.state,
            Some(MissionState::GivenUp(Ending { reason: Some(AbortReason::Fell), .. }))
        ),
        design: mission.design.clone(),
        inspected_m: [mission.inspection.start_m.get(), mission.inspection.end_m.get()],
        defects: report_defects(mission, outcome, &findings.defects, score)?,
        doubtful: report_defects(mission, outcome, &findings.doubtful, None)?,
        truth: simulated.map(|simulated| truth_rows(&simulated.truth.defects, simulated.score)),
        recall: score.and_then(Score::recall),
        precision: score.and_then(Score::precision),
        coverage: Coverage {
            cell_m: findings.coverage.cell_m,
            columns: findings.coverage.size[0],
            rows: findings.coverage.size[1],
            chainage0_m: findings.coverage.origin_m[0],
            arc0_m: findings.coverage.origin_m[1],
            mm_per_px: findings.coverage.mm_per_px.clone(),
        },
        limits: Limits {
            median_mm_per_px: findings.median_mm_per_px.unwrap_or(f64::NAN),
            narrowest_crack_mm: findings.median_mm_per_px.map_or(f64::NAN, |mm| mm * findings.crack_px),
            covered_share: findings.covered_share,
        },
        profile: profile.collect(),
        estimate_path: every().map(|s| s.estimate.origin().xy().coords.into()).collect(),
        true_path: true_poses
            .iter()
            .step_by(PROFILE_EVERY)
            .map(|pose| pose.origin().xy().coords.into())
            .collect(),
        elevation: Some(ElevationPicture {
            origin_m: ground.origin_m,
            resolution_m: ground.resolution_m,
            width: ground.size[0],
            height: ground.size[1],
            elevation_m: ground.elevation_m,
        }),
        localisation,
        position,
        warnings: warnings(outcome, position.as_ref())
            .into_iter()
            .chain(slow_warnings(&speeds))
            .chain(camera_warnings(robot, findings))
            .chain(possible_joints(findings))
            .chain(stack::battery_warning(mission, &robot.description))
            .collect(),
    })
}

/// The verdict on a mission of which this was told last.
fn verdict(state: Option<&MissionState>) -> Verdict {
    match state {
        Some(MissionState::Completed) => Verdict::Completed,
        Some(MissionState::GivenUp(ending)) => Verdict::Aborted { reason: ending.text.clone() },
        None | Some(MissionState::Preparing | MissionState::Underway(_)) => {
            Verdict::Aborted { reason: "the mission is not over".to_owned() }
        }
    }
}

/// The verdict on a run of which no picture may show what was to be inspected.
fn having_seen(verdict: Verdict, robot: &Robot, findings: &Findings) -> Verdict {
    let saw_nothing = !robot.description.cameras.is_empty() && findings.covered_share <= 0.0;
    if !(saw_nothing && verdict.completed()) {
        return verdict;
    }
    Verdict::Aborted { reason: "no picture shows any of the lining that was to be inspected".to_owned() }
}

/// The verdict on a run that may have ended elsewhere than where the robot believed to be.
fn held_against(
    verdict: Verdict,
    localisation: Option<&Localisation>,
    position: Option<&PositionUncertainty>,
) -> Verdict {
    let (Verdict::Completed, Some(truth), Some(known)) = (&verdict, localisation, position) else {
        return verdict;
    };
    if truth.final_error_m <= MAX_SIGMAS * known.final_sigma_m.max(LEAST_SIGMA_M) {
        return verdict;
    }
    Verdict::Aborted {
        reason: format!(
            "it ended {:.1} m from where it believed to be, and believed to know that to {:.2} m (one sigma)",
            truth.final_error_m, known.final_sigma_m
        ),
    }
}

/// What the robot's own estimate says of its chainage, at the far end and at the end.
fn position_uncertainty(trace: &Trace) -> Option<PositionUncertainty> {
    let last = trace.samples.last()?;
    Some(PositionUncertainty {
        far_end_sigma_m: trace.far_end().map_or(last, |(_, far)| far).chainage_sigma_m,
        final_sigma_m: last.chainage_sigma_m,
    })
}

/// One-sigma of the chainage when the robot passed a place on its way out: pictures are taken there.
fn chainage_sigma_m(trace: &Trace, chainage_m: f64) -> Option<f64> {
    let away = |sample: &&Sample| (sample.chainage_m - chainage_m).abs();
    let outbound = trace.samples.iter().filter(|sample| sample.outbound);
    outbound.min_by(|a, b| away(a).total_cmp(&away(b))).map(|sample| sample.chainage_sigma_m)
}

/// True defects, and what became of them.
fn truth_rows(defects: &[TrueDefect], score: &Score) -> Vec<TruthRow> {
    let rows = defects.iter().zip(&score.fates).map(|(defect, fate)| TruthRow {
        class: defect.class,
        bounds: defect.bounds,
        width_mm: defect.width_mm,
        fate: match fate {
            Fate::Found(report) => TruthFate::Found(report + 1),
            Fate::Missed => TruthFate::Missed,
            Fate::NotVisible => {
                TruthFate::NotVisible { why: "hidden, out of view, too fine or too pale".to_owned() }
            }
        },
    });
    rows.collect()
}

fn report_defects(
    mission: &Mission,
    outcome: &RunOutcome,
    defects: &[Defect],
    score: Option<&Score>,
) -> anyhow::Result<Vec<ReportDefect>> {
    let pictures = &outcome.findings.pictures;
    let rows = defects.iter().enumerate().map(|(i, d)| {
        let picture = d.evidence.and_then(|e| Some((pictures.get(e.frame as usize)?, e.pixels)));
        let evidence = picture.map(|(jpeg, pixels)| picture::evidence(jpeg, pixels)).transpose()?;
        Ok(ReportDefect {
            number: i + 1,
            defect: d.clone(),
            position_m: d.position_m(&mission.design),
            evidence,
            confirmed: score.and_then(|s| s.confirmed.get(i).copied()),
            chainage_sigma_m: chainage_sigma_m(&outcome.trace, d.centre.chainage_m),
        })
    });
    rows.collect()
}

/// Speeds asked for and walked, out and home.
fn speeds(mission: &Mission, outcome: &RunOutcome) -> [WalkingSpeed; 2] {
    let inspection = &mission.inspection;
    [(inspection.speed_m_s, true), (inspection.return_speed_m_s, false)].map(|(asked, outbound)| {
        WalkingSpeed { asked_m_s: asked.get(), walked_m_s: outcome.trace.walked_m_s(outbound) }
    })
}

fn slow_warnings(speeds: &[WalkingSpeed; 2]) -> Vec<String> {
    let warning = |(way, speed): (&str, &WalkingSpeed)| {
        let walked_m_s = speed.walked_m_s.filter(|walked_m_s| *walked_m_s < SLOW_SHARE * speed.asked_m_s)?;
        Some(format!(
            "The robot walked {way} at {walked_m_s:.2} m/s, though {:.2} m/s was asked for: time and battery have to do for what \
             is walked.",
            speed.asked_m_s
        ))
    };
    ["out", "home"].into_iter().zip(speeds).filter_map(warning).collect()
}

/// Says which cameras gave nothing, or pictures that show nothing, and that little was seen.
fn camera_warnings(robot: &Robot, findings: &Findings) -> Vec<String> {
    let cameras = robot.description.cameras.iter().zip(&findings.cameras);
    let mut warnings: Vec<String> = cameras
        .filter(|(_, pictures)| pictures.used == 0 || pictures.unused() > 0)
        .map(|(camera, pictures)| {
            format!(
                "Camera `{}`: {} pictures were used, {} black or white and {} that repeat an earlier one were not. What it alone \
                 shows counts as not seen.",
                camera.name, pictures.used, pictures.blank, pictures.repeated
            )
        })
        .collect();
    if findings.covered_share < LITTLE_SEEN {
        warnings.push(format!(
            "Only {:.0} % of the lining that was to be inspected was seen: of the rest nothing is known.",
            100.0 * findings.covered_share
        ));
    }
    warnings
}

/// Says which cable joints are worth a second look, though they are no defects: the warmest ones.
fn possible_joints(findings: &Findings) -> Option<String> {
    let rise_k = |joint: &Defect| joint.temperature.and_then(|t| t.sisters).map_or(0.0, |s| s.rise_k);
    let mut joints: Vec<&Defect> = findings.possible_joints.iter().collect();
    joints.sort_by(|a, b| rise_k(b).total_cmp(&rise_k(a)));
    let named = joints.iter().take(POSSIBLE_JOINTS).map(|joint| {
        format!(
            "{:.1} m, {} o'clock (+{:.1} K)",
            joint.centre.chainage_m,
            clock_text(joint.clock_h),
            rise_k(joint)
        )
    });
    let named: Vec<String> = named.collect();
    let count = joints.len();
    let more = if count > named.len() { ", and others" } else { "" };
    (count > 0).then(|| {
        format!(
            "Cable joints a little warmer than their sisters (HJ1, a possible deficiency, not counted as a defect): {count}, at {}{more}.",
            named.join("; ")
        )
    })
}

fn warnings(outcome: &RunOutcome, position: Option<&PositionUncertainty>) -> Vec<String> {
    let mut warnings = vec![
        "Coverage counts lining that lies behind racks and cables as seen: what stands before the lining is \
         not told apart from it."
            .to_owned(),
    ];
    if let Some(known) = position.filter(|known| known.final_sigma_m > NOTEWORTHY_SIGMA_M) {
        warnings.push(format!(
            "The tunnel gives no hold along its axis: chainage is counted by the legs alone. It is known to {:.1} m \
             at the far end and to {:.1} m at the end (one sigma).",
            known.far_end_sigma_m, known.final_sigma_m
        ));
    }
    if outcome.refused_scans > 20 {
        let scans = outcome.refused_scans;
        warnings.push(format!("{scans} lidar scans did not fit the tunnel's design and were not used."));
    }
    if outcome.unplaced > 0 {
        warnings.push(format!(
            "Pictures and scans that were not used, because there is no odometry of their time: {}.",
            outcome.unplaced
        ));
    }
    if outcome.timeless_scans > 0 {
        warnings.push(format!(
            "Of {} lidar scans all points have one time: how the robot moved while they were measured was not accounted for. \
             Have the lidar's driver give each point its time.",
            outcome.timeless_scans
        ));
    }
    if outcome.restarts > 0 {
        let before = if outcome.keeps_all {
            "what came before is in this report, and whether the robot was at the same place afterwards is its odometry's word"
        } else {
            "what came before is not in this report"
        };
        warnings.push(format!("Time went back ({} times): {before}.", outcome.restarts));
    }
    if outcome.refused_odometry > 0 {
        warnings.push(format!(
            "Odometry messages that were left out, because their time or place cannot be: {}. Look for nodes other than the \
             bridge that publish `odom`, and for a clock that jumps.",
            outcome.refused_odometry
        ));
    }
    if outcome.missed_replies > 0 {
        warnings.push(format!("{} motor replies did not come.", outcome.missed_replies));
    }
    warnings
}

#[cfg(test)]
mod tests {
    use robot_interface::defect::{DefectClass, JointTemperature, LiningBox, SisterComparison};
    use robot_interface::status::MissionPhase;
    use robot_interface::tunnel::LiningPoint;
    use stack::CameraUse;

    use super::*;
    use crate::mission_file::MissionFile;

    /// The story: on a grade the odometry followed feet that slid; the robot lay down 3.8 m short of home, "completed".
    #[test]
    fn a_run_that_ends_elsewhere_than_it_believes_is_not_completed() {
        let localisation = |final_error_m| Localisation {
            far_end_chainage_m: 10.0,
            far_end_error_m: 2.0,
            far_end_walked_m: 10.0,
            far_end_share: 0.2,
            final_error_m,
        };
        let known = |final_sigma_m| PositionUncertainty { far_end_sigma_m: 0.1, final_sigma_m };
        let completed = |error_m, sigma_m| {
            held_against(Verdict::Completed, Some(&localisation(error_m)), Some(&known(sigma_m))).completed()
        };
        assert!(!completed(3.8, 0.25) && completed(3.8, 1.5) && completed(0.25, 0.01));
        assert!(
            held_against(Verdict::Completed, None, Some(&known(0.1))).completed(),
            "no truth, no comparison"
        );
        let fell = Verdict::Aborted { reason: "fell".to_owned() };
        assert_eq!(held_against(fell.clone(), Some(&localisation(9.0)), Some(&known(0.1))), fell);
    }

    /// The story: cameras that looked at the floor, and a mission "completed, 0 defects" without a word.
    #[test]
    fn a_run_that_saw_nothing_is_not_completed_and_says_which_camera_gave_nothing() {
        let robot = Robot::load("go2").expect("built in");
        let mission = MissionFile::load(std::path::Path::new("short")).expect("built in").mission;
        let mut findings =
            stack::Inspector::new(&mission, &robot.description).expect("the bundled model").findings();
        assert!(!having_seen(Verdict::Completed, &robot, &findings).completed());
        let used = CameraUse { used: 10, ..CameraUse::default() };
        findings.cameras =
            vec![used, CameraUse { repeated: 3, ..used }, CameraUse { blank: 9, ..CameraUse::default() }];
        findings.covered_share = 0.32;
        assert!(having_seen(Verdict::Completed, &robot, &findings).completed());
        let names: Vec<&str> = robot.description.cameras.iter().map(|camera| camera.name.as_str()).collect();
        let said = camera_warnings(&robot, &findings);
        let [repeated, blank, little] = said.as_slice() else { panic!("{said:?}") };
        assert!(
            repeated.starts_with(&format!(
                "Camera `{}`: 10 pictures were used, 0 black or white and 3",
                names[1]
            ))
        );
        assert!(blank.starts_with(&format!("Camera `{}`: 0 pictures were used, 9 black or white", names[2])));
        assert!(little.starts_with("Only 32 % of the lining"));
        (findings.cameras, findings.covered_share) = (vec![used; 3], 0.9);
        assert!(camera_warnings(&robot, &findings).is_empty());
    }

    #[test]
    fn joints_whose_deficiency_is_possible_are_told() {
        let mission = MissionFile::load(std::path::Path::new("short")).expect("built in").mission;
        let robot = Robot::load("go2").expect("built in");
        let mut findings =
            stack::Inspector::new(&mission, &robot.description).expect("the bundled model").findings();
        assert_eq!(possible_joints(&findings), None);
        let joint = |chainage_m, rise_k| Defect {
            class: DefectClass::HotJoint,
            bounds: LiningBox { chainage_min_m: 0.0, chainage_max_m: 1.0, arc_min_m: 0.0, arc_max_m: 1.0 },
            centre: LiningPoint { chainage_m, arc_m: 1.0 },
            clock_h: 2.5,
            length_m: 0.5,
            width: None,
            area_m2: 0.25,
            temperature: Some(JointTemperature {
                celsius: 30.0,
                too_far: false,
                over_ambient_k: 9.0,
                sisters: Some(SisterComparison { joints: 2, rise_k }),
                distance_m: 1.2,
                emissivity: 0.95,
            }),
            score: 0.4,
            views: 1,
            mm_per_px: None,
            code: "HJ1".to_owned(),
            outline: Vec::new(),
            evidence: None,
        };
        findings.possible_joints = vec![joint(3.0, 1.2), joint(8.0, 2.75)];
        let said = possible_joints(&findings).expect("two");
        assert!(
            said.ends_with("defect): 2, at 8.0 m, 2:30 o'clock (+2.8 K); 3.0 m, 2:30 o'clock (+1.2 K)."),
            "{said}"
        );
        findings.possible_joints = (0..12).map(|k| joint(f64::from(k), 2.0)).collect();
        assert!(possible_joints(&findings).expect("twelve").ends_with("(+2.0 K), and others."));
    }

    #[test]
    fn a_walk_well_below_the_speed_asked_for_is_told() {
        let speed = |asked_m_s, walked_m_s| WalkingSpeed { asked_m_s, walked_m_s };
        let warnings = slow_warnings(&[speed(0.6, Some(0.55)), speed(0.9, Some(0.55))]);
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        assert!(warnings[0].starts_with("The robot walked home at 0.55 m/s, though 0.90 m/s was asked for"));
        assert!(slow_warnings(&[speed(0.6, None), speed(0.9, Some(0.9))]).is_empty());
    }

    #[test]
    fn the_verdict_follows_from_the_state_whatever_its_text() {
        let fell = MissionState::ended(Some(AbortReason::Fell));
        let aborted = |reason: &str| Verdict::Aborted { reason: reason.to_owned() };
        let cases = [
            (Some(MissionState::ended(None)), Verdict::Completed),
            (Some(fell), aborted(&AbortReason::Fell.to_string())),
            (Some(MissionState::Underway(MissionPhase::Return)), aborted("the mission is not over")),
            (None, aborted("the mission is not over")),
        ];
        for (state, expected) in cases {
            assert_eq!(verdict(state.as_ref()), expected, "{state:?}");
        }
    }
}
