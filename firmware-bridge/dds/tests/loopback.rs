//! Two participants on one machine, over the loopback interface alone.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::mpsc::channel;
use std::time::Duration;

use adit_dds::{DdsError, Participant, Side};

const HERE: [IpAddr; 1] = [IpAddr::V4(Ipv4Addr::LOCALHOST)];
const TYPE: &str = "adit::test::Bytes_";
/// Others may try on this machine at the same time.
fn domain() -> u16 {
    100 + (std::process::id() % 100) as u16
}

#[test]
fn samples_arrive_whole_with_their_writer_and_endpoints_are_found() -> Result<(), DdsError> {
    let [robot, driver] = [Participant::open(domain(), &HERE)?, Participant::open(domain(), &HERE)?];
    let publication = robot.publish("rt/test", TYPE)?;
    let (sender, samples) = channel();
    let _subscription = driver.subscribe("rt/test", TYPE, move |sample| {
        // The test is over.
        let _ = sender.send(sample);
    })?;
    let sent: Vec<u8> = [&[0, 1, 0, 0][..], &(0..=255).collect::<Vec<u8>>()].concat();
    let arrived = (0..100).find_map(|_| {
        publication.write(&sent).expect("a sample");
        samples.recv_timeout(Duration::from_millis(100)).ok()
    });
    let arrived = arrived.expect("within ten seconds");
    assert_eq!((arrived.bytes, arrived.writer.participant), (sent, robot.id()));
    let found = driver.endpoints();
    let writer = found.iter().find(|e| e.side == Side::Writer && e.id.participant == robot.id());
    let writer = writer.expect("the robot's writer");
    assert_eq!((writer.topic.as_str(), writer.type_name.as_str()), ("rt/test", TYPE));
    assert!(robot.is_alive() && driver.is_alive());
    assert!(matches!(publication.write(&[1, 2, 3]), Err(DdsError::Sample { found: 3 })));
    Ok(())
}
