//! Lidar localisation in the tunnel's section: scan matching against the tunnel's drawings.
//!
//! The designed lining and floor are known, so no map is built: the pose is fitted to the scan by robust
//! Gauss-Newton on the distances of points to the nearest designed surface. Racks, cables and debris stand
//! before the lining, never behind it, so a point inside the tunnel soon counts for nothing while one
//! outside keeps pulling, and the fit begins wide and narrows (graduated non-convexity) so that it does
//! not settle on a row of racks. Place along the axis cannot be measured in a tunnel of constant section;
//! it takes part as a nuisance, and the directions about which a scan says nothing are reported after
//! Zhang, Kaess and Singh, "On Degeneracy of Optimization-based State Estimation Problems" (ICRA 2016).

mod correction;
mod fit;
mod thin;

pub use correction::{Directions, TunnelCorrection};

use nalgebra::{Matrix3, Matrix4, Matrix6, SymmetricEigen, Vector3};
use robot_interface::frames::{Base, Point};
use robot_interface::state::RobotState;
use robot_interface::tunnel::TunnelDesign;

use fit::{Fit, LEFT, PITCH, ROLL, SLIDE, UP, YAW};

/// Fewest thinned points that a fit is tried on.
const MIN_POINTS: usize = 150;
/// Least share of them that must fit.
const MIN_INLIERS: f64 = 0.25;
/// Greatest root mean square of their distances, m.
const MAX_RESIDUAL_M: f64 = 0.05;
/// Greatest displacement that a scan may give the pose, m: beyond, the fit has gone astray.
const MAX_SHIFT_M: f64 = 0.8;
/// Greatest turn that a scan may give it, rad.
const MAX_TURN_RAD: f64 = 0.25;
/// Points are not independent: neighbours share the lining's own unevenness. Variances grow by this.
const INFLATION: f64 = 6.0;
/// One-sigma that no number of points gets below, for lateral offset and height, m, and yaw, rad: a lining is
/// not built exactly as drawn, nor a floor laid so.
const SIGMA_FLOOR: [f64; 3] = [0.02, 0.04, 0.005];
/// A direction is degenerate when the scan's own one-sigma along it is greater than this, m.
const DEGENERATE_SIGMA_M: f64 = 0.1;
/// Arm by which yaw is compared with displacements, m.
const YAW_ARM_M: f64 = 3.0;

/// Refusal of a scan: why it gave no correction.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum ScanRefused {
    /// Not enough of the tunnel was seen.
    #[error("only {0} points of the tunnel after thinning, {MIN_POINTS} are needed: is the lidar covered?")]
    TooFewPoints(usize),
    /// Points that do not look like the design.
    #[error("only {0:.2} of the points lie on the designed lining: check the mission's tunnel section")]
    TooFewInliers(f64),
    /// The lining is not where the design says, for any pose.
    #[error("points lie {0:.3} m from the designed lining: check the mission's tunnel section")]
    Residual(f64),
    /// The fit moved further than the estimate can be wrong.
    #[error("the fit would move the robot {shift_m:.2} m and turn it {turn_rad:.2} rad: not believed")]
    Astray {
        /// Displacement across the tunnel, m.
        shift_m: f64,
        /// Turn, rad.
        turn_rad: f64,
    },
}

/// Localiser in a tunnel of known design, by lidar.
#[derive(Clone, Debug)]
pub struct TunnelLocaliser {
    design: TunnelDesign,
}

impl TunnelLocaliser {
    /// A localiser for this tunnel.
    pub const fn new(design: TunnelDesign) -> Self {
        Self { design }
    }

