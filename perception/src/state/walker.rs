//! A kinematic walker for tests: its sensors' samples follow from a smooth motion that is known, its feet
//! roll without slipping, and nothing in it is shared with the filter but the legs' kinematics.

use nalgebra::{Isometry3, Point3, UnitQuaternion, Vector3};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Normal};
use robot_interface::frames::{Base, Map, Transform};
use robot_interface::joints::{JointMeasurement, JointStates, LEGS, Leg};
use robot_interface::robot::RobotDescription;
use robot_interface::sensors::ImuSample;
use robot_interface::time::Stamp;

use crate::kinematics::{Kinematics, LegPose};

pub(super) const DT_S: f64 = 0.002;
/// Time that it stands still at first, s.
pub(super) const STANDS_S: f64 = 1.6;
const PERIOD_S: f64 = 0.5;
const STANCE: f64 = 0.56;
const GRAVITY: f64 = 9.81;

/// One sample of everything.
pub(super) struct Step {
    pub(super) imu: ImuSample,
    pub(super) joints: JointStates,
    pub(super) map_from_base: Transform<Map, Base>,
    /// In the base frame, m/s.
    pub(super) velocity: Vector3<f64>,
    pub(super) contacts: [bool; LEGS],
}

pub(super) struct Walker {
    robot: RobotDescription,
    kinematics: Kinematics,
    speed_m_s: f64,
    /// Acceleration at which a foot slides back over the ground from its landing on.
    pub(super) slide_m_s2: f64,
    pub(super) gyro_bias: Vector3<f64>,
    pub(super) accel_bias: Vector3<f64>,
    rng: ChaCha8Rng,
    steps: u64,
    place: Vector3<f64>,
    angles: [[f64; 3]; LEGS],
    rates: [Vector3<f64>; LEGS],
    feet: [Vector3<f64>; LEGS],
    /// Place at which each foot's swing began; `None` while it stands.
    swings: [Option<Vector3<f64>>; LEGS],
    /// Place of the first sample, so that runs may start anywhere.
    start: Isometry3<f64>,
}

impl Walker {
    pub(super) fn new(robot: &RobotDescription, speed_m_s: f64, seed: u64, start: Isometry3<f64>) -> Self {
        let kinematics = Kinematics::new(&robot.legs);
        let angles = [robot.gait.default_pose_rad; LEGS];
        let radius = kinematics.foot_radius_m();
        let lowest = kinematics.leg(Leg::FL, angles[0]).foot.coords.z;
        let place = Vector3::new(0.0, 0.0, radius - lowest);
        let mut walker = Self {
            robot: robot.clone(),
            kinematics,
            speed_m_s,
            slide_m_s2: 0.0,
            gyro_bias: Vector3::new(1.5e-3, -2.1e-3, 1.8e-3),
            accel_bias: Vector3::new(0.02, -0.03, 0.025),
            rng: ChaCha8Rng::seed_from_u64(seed),
            steps: 0,
            place,
            angles,
            rates: [Vector3::zeros(); LEGS],
            feet: [Vector3::zeros(); LEGS],
            swings: [None; LEGS],
            start,
        };
        // The trunk stands tilted a little, as its motion begins.
        for leg in Leg::ALL {
            let foot = walker.kinematics.leg(leg, angles[leg.index()]).foot.coords.coords;
            walker.feet[leg.index()] = Vector3::new(foot.x, foot.y, radius);
            walker.solve_leg(leg, 0.0);
        }
        walker
    }

    /// Advances by 2 ms and takes the samples at the end.
    pub(super) fn step(&mut self) -> Step {
        const SUBSTEPS: usize = 4;
        let h = DT_S / SUBSTEPS as f64;
        for k in 0..SUBSTEPS {
            let t = self.steps as f64 * DT_S + k as f64 * h;
            // The contact moves with the middle of the interval (midpoint rule).
            let rolling = Leg::ALL.map(|leg| self.rolling(leg, t + h / 2.0));
            self.place +=
                (self.velocity(t) + self.velocity(t + h) + self.velocity(t + h / 2.0) * 4.0) * (h / 6.0);
            for leg in Leg::ALL {
                self.move_foot(leg, t + h, rolling[leg.index()] * h);
                self.solve_leg(leg, t + h);
            }
        }
        self.steps += 1;
        self.sample()
    }

