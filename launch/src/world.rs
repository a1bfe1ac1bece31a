//! The simulated side of a run: tunnel, physics, motors and sensors. Ground truth stays in here, but for
//! what [`World::truth`] hands out: to the cameras, and for scoring.

mod surroundings;
mod window;

use std::sync::Arc;

use firmware_bridge::port::BusPort;
use firmware_bridge::robot::{BatteryReport, RemoteControl, RobotReport};
use nalgebra::Vector3;
use robot_interface::frames::{Base, Map, Transform};
use robot_interface::joints::Leg;
use robot_interface::robot::RobotDescription;
use robot_interface::sensors::{BatterySample, ImuSample, LidarScan};
use robot_interface::time::Stamp;
use sim::battery::Battery;
use sim::engine::rapier::{RapierEngine, STEP_S};
use sim::engine::{Engine, GroundTruth};
use sim::imu::ImuSensor;
use sim::lidar::LidarSensor;
use sim::motors::{VirtualBus, drives, virtual_buses};
use sim::tunnel::TrueDefect;

pub(crate) use self::surroundings::{Scene, Surroundings};
use crate::mission_file::MissionFile;

use stack::config::Robot;

/// What the sensor of a foot that stands counts.
const FOOT_LOAD: f64 = 40.0;

/// Everything that there would be no need of on a robot.
pub(crate) struct World<P> {
    surroundings: Surroundings,
    scene: Arc<Scene>,
    engine: RapierEngine,
    pub(crate) buses: Vec<VirtualBus<P>>,
    imu: ImuSensor,
    lidar: Arc<LidarSensor>,
    battery: Option<Battery>,
    /// The legs in the order of a robot that reports as a whole.
    foot_order: [Leg; 4],
    /// True poses since the last scan began, one a step.
    poses: Vec<(Stamp, Transform<Map, Base>)>,
}

impl<P: BusPort> World<P> {
    /// A tunnel with the robot lying at the mission's start; `ports` are the far ends of the motor buses.
    pub(crate) fn new(file: &MissionFile, robot: &Robot, ports: Vec<P>) -> anyhow::Result<Self> {
        let (mission, simulation) = (&file.mission, &file.simulation);
        let mut surroundings = Surroundings::with_physics(file, &robot.description)?;
        let start = mission.start_pose();
        surroundings.move_to(&start)?;
        let physics = surroundings.physics();
        let engine =
            RapierEngine::in_scene(&robot.physics_model, &robot.description, physics, start, STEP_S)?;
        let scene = Scene { tunnel: surroundings.tunnel(), caster: engine.ray_caster() };
        let lidar = LidarSensor::new(&robot.description, simulation.seed)?.in_tunnel(&scene.tunnel);
        Ok(Self {
            surroundings,
            scene: Arc::new(scene),
            buses: virtual_buses(&robot.description, ports)?,
            imu: ImuSensor::new(&robot.description.imu, simulation.seed),
            lidar: Arc::new(lidar),
            battery: robot.description.battery.as_ref().map(Battery::new),
            foot_order: foot_order(&robot.description),
            poses: vec![(Stamp::ZERO, engine.truth().map_from_base)],
            engine,
        })
    }

    /// Nanoseconds of a step.
    pub(crate) fn step_nanos(&self) -> u64 {
        (self.engine.dt_s() * 1e9).round() as u64
    }

    /// Lets the motors read what the bridge sent and answer with what they feel.
    pub(crate) fn serve_motors(&mut self, now: Stamp) {
        let readings = self.engine.joints();
        for bus in &mut self.buses {
            // A motor that cannot answer shows on the bridge's side as one that did not.
            let _ = bus.service(now, &readings);
        }
    }

    /// Goes one physics step on from `now`, and gives the inertial sample at its end.
    pub(crate) fn step(&mut self, now: Stamp) -> ImuSample {
        self.engine.step(&drives(&self.buses, now));
        let end = now.plus_nanos(self.step_nanos());
        let truth = self.engine.truth();
        self.poses.push((end, truth.map_from_base));
        if let Some(battery) = &mut self.battery {
            let was_flat = battery.is_flat();
            battery.step(self.buses.iter().map(VirtualBus::power_w).sum(), self.engine.dt_s());
            // The computer and the sensors go on, so that the run can tell of it.
            if battery.is_flat() && !was_flat {
                tracing::warn!("simulation: the battery is empty, and the motors have no more power");
                self.buses.iter_mut().for_each(|bus| bus.set_powered(false));
            }
        }
        let sample = self.imu.sample(end, &truth, self.engine.dt_s());
        let sensors = self.robot_sensors(&sample, &truth);
        self.buses.iter_mut().for_each(|bus| bus.set_sensors(&sensors));
        sample
    }

