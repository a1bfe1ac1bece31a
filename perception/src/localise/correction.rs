//! Correction that a lidar scan gives: the robot's place relative to the tunnel's axis.

use nalgebra::{Matrix3, Vector3};
use robot_interface::time::Stamp;
use robot_interface::tunnel::AxisPose;

/// Lateral offset, height and heading of the trunk relative to the tunnel's axis, measured by one scan.
///
/// The place along the axis is not measured: a tunnel's section is the same all along. It holds nothing on the
/// heap, so that the control loop, which gets it from another thread, may drop it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TunnelCorrection {
    /// The time the measurement is for.
    pub stamp: Stamp,
    /// Chainage at which it was made, as estimated before it, m.
    pub chainage_m: f64,
    /// The axis at that chainage.
    pub axis: AxisPose,
    /// Curvature of the axis there, 1/m, positive to the left.
    pub curvature_per_m: f64,
    /// Distance of the trunk's origin to the left of the axis, m.
    pub lateral_m: f64,
    /// Height of the trunk's origin above the design floor, m.
    pub height_m: f64,
    /// Heading of the trunk relative to the axis, rad, counter-clockwise.
    pub yaw_rad: f64,
    /// Covariance of `[lateral_m, height_m, yaw_rad]`.
    pub covariance: Matrix3<f64>,
    /// Eigenvalues of the scan's own information about `[along (m), left (m), up (m), 3 m x yaw]`, 1/m^2,
    /// ascending: the square roots of their inverses are standard deviations.
    pub eigenvalues: [f64; 4],
    /// The directions, in the same coordinates, about which the scan says nothing of use (Zhang, Kaess and
    /// Singh, "On Degeneracy of Optimization-based State Estimation Problems", ICRA 2016).
    pub degenerate: Directions,
    /// Points left after thinning.
    pub points: usize,
    /// Weight of those that fit the lining or the floor.
    pub inliers: f64,
    /// Weighted root mean square of their distances to it, m.
    pub residual_m: f64,
}

impl TunnelCorrection {
    /// The axis' direction in plan, its left and up, in `map`.
    pub(crate) fn axes(&self) -> [Vector3<f64>; 3] {
        let (sin, cos) = self.axis.heading_rad.sin_cos();
        [Vector3::new(cos, sin, 0.0), Vector3::new(-sin, cos, 0.0), Vector3::z()]
    }
}

/// Up to four directions in the coordinates of [`TunnelCorrection::eigenvalues`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Directions {
    /// The first `count` are in use, the others zero.
    all: [[f64; 4]; 4],
    count: usize,
}

impl Directions {
    /// None at all.
    pub const NONE: Self = Self { all: [[0.0; 4]; 4], count: 0 };

    /// The directions.
    pub fn as_slice(&self) -> &[[f64; 4]] {
        &self.all[..self.count]
    }

    /// Adds one; four dimensions have no fifth, which is ignored.
    pub(super) fn push(&mut self, direction: [f64; 4]) {
        if let Some(free) = self.all.get_mut(self.count) {
            *free = direction;
            self.count += 1;
        }
    }
}
