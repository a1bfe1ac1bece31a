//! Detail of a recording: how much of the sensors' data goes into it.

/// Factor by which pictures are smaller in a reduced recording.
const REDUCED: u32 = 4;

/// Detail of a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// Enough to look at: pictures made smaller, as JPEG, and a tenth of a scan's points. Small defects do not show in it.
    Reduced,
    /// Pictures and scans as they came, from which a replay finds the same defects.
    Full,
}

impl Detail {
    /// Returns the factor by which pictures are smaller.
    pub(super) const fn reduction(self) -> u32 {
        match self {
            Self::Reduced => REDUCED,
            Self::Full => 1,
        }
    }
}
