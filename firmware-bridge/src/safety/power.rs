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

use super::trip::Trip;

/// Power state: what the motors may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Power {
    /// Nothing has been asked for yet: as [`Damped`](Self::Damped).
    Off,
    /// Joints resist motion; nothing is held.
    Damped,
    /// Joints are held and moved between poses.
    Standing,
    /// Anything within the limits.
    Active,
    /// Damped, and refusing everything until the fault is cleared.
    Faulted,
}

/// An event that can change the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// Somebody asks for a state.
    Request(Power),
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
    pub from: Power,
    /// The event that changes it.
    pub on: Event,
    /// The state after.
    pub to: Power,
}

/// Every transition there is. What is not here does not happen.
pub const TRANSITIONS: [Transition; 18] = [
    Transition { from: Power::Off, on: Event::Request(Power::Damped), to: Power::Damped },
    Transition { from: Power::Damped, on: Event::Request(Power::Off), to: Power::Off },
    Transition { from: Power::Damped, on: Event::Request(Power::Standing), to: Power::Standing },
    Transition { from: Power::Standing, on: Event::Request(Power::Damped), to: Power::Damped },
    Transition { from: Power::Standing, on: Event::Request(Power::Active), to: Power::Active },
    Transition { from: Power::Active, on: Event::Request(Power::Standing), to: Power::Standing },
    Transition { from: Power::Active, on: Event::Request(Power::Damped), to: Power::Damped },
    Transition { from: Power::Faulted, on: Event::Request(Power::Off), to: Power::Off },
    Transition { from: Power::Off, on: Event::Trip, to: Power::Faulted },
    Transition { from: Power::Damped, on: Event::Trip, to: Power::Faulted },
    Transition { from: Power::Standing, on: Event::Trip, to: Power::Faulted },
    Transition { from: Power::Active, on: Event::Trip, to: Power::Faulted },
    Transition { from: Power::Off, on: Event::Cut, to: Power::Off },
    Transition { from: Power::Damped, on: Event::Cut, to: Power::Damped },
    Transition { from: Power::Standing, on: Event::Cut, to: Power::Damped },
    Transition { from: Power::Active, on: Event::Cut, to: Power::Damped },
    Transition { from: Power::Faulted, on: Event::Cut, to: Power::Faulted },
    Transition { from: Power::Faulted, on: Event::Clear, to: Power::Damped },
];

impl Power {
    /// All states.
    pub const ALL: [Self; 5] = [Self::Off, Self::Damped, Self::Standing, Self::Active, Self::Faulted];

    /// The state after an event; `None` if the event cannot happen here.
    pub fn after(self, event: Event) -> Option<Self> {
        let row = TRANSITIONS.iter().find(|row| row.from == self && row.on == event);
        match (row, event) {
            (Some(row), _) => Some(row.to),
            (None, Event::Request(to)) if to == self => Some(self),
            (None, _) => None,
        }
    }

    /// Its name in messages and logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Damped => "damped",
            Self::Standing => "standing",
            Self::Active => "active",
            Self::Faulted => "faulted",
        }
    }
}

/// A state was asked for that cannot be had now.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum PowerRefused {
    /// It does not follow the present one.
    #[error("{} cannot follow {}: the states are passed in the order off, damped, standing, active", to.name(), from.name())]
    Order {
        /// The present state.
        from: Power,
        /// The state that was asked for.
        to: Power,
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
        let request = |from: Power, to| from.after(Event::Request(to));
        for from in [Power::Off, Power::Damped, Power::Faulted] {
            assert_eq!(request(from, Power::Active), None, "{from:?}");
        }
        assert_eq!(request(Power::Active, Power::Damped), Some(Power::Damped));
        assert_eq!(request(Power::Active, Power::Active), Some(Power::Active), "it is there already");
    }

    /// No event but clearing leads out of Faulted, other than to where nothing is driven.
    #[test]
    fn a_fault_is_left_by_clearing_only() {
        for Transition { from, on: event, to } in TRANSITIONS {
            if from == Power::Faulted {
                assert!(event == Event::Clear || matches!(to, Power::Faulted | Power::Off), "{event:?}");
            }
        }
    }

    #[test]
    fn every_state_knows_a_trip_and_a_cut_and_neither_leads_to_more() {
        for from in Power::ALL {
            assert!(from == Power::Faulted || from.after(Event::Trip) == Some(Power::Faulted));
            let cut = from.after(Event::Cut).expect("an emergency stop works everywhere");
            assert!(!matches!(cut, Power::Standing | Power::Active));
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