    fn sample(&mut self) -> Step {
        let t = self.steps as f64 * DT_S;
        let (rotation, rate) = (rotation(self.blend(t), t), self.rate(t));
        let lever = Vector3::from(self.robot.imu.xyz_m);
        let speed_there = |t: f64| {
            let turned = |t: f64| self.rotation(t) * lever;
            self.velocity(t) + (turned(t + 1e-3) - turned(t - 1e-3)) / 2e-3
        };
        let acceleration = (speed_there(t + 1e-3) - speed_there(t - 1e-3)) / 2e-3;
        let force = rotation.inverse() * (acceleration + Vector3::z() * GRAVITY);
        let stamp = Stamp::from_nanos(self.steps * 2_000_000);
        let per_root_s = (1.0 / DT_S).sqrt();
        let (gyro_noise, accel_noise) = (self.robot.imu.gyro_noise.get(), self.robot.imu.accel_noise.get());
        let imu = ImuSample {
            stamp,
            angular_velocity_rad_s: rate + self.gyro_bias + self.noise(gyro_noise * per_root_s),
            linear_acceleration_m_s2: force + self.accel_bias + self.noise(accel_noise * per_root_s),
        };
        let contacts = self.swings.map(|swing| swing.is_none());
        let share = self.robot.body.mass_kg.get() * GRAVITY / contacts.iter().filter(|c| **c).count() as f64;
        let mut joints = [JointMeasurement::default(); 12];
        for leg in Leg::ALL {
            let i = leg.index();
            let pose = self.kinematics.leg(leg, self.angles[i]);
            let load = if contacts[i] { Vector3::z() * share } else { Vector3::zeros() };
            let damping = self.robot.legs.joint_damping_nm_s.map_or(0.0, f64::from);
            let torque = -(pose.jacobian_m.transpose() * (rotation.inverse() * load))
                + self.rates[i] * damping
                + self.noise(0.4);
            let (jitter, speed_jitter) = (self.noise(3e-4), self.noise(0.005));
            for k in 0..3 {
                joints[3 * i + k] = JointMeasurement {
                    position_rad: self.angles[i][k] + jitter[k],
                    velocity_rad_s: self.rates[i][k] + speed_jitter[k],
                    torque_nm: torque[k],
                    temperature_c: 30.0,
                };
            }
        }
        let pose = Isometry3::from_parts(self.place.into(), rotation);
        Step {
            imu,
            joints: JointStates { stamp, joints },
            map_from_base: Transform::new(self.start * pose),
            velocity: rotation.inverse() * self.velocity(t),
            contacts,
        }
    }

    fn noise(&mut self, sigma: f64) -> Vector3<f64> {
        let normal = Normal::new(0.0, sigma).expect("finite");
        Vector3::from_fn(|_, _| normal.sample(&mut self.rng))
    }

    /// 0 while standing, 1 when walking, smooth between; with it, the phase of the gait goes on.
    fn blend(&self, t: f64) -> f64 {
        let x = ((t - STANDS_S) / 1.0).clamp(0.0, 1.0);
        x * x * x * (10.0 - 15.0 * x + 6.0 * x * x)
    }

    fn velocity(&self, t: f64) -> Vector3<f64> {
        let blend = self.blend(t);
        let (sin, cos) = heading(blend, t).sin_cos();
        let speed = self.speed_m_s * blend;
        let sway = 0.04 * blend * (std::f64::consts::TAU * t / PERIOD_S).sin();
        let bounce = 0.08 * blend * (2.0 * std::f64::consts::TAU * t / PERIOD_S).cos();
        Vector3::new(speed * cos - sway * sin, speed * sin + sway * cos, bounce)
    }

    fn rotation(&self, t: f64) -> UnitQuaternion<f64> {
        rotation(self.blend(t), t)
    }

    /// Angular velocity in the base frame.
    fn rate(&self, t: f64) -> Vector3<f64> {
        let (before, after) = (self.rotation(t - 1e-4), self.rotation(t + 1e-4));
        (before.inverse() * after).scaled_axis() / 2e-4
    }

