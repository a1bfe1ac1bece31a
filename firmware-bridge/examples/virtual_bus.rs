//! Devices that are not there, behind a pseudo-terminal, for whatever masters there are:
//! `virtual_bus --protocol dynamixel2 1 2 3` prints the path to open, and serves until its input ends.

#![allow(clippy::print_stdout, reason = "the path is what it is for")]
#![allow(clippy::disallowed_methods, reason = "an example is a shell: it may read the clock")]

use std::error::Error;
use std::io::{ErrorKind, Write};
use std::time::{Duration, Instant};

use firmware_bridge::port::{BusPort, PortError, Tty};
use firmware_bridge::protocol::device::VirtualBus;
use firmware_bridge::protocol::dynamixel2::VirtualServos;
use firmware_bridge::protocol::link::VirtualDevice;
use firmware_bridge::protocol::unitree_a1::Model;
use firmware_bridge::protocol::unitree_motors::VirtualMotors;
use firmware_bridge::protocol::{damiao, feetech};
use robot_interface::time::Stamp;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// Bytes of one write: a terminal here takes no more at once.
const PIECE: usize = 128;

/// A new protocol is one line here.
fn bus(protocol: &str, ids: &[u8]) -> Result<Box<dyn VirtualBus>, Box<dyn Error>> {
    Ok(match protocol {
        "dynamixel2" => Box::new(VirtualServos::new(ids)?),
        "damiao" => {
            Box::new(damiao::VirtualMotors::of(damiao::Model::Dm4310, motors(ids, damiao::MotorId::new)?))
        }
        "feetech" => Box::new(feetech::VirtualServos::of(motors(ids, feetech::ServoId::new)?)),
        "go-m8010-6" => Box::new(VirtualMotors::go_m8010(ids)),
        "a1" => Box::new(VirtualMotors::a1(Model::A1, ids)),
        "b1" => Box::new(VirtualMotors::a1(Model::B1, ids)),
        "adit" => {
            let device = VirtualDevice::of(ids);
            Box::new(device.ok_or("a microcontroller has at most six motors, each with its own id")?)
        }
        other => {
            let known = "dynamixel2, damiao, feetech, go-m8010-6, a1, b1, adit";
            return Err(format!("protocol {other} is not known: use one of {known}").into());
        }
    })
}

/// The ids as a protocol has them.
fn motors<I>(ids: &[u8], id: impl Fn(u8) -> Option<I>) -> Result<Vec<I>, String> {
    let each = |&number: &u8| id(number).ok_or_else(|| format!("{number} is no id of this protocol"));
    ids.iter().map(each).collect()
}

fn main() -> Result<(), Box<dyn Error>> {
    let (mut protocol, mut ids) = ("dynamixel2".to_owned(), Vec::new());
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--protocol" => protocol = arguments.next().ok_or("--protocol wants a name behind it")?,
            id => ids.push(id.parse().map_err(|error| format!("{id} is no id ({error}): use 0 to 255"))?),
        }
    }
    let mut bus = bus(&protocol, &ids)?;

    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY)?;
    grantpt(&master)?;
    unlockpt(&master)?;
    let path = ptsname(&master, Vec::new())?.into_string()?;
    // While nobody else has the slave open, the master would read an error: so this end keeps it open too.
    let _slave = std::fs::File::options().read(true).write(true).open(&path)?;
    let mut port = Tty::new(master)?;
    println!("{path}");
    std::io::stdout().flush()?;

    let started = Instant::now();
    let stdin = std::io::stdin();
    let mut buffer = [0; 1024];
    loop {
        let mut waiting = [PollFd::new(&port, PollFlags::IN), PollFd::new(&stdin, PollFlags::IN)];
        poll(&mut waiting, None)?;
        let input = !waiting[1].revents().is_empty();
        if input && rustix::io::read(&stdin, &mut buffer)? == 0 {
            return Ok(());
        }
        let count = port.read(&mut buffer)?;
        let now = Stamp::from_nanos(started.elapsed().as_nanos() as u64);
        let mut result = Ok(());
        bus.hear(now, &buffer[..count], &mut |answer| {
            for piece in answer.chunks(PIECE) {
                result = result.and_then(|()| write(&mut port, piece));
            }
        });
        match result {
            // A master that does not read gets no more.
            Ok(()) | Err(PortError::Full) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Waits for room, but not for ever.
fn write(port: &mut Tty, bytes: &[u8]) -> Result<(), PortError> {
    for _ in 0..1000 {
        match port.write(bytes) {
            Err(PortError::Full | PortError::Io(ErrorKind::WouldBlock)) => {
                std::thread::sleep(Duration::from_millis(1));
            }
            result => return result,
        }
    }
    Err(PortError::Full)
}
