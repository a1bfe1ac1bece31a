//! Summary of a run, as the report shows it. The wiring fills these in; nothing here is computed.

use robot_interface::defect::{Defect, DefectClass, LiningBox};
use robot_interface::tunnel::TunnelDesign;

/// End of a mission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The robot walked the whole mission and lay down where it should.
    Completed,
    /// It ended early.
    Aborted {
        /// Reason, as a phrase such as `fell at 31.2 m`.
        reason: String,
    },
}

impl Verdict {
    /// Returns true if the mission was completed.
    pub const fn completed(&self) -> bool {
        matches!(self, Self::Completed)
    }
}

/// Everything that a report says about one run.
#[derive(Clone, Debug)]
pub struct RunSummary {
    /// End of the mission.
    pub verdict: Verdict,
    /// Name of the mission.
    pub mission: String,
    /// Name of the robot.
    pub robot: String,
    /// Seed of everything random, of a simulated run.
    pub seed: Option<u64>,
    /// Version of Adit.
    pub software_version: String,
    /// Version of the defect model.
    pub model_version: String,
    /// Length of the run on its own clock, s.
    pub simulated_s: f64,
    /// Time the run took on the machine's clock, s. Only `report.html` shows it: the other files are the
    /// same for every repetition of a run.
    pub wall_s: Option<f64>,
    /// Length of the path walked, m.
    pub distance_walked_m: f64,
    /// Walking speeds, out and home.
    pub speeds: [WalkingSpeed; 2],
    /// True if the robot fell.
    pub fell: bool,
    /// The tunnel as designed.
    pub design: TunnelDesign,
    /// Chainage `[from, to]` that was to be inspected, m.
    pub inspected_m: [f64; 2],
    /// Reported defects.
    pub defects: Vec<ReportDefect>,
    /// Marks too faint to be reported, for a person to look at.
    pub doubtful: Vec<ReportDefect>,
    /// True defects, where they are known.
    pub truth: Option<Vec<TruthRow>>,
    /// Found over visible defects, where the truth is known.
    pub recall: Option<f64>,
    /// Confirmed over all reports, where the truth is known.
    pub precision: Option<f64>,
    /// Coverage of the lining.
    pub coverage: Coverage,
    /// Limits of what could have been seen.
    pub limits: Limits,
    /// The walk over time, in order.
    pub profile: Vec<ProfileRow>,
    /// Estimated path of the robot, `[x, y]` in `map`, m.
    pub estimate_path: Vec<[f64; 2]>,
    /// True path, `[x, y]` in `map`, m; empty where it is not known.
    pub true_path: Vec<[f64; 2]>,
    /// The ground as the robot mapped it.
    pub elevation: Option<ElevationPicture>,
    /// Errors of the estimated position, where the truth is known.
    pub localisation: Option<Localisation>,
    /// Uncertainty of the place along the tunnel by the robot's own estimate; `None` if it never had one.
    pub position: Option<PositionUncertainty>,
    /// Cautions that a reader must know before relying on the report, as whole sentences.
    pub warnings: Vec<String>,
}

/// A walking speed: what the mission asked for, and what came of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WalkingSpeed {
    /// As the mission asks for it, m/s.
    pub asked_m_s: f64,
    /// On the mean while the robot walked, m/s; `None` if it hardly did.
    pub walked_m_s: Option<f64>,
}

/// Length up to which a tunnel is drawn whole, m.
const DRAWN_WHOLE_M: f64 = 300.0;

impl RunSummary {
    /// Chainages between which the tunnel is drawn, m: all of it, or, of a long one, the part that was walked or seen.
    pub(crate) fn drawn_m(&self) -> [f64; 2] {
        let length_m = self.design.length_m();
        if length_m <= DRAWN_WHOLE_M {
            return [0.0, length_m];
        }
        let c = &self.coverage;
        let seen = (c.columns > 0).then_some([c.chainage0_m, c.chainage0_m + c.columns as f64 * c.cell_m]);
        let walked = self.profile.iter().map(|row| [row.chainage_m; 2]);
        let start = [self.inspected_m[0]; 2];
        let [from_m, to_m] = walked
            .chain(seen)
            .fold(start, |a, b| [a[0].min(b[0]), a[1].max(b[1])])
            .map(|m| m.clamp(0.0, length_m));
        [from_m, to_m]
    }
}

