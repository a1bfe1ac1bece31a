//! Protocols on the command line.

use clap::ValueEnum;
use clap::builder::PossibleValue;
use firmware_bridge::scan::Protocol;

use super::RobotProtocol;

/// A protocol by its name on the command line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ProtocolName(pub(crate) Protocol);

impl ValueEnum for ProtocolName {
    fn value_variants<'a>() -> &'a [Self] {
        const ALL: [ProtocolName; Protocol::ALL.len()] = {
            let mut all = [ProtocolName(Protocol::ALL[0]); Protocol::ALL.len()];
            let mut at = 0;
            while at < all.len() {
                all[at] = ProtocolName(Protocol::ALL[at]);
                at += 1;
            }
            all
        };
        &ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.0.name()).help(self.0.title()))
    }
}

/// What `adit wire` reads and writes, by its name on the command line.
#[derive(Clone, Copy, Debug)]
pub(crate) enum WireProtocol {
    /// Frames of motor buses, in a stream.
    Bus(Protocol),
    /// Messages of whole robots, one a line.
    Robot(RobotProtocol),
}

impl ValueEnum for WireProtocol {
    fn value_variants<'a>() -> &'a [Self] {
        const BUSES: usize = Protocol::ALL.len();
        const ALL: [WireProtocol; BUSES + RobotProtocol::ALL.len()] = {
            let mut all = [WireProtocol::Bus(Protocol::ALL[0]); BUSES + RobotProtocol::ALL.len()];
            let mut at = 0;
            while at < all.len() {
                all[at] = if at < BUSES {
                    WireProtocol::Bus(Protocol::ALL[at])
                } else {
                    WireProtocol::Robot(RobotProtocol::ALL[at - BUSES])
                };
                at += 1;
            }
            all
        };
        &ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let (name, title) = match self {
            Self::Bus(protocol) => (protocol.name(), protocol.title()),
            Self::Robot(protocol) => (protocol.name(), protocol.title()),
        };
        Some(PossibleValue::new(name).help(title))
    }
}
