//! The life of a node as ROS 2 defines it (design.ros2.org, "Managed nodes"): which state follows which transition.
//! r2r has no lifecycle nodes; the services are spoken here by their messages.

use r2r::lifecycle_msgs::msg::{
    State as StateMsg, Transition as TransitionMsg, TransitionDescription, TransitionEvent,
};
use r2r::lifecycle_msgs::srv::{ChangeState, GetAvailableStates, GetAvailableTransitions, GetState};
use r2r::{Node, Publisher, QosProfile, ServiceRequest};

use super::endpoint::{Inbox, respond};

/// A primary state; its number is that of `lifecycle_msgs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Unconfigured = 1,
    Inactive = 2,
    Active = 3,
    Finalized = 4,
}

/// A transition; its number is that of `lifecycle_msgs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transition {
    Configure = 1,
    Cleanup = 2,
    Activate = 3,
    Deactivate = 4,
    UnconfiguredShutdown = 5,
    InactiveShutdown = 6,
    ActiveShutdown = 7,
}

impl State {
    const ALL: [Self; 4] = [Self::Unconfigured, Self::Inactive, Self::Active, Self::Finalized];

    const fn label(self) -> &'static str {
        match self {
            Self::Unconfigured => "unconfigured",
            Self::Inactive => "inactive",
            Self::Active => "active",
            Self::Finalized => "finalized",
        }
    }

    fn message(self) -> StateMsg {
        StateMsg { id: self as u8, label: self.label().to_owned() }
    }
}

/// `(from, transition, name, to)`.
const TABLE: &[(State, Transition, &str, State)] = &[
    (State::Unconfigured, Transition::Configure, "configure", State::Inactive),
    (State::Inactive, Transition::Cleanup, "cleanup", State::Unconfigured),
    (State::Inactive, Transition::Activate, "activate", State::Active),
    (State::Active, Transition::Deactivate, "deactivate", State::Inactive),
    (State::Unconfigured, Transition::UnconfiguredShutdown, "shutdown", State::Finalized),
    (State::Inactive, Transition::InactiveShutdown, "shutdown", State::Finalized),
    (State::Active, Transition::ActiveShutdown, "shutdown", State::Finalized),
];

/// Returns what follows when a transition is asked for by its number, or by its name where the number is 0.
pub(crate) fn follows(from: State, id: u8, label: &str) -> Option<(Transition, State)> {
    TABLE
        .iter()
        .find(|(state, t, name, _)| *state == from && if id == 0 { *name == label } else { *t as u8 == id })
        .map(|(_, transition, _, to)| (*transition, *to))
}

fn description((from, transition, label, to): &(State, Transition, &str, State)) -> TransitionDescription {
    TransitionDescription {
        transition: TransitionMsg { id: *transition as u8, label: (*label).to_owned() },
        start_state: from.message(),
        goal_state: to.message(),
    }
}

/// The services of one node's life.
pub(crate) struct Services {
    change: Inbox<ServiceRequest<ChangeState::Service>>,
    get: Inbox<ServiceRequest<GetState::Service>>,
    states: Inbox<ServiceRequest<GetAvailableStates::Service>>,
    transitions: Inbox<ServiceRequest<GetAvailableTransitions::Service>>,
    graph: Inbox<ServiceRequest<GetAvailableTransitions::Service>>,
    events: Publisher<TransitionEvent>,
    /// A transition under way, with whoever waits for it.
    pending: Option<(ServiceRequest<ChangeState::Service>, Transition, State)>,
}

impl Services {
    pub(crate) fn new(node: &mut Node, name: &str) -> r2r::Result<Self> {
        let service = |what: &str| format!("{name}/{what}");
        Ok(Self {
            change: Inbox::service(node, &service("change_state"))?,
            get: Inbox::service(node, &service("get_state"))?,
            states: Inbox::service(node, &service("get_available_states"))?,
            transitions: Inbox::service(node, &service("get_available_transitions"))?,
            graph: Inbox::service(node, &service("get_transition_graph"))?,
            events: node.create_publisher(&service("transition_event"), QosProfile::default())?,
            pending: None,
        })
    }

    /// Answers what is asked; `change` carries out a transition and says whether it worked, or `None` while it is under
    /// way: then it is called again the next time, and the state stays what it was until it has worked.
    pub(crate) fn serve(&mut self, state: State, change: impl FnOnce(Transition, State) -> Option<bool>) {
        while let Some(request) = self.get.take() {
            respond(request, GetState::Response { current_state: state.message() });
        }
        while let Some(request) = self.states.take() {
            let available_states = State::ALL.map(State::message).to_vec();
            respond(request, GetAvailableStates::Response { available_states });
        }
        while let Some(request) = self.transitions.take() {
            let here = TABLE.iter().filter(|(from, ..)| *from == state);
            let available_transitions = here.map(description).collect();
            respond(request, GetAvailableTransitions::Response { available_transitions });
        }
        while let Some(request) = self.graph.take() {
            let available_transitions = TABLE.iter().map(description).collect();
            respond(request, GetAvailableTransitions::Response { available_transitions });
        }
        // One a time: the next one is judged by the state that this one leads to.
        if self.pending.is_none()
            && let Some(request) = self.change.take()
        {
            let wanted = &request.message.transition;
            match follows(state, wanted.id, &wanted.label) {
                Some((transition, to)) => self.pending = Some((request, transition, to)),
                None => {
                    tracing::warn!(
                        "no transition {} `{}` from {}: ask get_available_transitions",
                        wanted.id,
                        wanted.label,
                        state.label()
                    );
                    respond(request, ChangeState::Response { success: false });
                }
            }
        }
        if let Some((request, transition, to)) = self.pending.take() {
            match change(transition, to) {
                Some(success) => respond(request, ChangeState::Response { success }),
                None => self.pending = Some((request, transition, to)),
            }
        }
    }

    /// Tells of a transition that has been carried out.
    pub(crate) fn tell(&self, transition: Transition, from: State, to: State) {
        let event = TransitionEvent {
            transition: TransitionMsg { id: transition as u8, label: String::new() },
            start_state: from.message(),
            goal_state: to.message(),
            ..TransitionEvent::default()
        };
        if let Err(error) = self.events.publish(&event) {
            tracing::warn!("transition_event: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transitions_are_found_by_number_and_by_name() {
        use State::{Active, Finalized, Inactive, Unconfigured};
        let cases = [
            (Unconfigured, 1, "", Some(Inactive)),
            (Unconfigured, 0, "configure", Some(Inactive)),
            (Unconfigured, 3, "", None),
            (Inactive, 3, "", Some(Active)),
            (Active, 4, "", Some(Inactive)),
            (Active, 0, "shutdown", Some(Finalized)),
            (Active, 5, "", None),
            (Finalized, 1, "", None),
            (Inactive, 99, "activate", None),
        ];
        for (from, id, label, to) in cases {
            assert_eq!(follows(from, id, label).map(|(_, to)| to), to, "{from:?} {id} {label}");
        }
    }
}