    fn pose_of(&self, leg: Leg) -> LegPose {
        self.kinematics.leg(leg, self.angles[leg.index()])
    }

    /// Velocity of a foot that stands: its ball rolls.
    fn rolling(&self, leg: Leg, t: f64) -> Vector3<f64> {
        let (rotation, rate, pose) = (self.rotation(t), self.rate(t), self.pose_of(leg));
        let foot = pose.foot.coords.coords;
        let inverse = pose.jacobian_m.try_inverse().expect("bent leg");
        let mut velocity = Vector3::zeros();
        for _ in 0..8 {
            let over_ground = velocity + self.sliding(leg, t);
            let joints =
                inverse * (rotation.inverse() * (over_ground - self.velocity(t)) - rate.cross(&foot));
            let turning = rotation * (rate + pose.calf_rate * joints);
            velocity = turning.cross(&Vector3::z()) * self.kinematics.foot_radius_m();
        }
        velocity
    }

    /// Velocity over the ground of a foot that stands, beyond rolling.
    fn sliding(&self, leg: Leg, t: f64) -> Vector3<f64> {
        Vector3::new(-self.slide_m_s2 * phase(leg, t) * PERIOD_S, 0.0, 0.0)
    }

    fn move_foot(&mut self, leg: Leg, t: f64, rolled: Vector3<f64>) {
        let i = leg.index();
        let phase = phase(leg, t);
        if t < STANDS_S || phase < STANCE {
            self.swings[i] = None;
            self.feet[i].z = self.kinematics.foot_radius_m();
            self.feet[i] += rolled + self.sliding(leg, t) * (DT_S / 4.0);
            return;
        }
        let from = *self.swings[i].get_or_insert(self.feet[i]);
        let x = (phase - STANCE) / (1.0 - STANCE);
        let landing = t + (1.0 - phase) * PERIOD_S;
        let ahead = (landing - t) + STANCE * PERIOD_S / 2.0;
        let yaw = UnitQuaternion::from_euler_angles(0.0, 0.0, heading(self.blend(landing), landing));
        let hip = Vector3::new(leg.front() * 0.19, leg.side() * 0.142, 0.0);
        let target = self.place + self.velocity(t) * ahead + yaw * hip;
        let smooth = x * x * x * (10.0 - 15.0 * x + 6.0 * x * x);
        let mut foot = from + (target - from) * smooth;
        foot.z = self.kinematics.foot_radius_m() + 0.06 * (std::f64::consts::PI * x).sin().powi(2);
        self.feet[i] = foot;
    }

    /// Joint angles (by Newton's method) and rates that put the foot where it is.
    fn solve_leg(&mut self, leg: Leg, t: f64) {
        let i = leg.index();
        let rotation = self.rotation(t);
        let before = self.angles[i];
        let wanted = rotation.inverse() * (self.feet[i] - self.place);
        for _ in 0..6 {
            let pose = self.pose_of(leg);
            let step =
                pose.jacobian_m.try_inverse().expect("bent leg") * (Point3::from(wanted) - pose.foot.coords);
            (0..3).for_each(|k| self.angles[i][k] += step[k]);
        }
        let h = DT_S / 4.0;
        self.rates[i] = Vector3::from_fn(|k, _| (self.angles[i][k] - before[k]) / h);
        if t <= 0.0 {
            self.rates[i] = Vector3::zeros();
        }
    }
}

/// Phase of a leg's step, 0 to 1: it stands until [`STANCE`].
fn phase(leg: Leg, t: f64) -> f64 {
    let offset = if matches!(leg, Leg::FL | Leg::RR) { 0.0 } else { 0.5 };
    ((t - STANDS_S) / PERIOD_S + offset).rem_euclid(1.0)
}

fn heading(blend: f64, t: f64) -> f64 {
    0.3 * blend * (0.35 * (t - STANDS_S)).sin()
}

fn rotation(blend: f64, t: f64) -> UnitQuaternion<f64> {
    let turn = std::f64::consts::TAU * t / PERIOD_S;
    UnitQuaternion::from_euler_angles(
        0.01 + 0.03 * blend * turn.sin(),
        -0.015 + 0.02 * blend * (2.0 * turn).sin(),
        heading(blend, t),
    )
}
