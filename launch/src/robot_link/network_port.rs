//! The port of a whole robot, whichever way it is reached, and what keeps it going.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::BorrowedFd;
use std::sync::Arc;

use adit_dds::{Interface, Participant, Subscription, interfaces};
use firmware_bridge::port::{BusPort, PortError, UdpPort};
use firmware_bridge::protocol::deeprobotics::{Content, Datagram, REPORT_PORT, ROBOT_PORT, code};
use firmware_bridge::robot::RobotProtocol;
use robot_interface::robot::RobotDescription;
use robot_interface::time::Stamp;

use super::error::LinkError;
use super::sample_port::{SampleCounts, SampleLink, SamplePort};
use super::second_master::SecondMaster;
use super::topics::Topic;

/// Time between two looks whether DDS goes on.
const LOOK_NANOS: u64 = 250_000_000;

/// The way to a robot.
pub(crate) struct RobotNetwork {
    pub(crate) interface: Interface,
    pub(crate) domain: u16,
    pub(crate) address: Option<IpAddr>,
    pub(crate) protocol: RobotProtocol,
}

impl RobotNetwork {
    /// Of a robot's file; interface and domain that are given come before its own.
    pub(crate) fn of(
        robot: &RobotDescription,
        interface: Option<&str>,
        domain: Option<u16>,
    ) -> Result<Self, LinkError> {
        let protocol = RobotProtocol::of(robot.motors.protocol).ok_or(LinkError::Serial)?;
        let network = robot.network.clone().unwrap_or_default();
        let named = interface.or(network.interface.as_deref());
        Ok(Self {
            interface: chosen_interface(named, &interfaces())?,
            domain: domain.unwrap_or(network.domain),
            address: network.address,
            protocol,
        })
    }
}

/// The interface of this name. There is no default: which of a machine's networks is the robot's is not for chance to say.
pub(crate) fn chosen_interface(name: Option<&str>, all: &[Interface]) -> Result<Interface, LinkError> {
    let usable = || {
        let usable = all.iter().filter(|i| i.is_up && !i.addresses.is_empty());
        let listed: Vec<String> = usable
            .map(|i| {
                let addresses: Vec<String> = i.addresses.iter().map(ToString::to_string).collect();
                format!("{} ({})", i.name, addresses.join(", "))
            })
            .collect();
        listed.join(", ")
    };
    let Some(name) = name else { return Err(LinkError::NoInterface { usable: usable() }) };
    let found = all.iter().find(|interface| interface.name == name);
    let why = match found {
        None => "there is none of that name",
        Some(interface) if !interface.is_up => "it is not up",
        Some(interface) if interface.addresses.is_empty() => "it has no IPv4 address",
        Some(interface) => return Ok(interface.clone()),
    };
    Err(LinkError::Interface { name: name.to_owned(), why, usable: usable() })
}

/// Port of a whole robot.
#[derive(Debug)]
pub(crate) enum NetworkPort {
    /// Samples over DDS.
    Dds(SamplePort),
    /// Datagrams.
    Udp(Box<UdpPort>),
}

impl BusPort for NetworkPort {
    fn write(&mut self, bytes: &[u8]) -> Result<(), PortError> {
        match self {
            Self::Dds(port) => port.write(bytes),
            Self::Udp(port) => port.write(bytes),
        }
    }

    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, PortError> {
        match self {
            Self::Dds(port) => port.read(buffer),
            Self::Udp(port) => port.read(buffer),
        }
    }

    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        match self {
            Self::Dds(port) => port.descriptor(),
            Self::Udp(port) => port.descriptor(),
        }
    }
}

/// What keeps the way to a robot open; it ends when this is dropped.
pub(crate) struct RobotLink {
    /// Of a robot by DDS.
    pub(crate) participant: Option<Participant>,
    pub(crate) counts: Option<Arc<SampleCounts>>,
    pub(crate) master: Option<Arc<SecondMaster>>,
    /// Of a robot by UDP: socket and address to which control is given back.
    udp: Option<(UdpSocket, SocketAddr)>,
    /// Time at which it is looked next whether DDS goes on.
    look_at: Stamp,
    _link: Option<SampleLink>,
    _watch: Option<Subscription>,
}

