//! Sensor samples as they arrive, each with the time it was taken.

use nalgebra::Vector3;
use serde::{Deserialize, Serialize};

use crate::time::Stamp;

/// One inertial sample, in the base frame's axes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ImuSample {
    /// Time of the sample.
    pub stamp: Stamp,
    /// Angular velocity, rad/s.
    pub angular_velocity_rad_s: Vector3<f64>,
    /// Specific force, m/s^2: +9.81 along z when standing level.
    pub linear_acceleration_m_s2: Vector3<f64>,
}

/// One lidar return, in the lidar's frame at the moment it was measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LidarPoint {
    /// x, y, z in the lidar frame, metres.
    pub position_m: [f32; 3],
    /// Return strength, 0 to 255.
    pub intensity: f32,
    /// Seconds after the scan's stamp at which this point was measured.
    pub offset_s: f32,
}

/// The returns of one scan (nominally 0.1 s).
#[derive(Clone, Debug, PartialEq)]
pub struct LidarScan {
    /// Time at which the scan began.
    pub stamp: Stamp,
    /// Returns in order of time.
    pub points: Vec<LidarPoint>,
}

/// Intrinsics of a pinhole camera without distortion.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Intrinsics {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// Focal length, pixels (square pixels).
    pub focal_px: f64,
}

impl Intrinsics {
    /// From a horizontal field of view in radians.
    pub fn from_fov(width: u32, height: u32, horizontal_fov_rad: f64) -> Self {
        Self { width, height, focal_px: f64::from(width) / 2.0 / (horizontal_fov_rad / 2.0).tan() }
    }

    /// Of the same view in a picture of another size.
    pub fn at_size(&self, width: u32, height: u32) -> Self {
        if (width, height) == (self.width, self.height) {
            return *self;
        }
        Self { width, height, focal_px: self.focal_px * f64::from(width) / f64::from(self.width.max(1)) }
    }

    /// Direction of view of pixel coordinates (`u` right, `v` down; pixel centres at +0.5) in the optical
    /// frame, with z = 1: not normalised.
    pub fn ray(&self, u: f64, v: f64) -> Vector3<f64> {
        Vector3::new(
            (u - f64::from(self.width) / 2.0) / self.focal_px,
            (v - f64::from(self.height) / 2.0) / self.focal_px,
            1.0,
        )
    }

    /// Pixel coordinates of a point in the optical frame; `None` behind the camera.
    pub fn project(&self, p: Vector3<f64>) -> Option<[f64; 2]> {
        (p.z > 1e-6).then(|| {
            [
                p.x / p.z * self.focal_px + f64::from(self.width) / 2.0,
                p.y / p.z * self.focal_px + f64::from(self.height) / 2.0,
            ]
        })
    }
}

/// A colour picture, 8 bits a channel, interleaved RGB, row by row: `height x width x 3` bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RgbImage {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// `height x width x 3` bytes.
    pub data: Vec<u8>,
}

/// One picture from one of the robot's cameras.
#[derive(Clone, Debug, PartialEq)]
pub struct CameraFrame {
    /// Middle of the exposure.
    pub stamp: Stamp,
    /// The camera's place in the robot description's list.
    pub camera: usize,
    /// The picture.
    pub image: RgbImage,
}

/// One thermal picture: apparent temperatures, degrees Celsius, `height x width`, row by row.
#[derive(Clone, Debug, PartialEq)]
pub struct ThermalFrame {
    /// Middle of the exposure.
    pub stamp: Stamp,
    /// The thermal camera's place in the robot description's list.
    pub camera: usize,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// `height x width` temperatures, degrees Celsius.
    pub celsius: Vec<f32>,
}

/// One sample of a battery's monitor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BatterySample {
    /// Time of the measurement.
    pub stamp: Stamp,
    /// At its terminals, V.
    pub voltage_v: f64,
    /// Into it, A: negative while it is discharged.
    pub current_a: f64,
    /// Charge left, A h.
    pub charge_ah: f64,
    /// Charge when full, A h.
    pub capacity_ah: f64,
    /// Share of its charge that is left, 0 to 1.
    pub charged: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn projecting_a_ray_gives_its_pixel() {
        let k = Intrinsics::from_fov(640, 480, 1.2);
        let [u, v] = k.project(k.ray(12.5, 400.5) * 3.0).expect("in front");
        assert!((u - 12.5).abs() < 1e-9 && (v - 400.5).abs() < 1e-9);
        assert_eq!(k.project(Vector3::new(0.0, 0.0, -1.0)), None);
    }

    #[test]
    fn a_smaller_picture_shows_the_same_view() {
        let k = Intrinsics::from_fov(640, 480, 1.2);
        let quarter = k.at_size(160, 120);
        assert!((quarter.ray(40.0, 30.0) - k.ray(160.0, 120.0)).norm() < 1e-12);
        assert_eq!(k.at_size(640, 480), k);
    }
}
