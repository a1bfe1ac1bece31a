//! Unitree's robots: who writes `rt/lowstate`, and who writes or has lately written commands.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use adit_dds::{Endpoint, EndpointId, Participant, ParticipantId, Sample, Side, Subscription};
use firmware_bridge::protocol::unitree_go::{LowState, SportModeState};

use super::found::{FindError, FoundRobot, Search};
use crate::robot_link::Topic;

/// Prefix of the topics of lidars and their inertial sensors.
const SENSORS: &str = "rt/utlidar/";
/// Time between two states, ms.
const STATE_MS: u32 = 2;

/// Samples of one writer.
#[derive(Clone, Debug, Default)]
struct Samples {
    count: u64,
    last: Vec<u8>,
    /// This computer's time when that came, since 1970.
    arrived: Duration,
    /// Of states: the robot's count of time in the last one, and how many did not come by it.
    tick: Option<u32>,
    lost: u64,
}

impl Samples {
    fn take(&mut self, bytes: Vec<u8>) {
        self.count += 1;
        self.arrived = now();
        self.last = bytes;
    }

    fn count_lost(&mut self) {
        let Ok(state) = LowState::decode(&self.last) else { return };
        if let Some(before) = self.tick.replace(state.tick) {
            let passed = state.tick.saturating_sub(before);
            self.lost += u64::from((passed / STATE_MS).saturating_sub(1));
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "two clocks are compared here")]
fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

type Heard = Arc<Mutex<BTreeMap<EndpointId, Samples>>>;

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
                let samples = heard.entry(writer).or_default();
                samples.take(bytes);
                if topic == Topic::LOW_STATE {
                    samples.count_lost();
                }
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
    states: BTreeMap<EndpointId, Samples>,
    commands: BTreeMap<EndpointId, Samples>,
    sport: BTreeMap<EndpointId, Samples>,
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
            Some(samples) => {
                robot.states_per_s = samples.count as f64 / self.seconds;
                robot.states_lost = samples.lost;
                match LowState::decode(&samples.last) {
                    Ok(state) => describe(&state, &mut robot),
                    Err(why) => robot.remarks.push(format!("its states cannot be read: {why}")),
                }
            }
        }
        let rate = |samples: &Samples| samples.count as f64 / self.seconds;
        let theirs = self.sport.iter().find(|(id, _)| id.participant == writer.id.participant);
        // The vendor's processes are participants of their own.
        if let Some((_, sport)) = theirs.or(self.sport.iter().next()) {
            robot.own_gait = true;
            robot.clock_ahead_s = SportModeState::decode(&sport.last).ok().map(|state| {
                let theirs = f64::from(state.stamp.sec) + 1e-9 * f64::from(state.stamp.nanosec);
                theirs - sport.arrived.as_secs_f64()
            });
            robot.drivers.push(format!("its own gait ({} comes)", Topic::SPORT_STATE.name));
        }
        robot.other_masters = self.commands.len();
        let sensors = self.others.iter().filter(|e| e.side == Side::Writer && e.topic.starts_with(SENSORS));
        robot.sensors = sensors.map(|endpoint| endpoint.topic.clone()).collect();
        robot.sensors.sort();
        robot.sensors.dedup();
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
