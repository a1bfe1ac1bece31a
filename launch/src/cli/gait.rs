//! Whose gait walks, as an argument.

use clap::ValueEnum;
use stack::WhoseGait;

/// Whose gait walks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum GaitArg {
    /// Adit's: joints are commanded, 500 times a second
    #[default]
    Adit,
    /// The robot's own: its service is told where to go, and joints are only read
    Vendor,
}

impl GaitArg {
    pub(super) const fn whose(self) -> WhoseGait {
        match self {
            Self::Adit => WhoseGait::Own,
            Self::Vendor => WhoseGait::Vendor,
        }
    }

    /// Its name, as it is given.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Adit => "adit",
            Self::Vendor => "vendor",
        }
    }
}
