//! Power states, with one table of transitions.
//!
//! | state    | physically                                                                            |
//! |----------|---------------------------------------------------------------------------------------|
//! | Off      | nothing has been asked for yet: as Damped                                             |
//! | Damped   | joints resist motion and give way slowly; nothing is held                              |
//! | Standing | joints are held and moved between poses: rising, standing, lying down                  |
//! | Active   | whatever the gait commands, within the limits                                          |
//! | Faulted  | as Damped, until the fault is gone and somebody has cleared it                         |
//!
//! The transitions are [`TRANSITIONS`]; docs/safety.md draws them.

use robot_interface::status::PowerState;

use super::trip::Trip;

/// An event that can change the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// Somebody asks for a state.
    Request(PowerState),
    /// A joint's trouble that cannot wait, or that lasted until the robot lay.
    Trip,
    /// The emergency stop.
    Cut,
    /// Somebody has looked at the fault, and it is gone.
    Clear,
}

/// A change of the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transition {
    /// The state before.
    pub from: PowerState,
    /// The event that changes it.
    pub on: Event,
    /// The state after.
    pub to: PowerState,
}

/// Every transition there is. What is not here does not happen.
pub const TRANSITIONS: [Transition; 18] = [
    Transition { from: PowerState::Off, on: Event::Request(PowerState::Damped), to: PowerState::Damped },
    Transition { from: PowerState::Damped, on: Event::Request(PowerState::Off), to: PowerState::Off },
    Transition {
        from: PowerState::Damped,
        on: Event::Request(PowerState::Standing),
        to: PowerState::Standing,
    },
    Transition { from: PowerState::Standing, on: Event::Request(PowerState::Damped), to: PowerState::Damped },
    Transition { from: PowerState::Standing, on: Event::Request(PowerState::Active), to: PowerState::Active },
    Transition {
        from: PowerState::Active,
        on: Event::Request(PowerState::Standing),
        to: PowerState::Standing,
    },
    Transition { from: PowerState::Active, on: Event::Request(PowerState::Damped), to: PowerState::Damped },
    Transition { from: PowerState::Faulted, on: Event::Request(PowerState::Off), to: PowerState::Off },
    Transition { from: PowerState::Off, on: Event::Trip, to: PowerState::Faulted },
    Transition { from: PowerState::Damped, on: Event::Trip, to: PowerState::Faulted },
    Transition { from: PowerState::Standing, on: Event::Trip, to: PowerState::Faulted },
    Transition { from: PowerState::Active, on: Event::Trip, to: PowerState::Faulted },
    Transition { from: PowerState::Off, on: Event::Cut, to: PowerState::Off },
    Transition { from: PowerState::Damped, on: Event::Cut, to: PowerState::Damped },
    Transition { from: PowerState::Standing, on: Event::Cut, to: PowerState::Damped },
    Transition { from: PowerState::Active, on: Event::Cut, to: PowerState::Damped },
    Transition { from: PowerState::Faulted, on: Event::Cut, to: PowerState::Faulted },
    Transition { from: PowerState::Faulted, on: Event::Clear, to: PowerState::Damped },
];

/// Returns the state after an event; `None` if the event cannot happen in `state`.
pub fn after(state: PowerState, event: Event) -> Option<PowerState> {
    let row = TRANSITIONS.iter().find(|row| row.from == state && row.on == event);
    match (row, event) {
        (Some(row), _) => Some(row.to),
        (None, Event::Request(to)) if to == state => Some(state),
        (None, _) => None,
    }
}

/// A state was asked for that cannot be had now.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum PowerRefused {
    /// It does not follow the present one.
    #[error("{} cannot follow {}: the states are passed in the order off, damped, standing, active", to.name(), from.name())]
    Order {
        /// The present state.
        from: PowerState,
        /// The state that was asked for.
        to: PowerState,
    },
    /// A fault has not been cleared.
    #[error("faulted: {0}; then clear the fault")]
    Faulted(Trip),
    /// The cause of the fault is still there.
    #[error("the fault cannot be cleared yet: {0}")]
    Persists(Trip),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_drawing_shows_each_transition_and_no_other() {
        let drawn: Vec<_> = include_str!("../../../docs/safety.md")
            .lines()
            .map(str::trim)
            .filter(|line| line.contains(" --> ") && !line.starts_with("[*]"))
            .collect();
        let told = TRANSITIONS.map(|Transition { from, on: event, to }| {
            let on = match event {
                Event::Request(_) => "request",
                Event::Trip => "trip",
                Event::Cut => "cut",
                Event::Clear => "clear",
            };
            format!("{} --> {}: {on}", from.name(), to.name())
        });
        assert_eq!(drawn.len(), told.len());
        assert!(told.iter().all(|line| drawn.contains(&line.as_str())), "{told:?}");
    }

    #[test]
    fn active_is_reached_step_by_step_and_left_at_once() {
        let request = |from: PowerState, to| after(from, Event::Request(to));
        for from in [PowerState::Off, PowerState::Damped, PowerState::Faulted] {
            assert_eq!(request(from, PowerState::Active), None, "{from:?}");
        }
        assert_eq!(request(PowerState::Active, PowerState::Damped), Some(PowerState::Damped));
        assert_eq!(
            request(PowerState::Active, PowerState::Active),
            Some(PowerState::Active),
            "it is there already"
        );
    }

    /// No event but clearing leads out of Faulted, other than to where nothing is driven.
    #[test]
    fn a_fault_is_left_by_clearing_only() {
        for Transition { from, on: event, to } in TRANSITIONS {
            if from == PowerState::Faulted {
                assert!(
                    event == Event::Clear || matches!(to, PowerState::Faulted | PowerState::Off),
                    "{event:?}"
                );
            }
        }
    }

    #[test]
    fn every_state_knows_a_trip_and_a_cut_and_neither_leads_to_more() {
        for from in PowerState::ALL {
            assert!(from == PowerState::Faulted || after(from, Event::Trip) == Some(PowerState::Faulted));
            let cut = after(from, Event::Cut).expect("an emergency stop works everywhere");
            assert!(!matches!(cut, PowerState::Standing | PowerState::Active));
        }
    }

    #[test]
    fn the_table_has_one_answer_to_each_event() {
        for (i, Transition { from, on: event, .. }) in TRANSITIONS.iter().enumerate() {
            assert!(
                TRANSITIONS[i + 1..].iter().all(|other| (&other.from, &other.on) != (from, event)),
                "{from:?} {event:?}"
            );
        }
    }
}
