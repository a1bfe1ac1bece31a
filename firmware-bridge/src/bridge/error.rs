//! Refusals of a wiring.

/// Reason for which a robot's motors cannot be driven.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum BridgeError {
    /// An address that a motor cannot have.
    #[error("{joint}: motor id {id} is not possible: with this protocol ids go from {least} to {most}")]
    Id {
        /// The joint's name.
        joint: &'static str,
        /// The id.
        id: u8,
        /// The least that is possible.
        least: u8,
        /// The greatest that is possible.
        most: u8,
    },
    /// A protocol whose numbers depend on the motor's model, and no model that is known.
    #[error(
        "[motors] model is missing or not known: with protocol `damiao` give the vendor's name, such as DM4310"
    )]
    Model,
    /// A bus number that leaves gaps.
    #[error("{joint}: bus {bus} is out of order: number the buses from 0 without gaps")]
    Bus {
        /// The joint's name.
        joint: &'static str,
        /// The bus.
        bus: usize,
    },
    /// A limit that the frame cannot carry.
    #[error(
        "{joint}: {quantity} of {value} at the rotor does not fit the frame (at most {most}): check gear_ratio and limits"
    )]
    Range {
        /// The joint's name.
        joint: &'static str,
        /// The limit that does not fit.
        quantity: &'static str,
        /// Rotor-side value.
        value: f64,
        /// The most that the frame carries.
        most: f64,
    },
    /// More motors than one microcontroller can have.
    #[error("bus {bus}: {motors} motors, and one bus has at most {most}: spread them over more buses")]
    Crowded {
        /// The bus.
        bus: usize,
        /// Motors on it.
        motors: usize,
        /// The most that are possible.
        most: usize,
    },
    /// More motors than the cycle has time for.
    #[error(
        "bus {bus}: {motors} motors do not fit a cycle of {cycle_nanos} ns: spread them over more buses or slow the cycle"
    )]
    Overloaded {
        /// The bus.
        bus: usize,
        /// Motors on it.
        motors: usize,
        /// The cycle, ns.
        cycle_nanos: u64,
    },
    /// A whole robot, where single motors are needed.
    #[error("the robot is reached over its network and has no motor buses: see `adit robot`")]
    Networked,
}
