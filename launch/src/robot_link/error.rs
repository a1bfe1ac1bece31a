//! Why a robot cannot be reached or had.

use std::net::IpAddr;

use adit_dds::DdsError;

/// Failure to reach a robot's network.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LinkError {
    /// The interface is not said.
    #[error(
        "which network leads to the robot is not said\n  help: give --interface, or `interface` in [network] of the robot's file: {usable}"
    )]
    NoInterface {
        /// Those that could be.
        usable: String,
    },
    /// The interface cannot be used.
    #[error("network interface {name}: {why}\n  help: give one of {usable}")]
    Interface {
        /// Its name.
        name: String,
        /// What is wrong.
        why: &'static str,
        /// Those that could be.
        usable: String,
    },
    /// A robot by UDP whose address is not known.
    #[error(
        "where the robot is is not said\n  help: give `address` in [network] of the robot's file, as the robot's network.toml has it"
    )]
    NoAddress,
    /// A robot that is not reached over a network.
    #[error(
        "the robot has serial motors: it is not reached over a network\n  help: look at its buses with `adit bus`, and run it with `adit up`"
    )]
    Serial,
    /// Nobody reports.
    #[error(
        "no robot reported on {interface} within {waited_s:.0} s\n  help: look with `adit robot find --interface {interface}`"
    )]
    NoRobot {
        /// The interface.
        interface: String,
        /// Time, s.
        waited_s: f64,
    },
    /// Somebody else drives it.
    #[error(
        "the robot is commanded by {others}: two masters would fight over its motors\n  help: stop that program"
    )]
    Commanded {
        /// Who.
        others: String,
    },
    /// The vendor's gait is asked for where Adit does not know how.
    #[error(
        "this robot's own gait cannot be used yet: only a Unitree robot's can\n  help: leave --gait out, or give --gait adit"
    )]
    NoVendorGait,
    /// The vendor's gait does not have the motors.
    #[error(
        "the robot's own gait does not have its motors\n  help: switch sport mode on in the vendor's app, or give --gait adit"
    )]
    GaitReleased,
    /// Somebody has stopped it.
    #[error(
        "stopped before the robot was taken over: its joints were not commanded\n  help: its own service may have laid it down or be released by now; the vendor's app gives it the motors again"
    )]
    Stopped,
    /// The DDS library has given up.
    #[error(
        "DDS has ended in this process, as it does when that is stopped and continued (Ctrl-Z, SIGSTOP)\n  help: start it anew"
    )]
    Ended,
    /// DDS does not work.
    #[error(transparent)]
    Dds(#[from] DdsError),
    /// The socket cannot be opened.
    #[error(
        "UDP port {port} of {address} cannot be opened ({why})\n  help: stop whatever else talks to the robot from here"
    )]
    Socket {
        /// This computer's address.
        address: IpAddr,
        /// The port.
        port: u16,
        /// The system's words.
        why: std::io::Error,
    },
    /// No thread.
    #[error("cannot start a thread: {0}")]
    Thread(std::io::Error),
}
