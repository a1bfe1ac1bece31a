//! Scan matching: distances to the designed surfaces, their derivatives, and robust Gauss-Newton.

use nalgebra::{Matrix6, Point3, UnitQuaternion, Vector3, Vector6};
use robot_interface::angles::wrap_angle;
use robot_interface::state::RobotState;
use robot_interface::tunnel::{AxisPose, TunnelDesign, TunnelPoint};

/// The unknowns: how the trunk is moved, in the axes of the tunnel at its predicted place. `SLIDE` carries it along
/// the axis and turns it with the axis, so that in a curve, too, it leaves all distances as they are.
pub(super) const SLIDE: usize = 0;
pub(super) const LEFT: usize = 1;
pub(super) const UP: usize = 2;
pub(super) const ROLL: usize = 3;
pub(super) const PITCH: usize = 4;
pub(super) const YAW: usize = 5;

/// One-sigma of a thinned point's distance to the lining, m.
pub(super) const SIGMA_M: f64 = 0.015;
/// The same for the floor, which is rough and not swept.
const FLOOR_SIGMA_M: f64 = 0.03;
/// One-sigma of roll and pitch, which gravity shows, rad.
pub(super) const TILT_SIGMA_RAD: f64 = 0.01;
/// Distance inside the tunnel at which a point stops counting in the first round, m.
const FIRST_WIDTH_M: f64 = 0.6;
/// The same in the last rounds, m.
const LAST_WIDTH_M: f64 = 0.06;
/// By how much that narrows from one round to the next.
const NARROWING: f64 = 0.65;
/// Rounds after the last narrowing.
const LAST_ROUNDS: usize = 3;
/// Points further behind the lining than this are in some opening, m.
const BEHIND_M: f64 = 1.0;
/// Length over which the curvature is taken, m.
const CURVATURE_SPAN_M: f64 = 1.0;

/// A pose being fitted to the points of one scan.
#[derive(Debug)]
pub(super) struct Fit<'a> {
    design: &'a TunnelDesign,
    origin: Point3<f64>,
    rotation: UnitQuaternion<f64>,
    predicted: TunnelPoint,
    axis: AxisPose,
    curvature_per_m: f64,
    prior_sigma: Vector6<f64>,
}

/// Result of a fit.
#[derive(Debug)]
pub(super) struct FitResult {
    /// Displacement of the trunk from its prediction.
    pub(super) moved: Vector6<f64>,
    /// Information of the points about it, without the prior.
    pub(super) information: Matrix6<f64>,
    /// Sum of the points' weights.
    pub(super) inliers: f64,
    /// Weighted root mean square distance, m.
    pub(super) residual_m: f64,
}

/// A point's distance to the nearest designed surface, and which way it grows.
pub(super) struct Distance {
    /// Positive inside the tunnel, m.
    pub(super) inside_m: f64,
    /// Gradient in `map`.
    pub(super) gradient: Vector3<f64>,
    sigma_m: f64,
}

impl<'a> Fit<'a> {
    pub(super) fn new(design: &'a TunnelDesign, state: &RobotState) -> Self {
        let origin = state.map_from_base.origin();
        let predicted =
            design.to_tunnel(state.map_from_base * robot_interface::frames::Point::new(0.0, 0.0, 0.0));
        let axis = design.alignment.pose_at(predicted.chainage_m);
        let heading = |ds: f64| design.alignment.pose_at(predicted.chainage_m + ds).heading_rad;
        let along_sigma_m = state.position_sigma_along(axis.heading_rad).clamp(0.1, 2.0);
        Self {
            design,
            origin,
            rotation: state.map_from_base.rotation(),
            predicted,
            axis,
            curvature_per_m: (heading(CURVATURE_SPAN_M / 2.0) - heading(-CURVATURE_SPAN_M / 2.0))
                / CURVATURE_SPAN_M,
            prior_sigma: Vector6::new(along_sigma_m, 1.0, 1.0, TILT_SIGMA_RAD, TILT_SIGMA_RAD, 0.5),
        }
    }

    pub(super) const fn predicted(&self) -> TunnelPoint {
        self.predicted
    }

    pub(super) const fn axis(&self) -> AxisPose {
        self.axis
    }

    pub(super) const fn curvature_per_m(&self) -> f64 {
        self.curvature_per_m
    }

    /// Heading of the trunk relative to the axis before the fit, rad.
    pub(super) fn predicted_yaw_rad(&self) -> f64 {
        wrap_angle(self.rotation.euler_angles().2 - self.axis.heading_rad)
    }

    /// Information about the unknowns without the scan.
    pub(super) fn prior(&self) -> Matrix6<f64> {
        Matrix6::from_diagonal(&self.prior_sigma.map(|s| s.powi(-2)))
    }

    /// Number of the points (in the trunk's frame) that lie between the tunnel's ends.
    pub(super) fn count(&self, points: &[Point3<f64>]) -> usize {
        let nothing = Vector6::zeros();
        points.iter().filter(|p| self.distance(&self.place(p, &nothing)).is_some()).count()
    }

