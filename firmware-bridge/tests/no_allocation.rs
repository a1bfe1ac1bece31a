//! The real-time path does not allocate after start.

mod common;

use allocation_counter::measure;
use common::{Rig, go2, honest, standing};
use firmware_bridge::port::BusPort;
use robot_interface::time::Stamp;

#[test]
fn a_cycle_allocates_nothing_whether_motors_answer_or_not() {
    let mut rig = Rig::new(go2());
    let commands = standing(&rig.robot);
    let info = measure(|| {
        for cycle in 0..50 {
            let now = Stamp::from_nanos(cycle * 2_000_000);
            let result = rig.cycle_with(now, &commands, |bus, reply, port| {
                // One motor is dead, and one line is noisy.
                if (bus, reply.id.get()) != (2, 1) {
                    port.write(&[0xFD, 0x00, 0xFD]).expect("room");
                    port.write(&reply.encode()).expect("room");
                }
            });
            assert_eq!(result.answered.iter().filter(|answered| !**answered).count(), 1);
        }
    });
    assert_eq!(info.count_total, 0, "{info:?}");
}

#[test]
fn the_counter_counts() {
    let mut rig = Rig::new(go2());
    let commands = standing(&rig.robot);
    let info = measure(|| {
        rig.cycle(Stamp::ZERO, &commands, honest);
    });
    assert!(info.count_total > 0, "this rig's replies are collected in vectors: {info:?}");
}
