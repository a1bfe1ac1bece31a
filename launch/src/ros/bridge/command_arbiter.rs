//! Arbiter of commands: the lease, and `motion/target`, `cmd_vel`, standing up and lying down of its holder alone.

use r2r::adit_msgs::msg::MotionTarget;
use r2r::adit_msgs::srv::{AcquireLease, ReleaseLease};
use r2r::geometry_msgs::msg::Twist;
use r2r::std_srvs::srv::Trigger;
use r2r::{Node, ServiceRequest};
use recording::topics;
use robot_interface::state::VelocityCommand;
use robot_interface::status::GaitMode;
use robot_interface::time::Stamp;
use stack::authority::estop::StopLevel;
use stack::authority::failsafe::HoldReason;
use stack::authority::lease::Lease;

use crate::ros::convert;
use crate::ros::endpoint::{Inbox, outcome, respond};
use crate::ros::parameters::Declarations;
use crate::ros::sender_check::SenderCheck;
use crate::ros::throttled_log::ThrottledLog;
use stack::realtime::{ControlHandle, ControlReport, Target};

type Asked<S> = Inbox<ServiceRequest<S>>;

pub(super) struct CommandArbiter {
    lease: Lease,
    acquire: Asked<AcquireLease::Service>,
    release: Asked<ReleaseLease::Service>,
    stand_up: Asked<Trigger::Service>,
    lie_down: Asked<Trigger::Service>,
    targets: Inbox<MotionTarget>,
    cmd_vel: Inbox<Twist>,
    cmd_vel_senders: SenderCheck,
    /// Reason for which the last `cmd_vel` was refused; empty if it was not.
    refusal: String,
    refused: ThrottledLog,
    refused_target: ThrottledLog,
}

impl CommandArbiter {
    pub(super) fn new(node: &mut Node) -> r2r::Result<Self> {
        Ok(Self {
            lease: Lease::default(),
            acquire: Inbox::service(node, "lease/acquire")?,
            release: Inbox::service(node, "lease/release")?,
            stand_up: Inbox::service(node, "robot/stand_up")?,
            lie_down: Inbox::service(node, "robot/lie_down")?,
            targets: Inbox::topic(node, &topics::MOTION_TARGET)?,
            cmd_vel: Inbox::topic(node, &topics::CMD_VEL)?,
            cmd_vel_senders: SenderCheck::new(node, &topics::CMD_VEL)?,
            refusal: String::new(),
            refused: ThrottledLog::default(),
            refused_target: ThrottledLog::default(),
        })
    }

    /// Whoever holds the lease now.
    pub(super) fn owner(&self, now: Stamp) -> &str {
        self.lease.holder(now).map_or("", |holder| &holder.owner)
    }

    pub(super) fn refusal(&self) -> &str {
        if self.refusal.is_empty() { "ok" } else { &self.refusal }
    }

    /// Answers what is asked, and passes on what is admitted; without `handle` nothing is. `latest` is what the control
    /// loop has said of itself just now.
    pub(super) fn serve(
        &mut self,
        node: &Node,
        now: Stamp,
        parameters: &Declarations,
        mut handle: Option<&mut ControlHandle>,
        latest: Option<&ControlReport>,
        stop: StopLevel,
    ) {
        self.serve_lease(now);
        let mut order = |velocity, mode| match &mut handle {
            Some(handle) => handle.targets.push(Target { at: now, velocity, mode }).is_ok(),
            None => false,
        };
        while let Some(request) = self.stand_up.take() {
            let answer = if self.lease.holder(now).is_none() {
                Err("nobody holds the lease: take it by lease/acquire first".to_owned())
            } else if let Err(reason) = may_rise(latest, stop) {
                Err(reason)
            } else if order(VelocityCommand::default(), Some(GaitMode::StandUp)) {
                Ok("rising; keep sending cmd_vel or it lies down again after 10 s")
            } else {
                Err("the bridge is not active".to_owned())
            };
            respond(request, outcome(answer));
        }
        while let Some(request) = self.lie_down.take() {
            // Anybody may: it is what makes the robot safe.
            let done = order(VelocityCommand::default(), Some(GaitMode::LieDown));
            let answer = if done { Ok("lying down") } else { Err("the bridge is not active".to_owned()) };
            respond(request, outcome(answer));
        }
        if let Some(target) = self.targets.newest() {
            match self.admitted(now, &target) {
                Ok((velocity, mode)) => drop(order(velocity, mode)),
                Err(refusal) => {
                    self.refused_target.warn(now, format_args!("motion/target is refused: {refusal}"));
                }
            }
        }
        if let Some(twist) = self.cmd_vel.newest() {
            match self.manual(node, now, parameters, &twist) {
                Ok(velocity) => {
                    self.refusal.clear();
                    order(velocity, None);
                }
                Err(refusal) => {
                    self.refused.warn(now, format_args!("cmd_vel is refused: {refusal}"));
                    self.refusal = refusal;
                }
            }
        }
    }

