//! Goals of the action that walks a mission.

use r2r::adit_msgs::action::RunMission;
use r2r::{ActionServerCancelRequest, ActionServerGoal};

use crate::ros::endpoint::Inbox;

/// An accepted goal.
pub(super) struct Goal {
    pub(super) handle: ActionServerGoal<RunMission::Action>,
    pub(super) cancels: Inbox<ActionServerCancelRequest>,
}
