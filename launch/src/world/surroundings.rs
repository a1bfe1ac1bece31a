//! Surroundings of the robot: the part of the tunnel that its sensors may see, made as it goes.

use std::collections::BTreeMap;
use std::sync::Arc;

use robot_interface::frames::{Base, Map, Point, Transform};
use robot_interface::robot::RobotDescription;
use sim::camera::SIGHT_M;
use sim::engine::{SceneCaster, ScenePart};
use sim::geometry::{Bvh, RayCaster};
use sim::tunnel::{Stretch, TrueDefect, Tunnel, TunnelPlan};

use super::window::{Make, Window};
use crate::mission_file::MissionFile;

/// Way that the robot may go between two calls of [`Surroundings::move_to`] at most, m.
const SLACK_M: f64 = 2.0;

/// The tunnel around the robot at one time, for sensors. Whoever holds it sees that time's, whatever the robot does since.
pub(crate) struct Scene {
    pub(crate) tunnel: Tunnel,
    pub(crate) caster: Arc<dyn RayCaster>,
}

/// What is made of a stretch: itself, and its shapes for the physics, if there are any.
#[derive(Clone)]
struct Made {
    stretch: Arc<Stretch>,
    part: Option<Arc<ScenePart>>,
}

/// Surroundings that move with the robot.
pub(crate) struct Surroundings {
    window: Window<Made>,
    /// True defects of all stretches that were ever held, by stretch.
    defects: BTreeMap<u32, Vec<TrueDefect>>,
}

impl Surroundings {
    /// Surroundings with shapes for the physics.
    pub(crate) fn with_physics(file: &MissionFile, robot: &RobotDescription) -> anyhow::Result<Self> {
        Self::new(file, robot, |plan, index| {
            let stretch = Arc::new(plan.stretch(index));
            let part = Some(Arc::new(ScenePart::new(stretch.geometry())?));
            Ok(Made { stretch, part })
        })
    }

    /// Surroundings for pictures alone.
    pub(crate) fn for_pictures(file: &MissionFile, robot: &RobotDescription) -> anyhow::Result<Self> {
        Self::new(file, robot, |plan, index| Ok(Made { stretch: Arc::new(plan.stretch(index)), part: None }))
    }

    fn new(file: &MissionFile, robot: &RobotDescription, make: Make<Made>) -> anyhow::Result<Self> {
        let simulation = &file.simulation;
        let plan = TunnelPlan::new(&file.mission.design, &simulation.tunnel, simulation.seed)?;
        let reach_m = robot.lidar.max_range_m.get().max(f64::from(SIGHT_M)) + SLACK_M;
        Ok(Self { window: Window::new(plan, reach_m, make), defects: BTreeMap::new() })
    }

    /// Moves to where the robot is. Returns true if other stretches are held than before.
    pub(crate) fn move_to(&mut self, map_from_base: &Transform<Map, Base>) -> anyhow::Result<bool> {
        let place = Point::from_coords(map_from_base.origin());
        let chainage_m = self.window.plan().design().to_tunnel(place).chainage_m;
        let changed = self.window.move_to(chainage_m)?;
        if changed {
            for (index, made) in self.window.held() {
                self.defects.entry(*index).or_insert_with(|| made.stretch.defects().to_vec());
            }
        }
        Ok(changed)
    }

    /// The tunnel as it is made now.
    pub(crate) fn tunnel(&self) -> Tunnel {
        let stretches = self.window.held().values().map(|made| Arc::clone(&made.stretch));
        Tunnel::of(self.window.plan(), stretches.collect())
    }

    /// The physics' shapes of the tunnel as it is made now.
    pub(crate) fn physics(&self) -> SceneCaster {
        SceneCaster::over(self.window.held().values().filter_map(|made| made.part.clone()).collect())
    }

    /// The tunnel as it is made now, for pictures without a physics engine.
    pub(crate) fn scene_for_pictures(&self) -> Arc<Scene> {
        let tunnel = self.tunnel();
        Arc::new(Scene { caster: Arc::new(Bvh::new(tunnel.geometry())), tunnel })
    }

    /// True defects of all that the robot came near, for scoring.
    pub(crate) fn true_defects(&self) -> Vec<TrueDefect> {
        self.defects.values().flatten().cloned().collect()
    }
}