    fn serve_lease(&mut self, now: Stamp) {
        while let Some(request) = self.acquire.take() {
            let asked = &request.message;
            let fresh = || format!("{:016x}", rand::random::<u64>());
            let answer = match self.lease.acquire(now, &asked.owner, &asked.token, asked.duration_s, fresh) {
                Ok(holder) => AcquireLease::Response {
                    granted: true,
                    owner: holder.owner.clone(),
                    token: holder.token.clone(),
                    expires_in_s: holder.expires.seconds_since(now),
                    message: "granted".to_owned(),
                },
                Err(refused) => AcquireLease::Response {
                    owner: self.owner(now).to_owned(),
                    message: refused.to_string(),
                    ..AcquireLease::Response::default()
                },
            };
            respond(request, answer);
        }
        while let Some(request) = self.release.take() {
            let released = self.lease.release(now, &request.message.token);
            let message = if released { "released" } else { "this token holds no lease" };
            respond(request, ReleaseLease::Response { released, message: message.to_owned() });
        }
    }

    fn admitted(
        &self,
        now: Stamp,
        target: &MotionTarget,
    ) -> Result<(VelocityCommand, Option<GaitMode>), String> {
        if !self.lease.admits(now, &target.token) {
            let owner = self.owner(now);
            let whose = if owner.is_empty() {
                "nobody holds the lease".to_owned()
            } else {
                format!("`{owner}` holds the lease")
            };
            return Err(format!("{whose}: take it by lease/acquire and send its token"));
        }
        let mode = match (target.mode, GaitMode::try_from(target.mode)) {
            (0, _) => None,
            (_, Ok(mode @ (GaitMode::StandUp | GaitMode::LieDown))) => Some(mode),
            (other, _) => {
                return Err(format!("mode {other} cannot be asked for: stand up, lie down, or none"));
            }
        };
        let velocity = convert::velocity(&target.twist).map_err(|e| e.to_string())?;
        Ok((velocity, mode))
    }

    fn manual(
        &self,
        node: &Node,
        now: Stamp,
        parameters: &Declarations,
        twist: &Twist,
    ) -> Result<VelocityCommand, String> {
        let holder = self.lease.holder(now);
        let owner = &holder.ok_or("nobody holds the lease: take it by lease/acquire")?.owner;
        self.cmd_vel_senders.sent_by(node, owner)?;
        let wanted = convert::velocity(twist).map_err(|e| e.to_string())?;
        let (speed, turn) = (parameters.get("manual_speed_m_s"), parameters.get("manual_turn_rad_s"));
        Ok(VelocityCommand {
            vx_m_s: wanted.vx_m_s.max(-speed).min(speed),
            vy_m_s: wanted.vy_m_s.max(-speed).min(speed),
            wz_rad_s: wanted.wz_rad_s.max(-turn).min(turn),
        })
    }
}

/// Checks that the control loop would let the robot rise.
fn may_rise(latest: Option<&ControlReport>, stop: StopLevel) -> Result<(), String> {
    if stop != StopLevel::None {
        return Err(HoldReason::Estopped.to_string());
    }
    let report = latest.ok_or("the control loop says nothing: see the bridge's diagnostics")?;
    if let Some(trip) = report.trip {
        return Err(format!("{trip}; then robot/clear_fault"));
    }
    match report.hold {
        // A request is a target, and a stop that has just been reset is no longer one.
        None | Some(HoldReason::NoTarget | HoldReason::Estopped) => {}
        Some(hold) => return Err(hold.to_string()),
    }
    if report.status.ready {
        return Ok(());
    }
    Err("the state estimate is not ready: let the robot lie still for a second, with all motors and the inertial sensor \
         answering"
        .to_owned())
}
