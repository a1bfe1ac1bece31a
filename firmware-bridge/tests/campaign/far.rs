//! The far end of one bus: a pseudo-terminal behind a link, virtual motors on it, and their troubles.

use std::cell::Cell;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use firmware_bridge::port::{BusPort, PortError, SerialPort, Tty};
use firmware_bridge::protocol::FrameReader;
use firmware_bridge::protocol::device::VirtualBus;
use firmware_bridge::protocol::go_m8010::{Command, Fault, Reply};
use firmware_bridge::protocol::unitree_motors::VirtualMotors;
use robot_interface::time::Stamp;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use super::judge::Judge;

/// The system moves a terminal's bytes when it finds the time: this often they are looked for, for so long.
const LOOKS: u32 = 400;
const LOOK: Duration = Duration::from_millis(5);

/// Bytes that have passed each way since the port was opened, counted at the controller's end: so that the far end
/// knows what to wait for.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    written: Cell<u64>,
    read: Cell<u64>,
}

/// A serial port with its meter.
#[derive(Debug)]
pub(crate) struct Metered {
    port: SerialPort,
    meter: Rc<Meter>,
}

impl Metered {
    pub(crate) const fn new(port: SerialPort, meter: Rc<Meter>) -> Self {
        Self { port, meter }
    }
}

impl BusPort for Metered {
    fn write(&mut self, bytes: &[u8]) -> Result<(), PortError> {
        self.port.write(bytes)?;
        self.meter.written.set(self.meter.written.get() + bytes.len() as u64);
        Ok(())
    }

    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, PortError> {
        let count = self.port.read(buffer)?;
        self.meter.read.set(self.meter.read.get() + count as u64);
        Ok(count)
    }
}

/// A pseudo-terminal; its own end of the line is kept open too, as else the master would read an error.
struct Pair {
    master: Tty,
    slave: File,
    heard: u64,
    said: u64,
}

impl Pair {
    /// Opens a new one and lets the link lead to it.
    fn open(link: &Path) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a pseudo-terminal");
        grantpt(&master).expect("granted");
        unlockpt(&master).expect("unlocked");
        let path = ptsname(&master, Vec::new()).expect("a name").into_string().expect("ASCII");
        let slave = File::options().read(true).write(true).open(&path).expect("it opens");
        // A link is replaced in one step, so that nobody ever finds none.
        let new = link.with_extension("new");
        std::os::unix::fs::symlink(&path, &new).expect("a link");
        std::fs::rename(&new, link).expect("renamed");
        Self { master: Tty::new(master).expect("a terminal"), slave, heard: 0, said: 0 }
    }
}

/// One bus from its motors' side.
pub(crate) struct FarBus {
    pub(crate) bus: usize,
    pub(crate) motors: VirtualMotors,
    /// What each of the motors complains of whatever its temperature, `[3]`.
    pub(crate) complaints: [Option<Fault>; 3],
    pub(crate) meter: Rc<Meter>,
    /// Cycles in which bytes did not come through the system in time.
    pub(crate) stuck: u64,
    link: PathBuf,
    pair: Option<Pair>,
    reader: FrameReader<Command>,
}

impl FarBus {
    pub(crate) fn new(bus: usize, directory: &Path) -> Self {
        let link = directory.join(format!("motor{bus}"));
        Self {
            bus,
            motors: VirtualMotors::go_m8010(&[0, 1, 2]),
            complaints: [None; 3],
            meter: Rc::default(),
            stuck: 0,
            pair: Some(Pair::open(&link)),
            link,
            reader: FrameReader::new(),
        }
    }

    pub(crate) fn link(&self) -> &Path {
        &self.link
    }

    pub(crate) const fn is_plugged(&self) -> bool {
        self.pair.is_some()
    }

    pub(crate) fn unplug(&mut self) {
        // As udev does; and the system may give the name to the next terminal that somebody opens.
        std::fs::remove_file(&self.link).expect("its link");
        self.pair = None;
    }

    /// Comes back, or, while the former one is still open, comes as another device: the system cannot give a name
    /// that is in use.
    pub(crate) fn plug(&mut self) {
        self.pair = Some(Pair::open(&self.link));
        self.reader.clear();
        self.opened();
    }

    /// A newly opened port has seen nothing yet.
    pub(crate) fn opened(&mut self) {
        self.meter.written.set(0);
        self.meter.read.set(0);
        if let Some(pair) = &mut self.pair {
            (pair.heard, pair.said) = (0, 0);
        }
    }

    /// Hears what was written, shows the judge every command that a motor takes, and answers. Waits until the
    /// system has carried it all, so that an episode's time is the bus's and not the machine's.
    pub(crate) fn serve(&mut self, now: Stamp, judge: &mut Judge) {
        let Some(pair) = &mut self.pair else { return };
        let mut bytes = Vec::new();
        let mut buffer = [0; 512];
        for _ in 0..LOOKS {
            while let Ok(count @ 1..) = pair.master.read(&mut buffer) {
                bytes.extend_from_slice(&buffer[..count]);
            }
            if pair.heard + bytes.len() as u64 >= self.meter.written.get() {
                break;
            }
            wait(&pair.master);
        }
        pair.heard += bytes.len() as u64;
        self.stuck += u64::from(pair.heard != self.meter.written.get());
        // What did not come is not waited for again.
        pair.heard = self.meter.written.get();
        if bytes.is_empty() {
            return;
        }
        let mut rest = bytes.as_slice();
        while let Some(found) = self.reader.next_frame(&mut rest) {
            let Ok(command) = found else { continue };
            for motor in self.motors.motors_mut().iter_mut().filter(|motor| motor.connected) {
                if motor.id == command.id.get() || command.id.get() == 15 {
                    motor.run_to(now);
                    judge.accepted(self.bus, motor.id, &command, &motor.rotor);
                }
            }
        }
        let (bus, complaints) = (self.bus, &self.complaints);
        let Pair { master, said, .. } = pair;
        self.motors.hear(now, &bytes, &mut |answer| {
            let mut reply = Reply::decode(answer).expect("a motor says what is whole");
            if let Some(complaint) = complaints.get(usize::from(reply.id.get())).copied().flatten() {
                reply.error = Some(complaint);
            }
            let answer = reply.encode();
            judge.said(bus, &Reply::decode(&answer).expect("just encoded"));
            if master.write(&answer).is_ok() {
                *said += answer.len() as u64;
            }
        });
        for _ in 0..LOOKS {
            let there = rustix::io::ioctl_fionread(&pair.slave).unwrap_or(0);
            if there + self.meter.read.get() >= pair.said {
                return;
            }
            // Some of it may be there already, so there is nothing to be woken by.
            std::thread::sleep(LOOK / 50);
        }
        self.stuck += 1;
        pair.said = self.meter.read.get();
    }
}

fn wait(port: &impl std::os::fd::AsFd) {
    let time = Timespec { tv_sec: 0, tv_nsec: LOOK.subsec_nanos().into() };
    // What comes instead of bytes is seen by the next look.
    let _ = poll(&mut [PollFd::new(port, PollFlags::IN)], Some(&time));
}
