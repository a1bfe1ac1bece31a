//! Transition table of the mission.

use robot_interface::status::{AbortReason, MissionPhase};

/// Event of a mission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The estimator has found its footing.
    Ready,
    /// The robot stands and can walk.
    Standing,
    /// It does not stand, though it should have risen by now.
    NotRisen,
    /// It has sunk to the ground, though it should walk or stand.
    Sank,
    /// What is left in the battery is for the way home.
    BatteryLow,
    /// What is left in the battery is for lying down.
    BatteryCritical,
    /// The battery's charge is not known any more.
    BatteryUnknown,
    /// The station, or home, is reached.
    Arrived,
    /// The station is inspected; another one follows.
    Inspected,
    /// The last station is inspected.
    AllInspected,
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
    /// The operator wants it to wait.
    Pause,
    /// The operator lets it go on.
    Resume,
    /// The operator wants it to come home now.
    GoHome,
    /// The operator wants it to stop.
    Stop,
    /// On its belly, motors damped.
    Lying,
    /// The gait let the legs go, though there was no fall: an emergency stop, a silent sensor, a measurement that was no number.
    LetGo,
    /// The robot fell.
    Fell,
}

/// Action beside the change of phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Nothing more.
    Proceed,
    /// The next station becomes the goal.
    NextStation,
    /// One more attempt at backing up is counted; progress sets the count to zero.
    CountBackUp,
    /// The mission counts as given up for this reason, unless an earlier reason stands.
    GiveUp(AbortReason),
}

