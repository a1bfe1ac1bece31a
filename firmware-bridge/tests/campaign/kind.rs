//! What can go wrong in an episode: one kind each, or everything at once.

use firmware_bridge::port::PortFault;

/// One row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Nothing but the controller's own nonsense.
    Nothing,
    /// The port's.
    Port(PortFault),
    /// A motor loses power and comes back, its turns forgotten.
    Restart,
    /// A motor neither hears nor answers for a while.
    Silent,
    /// A motor complains.
    Complaint,
    /// A motor gets hot.
    Heat,
    /// A port vanishes and comes back under its own name.
    Replugged,
    /// A port vanishes and comes back as another device, behind the same link.
    Renumbered,
    /// All of these.
    Everything,
}

/// How much of a kind an episode has: a port's share of calls struck, or a far end's share of cycles.
const PORT_RATE: f64 = 0.05;
const FAR_RATE: f64 = 0.02;
/// Shares when everything happens at once.
const MIXED: f64 = 0.3;

impl Kind {
    /// In the order of the table.
    pub(crate) const ALL: [Self; 17] = [
        Self::Nothing,
        Self::Port(PortFault::Flipped),
        Self::Port(PortFault::LostByte),
        Self::Port(PortFault::LostWrite),
        Self::Port(PortFault::Late),
        Self::Port(PortFault::Repeated),
        Self::Port(PortFault::Echoed),
        Self::Port(PortFault::Renamed),
        Self::Port(PortFault::Noise),
        Self::Port(PortFault::Closed),
        Self::Restart,
        Self::Silent,
        Self::Complaint,
        Self::Heat,
        Self::Replugged,
        Self::Renumbered,
        Self::Everything,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Port(PortFault::Flipped) => "bits flipped",
            Self::Port(PortFault::LostByte) => "bytes lost",
            Self::Port(PortFault::LostWrite) => "writes lost",
            Self::Port(PortFault::Late) => "held back",
            Self::Port(PortFault::Repeated) => "repeated",
            Self::Port(PortFault::Echoed) => "echoed",
            Self::Port(PortFault::Renamed) => "another's name",
            Self::Port(PortFault::Noise) => "noise",
            Self::Port(PortFault::Closed) => "port closed",
            Self::Restart => "motor restarts",
            Self::Silent => "motor silent",
            Self::Complaint => "motor complains",
            Self::Heat => "motor hot",
            Self::Replugged => "replugged",
            Self::Renumbered => "renumbered",
            Self::Everything => "everything",
        }
    }

    /// The share of its calls that a port's fault strikes.
    pub(crate) fn port_rate(self, fault: PortFault) -> f64 {
        match self {
            Self::Port(own) if own == fault => PORT_RATE,
            Self::Everything => PORT_RATE * MIXED,
            _ => 0.0,
        }
    }

    /// The share of the cycles in which another kind happens at the far end.
    pub(crate) fn far_rate(self, kind: Self) -> f64 {
        match self {
            own if own == kind => FAR_RATE,
            Self::Everything => FAR_RATE * MIXED,
            _ => 0.0,
        }
    }
}