    /// Measures the pose of `state` against the tunnel: `points` are in the trunk's frame as it stands at
    /// the state's stamp (see [`crate::scan::deskew`]).
    ///
    /// # Errors
    /// When the scan shows too little of the tunnel, or something else than the design.
    pub fn correct(
        &self,
        points: &[Point<Base>],
        state: &RobotState,
    ) -> Result<TunnelCorrection, ScanRefused> {
        let points = thin::thin(points);
        let mut fit = Fit::new(&self.design, state);
        let seen = fit.count(&points);
        if seen < MIN_POINTS {
            return Err(ScanRefused::TooFewPoints(seen));
        }
        let result = fit.run(&points);
        let x = result.moved;
        let share = result.inliers / seen as f64;
        if share < MIN_INLIERS {
            return Err(ScanRefused::TooFewInliers(share));
        }
        let residual_m = result.residual_m;
        // The negated comparison also refuses a fit that ended in numbers that are none.
        if !matches!(residual_m.partial_cmp(&MAX_RESIDUAL_M), Some(std::cmp::Ordering::Less)) {
            return Err(ScanRefused::Residual(residual_m));
        }
        let shift_m = x[LEFT].hypot(x[UP]);
        if shift_m > MAX_SHIFT_M || x[YAW].abs() > MAX_TURN_RAD {
            return Err(ScanRefused::Astray { shift_m, turn_rad: x[YAW] });
        }
        let scale = INFLATION * (residual_m / fit::SIGMA_M).powi(2).max(1.0);
        let information = result.information / scale;
        let (eigenvalues, degenerate) = degeneracy(&information);
        let covariance = (information + fit.prior()).try_inverse().unwrap_or(Matrix6::identity());
        let kept = [LEFT, UP, YAW];
        let floor = Vector3::from(SIGMA_FLOOR.map(|s| s * s));
        let predicted = fit.predicted();
        Ok(TunnelCorrection {
            stamp: state.stamp,
            chainage_m: predicted.chainage_m,
            axis: fit.axis(),
            curvature_per_m: fit.curvature_per_m(),
            lateral_m: predicted.left_m + x[LEFT],
            height_m: predicted.up_m + x[UP],
            yaw_rad: fit.predicted_yaw_rad() + x[YAW],
            covariance: Matrix3::from_fn(|i, j| covariance[(kept[i], kept[j])])
                + Matrix3::from_diagonal(&floor),
            eigenvalues,
            degenerate,
            points: seen,
            inliers: result.inliers,
            residual_m,
        })
    }
}

/// Eigenvalues of the information about `[along, left, up, arm x yaw]`, ascending, and the directions that
/// it says too little about. Roll and pitch, known from gravity, are marginalised.
fn degeneracy(information: &Matrix6<f64>) -> ([f64; 4], Directions) {
    let order = [SLIDE, LEFT, UP, YAW];
    let unit = [1.0, 1.0, 1.0, 1.0 / YAW_ARM_M];
    let kept = Matrix4::from_fn(|i, j| information[(order[i], order[j])] * unit[i] * unit[j]);
    let tilt = [ROLL, PITCH];
    let cross = nalgebra::Matrix4x2::from_fn(|i, j| information[(order[i], tilt[j])] * unit[i]);
    let own = nalgebra::Matrix2::from_fn(|i, j| {
        information[(tilt[i], tilt[j])] + if i == j { fit::TILT_SIGMA_RAD.powi(-2) } else { 0.0 }
    });
    let known = own.try_inverse().map_or(kept, |inverse| kept - cross * inverse * cross.transpose());
    let eigen = SymmetricEigen::new((known + known.transpose()) / 2.0);
    let mut order = [0, 1, 2, 3];
    order.sort_by(|a, b| eigen.eigenvalues[*a].total_cmp(&eigen.eigenvalues[*b]));
    let values = order.map(|i| eigen.eigenvalues[i].max(0.0));
    let mut degenerate = Directions::NONE;
    for i in order.into_iter().filter(|i| eigen.eigenvalues[*i] < DEGENERATE_SIGMA_M.powi(-2)) {
        let v = eigen.eigenvectors.column(i);
        // A direction and its opposite are the same: let the largest component be positive.
        let sign = v[v.iamax()].signum();
        degenerate.push([v[0] * sign, v[1] * sign, v[2] * sign, v[3] * sign]);
    }
    (values, degenerate)
}

#[cfg(test)]
mod tests;
