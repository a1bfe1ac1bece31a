//! The mission as a table.

/// Where a mission stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Lying at the start, waiting for the estimator.
    Idle,
    /// Rising.
    StandUp,
    /// Walking to the next station.
    Go,
    /// Standing at a station, looking.
    Inspect,
    /// Backing away from where it got stuck on the way out.
    BackUpOut,
    /// Walking home.
    Return,
    /// Backing away from where it got stuck on the way home.
    BackUpHome,
    /// Sinking onto the belly.
    LieDown,
    /// Over, one way or the other.
    Done,
}

/// What can happen to a mission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The estimator has found its footing.
    Ready,
    /// The robot stands and can walk.
    Standing,
    /// The station, or home, is reached.
    Arrived,
    /// Looked long enough; another station follows.
    Looked,
    /// Looked long enough at the last station.
    LastLooked,
    /// No progress for a while.
    Stuck,
    /// Backed away far enough.
    BackedUp,
    /// No progress, and backing up did not help.
    StuckForGood,
    /// The time is up.
    Timeout,
    /// The time is long up.
    Overdue,
    /// The operator wants it to stop.
    Stop,
    /// On its belly, motors damped.
    Lying,
    /// The robot fell.
    Fell,
}

/// What follows what: `(phase, event, next phase)`. What is not here changes nothing.
#[rustfmt::skip]
pub const TABLE: &[(Phase, Event, Phase)] = {
    use Event as E;
    use Phase as P;
    &[
        (P::Idle,       E::Ready,        P::StandUp),
        (P::StandUp,    E::Standing,     P::Go),
        (P::Go,         E::Arrived,      P::Inspect),
        (P::Inspect,    E::Looked,       P::Go),
        (P::Inspect,    E::LastLooked,   P::Return),
        (P::Return,     E::Arrived,      P::LieDown),
        (P::LieDown,    E::Lying,        P::Done),

        (P::Go,         E::Stuck,        P::BackUpOut),
        (P::BackUpOut,  E::BackedUp,     P::Go),
        (P::Return,     E::Stuck,        P::BackUpHome),
        (P::BackUpHome, E::BackedUp,     P::Return),
        // Out of ideas on the way out it goes home; on the way home it lies down where it is.
        (P::Go,         E::StuckForGood, P::Return),
        (P::Return,     E::StuckForGood, P::LieDown),

        (P::Go,         E::Timeout,      P::Return),
        (P::Inspect,    E::Timeout,      P::Return),
        (P::BackUpOut,  E::Timeout,      P::Return),

        (P::StandUp,    E::Overdue,      P::LieDown),
        (P::Go,         E::Overdue,      P::LieDown),
        (P::Inspect,    E::Overdue,      P::LieDown),
        (P::BackUpOut,  E::Overdue,      P::LieDown),
        (P::Return,     E::Overdue,      P::LieDown),
        (P::BackUpHome, E::Overdue,      P::LieDown),

        (P::Idle,       E::Stop,         P::Done),
        (P::StandUp,    E::Stop,         P::LieDown),
        (P::Go,         E::Stop,         P::LieDown),
        (P::Inspect,    E::Stop,         P::LieDown),
        (P::BackUpOut,  E::Stop,         P::LieDown),
        (P::Return,     E::Stop,         P::LieDown),
        (P::BackUpHome, E::Stop,         P::LieDown),

        // The gait has let the legs go already.
        (P::StandUp,    E::Fell,         P::Done),
        (P::Go,         E::Fell,         P::Done),
        (P::Inspect,    E::Fell,         P::Done),
        (P::BackUpOut,  E::Fell,         P::Done),
        (P::Return,     E::Fell,         P::Done),
        (P::BackUpHome, E::Fell,         P::Done),
        (P::LieDown,    E::Fell,         P::Done),
    ]
};

/// The phase that follows, if the table has one.
pub(super) fn next(phase: Phase, event: Event) -> Option<Phase> {
    TABLE.iter().find(|(p, e, _)| (*p, *e) == (phase, event)).map(|(_, _, to)| *to)
}

impl Phase {
    /// Whether the operator or the clock can end it: everything before lying down.
    pub(super) const fn walks(self) -> bool {
        !matches!(self, Self::LieDown | Self::Done)
    }

    /// Name for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Idle => "waiting",
            Self::StandUp => "standing up",
            Self::Go => "walking out",
            Self::Inspect => "inspecting",
            Self::BackUpOut | Self::BackUpHome => "backing up",
            Self::Return => "walking home",
            Self::LieDown => "lying down",
            Self::Done => "done",
        }
    }
}
