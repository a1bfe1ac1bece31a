//! Having a robot: found, watched for other masters, taken over from its vendor's service, and given back.

use std::time::Duration;

use firmware_bridge::port::BusPort as _;
use stack::VendorOrder;
use stack::realtime::monotonic;

use super::error::LinkError;
use super::network_port::{NetworkPort, RobotLink, RobotNetwork};
use super::service_client::ServiceClient;

/// Time in which a robot is found, s: on the loopback interface a simulator that runs already has taken six.
const FOUND_WITHIN_S: f64 = 15.0;
/// Time for which it is watched who else commands the robot, by when participants of a network have found each other. On the loopback
/// interface some take longer, and nobody is hurt there.
const WATCH: Duration = Duration::from_secs(2);
const WATCH_LOOPBACK: Duration = Duration::from_millis(500);
/// Time that last words have to arrive.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// Sleep between two looks for a state.
const LOOK: Duration = Duration::from_millis(5);

/// Hold on a robot, until it is dropped.
pub(crate) struct RobotHold {
    pub(crate) link: RobotLink,
    services: Option<ServiceClient>,
    released: Option<String>,
}

/// What becomes of the vendor's service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum VendorService {
    /// It lays the robot down, and is released.
    Release,
    /// It is released already, or there is none, as in a vendor's simulator.
    AssumeReleased,
    /// It walks.
    Use,
}

/// Waits until the robot reports, refuses one that somebody else commands, and comes to terms with its vendor's service. `on_phase` is
/// told each step, and `is_stopped` asked whether to go on.
pub(crate) fn acquire(
    network: &RobotNetwork,
    vendor: VendorService,
    on_phase: impl FnMut(&'static str),
    is_stopped: impl Fn() -> bool,
) -> anyhow::Result<(NetworkPort, RobotHold)> {
    let (mut port, link) = RobotLink::open(network)?;
    let begun = monotonic();
    while drain(&mut port)? == 0 {
        let waited_s = monotonic().seconds_since(begun);
        if waited_s > FOUND_WITHIN_S || is_stopped() {
            return Err(LinkError::NoRobot { interface: network.interface.name.clone(), waited_s }.into());
        }
        std::thread::sleep(LOOK);
    }
    std::thread::sleep(if network.interface.is_loopback { WATCH_LOOPBACK } else { WATCH });
    if is_stopped() {
        return Err(LinkError::Stopped.into());
    }
    let others = link.intruders();
    if !others.is_empty() {
        return Err(LinkError::Commanded { others }.into());
    }
    let mut services = match (&link.participant, vendor) {
        (Some(participant), VendorService::Release | VendorService::Use) => {
            Some(ServiceClient::open(participant)?)
        }
        (None, VendorService::Use) => return Err(LinkError::NoVendorGait.into()),
        _ => None,
    };
    let released = match (&mut services, vendor) {
        (Some(services), VendorService::Release) => services.take_over(on_phase, &is_stopped)?,
        (Some(services), VendorService::Use) => {
            if services.who_moves()?.is_empty() {
                return Err(LinkError::GaitReleased.into());
            }
            None
        }
        _ => None,
    };
    // What came meanwhile is old.
    drain(&mut port)?;
    Ok((port, RobotHold { link, services, released }))
}

impl RobotHold {
    /// Gives an order to the vendor's gait, if that is used.
    pub(crate) fn order(&mut self, order: VendorOrder) {
        if let Some(services) = &mut self.services {
            services.order(order);
        }
    }

    /// Name of the vendor's service that had the motors, and was released.
    pub(crate) fn released(&self) -> Option<&str> {
        self.released.as_deref()
    }

    /// Gives the motors to the vendor's service again that had them. Returns its name.
    pub(crate) fn give_back(&mut self) -> Option<&str> {
        if self.link.release() {
            return Some("for motion");
        }
        let (services, name) = (self.services.as_mut()?, self.released.as_deref()?);
        services.give_back(name);
        std::thread::sleep(LAST_WORDS);
        Some(name)
    }
}

/// Takes all that has come, and returns how many bytes that were.
fn drain(port: &mut NetworkPort) -> anyhow::Result<usize> {
    let (mut buffer, mut all) = ([0; 2048], 0);
    loop {
        match port.read(&mut buffer)? {
            0 => return Ok(all),
            count => all += count,
        }
    }
}
