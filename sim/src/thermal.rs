//! Thermal cameras: apparent temperatures of what each pixel's ray meets.
//!
//! A surface shows its own temperature as far as its emissivity reaches and that of its surroundings for the
//! rest (the radiometric equation of thermography, linearised for the small differences in a tunnel).

use nalgebra::{Point3, Vector3};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use rayon::prelude::*;
use robot_interface::frames::{self, Map, Point, Transform};
use robot_interface::robot::ThermalDescription;
use robot_interface::sensors::{Intrinsics, ThermalFrame};
use robot_interface::time::Stamp;

use crate::camera::SIGHT_M;
use crate::geometry::RayCaster;
use crate::tunnel::{Footprint, Material, Tunnel, fbm};

/// A thermal camera.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ThermalCamera {
    /// Its place in the robot description's list.
    pub index: usize,
    /// The lens.
    pub lens: Intrinsics,
    /// Noise-equivalent temperature difference, K.
    pub netd_k: f32,
}

impl ThermalCamera {
    /// A camera of the robot.
    pub fn new(description: &ThermalDescription, index: usize) -> Self {
        Self { index, lens: description.intrinsics(), netd_k: description.netd_k.get() as f32 }
    }

    /// Takes a picture; it depends on nothing but the arguments.
    pub fn render(
        &self,
        tunnel: &Tunnel,
        caster: &dyn RayCaster,
        map_from_camera: Transform<Map, frames::Camera>,
        stamp: Stamp,
        seed: u64,
    ) -> ThermalFrame {
        let (width, height) = (self.lens.width as usize, self.lens.height as usize);
        let pose = map_from_camera.isometry;
        let eye = pose.translation.vector;
        let sharp: Vec<f32> = (0..width * height)
            .into_par_iter()
            .map(|k| {
                let (x, y) = (k % width, k / width);
                let ray = pose.rotation * self.lens.ray(x as f64 + 0.5, y as f64 + 0.5).normalize();
                apparent_c(tunnel, caster, eye, ray)
            })
            .collect();
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let celsius = (0..width * height)
            .map(|k| {
                let (x, y) = (k % width, k / width);
                let noise: f32 = StandardNormal.sample(&mut rng);
                blurred(&sharp, [width, height], [x, y]) + self.netd_k * noise
            })
            .collect();
        ThermalFrame { stamp, camera: self.index, width: self.lens.width, height: self.lens.height, celsius }
    }
}

/// The lens spreads every point over its neighbours: weights 1 2 1 both ways.
fn blurred(sharp: &[f32], [width, height]: [usize; 2], [x, y]: [usize; 2]) -> f32 {
    let mut sum = 0.0;
    for (dy, wy) in [(-1, 1.0), (0, 2.0), (1, 1.0)] {
        for (dx, wx) in [(-1, 1.0), (0, 2.0), (1, 1.0)] {
            let (u, v) =
                (x.saturating_add_signed(dx).min(width - 1), y.saturating_add_signed(dy).min(height - 1));
            sum += wx * wy * sharp[v * width + u];
        }
    }
    sum / 16.0
}

/// Apparent temperature of a ray's end, degrees Celsius.
fn apparent_c(tunnel: &Tunnel, caster: &dyn RayCaster, eye: Vector3<f64>, ray: Vector3<f64>) -> f32 {
    let climate = tunnel.climate();
    let ambient = climate.ambient_c;
    let Some(hit) = caster.cast(eye.cast::<f32>().into(), ray.cast::<f32>().into(), SIGHT_M) else {
        return ambient;
    };
    let design = tunnel.design();
    let point = Point::<Map>::from_coords(Point3::from(eye + ray * f64::from(hit.distance_m)));
    let place = design.to_tunnel(point);
    let (s, left, up) = (place.chainage_m as f32, place.left_m as f32, place.up_m as f32);
    let material = tunnel.material(hit.solid).unwrap_or(Material::EndWall);
    let wall = |s: f32, v: f32| 0.35 * fbm(s * 0.4, v * 0.6, 3, tunnel.seed());
    let (own, emissivity) = match material {
        Material::Lining => {
            let arc = design.to_lining(place).arc_m as f32;
            let wet = tunnel.lining_surface([s, arc], &Footprint::square(0.01));
            // Warm air gathers under the crown; water cools by evaporation and by coming from the ground.
            let cooled = if wet.class == 2 { 1.4 } else { 0.0 };
            (ambient - 1.2 + 0.4 * (up - 1.0) + wall(s, arc) - cooled, 0.94)
        }
        Material::Floor => (ambient - 1.8 + wall(s, left), 0.94),
        Material::Puddle => (ambient - 2.6, 0.96),
        Material::Cable(level) => (climate.cable_c(level) + 0.5 * wall(s * 3.0, up), 0.95),
        Material::CableJoint(number) => {
            let Some(joint) = tunnel.cable_joint(number) else { return ambient };
            // Heat made in the middle of the sleeve leaves along the cable.
            let half = (joint.bounds.length_m() / 2.0).max(0.05);
            let off = ((place.chainage_m - joint.centre_m[0]) / half).clamp(-1.0, 1.0);
            (climate.cable_c(joint.level) + (joint.excess_k * (1.0 - 0.25 * off * off)) as f32, 0.95)
        }
        Material::Bracket => (ambient, 0.45),
        Material::Pipe => (ambient - 0.8, 0.85),
        Material::Debris | Material::Lamp | Material::EndWall => (ambient - 0.8, 0.93),
    };
    emissivity * own + (1.0 - emissivity) * ambient
}

#[cfg(test)]
mod tests {
    use robot_interface::defect::DefectClass;
    use robot_interface::tunnel::TunnelPoint;

    use super::*;
    use crate::camera::looking_at;
    use crate::geometry::Bvh;
    use crate::tunnel::testing::cable_tunnel;

    #[test]
    fn a_hot_joint_stands_out_and_the_others_do_not() {
        let tunnel = cable_tunnel(3);
        let caster = Bvh::new(tunnel.geometry());
        let camera = ThermalCamera { index: 1, lens: Intrinsics::from_fov(80, 60, 1.0), netd_k: 0.05 };
        let (mut hot, mut normal) = (0, 0);
        for joint in tunnel.cable_joints() {
            let [s, left, up] = joint.centre_m;
            let design = tunnel.design();
            let at = design.to_map(TunnelPoint { chainage_m: s, left_m: left, up_m: up }).coords;
            let eye = design.to_map(TunnelPoint { chainage_m: s, left_m: 0.3, up_m: up }).coords;
            let frame = camera.render(&tunnel, &caster, looking_at(eye, at), Stamp::ZERO, 7);
            let middle = frame.celsius[30 * 80 + 40];
            if joint.excess_k > 10.0 {
                hot += 1;
                let truth = tunnel.defects().iter().find(|d| {
                    d.class == DefectClass::HotJoint
                        && d.bounds.chainage_min_m < s
                        && s < d.bounds.chainage_max_m
                });
                let wanted = truth.and_then(|d| d.temperature_c).expect("a hot joint has a true temperature");
                assert!((f64::from(middle) - wanted).abs() < 3.0, "{middle} {wanted}");
                assert!(middle > 45.0, "{middle}");
            } else {
                normal += 1;
                assert!(middle < 42.0 && middle > 25.0, "{middle}");
            }
            assert_eq!(frame, camera.render(&tunnel, &caster, looking_at(eye, at), Stamp::ZERO, 7));
        }
        assert!(hot > 0 && normal > 0, "the test tunnel has joints of both kinds: {hot} {normal}");
    }
}
