//! Network interfaces of this machine.

use std::net::IpAddr;

/// A network interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// Its name, such as `eth0`.
    pub name: String,
    /// Its IPv4 addresses: a robot's network has no others.
    pub addresses: Vec<IpAddr>,
    /// True if it is switched on.
    pub is_up: bool,
    /// True if it leads to this machine alone.
    pub is_loopback: bool,
}

/// All interfaces, by name.
pub fn interfaces() -> Vec<Interface> {
    let mut all: Vec<Interface> = netdev::get_interfaces()
        .into_iter()
        .map(|interface| Interface {
            is_up: interface.is_up(),
            is_loopback: interface.is_loopback(),
            addresses: interface.ipv4.iter().map(|net| IpAddr::V4(net.addr())).collect(),
            name: interface.name,
        })
        .collect();
    all.sort_by(|a, b| a.name.cmp(&b.name));
    all
}
