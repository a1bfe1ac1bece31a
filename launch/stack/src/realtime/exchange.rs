//! One cycle on the motor buses by the real clock.

use std::time::Duration;

use firmware_bridge::bridge::MotorBridge;
use firmware_bridge::port::{BusDriver, BusPort};
use robot_interface::time::Stamp;

use super::clock::{monotonic, sleep_until};

/// Sleep between two polls of ports that cannot be waited on, or whose other end has gone.
const POLL_NANOS: u64 = 40_000;

/// Moves the bytes of a cycle that has `begun` until every motor has answered or used up its slot, or until
/// `limit`; sleeps while nothing comes. When that was. Does not allocate.
pub fn exchange<P: BusPort>(
    driver: &mut BusDriver<P>,
    bridge: &mut MotorBridge,
    begun: Stamp,
    limit: Stamp,
) -> Stamp {
    let mut now = begun;
    loop {
        driver.poll(bridge, now);
        if bridge.is_complete() || now >= limit {
            return now;
        }
        let left = Duration::from_nanos(limit.nanos() - now.nanos());
        let arrived = driver.wait(bridge, now, left);
        let woke = monotonic();
        let least = now.plus_nanos(POLL_NANOS);
        now = if arrived || woke >= least {
            woke
        } else {
            sleep_until(least);
            monotonic()
        };
    }
}
