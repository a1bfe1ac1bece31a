//! DEEP Robotics' robots: who reports to this machine by UDP.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};

use adit_dds::Interface;
use firmware_bridge::protocol::deeprobotics::{Contact, Content, Datagram, REPORT_PORT};

use super::found::{FindError, FoundRobot};

/// Datagrams that are taken at once at most: a flood ends, too.
const MOST: usize = 10_000;
/// Addresses that are told apart at most.
const MOST_ADDRESSES: usize = 64;
/// Longer ones are none.
const LONGEST: usize = 2048;

/// Hears what robots report.
pub(super) struct Listener {
    socket: UdpSocket,
    heard: BTreeMap<IpAddr, Heard>,
}

impl Listener {
    /// At the addresses of an interface: all of the machine's if it has several.
    pub(super) fn open(interface: &Interface) -> Result<Self, FindError> {
        let address = match interface.addresses[..] {
            [one] => one,
            _ => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        };
        let socket = UdpSocket::bind(SocketAddr::new(address, REPORT_PORT));
        let socket = socket.and_then(|socket| socket.set_nonblocking(true).map(|()| socket));
        let listener = socket.map(|socket| Self { socket, heard: BTreeMap::new() });
        listener.map_err(|why| FindError::Port { port: REPORT_PORT, why })
    }

    /// Takes what came.
    pub(super) fn take(&mut self) {
        let mut bytes = [0; LONGEST];
        for _ in 0..MOST {
            let Ok((len, from)) = self.socket.recv_from(&mut bytes) else { break };
            if self.heard.len() < MOST_ADDRESSES || self.heard.contains_key(&from.ip()) {
                self.heard.entry(from.ip()).or_default().take(&bytes[..len]);
            }
        }
    }

    /// The robots that reported within so many seconds.
    pub(super) fn robots(self, seconds: f64) -> Vec<FoundRobot> {
        self.heard.into_iter().filter_map(|(address, heard)| heard.robot(address, seconds)).collect()
    }
}

/// What came from one address.
#[derive(Default)]
struct Heard {
    states: u64,
    kind: Option<&'static str>,
    /// The first that could not be read.
    unread: Option<String>,
    others: u64,
}

impl Heard {
    fn take(&mut self, bytes: &[u8]) {
        match Datagram::decode(bytes) {
            Ok(Datagram { content: Content::State(state), .. }) => {
                self.states += 1;
                self.kind = Some(match state.contact {
                    Contact::Lite3(_) => "DEEP Robotics Lite3",
                    Contact::X30(_) => "DEEP Robotics X30",
                });
            }
            Ok(_) => self.others += 1,
            Err(why) => {
                self.unread.get_or_insert_with(|| why.to_string());
            }
        }
    }

    /// `None` if nothing that came was a robot's.
    fn robot(self, address: IpAddr, seconds: f64) -> Option<FoundRobot> {
        if self.states + self.others == 0 {
            return None;
        }
        let mut remarks = Vec::new();
        if self.states == 0 {
            remarks.push(
                "it reports no joints: an X30 needs enable_joint_data = true in its network.toml".to_owned(),
            );
        }
        remarks.extend(self.unread.map(|why| format!("of what it sent not all could be read: {why}")));
        Some(FoundRobot {
            kind: self.kind.unwrap_or("DEEP Robotics robot").to_owned(),
            transport: "udp",
            address: Some(address),
            states_per_s: self.states as f64 / seconds,
            remarks,
            ..FoundRobot::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use firmware_bridge::protocol::deeprobotics::code;

    use super::*;

    #[test]
    fn noise_is_no_robot_and_a_robot_without_joints_is_told_what_to_set() {
        let here = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let heard = |datagrams: &[&[u8]]| {
            let mut heard = Heard::default();
            datagrams.iter().for_each(|bytes| heard.take(bytes));
            heard.robot(here, 2.0)
        };
        assert_eq!(heard(&[b"hello, is anybody here?"]), None);
        let battery = Datagram { code: 0x0901, count: 0, content: Content::Payload(vec![0; 40]) }.encode();
        let robot = heard(&[&battery]).expect("a robot");
        assert!(robot.remarks[0].contains("enable_joint_data"), "{robot:?}");
        let newer =
            Datagram { code: code::STATE, count: 0, content: Content::Payload(vec![0; 300]) }.encode();
        let robot = heard(&[&battery, &newer]).expect("a robot");
        assert!(robot.remarks[1].contains("300 bytes"), "{robot:?}");
    }
}
