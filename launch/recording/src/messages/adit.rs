//! `adit_msgs`: what no standard interface says. A recording carries these texts, so a reader needs no package.

use robot_interface::status::{MissionState, UnknownNumber};
use serde::{Deserialize, Serialize};

use super::common::{HEADER, Header, POINT, Point};
use super::{Definition, Message};

/// `adit_msgs/Defect`: one finding.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Defect<'a> {
    /// Its number in the report, from 1.
    pub number: u32,
    /// Class: `crack`, `leakage`, `spalling`, `corrosion`, `hot_joint`.
    pub class_name: &'a str,
    /// Chainage of its middle, m.
    pub chainage_m: f64,
    /// Clock position of its middle, hours in [0, 12).
    pub clock_h: f64,
    /// Length along the defect, m.
    pub length_m: f64,
    /// Width of a crack, mm; NaN where that does not apply.
    pub width_mm: f64,
    /// Area, m2.
    pub area_m2: f64,
    /// The model's score, 0 to 1.
    pub score: f64,
    /// Its middle in the header's frame, m.
    pub position: Point,
}

static DEFECT: Definition = Definition {
    name: "adit_msgs/Defect",
    text: "uint32 number\nstring class_name\nfloat64 chainage_m\nfloat64 clock_h\nfloat64 length_m\n\
        float64 width_mm\nfloat64 area_m2\nfloat64 score\ngeometry_msgs/Point position\n",
    uses: &[&POINT],
};

/// `adit_msgs/DefectArray`: every finding so far.
#[derive(Clone, Debug, Serialize)]
pub struct DefectArray<'a> {
    /// When, and the frame of the positions.
    pub header: Header<'a>,
    /// The findings.
    pub defects: Vec<Defect<'a>>,
}

impl Message for DefectArray<'_> {
    const DEFINITION: &'static Definition = &Definition {
        name: "adit_msgs/DefectArray",
        text: "std_msgs/Header header\nadit_msgs/Defect[] defects\n",
        uses: &[&HEADER, &DEFECT],
    };
}

/// `adit_msgs/MissionStatus`: how far a mission has come.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct MissionStatus<'a> {
    /// Time of the status.
    #[serde(borrow)]
    pub header: Header<'a>,
    /// Number of the [`MissionState`].
    pub state: u8,
    /// Number of the [`MissionPhase`](robot_interface::status::MissionPhase); 0 unless it is under way.
    pub phase: u8,
    /// Number of the [`AbortReason`](robot_interface::status::AbortReason); 0 unless the mission gave up by itself.
    pub abort_reason: u8,
    /// Phase of the mission, or why it was given up: for people, nothing is decided by it.
    pub text: &'a str,
    /// Estimated chainage of the robot, m.
    pub chainage_m: f64,
    /// Length of the path walked so far, m.
    pub distance_walked_m: f64,
    /// Findings so far.
    pub defects: u32,
}

impl MissionStatus<'_> {
    /// Returns the state that the numbers stand for.
    ///
    /// # Errors
    /// [`UnknownNumber`] if one of them stands for nothing.
    pub fn mission_state(&self) -> Result<MissionState, UnknownNumber> {
        MissionState::from_numbers(self.state, self.phase, self.abort_reason, self.text)
    }
}

impl Message for MissionStatus<'_> {
    const DEFINITION: &'static Definition = &Definition {
        name: "adit_msgs/MissionStatus",
        text: "uint8 STATE_PREPARING=1\nuint8 STATE_UNDERWAY=2\nuint8 STATE_COMPLETED=3\nuint8 STATE_GIVEN_UP=4\n\
            uint8 PHASE_IDLE=1\nuint8 PHASE_STAND_UP=2\nuint8 PHASE_GO=3\nuint8 PHASE_INSPECT=4\n\
            uint8 PHASE_BACK_UP_OUT=5\nuint8 PHASE_PAUSED_OUT=6\nuint8 PHASE_RETURN=7\nuint8 PHASE_BACK_UP_HOME=8\n\
            uint8 PHASE_PAUSED_HOME=9\nuint8 PHASE_LIE_DOWN=10\nuint8 PHASE_DONE=11\n\
            uint8 ABORT_FELL=1\nuint8 ABORT_TIMEOUT=2\nuint8 ABORT_STUCK=3\nuint8 ABORT_SENT_HOME=4\n\
            uint8 ABORT_STOPPED=5\nuint8 ABORT_LET_GO=6\n\
            std_msgs/Header header\nuint8 state\nuint8 phase\nuint8 abort_reason\nstring text\nfloat64 chainage_m\n\
            float64 distance_walked_m\nuint32 defects\n",
        uses: &[&HEADER],
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The package that ROS 2 is given and the text that a recording carries must be the same interface.
    #[test]
    fn the_texts_are_those_of_the_package() {
        let same = |text: &str, file: &str| {
            let bare = file.lines().map(|line| line.split('#').next().unwrap_or_default());
            let bare = bare.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
            let bare: Vec<_> = bare.filter(|line| !line.is_empty()).collect();
            assert_eq!(text.lines().collect::<Vec<_>>(), bare);
        };
        same(MissionStatus::DEFINITION.text, include_str!("../../../adit_msgs/msg/MissionStatus.msg"));
        same(DefectArray::DEFINITION.text, include_str!("../../../adit_msgs/msg/DefectArray.msg"));
        same(DEFECT.text, include_str!("../../../adit_msgs/msg/Defect.msg"));
    }
}