/// Every transition there is: `(phase, event, next phase, action)`. An event that has no row here changes nothing.
///
/// | phase      | event           | next phase | action                  |
/// |------------|-----------------|------------|-------------------------|
/// | Idle       | Ready           | StandUp    | Proceed                 |
/// | StandUp    | Standing        | Go         | Proceed                 |
/// | Go         | Arrived         | Inspect    | Proceed                 |
/// | Inspect    | Inspected       | Go         | NextStation             |
/// | Inspect    | AllInspected    | Return     | Proceed                 |
/// | Return     | Arrived         | LieDown    | Proceed                 |
/// | LieDown    | Lying           | Done       | Proceed                 |
/// | Go         | Stuck           | BackUpOut  | CountBackUp             |
/// | BackUpOut  | BackedUp        | Go         | Proceed                 |
/// | Return     | Stuck           | BackUpHome | CountBackUp             |
/// | BackUpHome | BackedUp        | Return     | Proceed                 |
/// | Go         | StuckForGood    | Return     | GiveUp(Stuck)           |
/// | Return     | StuckForGood    | LieDown    | GiveUp(Stuck)           |
/// | Go         | Timeout         | Return     | GiveUp(Timeout)         |
/// | Inspect    | Timeout         | Return     | GiveUp(Timeout)         |
/// | BackUpOut  | Timeout         | Return     | GiveUp(Timeout)         |
/// | StandUp    | NotRisen        | LieDown    | GiveUp(DidNotRise)      |
/// | Go         | NotRisen        | LieDown    | GiveUp(DidNotRise)      |
/// | Go         | Sank            | LieDown    | GiveUp(Sank)            |
/// | Inspect    | Sank            | LieDown    | GiveUp(Sank)            |
/// | BackUpOut  | Sank            | LieDown    | GiveUp(Sank)            |
/// | PausedOut  | Sank            | LieDown    | GiveUp(Sank)            |
/// | Return     | Sank            | LieDown    | GiveUp(Sank)            |
/// | BackUpHome | Sank            | LieDown    | GiveUp(Sank)            |
/// | PausedHome | Sank            | LieDown    | GiveUp(Sank)            |
/// | Go         | BatteryLow      | Return     | GiveUp(BatteryLow)      |
/// | Inspect    | BatteryLow      | Return     | GiveUp(BatteryLow)      |
/// | BackUpOut  | BatteryLow      | Return     | GiveUp(BatteryLow)      |
/// | Go         | BatteryUnknown  | Return     | GiveUp(BatteryUnknown)  |
/// | Inspect    | BatteryUnknown  | Return     | GiveUp(BatteryUnknown)  |
/// | BackUpOut  | BatteryUnknown  | Return     | GiveUp(BatteryUnknown)  |
/// | Idle       | BatteryCritical | Done       | GiveUp(BatteryCritical) |
/// | StandUp    | BatteryCritical | LieDown    | GiveUp(BatteryCritical) |
/// | Go         | BatteryCritical | LieDown    | GiveUp(BatteryCritical) |
/// | Inspect    | BatteryCritical | LieDown    | GiveUp(BatteryCritical) |
/// | BackUpOut  | BatteryCritical | LieDown    | GiveUp(BatteryCritical) |
/// | PausedOut  | BatteryCritical | LieDown    | GiveUp(BatteryCritical) |
/// | Return     | BatteryCritical | LieDown    | GiveUp(BatteryCritical) |
/// | BackUpHome | BatteryCritical | LieDown    | GiveUp(BatteryCritical) |
/// | PausedHome | BatteryCritical | LieDown    | GiveUp(BatteryCritical) |
/// | Go         | Pause           | PausedOut  | Proceed                 |
/// | Inspect    | Pause           | PausedOut  | Proceed                 |
/// | BackUpOut  | Pause           | PausedOut  | Proceed                 |
/// | Return     | Pause           | PausedHome | Proceed                 |
/// | BackUpHome | Pause           | PausedHome | Proceed                 |
/// | PausedOut  | Resume          | Go         | Proceed                 |
/// | PausedHome | Resume          | Return     | Proceed                 |
/// | Go         | GoHome          | Return     | GiveUp(SentHome)        |
/// | Inspect    | GoHome          | Return     | GiveUp(SentHome)        |
/// | BackUpOut  | GoHome          | Return     | GiveUp(SentHome)        |
/// | PausedOut  | GoHome          | Return     | GiveUp(SentHome)        |
/// | StandUp    | Overdue         | LieDown    | GiveUp(DidNotRise)      |
/// | Go         | Overdue         | LieDown    | GiveUp(Timeout)         |
/// | Inspect    | Overdue         | LieDown    | GiveUp(Timeout)         |
/// | BackUpOut  | Overdue         | LieDown    | GiveUp(Timeout)         |
/// | Return     | Overdue         | LieDown    | GiveUp(Timeout)         |
/// | BackUpHome | Overdue         | LieDown    | GiveUp(Timeout)         |
/// | PausedOut  | Overdue         | LieDown    | GiveUp(Timeout)         |
/// | PausedHome | Overdue         | LieDown    | GiveUp(Timeout)         |
/// | Idle       | Stop            | Done       | GiveUp(Stopped)         |
/// | StandUp    | Stop            | LieDown    | GiveUp(Stopped)         |
/// | Go         | Stop            | LieDown    | GiveUp(Stopped)         |
/// | Inspect    | Stop            | LieDown    | GiveUp(Stopped)         |
/// | BackUpOut  | Stop            | LieDown    | GiveUp(Stopped)         |
/// | Return     | Stop            | LieDown    | GiveUp(Stopped)         |
/// | BackUpHome | Stop            | LieDown    | GiveUp(Stopped)         |
/// | PausedOut  | Stop            | LieDown    | GiveUp(Stopped)         |
/// | PausedHome | Stop            | LieDown    | GiveUp(Stopped)         |
/// | Go         | LetGo           | Done       | GiveUp(LetGo)           |
/// | Inspect    | LetGo           | Done       | GiveUp(LetGo)           |
/// | BackUpOut  | LetGo           | Done       | GiveUp(LetGo)           |
/// | Return     | LetGo           | Done       | GiveUp(LetGo)           |
/// | BackUpHome | LetGo           | Done       | GiveUp(LetGo)           |
/// | PausedOut  | LetGo           | Done       | GiveUp(LetGo)           |
/// | PausedHome | LetGo           | Done       | GiveUp(LetGo)           |
/// | StandUp    | Fell            | Done       | GiveUp(Fell)            |
/// | Go         | Fell            | Done       | GiveUp(Fell)            |
/// | Inspect    | Fell            | Done       | GiveUp(Fell)            |
/// | BackUpOut  | Fell            | Done       | GiveUp(Fell)            |
/// | Return     | Fell            | Done       | GiveUp(Fell)            |
/// | BackUpHome | Fell            | Done       | GiveUp(Fell)            |
/// | PausedOut  | Fell            | Done       | GiveUp(Fell)            |
/// | PausedHome | Fell            | Done       | GiveUp(Fell)            |
/// | LieDown    | Fell            | Done       | GiveUp(Fell)            |
#[rustfmt::skip]
pub const TABLE: &[(MissionPhase, Event, MissionPhase, Action)] = {
    use AbortReason as R;
    use Action as A;
    use Event as E;
    use MissionPhase as P;
    &[
        (P::Idle,       E::Ready,           P::StandUp,    A::Proceed),
        (P::StandUp,    E::Standing,        P::Go,         A::Proceed),
        (P::Go,         E::Arrived,         P::Inspect,    A::Proceed),
        (P::Inspect,    E::Inspected,       P::Go,         A::NextStation),
        (P::Inspect,    E::AllInspected,    P::Return,     A::Proceed),
        (P::Return,     E::Arrived,         P::LieDown,    A::Proceed),
        (P::LieDown,    E::Lying,           P::Done,       A::Proceed),

        (P::Go,         E::Stuck,           P::BackUpOut,  A::CountBackUp),
        (P::BackUpOut,  E::BackedUp,        P::Go,         A::Proceed),
        (P::Return,     E::Stuck,           P::BackUpHome, A::CountBackUp),
        (P::BackUpHome, E::BackedUp,        P::Return,     A::Proceed),
        // Out of ideas on the way out it goes home; on the way home it lies down where it is.
        (P::Go,         E::StuckForGood,    P::Return,     A::GiveUp(R::Stuck)),
        (P::Return,     E::StuckForGood,    P::LieDown,    A::GiveUp(R::Stuck)),

        (P::Go,         E::Timeout,         P::Return,     A::GiveUp(R::Timeout)),
        (P::Inspect,    E::Timeout,         P::Return,     A::GiveUp(R::Timeout)),
        (P::BackUpOut,  E::Timeout,         P::Return,     A::GiveUp(R::Timeout)),

        // It fails to rise before it has gone anywhere, or it sinks later: there is nothing to walk home with.
        (P::StandUp,    E::NotRisen,        P::LieDown,    A::GiveUp(R::DidNotRise)),
        (P::Go,         E::NotRisen,        P::LieDown,    A::GiveUp(R::DidNotRise)),
        (P::Go,         E::Sank,            P::LieDown,    A::GiveUp(R::Sank)),
        (P::Inspect,    E::Sank,            P::LieDown,    A::GiveUp(R::Sank)),
        (P::BackUpOut,  E::Sank,            P::LieDown,    A::GiveUp(R::Sank)),
        (P::PausedOut,  E::Sank,            P::LieDown,    A::GiveUp(R::Sank)),
        (P::Return,     E::Sank,            P::LieDown,    A::GiveUp(R::Sank)),
        (P::BackUpHome, E::Sank,            P::LieDown,    A::GiveUp(R::Sank)),
        (P::PausedHome, E::Sank,            P::LieDown,    A::GiveUp(R::Sank)),

        // Paused it waits for its operator until what is left is for lying down.
        (P::Go,         E::BatteryLow,      P::Return,     A::GiveUp(R::BatteryLow)),
        (P::Inspect,    E::BatteryLow,      P::Return,     A::GiveUp(R::BatteryLow)),
        (P::BackUpOut,  E::BatteryLow,      P::Return,     A::GiveUp(R::BatteryLow)),
        (P::Go,         E::BatteryUnknown,  P::Return,     A::GiveUp(R::BatteryUnknown)),
        (P::Inspect,    E::BatteryUnknown,  P::Return,     A::GiveUp(R::BatteryUnknown)),
        (P::BackUpOut,  E::BatteryUnknown,  P::Return,     A::GiveUp(R::BatteryUnknown)),
        (P::Idle,       E::BatteryCritical, P::Done,       A::GiveUp(R::BatteryCritical)),
        (P::StandUp,    E::BatteryCritical, P::LieDown,    A::GiveUp(R::BatteryCritical)),
        (P::Go,         E::BatteryCritical, P::LieDown,    A::GiveUp(R::BatteryCritical)),
        (P::Inspect,    E::BatteryCritical, P::LieDown,    A::GiveUp(R::BatteryCritical)),
        (P::BackUpOut,  E::BatteryCritical, P::LieDown,    A::GiveUp(R::BatteryCritical)),
        (P::PausedOut,  E::BatteryCritical, P::LieDown,    A::GiveUp(R::BatteryCritical)),
        (P::Return,     E::BatteryCritical, P::LieDown,    A::GiveUp(R::BatteryCritical)),
        (P::BackUpHome, E::BatteryCritical, P::LieDown,    A::GiveUp(R::BatteryCritical)),
        (P::PausedHome, E::BatteryCritical, P::LieDown,    A::GiveUp(R::BatteryCritical)),

        // Somebody may be standing before a paused robot: only being told moves it, never the time.
        (P::Go,         E::Pause,           P::PausedOut,  A::Proceed),
        (P::Inspect,    E::Pause,           P::PausedOut,  A::Proceed),
        (P::BackUpOut,  E::Pause,           P::PausedOut,  A::Proceed),
        (P::Return,     E::Pause,           P::PausedHome, A::Proceed),
        (P::BackUpHome, E::Pause,           P::PausedHome, A::Proceed),
        (P::PausedOut,  E::Resume,          P::Go,         A::Proceed),
        (P::PausedHome, E::Resume,          P::Return,     A::Proceed),
        (P::Go,         E::GoHome,          P::Return,     A::GiveUp(R::SentHome)),
        (P::Inspect,    E::GoHome,          P::Return,     A::GiveUp(R::SentHome)),
        (P::BackUpOut,  E::GoHome,          P::Return,     A::GiveUp(R::SentHome)),
        (P::PausedOut,  E::GoHome,          P::Return,     A::GiveUp(R::SentHome)),

        (P::StandUp,    E::Overdue,         P::LieDown,    A::GiveUp(R::DidNotRise)),
        (P::Go,         E::Overdue,         P::LieDown,    A::GiveUp(R::Timeout)),
        (P::Inspect,    E::Overdue,         P::LieDown,    A::GiveUp(R::Timeout)),
        (P::BackUpOut,  E::Overdue,         P::LieDown,    A::GiveUp(R::Timeout)),
        (P::Return,     E::Overdue,         P::LieDown,    A::GiveUp(R::Timeout)),
        (P::BackUpHome, E::Overdue,         P::LieDown,    A::GiveUp(R::Timeout)),
        (P::PausedOut,  E::Overdue,         P::LieDown,    A::GiveUp(R::Timeout)),
        (P::PausedHome, E::Overdue,         P::LieDown,    A::GiveUp(R::Timeout)),

        (P::Idle,       E::Stop,            P::Done,       A::GiveUp(R::Stopped)),
        (P::StandUp,    E::Stop,            P::LieDown,    A::GiveUp(R::Stopped)),
        (P::Go,         E::Stop,            P::LieDown,    A::GiveUp(R::Stopped)),
        (P::Inspect,    E::Stop,            P::LieDown,    A::GiveUp(R::Stopped)),
        (P::BackUpOut,  E::Stop,            P::LieDown,    A::GiveUp(R::Stopped)),
        (P::Return,     E::Stop,            P::LieDown,    A::GiveUp(R::Stopped)),
        (P::BackUpHome, E::Stop,            P::LieDown,    A::GiveUp(R::Stopped)),
        (P::PausedOut,  E::Stop,            P::LieDown,    A::GiveUp(R::Stopped)),
        (P::PausedHome, E::Stop,            P::LieDown,    A::GiveUp(R::Stopped)),

        // No pose or no joints to go by: the gait has let the legs go already, and nothing could be steered.
        (P::Go,         E::LetGo,           P::Done,       A::GiveUp(R::LetGo)),
        (P::Inspect,    E::LetGo,           P::Done,       A::GiveUp(R::LetGo)),
        (P::BackUpOut,  E::LetGo,           P::Done,       A::GiveUp(R::LetGo)),
        (P::Return,     E::LetGo,           P::Done,       A::GiveUp(R::LetGo)),
        (P::BackUpHome, E::LetGo,           P::Done,       A::GiveUp(R::LetGo)),
        (P::PausedOut,  E::LetGo,           P::Done,       A::GiveUp(R::LetGo)),
        (P::PausedHome, E::LetGo,           P::Done,       A::GiveUp(R::LetGo)),

        // The gait has let the legs go already.
        (P::StandUp,    E::Fell,            P::Done,       A::GiveUp(R::Fell)),
        (P::Go,         E::Fell,            P::Done,       A::GiveUp(R::Fell)),
        (P::Inspect,    E::Fell,            P::Done,       A::GiveUp(R::Fell)),
        (P::BackUpOut,  E::Fell,            P::Done,       A::GiveUp(R::Fell)),
        (P::Return,     E::Fell,            P::Done,       A::GiveUp(R::Fell)),
        (P::BackUpHome, E::Fell,            P::Done,       A::GiveUp(R::Fell)),
        (P::PausedOut,  E::Fell,            P::Done,       A::GiveUp(R::Fell)),
        (P::PausedHome, E::Fell,            P::Done,       A::GiveUp(R::Fell)),
        (P::LieDown,    E::Fell,            P::Done,       A::GiveUp(R::Fell)),
    ]
};

/// The phase that follows and what is done, if the table has it.
pub(super) fn next(phase: MissionPhase, event: Event) -> Option<(MissionPhase, Action)> {
    TABLE.iter().find(|(p, e, ..)| (*p, *e) == (phase, event)).map(|(_, _, to, action)| (*to, *action))
}
