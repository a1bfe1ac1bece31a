//! Sensors as a robot's file describes them: where each is mounted, what it sees, and its errors.

use nalgebra::{Isometry3, Matrix3, Rotation3, UnitQuaternion};
use serde::Deserialize;

use crate::frames::{Base, Camera, Lidar, Transform};
use crate::sensors::Intrinsics;
use crate::units::{Fraction, NonNegative, Positive};

/// An inertial sensor and its errors (Allan-variance terms).
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImuDescription {
    /// Place in the base frame, m.
    pub xyz_m: [f64; 3],
    /// Gyroscope white noise, rad/s/sqrt(Hz).
    pub gyro_noise: NonNegative,
    /// Gyroscope bias random walk, rad/s^2/sqrt(Hz).
    pub gyro_bias_walk: NonNegative,
    /// One-sigma of the gyroscope's bias at switch-on, rad/s.
    pub gyro_bias_initial: NonNegative,
    /// Accelerometer white noise, m/s^2/sqrt(Hz).
    pub accel_noise: NonNegative,
    /// Accelerometer bias random walk, m/s^3/sqrt(Hz).
    pub accel_bias_walk: NonNegative,
    /// One-sigma of the accelerometer's bias at switch-on, m/s^2.
    pub accel_bias_initial: NonNegative,
}

/// A lidar: where it is and what it can see.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LidarDescription {
    /// Place in the base frame, m.
    pub xyz_m: [f64; 3],
    /// Fixed-axis roll, pitch, yaw in the base frame, degrees.
    pub rpy_deg: [f64; 3],
    /// Points measured a second.
    pub points_per_second: Positive,
    /// Scans a second.
    pub rate_hz: Positive,
    /// Least range, m.
    pub min_range_m: Positive,
    /// Greatest range, m.
    pub max_range_m: Positive,
    /// One-sigma of a range, m.
    pub range_noise_m: NonNegative,
}

impl LidarDescription {
    /// The mount.
    pub fn base_from_lidar(&self) -> Transform<Base, Lidar> {
        Transform::from_xyz_rpy(self.xyz_m, self.rpy_deg.map(f64::to_radians))
    }
}

/// Declares a camera of a robot's file: the keys of mount and lens, which all cameras share, before its own.
///
/// A table inside it would be the plainer way, but the file's keys stand side by side, and serde's `flatten` loses
/// the line that an error message names.
macro_rules! camera {
    (
        $(#[$about:meta])*
        pub struct $camera:ident {
            $($(#[$own_about:meta])* pub $own:ident: $kind:ty,)*
        }
    ) => {
        $(#[$about])*
        #[derive(Clone, Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $camera {
            /// Name in topics and reports.
            pub name: String,
            /// Place in the base frame, m.
            pub xyz_m: [f64; 3],
            /// Direction of view: fixed-axis roll, pitch, yaw of an x-forward frame in the base frame, degrees
            /// (pitch -90 looks straight up).
            pub rpy_deg: [f64; 3],
            /// Pixels across.
            pub width: u32,
            /// Pixels down.
            pub height: u32,
            /// Horizontal field of view, degrees.
            pub horizontal_fov_deg: Positive,
            $($(#[$own_about])* pub $own: $kind,)*
        }

        impl $camera {
            /// Extrinsics: the mount, to the optical frame.
            pub fn base_from_camera(&self) -> Transform<Base, Camera> {
                optical_mount(self.xyz_m, self.rpy_deg)
            }

            /// Intrinsics: the lens.
            pub fn intrinsics(&self) -> Intrinsics {
                let fov_rad = self.horizontal_fov_deg.get().to_radians();
                Intrinsics::from_fov(self.width, self.height, fov_rad)
            }
        }
    };
}

camera! {
    /// A colour camera with the lamp beside it.
    pub struct CameraDescription {
        /// Exposure time, s.
        pub exposure_s: Positive,
        /// One-sigma of the noise of a mid-grey pixel, fraction of full scale.
        pub noise: Fraction,
    }
}

camera! {
    /// A thermal camera.
    pub struct ThermalDescription {
        /// Noise-equivalent temperature difference, K.
        pub netd_k: NonNegative,
    }
}

/// A mount given as an x-forward frame, turned to the optical frame (x right, y down, z ahead).
fn optical_mount(xyz_m: [f64; 3], rpy_deg: [f64; 3]) -> Transform<Base, Camera> {
    let link = Transform::<Base, Camera>::from_xyz_rpy(xyz_m, rpy_deg.map(f64::to_radians)).isometry;
    let link_from_optical = Matrix3::new(0.0, 0.0, 1.0, -1.0, 0.0, 0.0, 0.0, -1.0, 0.0);
    let rotation = UnitQuaternion::from_rotation_matrix(&Rotation3::from_matrix_unchecked(link_from_optical));
    Transform::new(link * Isometry3::from_parts(Default::default(), rotation))
}

#[cfg(test)]
mod tests {
    use nalgebra::Vector3;

    use super::*;

    #[test]
    fn a_camera_pitched_up_looks_at_the_crown() {
        let mount = optical_mount([0.0; 3], [0.0, -90.0, 0.0]);
        let view = mount.isometry * Vector3::z();
        assert!((view - Vector3::z()).norm() < 1e-9, "{view}");
        let left = optical_mount([0.0; 3], [0.0, 0.0, 90.0]);
        assert!((left.isometry * Vector3::z() - Vector3::y()).norm() < 1e-9);
        assert!((left.isometry * Vector3::y() + Vector3::z()).norm() < 1e-9, "image down is down");
    }
}