impl RobotLink {
    /// Opens the driver's end.
    pub(crate) fn open(network: &RobotNetwork) -> Result<(NetworkPort, Self), LinkError> {
        match network.protocol {
            RobotProtocol::UnitreeGo => {
                let participant = Participant::open(network.domain, &network.interface.addresses)?;
                let (master, watch) = SecondMaster::watch(&participant)?;
                let (port, link) = SampleLink::start(
                    &participant,
                    Topic::LOW_CMD,
                    network.protocol.command_len(),
                    Topic::LOW_STATE,
                    Some(Arc::clone(&master)),
                )?;
                let counts = Some(Arc::clone(&link.counts));
                let this = Self {
                    participant: Some(participant),
                    counts,
                    master: Some(master),
                    udp: None,
                    look_at: Stamp::ZERO,
                    _link: Some(link),
                    _watch: Some(watch),
                };
                Ok((NetworkPort::Dds(port), this))
            }
            RobotProtocol::DeepRobotics => {
                let robot = network.address.ok_or(LinkError::NoAddress)?;
                let address =
                    network.interface.addresses.first().copied().unwrap_or(IpAddr::from([127, 0, 0, 1]));
                let local = SocketAddr::new(address, REPORT_PORT);
                let peer = SocketAddr::new(robot, ROBOT_PORT);
                let refused = |why| LinkError::Socket { address, port: REPORT_PORT, why };
                let mut port = UdpPort::open(local, peer).map_err(refused)?;
                let udp = Some((port.socket().map_err(refused)?, peer));
                // The vendor's library says it twice, too.
                let take =
                    Datagram { code: code::TAKE_CONTROL, count: 0, content: Content::Value(0) }.encode();
                for _ in 0..2 {
                    if let Err(why) = port.write(&take) {
                        tracing::warn!("{why}");
                    }
                }
                let this = Self {
                    participant: None,
                    counts: None,
                    master: None,
                    udp,
                    look_at: Stamp::ZERO,
                    _link: None,
                    _watch: None,
                };
                Ok((NetworkPort::Udp(Box::new(port)), this))
            }
        }
    }

    /// An error once nothing can come or go any more. May be asked as often as one likes: it looks a few times a second.
    pub(crate) fn check(&mut self, now: Stamp) -> Result<(), LinkError> {
        if now < self.look_at {
            return Ok(());
        }
        self.look_at = now.plus_nanos(LOOK_NANOS);
        self.participant.as_ref().map_or(Ok(()), check_alive)
    }

    /// Gives control back to a robot by UDP; false of another one. The motors must be damped.
    pub(super) fn release(&self) -> bool {
        let Some((socket, robot)) = &self.udp else { return false };
        let release = Datagram { code: code::RELEASE_CONTROL, count: 0, content: Content::Value(0) }.encode();
        if let Err(why) = socket.send_to(&release, robot) {
            tracing::warn!("control is not given back: {why}");
        }
        true
    }

    /// Others that command the robot, in words; empty if nobody does.
    pub(crate) fn intruders(&self) -> String {
        let Some(master) = self.master.as_ref().filter(|master| master.is_there()) else {
            return String::new();
        };
        let endpoints = self.participant.as_ref().map(Participant::endpoints).unwrap_or_default();
        let named = master.who().into_iter().map(|participant| {
            let theirs = endpoints.iter().filter(|endpoint| endpoint.id.participant == participant);
            let address = theirs.flat_map(|endpoint| endpoint.addresses.first()).next();
            address.map_or_else(|| format!("participant {participant}"), ToString::to_string)
        });
        named.collect::<Vec<_>>().join(", ")
    }
}

/// An error once nothing can come to a participant or go from it. It goes through the process's threads.
pub(crate) fn check_alive(participant: &Participant) -> Result<(), LinkError> {
    if participant.is_alive() { Ok(()) } else { Err(LinkError::Ended) }
}

/// Opens the robot's end, for a simulated one.
pub(crate) fn robot_end(network: &RobotNetwork) -> Result<(NetworkPort, Option<SampleLink>), LinkError> {
    match network.protocol {
        RobotProtocol::UnitreeGo => {
            let participant = Participant::open(network.domain, &network.interface.addresses)?;
            let (port, link) = SampleLink::start(
                &participant,
                Topic::LOW_STATE,
                network.protocol.report_len(),
                Topic::LOW_CMD,
                None,
            )?;
            Ok((NetworkPort::Dds(port), Some(link)))
        }
        RobotProtocol::DeepRobotics => {
            let address = network.interface.addresses.first().copied().ok_or(LinkError::NoAddress)?;
            let (local, peer) = ((address, ROBOT_PORT).into(), (address, REPORT_PORT).into());
            let port = UdpPort::open(local, peer).map_err(|why| LinkError::Socket {
                address,
                port: ROBOT_PORT,
                why,
            })?;
            Ok((NetworkPort::Udp(Box::new(port)), None))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn an_interface_is_asked_for_and_one_that_cannot_be_is_told_why() {
        let interface = |name: &str, is_up, addresses: &[u8]| Interface {
            name: name.to_owned(),
            addresses: addresses.iter().map(|last| IpAddr::V4(Ipv4Addr::new(192, 168, 123, *last))).collect(),
            is_up,
            is_loopback: false,
        };
        let all =
            [interface("eth0", true, &[99]), interface("eth1", false, &[100]), interface("wlan0", true, &[])];
        assert_eq!(chosen_interface(Some("eth0"), &all).expect("there"), all[0]);
        for (name, why) in [
            (None, "is not said"),
            (Some("eth1"), "not up"),
            (Some("wlan0"), "no IPv4"),
            (Some("x"), "none of that name"),
        ] {
            let refused = chosen_interface(name, &all).expect_err("not usable").to_string();
            assert!(refused.contains(why) && refused.contains("eth0 (192.168.123.99)"), "{refused}");
        }
    }
}
