//! Leg kinematics: the foot's place, its Jacobian, and how the calf turns.
//!
//! The chain is the common one of quadrupeds: hip about x, a sideways offset, thigh about y, calf about y,
//! all zero with the leg straight down (see [`LegGeometry`]). Closed forms; the tests derive them a second
//! time from the robot's MJCF file and by finite differences.

use nalgebra::{Matrix3, Point3, UnitQuaternion, Vector3};
use robot_interface::frames::{Base, Point};
use robot_interface::joints::{JOINTS, LEGS, Leg};
use robot_interface::robot::LegGeometry;

/// The legs' dimensions, ready for use. All results are in the base frame.
#[derive(Clone, Copy, Debug)]
pub struct Kinematics {
    hip_x_m: f64,
    hip_y_m: f64,
    abduction_m: f64,
    thigh_m: f64,
    calf_m: f64,
    foot_x_m: f64,
    foot_radius_m: f64,
}

/// One leg at one set of joint angles.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LegPose {
    /// Centre of the ball that is the foot, in the base frame, m.
    pub foot: Point<Base>,
    /// Velocity of that centre per joint velocity (hip, thigh, calf), base frame, m, `[3 x 3]`.
    pub jacobian_m: Matrix3<f64>,
    /// Turns vectors fixed to the calf (and its foot) into the base frame.
    pub base_from_calf: UnitQuaternion<f64>,
    /// Angular velocity of the calf relative to the base per joint velocity, base frame, `[3 x 3]`.
    pub calf_rate: Matrix3<f64>,
}

impl Kinematics {
    /// The legs of a robot.
    pub fn new(legs: &LegGeometry) -> Self {
        Self {
            hip_x_m: legs.hip_x_m.get(),
            hip_y_m: legs.hip_y_m.get(),
            abduction_m: legs.abduction_m.get(),
            thigh_m: legs.thigh_m.get(),
            calf_m: legs.calf_m.get(),
            foot_x_m: legs.foot_x_m.get(),
            foot_radius_m: legs.foot_radius_m.get(),
        }
    }

    /// Radius of the foot's ball, m.
    pub const fn foot_radius_m(&self) -> f64 {
        self.foot_radius_m
    }

    /// Foot, Jacobian and calf of one leg at `angles_rad` (hip, thigh, calf).
    pub fn leg(&self, leg: Leg, angles_rad: [f64; 3]) -> LegPose {
        let [hip, thigh, calf] = angles_rad;
        let (sin_hip, cos_hip) = hip.sin_cos();
        let (sin_thigh, cos_thigh) = thigh.sin_cos();
        let (sin_knee, cos_knee) = (thigh + calf).sin_cos();
        // Foot from the knee, and knee from the thigh joint, in the leg's plane: x forward, z up.
        let lower = [
            self.foot_x_m * cos_knee - self.calf_m * sin_knee,
            -self.foot_x_m * sin_knee - self.calf_m * cos_knee,
        ];
        let x = lower[0] - self.thigh_m * sin_thigh;
        let z = lower[1] - self.thigh_m * cos_thigh;
        let y = leg.side() * self.abduction_m;

        let from_hip = Vector3::new(x, y * cos_hip - z * sin_hip, y * sin_hip + z * cos_hip);
        let hip_joint = Vector3::new(leg.front() * self.hip_x_m, leg.side() * self.hip_y_m, 0.0);
        // A turn about y moves a point (x, z) by (z, -x).
        let in_plane = |x: f64, z: f64| Vector3::new(z, x * sin_hip, -x * cos_hip);
        let thigh_axis = Vector3::new(0.0, cos_hip, sin_hip);
        LegPose {
            foot: Point::from_coords(Point3::from(hip_joint + from_hip)),
            jacobian_m: Matrix3::from_columns(&[
                Vector3::new(0.0, -from_hip.z, from_hip.y),
                in_plane(x, z),
                in_plane(lower[0], lower[1]),
            ]),
            base_from_calf: UnitQuaternion::from_axis_angle(&Vector3::x_axis(), hip)
                * UnitQuaternion::from_axis_angle(&Vector3::y_axis(), thigh + calf),
            calf_rate: Matrix3::from_columns(&[Vector3::x(), thigh_axis, thigh_axis]),
        }
    }

    /// All legs, FL FR RL RR, from the joints in array order (`[12]`, rad).
    pub fn legs(&self, angles_rad: &[f64; JOINTS]) -> [LegPose; LEGS] {
        Leg::ALL.map(|leg| self.leg(leg, leg_of(angles_rad, leg)))
    }
}

