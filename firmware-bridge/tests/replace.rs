//! A port that fails and is replaced by another thread.

use std::sync::atomic::{AtomicUsize, Ordering};

use firmware_bridge::port::{BusPort, Loopback, PortError, loopback, replaceable};
use robot_interface::time::Stamp;

const MILLI: u64 = 1_000_000;

/// Fails as it is told to, and counts how many of its kind are open.
struct Fragile<'a> {
    error: Option<PortError>,
    open: &'a AtomicUsize,
}

impl<'a> Fragile<'a> {
    fn open(error: Option<PortError>, open: &'a AtomicUsize) -> Self {
        open.fetch_add(1, Ordering::Relaxed);
        Self { error, open }
    }
}

impl Drop for Fragile<'_> {
    fn drop(&mut self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
    }
}

impl BusPort for Fragile<'_> {
    fn write(&mut self, _: &[u8]) -> Result<(), PortError> {
        self.error.map_or(Ok(()), Err)
    }

    fn read(&mut self, _: &mut [u8]) -> Result<usize, PortError> {
        self.error.map_or(Ok(0), Err)
    }
}

fn at(millis: u64) -> Stamp {
    Stamp::from_nanos(millis * MILLI)
}

#[test]
fn a_missing_port_is_tried_for_less_and_less_often() {
    let (mut port, mut replacer) = replaceable::<Loopback>();
    let mut tries = Vec::new();
    for millis in (0..10_000).step_by(10) {
        if let Some(result) = replacer.poll(at(millis), || Err("absent")) {
            assert_eq!(result, Err("absent"));
            tries.push(millis);
        }
        assert_eq!(port.write(&[1]), Err(PortError::Closed));
    }
    assert_eq!(tries, [0, 100, 300, 700, 1500, 3100, 5100, 7100, 9100]);
    assert!(replacer.is_wanted() && !port.is_present());
}

#[test]
fn a_failed_port_is_closed_by_the_helper_and_not_by_its_user() {
    let open = AtomicUsize::new(0);
    let (mut port, mut replacer) = replaceable();
    for error in [PortError::Closed, PortError::Io(std::io::ErrorKind::Other)] {
        let begun = at(if error == PortError::Closed { 0 } else { 1000 });
        assert_eq!(replacer.poll(begun, || Ok::<_, ()>(Fragile::open(Some(error), &open))), Some(Ok(())));
        assert!(!replacer.is_wanted());
        assert_eq!(port.read(&mut [0; 8]), Err(error));
        assert_eq!(port.read(&mut [0; 8]), Err(PortError::Closed));
        assert!(!port.is_present());
        assert_eq!(open.load(Ordering::Relaxed), 1, "its user has not closed it");
        assert_eq!(replacer.poll(begun, || Err(())), None, "and not yet opened again");
        assert_eq!(open.load(Ordering::Relaxed), 0);
        assert!(replacer.is_wanted());
    }
}

#[test]
fn a_port_that_is_only_full_stays() {
    let open = AtomicUsize::new(0);
    let (mut port, mut replacer) = replaceable();
    replacer.poll(at(0), || Ok::<_, ()>(Fragile::open(Some(PortError::Full), &open)));
    for _ in 0..3 {
        assert_eq!(port.write(&[1]), Err(PortError::Full));
    }
    assert!(port.is_present());
    assert_eq!(replacer.poll(at(5000), || Err(())), None, "nothing is to be done");
}

/// A user that never pauses, and a helper that replaces each port as it fails.
#[test]
fn two_threads_pass_ports_to_each_other() {
    const PORTS: u8 = 50;
    let (mut port, mut replacer) = replaceable::<Loopback>();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let mut far: Option<Loopback> = None;
            let (mut opened, mut now) = (0, 0);
            while opened < PORTS {
                now += 1000;
                let opening = replacer.poll(at(now), || {
                    let (near, mut other) = loopback();
                    other.write(&[opened]).expect("room");
                    far = Some(other);
                    Ok::<_, ()>(near)
                });
                opened += u8::from(opening.is_some());
                // Gone again, as soon as its byte may be read: what was written before is still delivered.
                far = None;
                std::thread::yield_now();
            }
        });
        let mut seen = Vec::new();
        while seen.len() < usize::from(PORTS) {
            let mut byte = [0];
            if port.read(&mut byte) == Ok(1) {
                seen.push(byte[0]);
            }
            std::thread::yield_now();
        }
        assert_eq!(seen, (0..PORTS).collect::<Vec<_>>());
    });
}