    /// Fits the pose, from wide to narrow (graduated non-convexity).
    pub(super) fn run(&mut self, points: &[Point3<f64>]) -> FitResult {
        let mut moved = Vector6::zeros();
        let mut width_m = FIRST_WIDTH_M;
        let mut left = LAST_ROUNDS;
        loop {
            let round = self.round(points, &moved, width_m);
            if left == 0 {
                return FitResult { moved, ..round };
            }
            moved += round.moved;
            width_m = (width_m * NARROWING).max(LAST_WIDTH_M);
            if width_m <= LAST_WIDTH_M {
                left -= 1;
            }
        }
    }

    /// One step of Gauss-Newton: `moved` of the result is the step.
    fn round(&self, points: &[Point3<f64>], moved: &Vector6<f64>, width_m: f64) -> FitResult {
        let mut information = Matrix6::zeros();
        let mut pull = Vector6::zeros();
        let (mut inliers, mut squares) = (0.0, 0.0);
        let origin = self.place(&Point3::origin(), moved);
        for point in points {
            let place = self.place(point, moved);
            let Some(distance) = self.distance(&place) else { continue };
            let weight = weight(distance.inside_m, width_m * distance.sigma_m / SIGMA_M);
            if weight <= 0.0 {
                continue;
            }
            let row = self.derivative(&distance.gradient, &(place - origin));
            let certainty = weight / distance.sigma_m.powi(2);
            information += row * row.transpose() * certainty;
            pull -= row * (certainty * distance.inside_m);
            inliers += weight;
            squares += weight * (distance.inside_m * SIGMA_M / distance.sigma_m).powi(2);
        }
        let prior = self.prior();
        // Only roll and pitch are held where they are predicted: the others are what is measured.
        let held = prior * Vector6::new(moved[SLIDE], 0.0, 0.0, moved[ROLL], moved[PITCH], 0.0);
        let step = (information + prior).cholesky().map_or(Vector6::zeros(), |c| c.solve(&(pull - held)));
        let residual_m = (squares / inliers.max(1e-9)).sqrt();
        FitResult { moved: step, information, inliers, residual_m }
    }

    /// Axes of the tunnel at the predicted place: along (in plan), left, up.
    fn axes(&self) -> [Vector3<f64>; 3] {
        let (sin, cos) = self.axis.heading_rad.sin_cos();
        [Vector3::new(cos, sin, 0.0), Vector3::new(-sin, cos, 0.0), Vector3::z()]
    }

    /// A point of the trunk's frame in `map`, the trunk moved.
    pub(super) fn place(&self, point: &Point3<f64>, moved: &Vector6<f64>) -> Point3<f64> {
        let [along, left, up] = self.axes();
        let shift =
            along * moved[SLIDE] + left * moved[LEFT] + up * (moved[UP] + self.axis.grade * moved[SLIDE]);
        let yaw = moved[YAW] + self.curvature_per_m * moved[SLIDE];
        let turn = UnitQuaternion::from_scaled_axis(along * moved[ROLL] + left * moved[PITCH] + up * yaw);
        self.origin + shift + turn * (self.rotation * point.coords)
    }

    /// Derivative of a distance by the unknowns, at a point `arm` from the trunk.
    pub(super) fn derivative(&self, gradient: &Vector3<f64>, arm: &Vector3<f64>) -> Vector6<f64> {
        let [along, left, up] = self.axes();
        // A turn w moves the point by w x arm; its share of the gradient is w . (arm x gradient).
        let turning = arm.cross(gradient);
        let slide = along + up * self.axis.grade;
        Vector6::new(
            gradient.dot(&slide) + self.curvature_per_m * turning.z,
            gradient.dot(&left),
            gradient.z,
            turning.dot(&along),
            turning.dot(&left),
            turning.z,
        )
    }

    /// Distance of a point of `map` to the nearer of lining and floor; `None` beyond the tunnel's ends.
    pub(super) fn distance(&self, place: &Point3<f64>) -> Option<Distance> {
        let at = self.design.to_tunnel(robot_interface::frames::Point::from_coords(*place));
        if !(0.0..=self.design.length_m()).contains(&at.chainage_m) {
            return None;
        }
        let section = &self.design.section;
        let angle = section.angle_of(at.left_m, at.up_m);
        let [normal_left, normal_up] = section.inward_normal_at(angle);
        let (sin, cos) = angle.sin_cos();
        // The clearance is along the radius; its share along the normal is the distance to the lining.
        let lining_m = -section.clearance(at.left_m, at.up_m) * (-sin * normal_left + cos * normal_up);
        let (inside_m, [n_left, n_up], sigma_m) = if at.up_m < lining_m {
            (at.up_m, [0.0, 1.0], FLOOR_SIGMA_M)
        } else {
            (lining_m, [normal_left, normal_up], SIGMA_M)
        };
        let axis = self.design.alignment.pose_at(at.chainage_m);
        let (sin, cos) = axis.heading_rad.sin_cos();
        let gradient = Vector3::new(
            -sin * n_left - cos * axis.grade * n_up,
            cos * n_left - sin * axis.grade * n_up,
            n_up,
        );
        Some(Distance { inside_m, gradient, sigma_m })
    }
}

/// Tukey's biweight for what stands inside the tunnel, Huber's for what would be behind the lining.
fn weight(inside_m: f64, width_m: f64) -> f64 {
    let t = inside_m / width_m;
    if inside_m > 0.0 {
        if t < 1.0 { (1.0 - t * t).powi(2) } else { 0.0 }
    } else if inside_m > -BEHIND_M {
        1.0 / t.abs().max(1.0)
    } else {
        0.0
    }
}
