//! An inertial sensor: ground truth plus white noise and wandering biases (IEEE Std 952's model of gyroscopes).

use nalgebra::Vector3;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use robot_interface::robot::ImuDescription;
use robot_interface::sensors::ImuSample;
use robot_interface::time::Stamp;

use crate::engine::GroundTruth;

/// The stream of random numbers that belongs to this sensor.
const STREAM: u64 = 101;

/// An inertial sensor with errors.
#[derive(Clone, Debug)]
pub struct ImuSensor {
    description: ImuDescription,
    rng: ChaCha8Rng,
    gyro_bias: Vector3<f64>,
    accel_bias: Vector3<f64>,
}

impl ImuSensor {
    /// A sensor just switched on; its biases are drawn from the seed.
    pub fn new(description: &ImuDescription, seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(STREAM);
        let gyro_bias = normal3(&mut rng) * description.gyro_bias_initial.get();
        let accel_bias = normal3(&mut rng) * description.accel_bias_initial.get();
        Self { description: *description, rng, gyro_bias, accel_bias }
    }

    /// A sample of what happens now, `dt_s` after the last one.
    pub fn sample(&mut self, stamp: Stamp, truth: &GroundTruth, dt_s: f64) -> ImuSample {
        let (d, root) = (self.description, dt_s.sqrt());
        self.gyro_bias += normal3(&mut self.rng) * (d.gyro_bias_walk.get() * root);
        self.accel_bias += normal3(&mut self.rng) * (d.accel_bias_walk.get() * root);
        let gyro_noise = normal3(&mut self.rng) * (d.gyro_noise.get() / root);
        let accel_noise = normal3(&mut self.rng) * (d.accel_noise.get() / root);
        ImuSample {
            stamp,
            angular_velocity_rad_s: truth.angular_velocity_rad_s + self.gyro_bias + gyro_noise,
            linear_acceleration_m_s2: truth.specific_force_m_s2 + self.accel_bias + accel_noise,
        }
    }
}

fn normal3(rng: &mut ChaCha8Rng) -> Vector3<f64> {
    let mut one = || StandardNormal.sample(rng);
    Vector3::new(one(), one(), one())
}

#[cfg(test)]
mod tests {
    use robot_interface::fixtures::go2;
    use robot_interface::frames::Transform;

    use super::*;

    #[test]
    fn noise_has_the_size_that_the_file_says() {
        let robot = go2();
        let truth = GroundTruth {
            map_from_base: Transform::identity(),
            velocity_m_s: Vector3::zeros(),
            angular_velocity_rad_s: Vector3::new(0.1, 0.0, 0.0),
            specific_force_m_s2: Vector3::new(0.0, 0.0, 9.81),
            contacts: [true; 4],
        };
        let mut imu = ImuSensor::new(&robot.imu, 3);
        let bias = imu.gyro_bias;
        let samples: Vec<ImuSample> =
            (0..5000).map(|k| imu.sample(Stamp::from_nanos(k * 2_000_000), &truth, 0.002)).collect();
        let x: Vec<f64> = samples.iter().map(|s| s.angular_velocity_rad_s.x).collect();
        let mean = x.iter().sum::<f64>() / x.len() as f64;
        let sigma = (x.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / x.len() as f64).sqrt();
        assert!((mean - 0.1 - bias.x).abs() < 5e-4, "{mean} with bias {}", bias.x);
        let expected = robot.imu.gyro_noise.get() / 0.002f64.sqrt();
        assert!((sigma / expected - 1.0).abs() < 0.1, "{sigma} against {expected}");
        let again = ImuSensor::new(&robot.imu, 3).sample(Stamp::ZERO, &truth, 0.002);
        assert_eq!(again, samples[0]);
    }
}
