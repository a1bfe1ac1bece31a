//! Unitree's robots: who writes `rt/lowstate`, and who writes or has lately written commands.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use adit_dds::{Endpoint, EndpointId, Participant, ParticipantId, Sample, Side, Subscription};
use firmware_bridge::protocol::unitree_go::LowState;

use super::{FindError, FoundRobot, Search};
use crate::robot_link::Topic;

/// Samples of each writer: how many, and the last one.
type Heard = Arc<Mutex<BTreeMap<EndpointId, (u64, Vec<u8>)>>>;

/// Listens to robots.
pub(super) struct Watch {
    participant: Participant,
    states: Heard,
    commands: Heard,
    sport: Heard,
    _subscriptions: [Subscription; 3],
}

impl Watch {
    pub(super) fn open(search: &Search<'_>) -> Result<Self, FindError> {
        let participant = Participant::open(search.domain, &search.interface.addresses)?;
        let [states, commands, sport] = [(); 3].map(|()| Heard::default());
        let listen = |topic: Topic, heard: &Heard| {
            let heard = Arc::clone(heard);
            participant.subscribe(topic.name, topic.type_name, move |Sample { bytes, writer }| {
                let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
                let (count, last) = heard.entry(writer).or_default();
                (*count, *last) = (*count + 1, bytes);
            })
        };
        let subscriptions = [
            listen(Topic::LOW_STATE, &states)?,
            listen(Topic::LOW_CMD, &commands)?,
            listen(Topic::SPORT_STATE, &sport)?,
        ];
        Ok(Self { participant, states, commands, sport, _subscriptions: subscriptions })
    }

    /// The robots that reported within so many seconds.
    pub(super) fn robots(self, seconds: f64) -> Vec<FoundRobot> {
        let taken = |heard: &Heard| heard.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let ours = self.participant.id();
        let others = self.participant.endpoints();
        let others: Vec<Endpoint> = others.into_iter().filter(|e| e.id.participant != ours).collect();
        let facts = Facts {
            states: taken(&self.states),
            commands: taken(&self.commands),
            sport: taken(&self.sport),
            others,
            seconds,
        };
        facts.robots()
    }
}

/// What was heard.
struct Facts {
    states: BTreeMap<EndpointId, (u64, Vec<u8>)>,
    commands: BTreeMap<EndpointId, (u64, Vec<u8>)>,
    sport: BTreeMap<EndpointId, (u64, Vec<u8>)>,
    others: Vec<Endpoint>,
    seconds: f64,
}

impl Facts {
    fn robots(&self) -> Vec<FoundRobot> {
        let writers =
            self.others.iter().filter(|e| e.side == Side::Writer && e.topic == Topic::LOW_STATE.name);
        writers.map(|writer| self.robot(writer)).collect()
    }

    fn robot(&self, writer: &Endpoint) -> FoundRobot {
        let mut robot =
            FoundRobot { transport: "dds", address: self.address(writer), ..FoundRobot::default() };
        if writer.type_name != Topic::LOW_STATE.type_name {
            robot.kind = format!("Unitree robot of another family ({})", writer.type_name);
            robot.remarks.push(format!("Adit reads {} alone: Go2, B2 and Go2-W", Topic::LOW_STATE.type_name));
            return robot;
        }
        "Unitree Go2, B2 or Go2-W".clone_into(&mut robot.kind);
        match self.states.get(&writer.id) {
            None => robot.remarks.push(
                "it is there, but none of its states came: check the firewall, and that the network passes UDP multicast"
                    .to_owned(),
            ),
            Some((count, last)) => {
                robot.states_per_s = *count as f64 / self.seconds;
                match LowState::decode(last) {
                    Ok(state) => describe(&state, &mut robot),
                    Err(why) => robot.remarks.push(format!("its states cannot be read: {why}")),
                }
            }
        }
        let rate = |(count, _): &(u64, Vec<u8>)| *count as f64 / self.seconds;
        if self.sport.keys().any(|id| id.participant == writer.id.participant) {
            robot.drivers.push(format!("its own gait ({} comes)", Topic::SPORT_STATE.name));
        }
        for (id, heard) in &self.commands {
            let place = self.place(id.participant);
            robot.drivers.push(format!("{} from {place}, {:.0} a second", Topic::LOW_CMD.name, rate(heard)));
        }
        robot
    }

    /// Where an endpoint is: as itself says, or another one of its participant.
    fn address(&self, endpoint: &Endpoint) -> Option<std::net::IpAddr> {
        let same = self.others.iter().filter(|e| e.id.participant == endpoint.id.participant);
        std::iter::once(endpoint).chain(same).find_map(|e| e.addresses.first().copied())
    }

    fn place(&self, participant: ParticipantId) -> String {
        let endpoint = self.others.iter().find(|e| e.id.participant == participant);
        match endpoint.and_then(|e| self.address(e)) {
            Some(address) => address.to_string(),
            None => format!("participant {participant}"),
        }
    }
}

fn describe(state: &LowState, robot: &mut FoundRobot) {
    robot.battery_percent = Some(state.bms.soc_percent);
    robot.supply_v = Some(f64::from(state.power_v));
    match state.crc {
        right if right == state.checksum() => {}
        0 => {
            robot.remarks.push("its states carry no checksum, as those of the vendor's simulator".to_owned())
        }
        _ => robot.remarks.push(
            "its states' checksum is wrong: its software may have another layout; do not drive it".to_owned(),
        ),
    }
    let lost = state.motors.iter().take(12).filter(|motor| motor.lost > 0).count();
    if lost > 0 {
        robot.remarks.push(format!("frames of {lost} of its motors were lost"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is sent over DDS is tried in `tests/robot.rs`; here it is how facts are put.
    #[test]
    fn nothing_heard_is_no_robot() {
        let facts = Facts {
            states: BTreeMap::new(),
            commands: BTreeMap::new(),
            sport: BTreeMap::new(),
            others: Vec::new(),
            seconds: 1.0,
        };
        assert_eq!(facts.robots(), []);
    }

    #[test]
    fn a_state_without_or_with_a_wrong_checksum_is_remarked() {
        let remarks = |state: &LowState| {
            let mut robot = FoundRobot::default();
            describe(state, &mut robot);
            robot.remarks
        };
        let mut state = LowState::new();
        state.encode_into(&mut Vec::new());
        assert_eq!(remarks(&state), [""; 0]);
        state.crc = 0;
        assert!(remarks(&state)[0].contains("simulator"));
        (state.crc, state.motors[3].lost) = (1, 2);
        let both = remarks(&state);
        assert!(both[0].contains("do not drive") && both[1].contains("1 of its motors"), "{both:?}");
    }
}