    /// What a robot that reports as a whole tells beside its joints.
    fn robot_sensors(&self, sample: &ImuSample, truth: &GroundTruth) -> RobotReport {
        let battery = self.battery.as_ref().map(|battery| battery.sample(sample.stamp));
        let single = |vector: Vector3<f64>| <[f32; 3]>::from(vector.map(|value| value as f32));
        RobotReport {
            // A robot's own estimate of its attitude is good; only its yaw drifts.
            orientation: truth.map_from_base.isometry.rotation.cast(),
            angular_velocity_rad_s: single(sample.angular_velocity_rad_s),
            specific_force_m_s2: single(sample.linear_acceleration_m_s2),
            foot_force: self.foot_order.map(|leg| if truth.contacts[leg.index()] { FOOT_LOAD } else { 0.0 }),
            battery: battery.map(|battery| BatteryReport {
                charge_percent: (100.0 * battery.charged).round() as u8,
                current_a: battery.current_a,
                supply_v: battery.voltage_v,
            }),
            remote: Some(RemoteControl::default()),
            ..RobotReport::default()
        }
    }

    /// Returns the battery's sample, if the robot's file knows one.
    pub(crate) fn battery(&self, now: Stamp) -> Option<BatterySample> {
        self.battery.as_ref().map(|battery| battery.sample(now))
    }

    /// Takes the true poses gathered since the last call, as a scan needs them. Then the tunnel is made where the robot
    /// has come to: a tenth of a second between two calls is short enough.
    ///
    /// # Errors
    /// If the tunnel cannot be made there.
    pub(crate) fn take_poses(&mut self) -> anyhow::Result<TruePoses> {
        let last = self.poses.last().copied();
        let poses = std::mem::replace(&mut self.poses, last.into_iter().collect());
        let taken = TruePoses { poses, scene: self.scene(), lidar: Arc::clone(&self.lidar) };
        if self.surroundings.move_to(&self.truth().map_from_base)? {
            self.engine.set_scene(self.surroundings.physics());
            let scene = Scene { tunnel: self.surroundings.tunnel(), caster: self.engine.ray_caster() };
            self.lidar = Arc::new(self.lidar.as_ref().clone().in_tunnel(&scene.tunnel));
            self.scene = Arc::new(scene);
        }
        Ok(taken)
    }

    /// The tunnel around the robot, for a picture that is taken now.
    pub(crate) fn scene(&self) -> Arc<Scene> {
        Arc::clone(&self.scene)
    }

    /// True defects of all that the robot came near, for scoring.
    pub(crate) fn true_defects(&self) -> Vec<TrueDefect> {
        self.surroundings.true_defects()
    }

    /// True poses at the last two steps: a picture is exposed between them.
    pub(crate) fn last_poses(&self) -> [Transform<Map, Base>; 2] {
        let last = self.truth().map_from_base;
        let before = self.poses.len().checked_sub(2).and_then(|i| self.poses.get(i));
        [before.map_or(last, |(_, pose)| *pose), last]
    }

    /// True state of the robot: for pictures and for scoring.
    pub(crate) fn truth(&self) -> GroundTruth {
        self.engine.truth()
    }
}

/// The legs by the numbers of their hip joints' motors.
fn foot_order(robot: &RobotDescription) -> [Leg; 4] {
    let mut legs = Leg::ALL;
    legs.sort_by_key(|leg| robot.joints.0[3 * leg.index()].id);
    legs
}

/// True poses over a tenth of a second or so, in the order of time, never empty; and what a scan saw from there.
pub(crate) struct TruePoses {
    poses: Vec<(Stamp, Transform<Map, Base>)>,
    scene: Arc<Scene>,
    lidar: Arc<LidarSensor>,
}

impl TruePoses {
    /// The scan over this span.
    pub(crate) fn scan(&self) -> LidarScan {
        let start = self.start();
        self.lidar.scan(self.scene.caster.as_ref(), start, |offset_s| {
            self.at(start.plus_nanos((offset_s * 1e9) as u64))
        })
    }

    fn start(&self) -> Stamp {
        self.poses.first().map_or(Stamp::ZERO, |(stamp, _)| *stamp)
    }

    /// The pose at a time, interpolated; the nearest one outside the span.
    pub(crate) fn at(&self, stamp: Stamp) -> Transform<Map, Base> {
        let after = self.poses.partition_point(|(s, _)| *s <= stamp).clamp(1, self.poses.len().max(2) - 1);
        let (Some((t0, a)), Some((t1, b))) = (self.poses.get(after - 1), self.poses.get(after)) else {
            return self.poses.first().map_or_else(Transform::identity, |(_, pose)| *pose);
        };
        let part = stamp.seconds_since(*t0) / t1.seconds_since(*t0).max(1e-9);
        Transform::new(a.isometry.lerp_slerp(&b.isometry, part.clamp(0.0, 1.0)))
    }
}
