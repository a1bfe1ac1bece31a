//! Frames as types, so that composing the wrong two transforms does not compile.
//!
//! A transform is named `a_from_b` and typed `Transform<A, B>`: it takes coordinates in `B` to
//! coordinates in `A`.
//!
//! ```
//! use robot_interface::frames::{Base, Lidar, Map, Point, Transform};
//! let map_from_base = Transform::<Map, Base>::identity();
//! let base_from_lidar = Transform::<Base, Lidar>::from_xyz_rpy([0.1, 0.0, 0.2], [0.0, 0.1, 0.0]);
//! let in_map: Point<Map> = map_from_base * base_from_lidar * Point::<Lidar>::new(1.0, 0.0, 0.0);
//! assert!(in_map.coords.x > 1.0);
//! ```
//!
//! ```compile_fail
//! use robot_interface::frames::{Base, Lidar, Map, Transform};
//! let map_from_base = Transform::<Map, Base>::identity();
//! let base_from_lidar = Transform::<Base, Lidar>::identity();
//! let wrong = base_from_lidar * map_from_base; // Lidar is not Map.
//! ```
//!
//! ```compile_fail
//! use robot_interface::frames::{Base, Lidar, Map, Point, Transform};
//! let map_from_base = Transform::<Map, Base>::identity();
//! let wrong = map_from_base * Point::<Lidar>::new(1.0, 0.0, 0.0); // the point is not in Base.
//! ```

use std::marker::PhantomData;
use std::ops::Mul;

use nalgebra::{Isometry3, Point3, Translation3, UnitQuaternion};

/// The tunnel's fixed frame: origin at the portal on the axis, x up-chainage at the portal, z up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Map {}
/// The robot's trunk (`base_link`): x forward, y left, z up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Base {}
/// The lidar's own frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lidar {}
/// A camera's optical frame (REP 103): x right, y down, z along the view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Camera {}
/// The inertial sensor's frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImuFrame {}

/// A rigid transform that takes coordinates in frame `B` to coordinates in frame `A`.
#[derive(Debug)]
pub struct Transform<A, B> {
    /// Rotation and translation; `p_a = isometry * p_b`.
    pub isometry: Isometry3<f64>,
    frames: PhantomData<fn() -> (A, B)>,
}

impl<A, B> Clone for Transform<A, B> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<A, B> Copy for Transform<A, B> {}

impl<A, B> PartialEq for Transform<A, B> {
    fn eq(&self, other: &Self) -> bool {
        self.isometry == other.isometry
    }
}

impl<A, B> Transform<A, B> {
    /// A transform from a rotation and translation that are known to take `B` to `A`.
    pub const fn new(isometry: Isometry3<f64>) -> Self {
        Self { isometry, frames: PhantomData }
    }

    /// Coinciding frames.
    pub fn identity() -> Self {
        Self::new(Isometry3::identity())
    }

    /// From a translation in metres and fixed-axis roll, pitch and yaw in radians (URDF's convention).
    pub fn from_xyz_rpy(xyz_m: [f64; 3], rpy_rad: [f64; 3]) -> Self {
        Self::new(Isometry3::from_parts(
            Translation3::new(xyz_m[0], xyz_m[1], xyz_m[2]),
            UnitQuaternion::from_euler_angles(rpy_rad[0], rpy_rad[1], rpy_rad[2]),
        ))
    }

    /// The transform the other way.
    #[must_use]
    pub fn inverse(&self) -> Transform<B, A> {
        Transform::new(self.isometry.inverse())
    }

    /// Origin of `B`, in `A`.
    pub fn origin(&self) -> Point3<f64> {
        Point3::from(self.isometry.translation.vector)
    }

    /// The rotation alone.
    pub fn rotation(&self) -> UnitQuaternion<f64> {
        self.isometry.rotation
    }

    /// Heading of `B`'s x axis about `A`'s z axis, radians, counter-clockwise positive.
    pub fn yaw(&self) -> f64 {
        self.isometry.rotation.euler_angles().2
    }
}

impl<A, B, C> Mul<Transform<B, C>> for Transform<A, B> {
    type Output = Transform<A, C>;

    fn mul(self, rhs: Transform<B, C>) -> Transform<A, C> {
        Transform::new(self.isometry * rhs.isometry)
    }
}

impl<A, B> Mul<Point<B>> for Transform<A, B> {
    type Output = Point<A>;

    fn mul(self, rhs: Point<B>) -> Point<A> {
        Point::from_coords(self.isometry * rhs.coords)
    }
}

/// A point in a known frame, metres.
#[derive(Debug)]
pub struct Point<F> {
    /// x, y, z in metres.
    pub coords: Point3<f64>,
    frame: PhantomData<fn() -> F>,
}

impl<F> Clone for Point<F> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<F> Copy for Point<F> {}

impl<F> PartialEq for Point<F> {
    fn eq(&self, other: &Self) -> bool {
        self.coords == other.coords
    }
}

impl<F> Point<F> {
    /// A point from its coordinates in metres.
    pub const fn new(x: f64, y: f64, z: f64) -> Self {
        Self::from_coords(Point3::new(x, y, z))
    }

    /// A point from coordinates known to be in this frame.
    pub const fn from_coords(coords: Point3<f64>) -> Self {
        Self { coords, frame: PhantomData }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inverse_undoes() {
        let t = Transform::<Map, Base>::from_xyz_rpy([1.0, -2.0, 0.5], [0.1, -0.2, 2.0]);
        let p = Point::<Base>::new(0.3, 0.4, -0.5);
        let back = t.inverse() * (t * p);
        assert!((back.coords - p.coords).norm() < 1e-12);
    }

    #[test]
    fn yaw_is_counter_clockwise() {
        let t = Transform::<Map, Base>::from_xyz_rpy([0.0; 3], [0.0, 0.0, std::f64::consts::FRAC_PI_2]);
        let ahead = t * Point::<Base>::new(1.0, 0.0, 0.0);
        assert!((ahead.coords - Point3::new(0.0, 1.0, 0.0)).norm() < 1e-12);
        assert!((t.yaw() - std::f64::consts::FRAC_PI_2).abs() < 1e-12);
    }
}
