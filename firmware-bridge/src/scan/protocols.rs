//! The table of the protocols that Adit knows.

use std::ops::RangeInclusive;

use robot_interface::robot::MotorProtocol;

use super::probe::{Probe, ProtocolEntry};
use super::{damiao, link, servos, unitree};

macro_rules! protocols {
    ($($(#[$doc:meta])* $protocol:ident => $entry:expr,)*) => {
        /// A language that motors speak.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Protocol {
            $($(#[$doc])* $protocol,)*
        }

        impl Protocol {
            /// All of them.
            pub const ALL: [Self; [$(stringify!($protocol)),*].len()] = [$(Self::$protocol,)*];

            const fn entry(self) -> &'static ProtocolEntry {
                match self {
                    $(Self::$protocol => &$entry,)*
                }
            }
        }
    };
}

// The table, a line a protocol. They are asked in this order.
protocols! {
    /// Unitree GO-M8010-6.
    GoM8010 => unitree::GO_M8010,
    /// Unitree A1.
    A1 => unitree::A1,
    /// Unitree B1.
    B1 => unitree::B1,
    /// ROBOTIS DYNAMIXEL Protocol 2.0.
    Dynamixel2 => servos::DYNAMIXEL2,
    /// Damiao motors behind the vendor's USB-CAN adapter.
    Damiao => damiao::DAMIAO,
    /// Feetech SMS and STS servos.
    Feetech => servos::FEETECH,
    /// Adit's own link to a microcontroller.
    Adit => link::ADIT,
}

impl Protocol {
    /// The protocol of a robot's joints.
    pub fn of(motors: MotorProtocol) -> Option<Self> {
        Self::ALL.into_iter().find(|protocol| protocol.entry().drives == Some(motors))
    }

    /// The name that people write.
    pub const fn name(self) -> &'static str {
        self.entry().name
    }

    /// The motors' name in full.
    pub const fn title(self) -> &'static str {
        self.entry().title
    }

    /// The rates at which such motors are usually found, bits a second: as delivered first.
    pub const fn bauds(self) -> &'static [u32] {
        self.entry().bauds
    }

    /// Every id that is asked. An A1 or B1 on a leg has one of 0 to 2; its frame carries more. A microcontroller has none
    /// and is asked once; what is found are its actuators.
    pub fn ids(self) -> RangeInclusive<u8> {
        self.entry().ids.clone()
    }

    pub(super) fn probe(self, budget_nanos: u64) -> Box<dyn Probe + Send> {
        (self.entry().probe)(budget_nanos)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_protocol_of_joints_can_be_scanned_for_by_its_name_in_a_robots_file() {
        for name in ["go-m8010-6", "a1", "b1", "damiao", "adit"] {
            let motors: robot_interface::robot::MotorsDescription =
                toml::from_str(&format!("protocol = \"{name}\"")).expect("a protocol of joints");
            assert_eq!(Protocol::of(motors.protocol).map(Protocol::name), Some(name));
        }
    }
}
