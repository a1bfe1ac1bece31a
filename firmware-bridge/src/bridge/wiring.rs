//! A robot's motors, by the bus that each is on.

use std::ops::RangeInclusive;

use robot_interface::joints::{JOINT_NAMES, JOINTS};
use robot_interface::robot::JointDescription;

use super::error::BridgeError;

/// A motor of a bus.
#[derive(Clone, Copy, Debug)]
pub(super) struct Motor {
    /// The joint that it moves.
    pub(super) joint: usize,
    pub(super) id: u8,
}

/// The motors of each bus in the order of their joints.
///
/// # Errors
/// [`BridgeError`] for an id that no motor can have, or a gap between the buses.
pub(super) fn by_bus(
    joints: &[JointDescription; JOINTS],
    ids: &RangeInclusive<u8>,
) -> Result<Vec<Vec<Motor>>, BridgeError> {
    let mut buses: [Vec<Motor>; JOINTS] = Default::default();
    for (joint, &JointDescription { bus, id, .. }) in joints.iter().enumerate() {
        if !ids.contains(&id) {
            let (least, most) = (*ids.start(), *ids.end());
            return Err(BridgeError::Id { joint: JOINT_NAMES[joint], id, least, most });
        }
        let motors = buses.get_mut(bus).ok_or(BridgeError::Bus { joint: JOINT_NAMES[joint], bus })?;
        motors.push(Motor { joint, id });
    }
    let count = buses.iter().take_while(|motors| !motors.is_empty()).count();
    if let Some(motor) = buses[count..].iter().flatten().next() {
        return Err(BridgeError::Bus { joint: JOINT_NAMES[motor.joint], bus: joints[motor.joint].bus });
    }
    Ok(buses.into_iter().take(count).collect())
}
