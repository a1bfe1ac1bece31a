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
    /// Width of a crack, mm; NaN where it does not apply or could not be measured.
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
    /// Number of the [`AbortReason`](robot_interface::status::AbortReason); 0 unless the mission itself ended
    /// so: another failure has its text alone.
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
            uint8 ABORT_BATTERY_LOW=7\nuint8 ABORT_BATTERY_CRITICAL=8\nuint8 ABORT_BATTERY_UNKNOWN=9\n\
            uint8 ABORT_DID_NOT_RISE=10\nuint8 ABORT_SANK=11\n\
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

    /// A constant of the package, and the number that it must have.
    fn constants(file: &str, prefix: &str) -> Vec<(String, u8)> {
        let of = |line: &str| {
            let (name, value) = line.strip_prefix("uint8 ")?.split_once('=')?;
            let value = value.split_whitespace().next()?.parse().ok()?;
            Some((name.strip_prefix(prefix)?.to_owned(), value))
        };
        file.lines().filter_map(of).collect()
    }

    /// `StandUp` as `STAND_UP`.
    fn constant_name(state: impl std::fmt::Debug) -> String {
        let mut name = String::new();
        for c in format!("{state:?}").chars() {
            if c.is_uppercase() && !name.is_empty() {
                name.push('_');
            }
            name.push(c.to_ascii_uppercase());
        }
        name
    }

    #[test]
    fn the_constants_of_the_package_are_the_numbers_of_the_states() {
        use robot_interface::status::{
            AbortReason, GaitMode, HoldReason, MissionPhase, PowerState, StopLevel,
        };
        fn expected<S: Copy + std::fmt::Debug>(all: &[S], number: impl Fn(S) -> u8) -> Vec<(String, u8)> {
            all.iter().map(|state| (constant_name(*state), number(*state))).collect()
        }
        let mission = include_str!("../../../adit_msgs/msg/MissionStatus.msg");
        let robot = include_str!("../../../adit_msgs/msg/RobotState.msg");
        let target = include_str!("../../../adit_msgs/msg/MotionTarget.msg");
        assert_eq!(constants(mission, "PHASE_"), expected(&MissionPhase::ALL, MissionPhase::number));
        assert_eq!(constants(mission, "ABORT_"), expected(&AbortReason::ALL, AbortReason::number));
        assert_eq!(constants(robot, "MODE_"), expected(&GaitMode::ALL, GaitMode::number));
        assert_eq!(constants(robot, "STOP_"), expected(&StopLevel::ALL, StopLevel::number));
        assert_eq!(constants(robot, "POWER_"), expected(&PowerState::ALL, PowerState::number));
        let mut hold = expected(&HoldReason::ALL, HoldReason::number);
        hold.insert(0, ("NONE".to_owned(), 0));
        assert_eq!(constants(robot, "HOLD_"), hold);
        let asked = [GaitMode::StandUp, GaitMode::LieDown];
        let mut modes = expected(&asked, GaitMode::number);
        modes.insert(0, ("NONE".to_owned(), 0));
        assert_eq!(constants(target, "MODE_"), modes);
        let states = [
            ("PREPARING", MissionState::PREPARING),
            ("UNDERWAY", MissionState::UNDERWAY),
            ("COMPLETED", MissionState::COMPLETED),
            ("GIVEN_UP", MissionState::GIVEN_UP),
        ];
        assert_eq!(constants(mission, "STATE_"), states.map(|(name, n)| (name.to_owned(), n)));
    }
}
