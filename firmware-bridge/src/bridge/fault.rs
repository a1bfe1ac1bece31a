//! Faults of motors.

/// A fault that a motor reports, in any protocol, or why it cannot be driven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MotorFault {
    /// Too hot.
    Overheat,
    /// Too much current, or too long too much load.
    Overcurrent,
    /// Supply voltage too high.
    Overvoltage,
    /// Supply voltage too low.
    Undervoltage,
    /// The encoder's reading cannot be right.
    Encoder,
    /// It has let go because no command came for too long.
    CommandsLost,
    /// The ranges of its numbers are not its model's.
    Ranges,
    /// It does not keep what it is told before it is enabled.
    Settings,
    /// Its power stage.
    PowerStage,
    /// It does not answer the microcontroller that drives it.
    Silent,
    /// Its microcontroller has announced no motor of this id.
    NotAnnounced,
    /// Its microcontroller speaks another version of the link.
    OtherVersion,
    /// Its microcontroller does not take what it is commanded.
    Refused,
    /// An emergency stop holds at its microcontroller.
    Stopped,
    /// Its robot does not drive it, whatever is commanded.
    NotDriven,
    /// A number without a published meaning.
    Undefined(u8),
}

impl MotorFault {
    /// Name of the fault, and what to do about it.
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::Overheat => "overheating: let it cool",
            Self::Overcurrent => "overcurrent: look for a blocked joint or a short in its cable",
            Self::Overvoltage => "overvoltage: check the supply, and that it can take back braking energy",
            Self::Undervoltage => "a low supply voltage: charge the battery, check the cable and its plugs",
            Self::CommandsLost => "that commands had stopped: look for what delays the bridge",
            Self::Ranges => {
                "other ranges than its model's: correct `model` in the robot's file, or its PMAX, VMAX and TMAX"
            }
            Self::Settings => "that it does not keep its control mode or timeout: update its firmware",
            Self::PowerStage => {
                "a power stage fault: look for a short in its cable, then switch it off and on"
            }
            Self::Silent => {
                "silence behind its microcontroller: check the cable and the supply between the two"
            }
            Self::NotAnnounced => {
                "an id that its microcontroller does not have: compare the robot file with `adit bus scan`"
            }
            Self::OtherVersion => {
                "another version of the link: build its microcontroller's firmware with this Adit's adit-link"
            }
            Self::Refused => {
                "commands that its microcontroller refuses: see that it announces each id once, and its log"
            }
            Self::Stopped => {
                "an emergency stop at its microcontroller: remove its cause, then clear the fault"
            }
            Self::NotDriven => {
                "that it is not driven, whatever is commanded: release the robot's own service, and look who else commands it"
            }
            Self::Encoder => "an encoder fault: have it calibrated or replaced",
            Self::Undefined(_) => "an error without a published meaning: check its firmware version",
        }
    }
}