impl LegPose {
    /// Force of the ground on the foot (base frame, N) that balances the joints' torques (hip, thigh, calf,
    /// N m), the leg's own weight and inertia left out; `None` where the leg is so straight that torques
    /// say nothing of the force along it.
    pub fn ground_force_n(&self, torques_nm: &Vector3<f64>) -> Option<Vector3<f64>> {
        self.jacobian_m.transpose().try_inverse().map(|inverse| -(inverse * torques_nm))
    }
}

/// The three values of a leg (hip, thigh, calf) among twelve in array order.
pub fn leg_of(values: &[f64; JOINTS], leg: Leg) -> [f64; 3] {
    let first = 3 * leg.index();
    [values[first], values[first + 1], values[first + 2]]
}

#[cfg(test)]
mod tests {
    use nalgebra::{Isometry3, Translation3};
    use proptest::prelude::*;
    use robot_interface::fixtures::{GO2_MJCF, go2};

    use super::*;

    /// `pos` of the element of the MJCF that starts with `tag`.
    fn position(tag: &str) -> Vector3<f64> {
        let element = &GO2_MJCF[GO2_MJCF.find(tag).expect("element")..];
        let element = &element[..element.find('>').expect("closed")];
        let text = element.split("pos=\"").nth(1).expect("pos").split('"').next().expect("quoted");
        let numbers: Vec<f64> = text.split(' ').map(|n| n.parse().expect("number")).collect();
        Vector3::new(numbers[0], numbers[1], numbers[2])
    }

    /// The chain as the MJCF file says it, body by body.
    fn from_mjcf(leg: Leg, q: [f64; 3]) -> Isometry3<f64> {
        let body = |part: &str, axis: Vector3<f64>, angle: f64| {
            let offset = position(&format!("<body name=\"{}_{part}\"", leg.name()));
            Isometry3::from_parts(Translation3::from(offset), UnitQuaternion::new(axis * angle))
        };
        let foot = Isometry3::from_parts(
            Translation3::from(position("<geom size=\"0.022\"")),
            UnitQuaternion::identity(),
        );
        body("hip", Vector3::x(), q[0])
            * body("thigh", Vector3::y(), q[1])
            * body("calf", Vector3::y(), q[2])
            * foot
    }

    #[test]
    fn a_straight_leg_hangs_below_its_hip() {
        let kinematics = Kinematics::new(&go2().legs);
        let foot = kinematics.leg(Leg::FR, [0.0; 3]).foot.coords;
        assert!((foot - Point3::new(0.1914, -0.142, -0.426)).norm() < 1e-12, "{foot}");
    }

    proptest! {
        #[test]
        fn agrees_with_the_mjcf_chain(hip in -1.0f64..1.0, thigh in -1.5f64..3.4, calf in -2.7f64..-0.85) {
            let kinematics = Kinematics::new(&go2().legs);
            for leg in Leg::ALL {
                let (ours, theirs) = (kinematics.leg(leg, [hip, thigh, calf]), from_mjcf(leg, [hip, thigh, calf]));
                prop_assert!((ours.foot.coords.coords - theirs.translation.vector).norm() < 1e-12);
                prop_assert!(ours.base_from_calf.angle_to(&theirs.rotation) < 1e-6);
            }
        }

        #[test]
        fn jacobians_are_derivatives(hip in -1.0f64..1.0, thigh in -1.5f64..3.4, calf in -2.7f64..-0.85) {
            const STEP: f64 = 1e-6;
            let kinematics = Kinematics::new(&go2().legs);
            for leg in Leg::ALL {
                let here = kinematics.leg(leg, [hip, thigh, calf]);
                for joint in 0..3 {
                    let moved = |sign: f64| {
                        let mut q = [hip, thigh, calf];
                        q[joint] += sign * STEP;
                        kinematics.leg(leg, q)
                    };
                    let (ahead, behind) = (moved(1.0), moved(-1.0));
                    let slope = (ahead.foot.coords - behind.foot.coords) / (2.0 * STEP);
                    prop_assert!((slope - here.jacobian_m.column(joint)).norm() < 1e-8);
                    let turn = (ahead.base_from_calf * behind.base_from_calf.inverse()).scaled_axis();
                    prop_assert!((turn / (2.0 * STEP) - here.calf_rate.column(joint)).norm() < 1e-6);
                }
            }
        }

        #[test]
        fn torques_and_ground_force_do_the_same_work(
            q in (-0.8f64..0.8, 0.3f64..1.2, -2.3f64..-1.0), f in (-30.0f64..30.0, -30.0f64..30.0, 0.0f64..90.0),
        ) {
            let pose = Kinematics::new(&go2().legs).leg(Leg::RL, [q.0, q.1, q.2]);
            let force = Vector3::new(f.0, f.1, f.2);
            let torques = -(pose.jacobian_m.transpose() * force);
            let found = pose.ground_force_n(&torques).expect("not singular");
            prop_assert!((found - force).norm() < 1e-9);
        }
    }
}
