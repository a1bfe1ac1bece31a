//! Services of missions, and the action with its goal and cancellation.

use r2r::adit_msgs::action::RunMission;
use r2r::std_srvs::srv::Trigger;
use r2r::{ActionServerGoalRequest, Node, ServiceRequest};
use robot_interface::status::MissionOrder;

use super::goal::Goal;
use super::mission_executor::MissionExecutor;
use crate::ros::endpoint::{Inbox, outcome, respond};

type Asked = Inbox<ServiceRequest<Trigger::Service>>;

/// A mission is to begin.
pub(super) struct Begin {
    pub(super) goal: Option<Goal>,
}

pub(super) struct MissionServices {
    start: Asked,
    orders: [(Asked, MissionOrder, &'static str); 4],
    goals: Inbox<ActionServerGoalRequest<RunMission::Action>>,
}

impl MissionServices {
    pub(super) fn new(node: &mut Node) -> r2r::Result<Self> {
        let goals = node.create_action_server::<RunMission::Action>("mission/run")?;
        Ok(Self {
            start: Inbox::service(node, "mission/start")?,
            orders: [
                (
                    Inbox::service(node, "mission/pause")?,
                    MissionOrder::Pause,
                    "the robot waits where it stands",
                ),
                (Inbox::service(node, "mission/resume")?, MissionOrder::Resume, "the mission goes on"),
                (
                    Inbox::service(node, "mission/abort")?,
                    MissionOrder::Stop,
                    "the robot lies down where it is",
                ),
                (Inbox::service(node, "mission/return_home")?, MissionOrder::GoHome, "the robot comes home"),
            ],
            goals: Inbox::from(Box::new(goals) as Box<_>),
        })
    }

    /// Answers what is asked; a mission to begin, if one is.
    pub(super) fn serve(
        &mut self,
        active: bool,
        name: &str,
        mut executor: Option<&mut MissionExecutor>,
    ) -> Option<Begin> {
        let mut begin = None;
        for (inbox, order, effect) in &mut self.orders {
            while let Some(request) = inbox.take() {
                let answer = match &mut executor {
                    Some(executor) => executor.order(*order).map(|()| *effect),
                    None => Err("no mission is under way: start one by mission/start".to_owned()),
                };
                respond(request, outcome(answer));
            }
        }
        while let Some(request) = self.start.take() {
            let answer = may_begin(active, executor.is_some() || begin.is_some());
            if answer.is_ok() {
                begin = Some(Begin { goal: None });
            }
            respond(request, outcome(answer.map(|()| "the mission begins")));
        }
        while let Some(request) = self.goals.take() {
            let wanted = request.goal.mission.clone();
            let answer = may_begin(active, executor.is_some() || begin.is_some()).and_then(|()| {
                let same = wanted.is_empty() || wanted == name;
                same.then_some(())
                    .ok_or_else(|| format!("the stack was started with the mission `{name}`, not `{wanted}`"))
            });
            match answer {
                Ok(()) => match request.accept() {
                    Ok((handle, cancels)) => {
                        let cancels = Inbox::from(Box::new(cancels) as Box<_>);
                        begin = Some(Begin { goal: Some(Goal { handle, cancels }) });
                    }
                    Err(error) => tracing::warn!("mission/run: a goal could not be accepted: {error}"),
                },
                Err(refusal) => {
                    tracing::warn!("mission/run: a goal is rejected: {refusal}");
                    if let Err(error) = request.reject() {
                        tracing::warn!("mission/run: {error}");
                    }
                }
            }
        }
        begin
    }
}

fn may_begin(active: bool, busy: bool) -> Result<(), String> {
    if !active {
        Err("the planner is not active: activate the node".to_owned())
    } else if busy {
        Err("a mission is under way: wait for its end, or abort it by mission/abort".to_owned())
    } else {
        Ok(())
    }
}