/// One reported defect.
#[derive(Clone, Debug)]
pub struct ReportDefect {
    /// Its number in this report, from 1.
    pub number: usize,
    /// The defect as it was found.
    pub defect: Defect,
    /// Its middle in `map`, m.
    pub position_m: [f64; 3],
    /// Picture that shows it best, as the bytes of a PNG or JPEG file.
    pub evidence: Option<Vec<u8>>,
    /// True if a true defect of its class is there, where the truth is known.
    pub confirmed: Option<bool>,
    /// One-sigma of the robot's own chainage when it passed there, m; `None` if that is not known.
    pub chainage_sigma_m: Option<f64>,
}

/// Fate of a true defect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TruthFate {
    /// Reported under this number.
    Found(usize),
    /// Visible, but not reported.
    Missed,
    /// Not visible to any camera.
    NotVisible {
        /// Reason, as a phrase such as `behind the cable rack`.
        why: String,
    },
}

/// A defect that is really there.
#[derive(Clone, Debug)]
pub struct TruthRow {
    /// Its class.
    pub class: DefectClass,
    /// Its extent on the unrolled lining.
    pub bounds: LiningBox,
    /// Width of a crack, mm.
    pub width_mm: Option<f64>,
    /// Its fate.
    pub fate: TruthFate,
}

/// Coverage of the unrolled lining, cell by cell. Cell `(column, row)` stands at index
/// `row * columns + column` and begins at `[chainage0_m + column * cell_m, arc0_m + row * cell_m]`.
#[derive(Clone, Debug)]
pub struct Coverage {
    /// Edge of a cell, m.
    pub cell_m: f64,
    /// Cells along the tunnel.
    pub columns: usize,
    /// Cells around the lining.
    pub rows: usize,
    /// Least chainage, m.
    pub chainage0_m: f64,
    /// Least arc, m.
    pub arc0_m: f64,
    /// Size of a pixel on the lining in the best picture, mm, `[rows * columns]`; NaN where never seen.
    pub mm_per_px: Vec<f32>,
}

/// Limits of what the cameras could have shown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Median size of a pixel on the lining, mm; NaN when nothing was seen.
    pub median_mm_per_px: f64,
    /// The narrowest crack that such pictures show reliably, mm; NaN when not known.
    pub narrowest_crack_mm: f64,
    /// Share of the inspected lining that was seen at all, 0 to 1.
    pub covered_share: f64,
}

/// One row of the walked profile.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ProfileRow {
    /// Time since the start, s.
    pub time_s: f64,
    /// Chainage, m.
    pub chainage_m: f64,
    /// Speed over ground, m/s.
    pub speed_m_s: f64,
    /// Height of the body in `map`, m.
    pub height_m: f64,
    /// Greatest torque of any joint since the row before, N m.
    pub torque_peak_nm: f64,
}

/// The ground as mapped, seen from above. Cell `(ix, iy)` stands at index `iy * width + ix` and covers
/// `origin_m + resolution_m * [ix, iy]` and up, in `map`.
#[derive(Clone, Debug)]
pub struct ElevationPicture {
    /// Lower corner (least x, least y) in `map`, m.
    pub origin_m: [f64; 2],
    /// Edge of a cell, m.
    pub resolution_m: f64,
    /// Cells along x.
    pub width: usize,
    /// Cells along y.
    pub height: usize,
    /// Height in `map`, m, `[height * width]`; NaN where not known.
    pub elevation_m: Vec<f32>,
}

/// Uncertainty of the robot's chainage by its own estimate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PositionUncertainty {
    /// One-sigma at the far end, m.
    pub far_end_sigma_m: f64,
    /// One-sigma where the run ended, m.
    pub final_sigma_m: f64,
}

/// Errors of the robot's own position.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Localisation {
    /// Chainage of the far end, where it turned, m.
    pub far_end_chainage_m: f64,
    /// Error there, m.
    pub far_end_error_m: f64,
    /// Path walked until there, m.
    pub far_end_walked_m: f64,
    /// Error over path walked until there, 0 to 1.
    pub far_end_share: f64,
    /// Error where the run ended, m.
    pub final_error_m: f64,
}
