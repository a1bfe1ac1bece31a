//! Who may move the robot, and what he wants: the lease, `cmd_vel`, `motion/target`, standing up and lying down.

use planner::gait::Mode;
use planner::lease::Lease;
use r2r::adit_msgs::msg::MotionTarget;
use r2r::adit_msgs::srv::{AcquireLease, ReleaseLease};
use r2r::geometry_msgs::msg::Twist;
use r2r::std_srvs::srv::Trigger;
use r2r::{Node, QosProfile, ServiceRequest};
use robot_interface::state::VelocityCommand;
use robot_interface::time::Stamp;

use crate::realtime::{Orders, Target};
use crate::ros::convert;
use crate::ros::endpoint::{Inbox, outcome, respond};
use crate::ros::parameters::Declarations;

type Asked<S> = Inbox<ServiceRequest<S>>;

pub(super) struct Leading {
    lease: Lease,
    acquire: Asked<AcquireLease::Service>,
    release: Asked<ReleaseLease::Service>,
    stand_up: Asked<Trigger::Service>,
    lie_down: Asked<Trigger::Service>,
    targets: Inbox<MotionTarget>,
    cmd_vel: Inbox<Twist>,
    cmd_vel_topic: String,
    /// Why the last `cmd_vel` was refused; empty if it was not.
    refusal: String,
}

impl Leading {
    pub(super) fn new(node: &mut Node) -> r2r::Result<Self> {
        let namespace = node.namespace()?;
        Ok(Self {
            lease: Lease::default(),
            acquire: Inbox::service(node, "lease/acquire")?,
            release: Inbox::service(node, "lease/release")?,
            stand_up: Inbox::service(node, "robot/stand_up")?,
            lie_down: Inbox::service(node, "robot/lie_down")?,
            targets: Inbox::topic(node, "motion/target", QosProfile::default().keep_last(1))?,
            cmd_vel: Inbox::topic(node, "cmd_vel", QosProfile::default().keep_last(1))?,
            cmd_vel_topic: format!("{}/cmd_vel", namespace.trim_end_matches('/')),
            refusal: String::new(),
        })
    }

    /// Whoever holds the lease now.
    pub(super) fn owner(&self, now: Stamp) -> &str {
        self.lease.holder(now).map_or("", |holder| &holder.owner)
    }

    pub(super) fn refusal(&self) -> &str {
        if self.refusal.is_empty() { "ok" } else { &self.refusal }
    }

    /// Answers what is asked, and passes on what is admitted; without `orders` nothing is.
    pub(super) fn serve(
        &mut self,
        node: &Node,
        now: Stamp,
        parameters: &Declarations,
        mut orders: Option<&mut Orders>,
    ) {
        self.serve_lease(now);
        let mut order = |velocity, mode| match &mut orders {
            Some(orders) => orders.targets.push(Target { at: now, velocity, mode }).is_ok(),
            None => false,
        };
        while let Some(request) = self.stand_up.take() {
            let answer = if self.lease.holder(now).is_none() {
                Err("nobody holds the lease: take it by lease/acquire first".to_owned())
            } else if order(VelocityCommand::default(), Some(Mode::StandUp)) {
                Ok("rising; keep sending cmd_vel or it lies down again after 10 s")
            } else {
                Err("the bridge is not active".to_owned())
            };
            respond(request, outcome(answer));
        }
        while let Some(request) = self.lie_down.take() {
            // Anybody may: it is what makes the robot safe.
            let done = order(VelocityCommand::default(), Some(Mode::LieDown));
            let answer = if done { Ok("lying down") } else { Err("the bridge is not active".to_owned()) };
            respond(request, outcome(answer));
        }
        if let Some(target) = self.targets.newest() {
            match self.admitted(now, &target) {
                Ok((velocity, mode)) => drop(order(velocity, mode)),
                Err(refusal) => tracing::warn!("motion/target is refused: {refusal}"),
            }
        }
        if let Some(twist) = self.cmd_vel.newest() {
            match self.manual(node, now, parameters, &twist) {
                Ok(velocity) => {
                    self.refusal.clear();
                    order(velocity, None);
                }
                Err(refusal) => {
                    if self.refusal != refusal {
                        tracing::warn!("cmd_vel is refused: {refusal}");
                    }
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

    fn admitted(&self, now: Stamp, target: &MotionTarget) -> Result<(VelocityCommand, Option<Mode>), String> {
        if !self.lease.admits(now, &target.token) {
            let owner = self.owner(now);
            let whose = if owner.is_empty() {
                "nobody holds the lease".to_owned()
            } else {
                format!("`{owner}` holds the lease")
            };
            return Err(format!("{whose}: take it by lease/acquire and send its token"));
        }
        let mode = match target.mode.as_str() {
            "" => None,
            "stand_up" => Some(Mode::StandUp),
            "lie_down" => Some(Mode::LieDown),
            other => return Err(format!("mode `{other}` is not known: stand_up, lie_down, or empty")),
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
        let publishers = node.get_publishers_info_by_topic(&self.cmd_vel_topic, false);
        let publishers = publishers.map_err(|e| format!("its senders cannot be told: {e}"))?;
        for sender in &publishers {
            let full = format!("{}/{}", sender.node_namespace.trim_end_matches('/'), sender.node_name);
            if sender.node_name != *owner && full != *owner {
                return Err(format!(
                    "`{}` sends it too, but `{owner}` holds the lease: stop one of them",
                    sender.node_name
                ));
            }
        }
        let wanted = convert::velocity(twist).map_err(|e| e.to_string())?;
        let (speed, turn) = (parameters.get("manual_speed_m_s"), parameters.get("manual_turn_rad_s"));
        Ok(VelocityCommand {
            vx_m_s: wanted.vx_m_s.max(-speed).min(speed),
            vy_m_s: wanted.vy_m_s.max(-speed).min(speed),
            wz_rad_s: wanted.wz_rad_s.max(-turn).min(turn),
        })
    }
}
