//! The control process of a lock-step run: its buses are loopback ports, its clock is the run's.

use firmware_bridge::bridge::CYCLE_NANOS;
use firmware_bridge::port::{BusDriver, Loopback, loopback};
use firmware_bridge::safety::Limit;
use planner::mission::MissionOutput;
use robot_interface::frames::{Base, Map, Transform};
use robot_interface::joints::JOINT_NAMES;
use robot_interface::state::VelocityCommand;
use robot_interface::time::Stamp;

use stack::config::Robot;
use stack::{Control, PerceptionPipeline, VelocityController};

/// Control steps between two steps of the velocity controller: 50 Hz.
const VELOCITY_EVERY: u64 = 10;

pub(super) struct ControlProcess {
    pub(super) control: Control,
    driver: BusDriver<Loopback>,
    velocity_controller: VelocityController,
    velocity: (Stamp, VelocityCommand),
    steps: u64,
}

impl ControlProcess {
    /// Returns the control process of a robot that lies at `start`, and the far ends of its motor buses.
    pub(super) fn new(robot: &Robot, start: Transform<Map, Base>) -> anyhow::Result<(Self, Vec<Loopback>)> {
        let mut control = Control::new(robot, start, Stamp::ZERO, CYCLE_NANOS)?;
        let (bridge, _) = control.bus();
        let (near, far): (Vec<_>, Vec<_>) = (0..bridge.buses()).map(|_| loopback()).unzip();
        let driver = BusDriver::new(bridge, near)?;
        let velocity_controller = VelocityController::new(&robot.description);
        let velocity = (Stamp::ZERO, VelocityCommand::default());
        Ok((Self { control, driver, velocity_controller, velocity, steps: 0 }, far))
    }

    /// One control step: a cycle on the motor buses (`serve` lets the motors answer), then what follows from it.
    pub(super) fn step(&mut self, now: Stamp, serve: impl FnMut(Stamp)) {
        let (bridge, commands) = self.control.bus();
        // The gait's commands are finite; one that was not would be refused whole, and the motors' own
        // watchdog damps them.
        if let Ok(cycle) = self.driver.exchange(bridge, now, commands, serve) {
            self.control.handle_cycle(&cycle, now);
        }
        if self.steps.is_multiple_of(VELOCITY_EVERY) {
            self.velocity = (now, self.velocity_controller.velocity(&self.control.state()));
        }
        self.control.step(now, self.velocity);
        self.steps += 1;
    }

    /// Logs which limits have acted on which joints.
    pub(super) fn log_limits(&self) {
        for (name, counts) in JOINT_NAMES.iter().zip(self.control.safety().limited()) {
            for limit in Limit::ALL.into_iter().filter(|limit| counts.get(*limit) > 0) {
                tracing::info!("{name}: held to its {} limit in {} cycles", limit.name(), counts.get(limit));
            }
        }
    }

    /// Hands perception the estimate, the gait's mode and what the motors did.
    pub(super) fn publish_to(&mut self, pipeline: &mut PerceptionPipeline) {
        let control = &mut self.control;
        let status = control.status();
        pipeline.handle_mode(status.mode);
        pipeline.handle_motors(control.take_torque_peak(), control.missed_replies());
        pipeline.handle_estimate(&status.state, control.history());
    }

    /// Takes what the mission wants, and the path towards it.
    pub(super) fn follow(&mut self, wanted: &MissionOutput, path: Option<&[[f64; 2]]>, now: Stamp) {
        if let Some(mode) = wanted.gait
            && let Err(refused) = self.control.request(mode, now)
        {
            tracing::warn!("gait: {refused}");
        }
        self.velocity_controller.follow(wanted, path);
    }
}
