//! A scan by the real clock: each protocol at each of its rates on one port.

use std::path::{Path, PathBuf};
use std::time::Duration;

use firmware_bridge::port::{BusPort, OpenError, PortError, SerialPort, wait_readable};
use firmware_bridge::scan::{Device, Protocol, Scan};
use serde::Serialize;

use stack::realtime::monotonic;

/// The wanted protocols and rates.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    /// In this order.
    pub(crate) protocols: Vec<Protocol>,
    /// Instead of each protocol's usual rates.
    pub(crate) baud: Option<u32>,
    /// Time that each id has for its answer.
    pub(crate) budget: Duration,
    /// True to go on with the next protocol although one has answered.
    pub(crate) all: bool,
}

impl Wanted {
    pub(crate) fn bauds(&self, protocol: Protocol) -> &[u32] {
        self.baud.as_ref().map_or(protocol.bauds(), std::slice::from_ref)
    }

    /// The most ids that will be asked on a port, over all protocols and rates.
    pub(crate) fn most_ids(&self) -> usize {
        self.protocols.iter().map(|protocol| self.bauds(*protocol).len() * protocol.ids().len()).sum()
    }
}

/// A motor that answered, and in what language.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Found {
    pub(crate) protocol: &'static str,
    pub(crate) baud: u32,
    pub(crate) id: u8,
    pub(crate) model: Option<String>,
    pub(crate) firmware: Option<String>,
    pub(crate) position_rad: Option<f64>,
    pub(crate) temperature_c: Option<f64>,
    pub(crate) voltage_v: Option<f64>,
    pub(crate) errors: Vec<String>,
    /// More than 1: so many motors have this id.
    pub(crate) answers: u32,
}

impl Found {
    fn new(protocol: Protocol, baud: u32, device: &Device) -> Self {
        let Device { id, position_rad, temperature_c, voltage_v, answers, .. } = *device;
        let Device { model, firmware, errors, .. } = device.clone();
        let protocol = protocol.name();
        Self { protocol, baud, id, model, firmware, position_rad, temperature_c, voltage_v, errors, answers }
    }
}

/// Report on one port.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct PortReport {
    pub(crate) port: PathBuf,
    pub(crate) found: Vec<Found>,
    /// True if what is sent comes back: the adapter hears itself.
    pub(crate) echo: bool,
    /// Further remarks.
    pub(crate) notes: Vec<String>,
    /// True if nothing was asked: another program has the port.
    pub(crate) in_use: bool,
}

impl PortReport {
    /// On a port that nothing has been asked at yet.
    fn new(port: &Path) -> Self {
        Self { port: port.to_owned(), found: Vec::new(), echo: false, notes: Vec::new(), in_use: false }
    }

    /// On a port that was left to another program.
    pub(crate) fn left_alone(port: &Path, refused: &OpenError) -> Self {
        Self { notes: vec![refused.to_string()], in_use: true, ..Self::new(port) }
    }
}

/// Looks at one port. `asked` is told how many more ids are done with.
///
/// # Errors
/// [`OpenError`] if the port cannot be opened at all; a rate that the adapter does not do is a note.
pub(crate) fn scan_port(
    path: &Path,
    wanted: &Wanted,
    mut asked: impl FnMut(usize),
) -> Result<PortReport, OpenError> {
    let mut report = PortReport::new(path);
    for protocol in wanted.protocols.iter().copied() {
        for baud in wanted.bauds(protocol).iter().copied() {
            let mut port = match SerialPort::open(path, baud) {
                Err(refused @ OpenError::Baud { .. }) => {
                    report.notes.push(format!("{}: {refused}", protocol.name()));
                    asked(protocol.ids().len());
                    continue;
                }
                opened => opened?,
            };
            let mut scan = Scan::new(protocol, wanted.budget.as_nanos() as u64);
            if let Err(error) = run(&mut scan, &mut port, &mut asked) {
                report.notes.push(format!("{} at {baud} baud: {error}", protocol.name()));
            }
            take(&mut report, protocol, baud, &scan);
            // A bus has one rate: what answers at this one would be found again by a line that has none.
            if !scan.found().is_empty() {
                break;
            }
        }
        if !report.found.is_empty() && !wanted.all {
            break;
        }
    }
    Ok(report)
}

fn run(scan: &mut Scan, port: &mut SerialPort, asked: &mut dyn FnMut(usize)) -> Result<(), PortError> {
    let mut done = 0;
    loop {
        let now = monotonic();
        if let Some(question) = scan.poll_transmit(now) {
            port.write(question)?;
        }
        let (now_done, _) = scan.progress();
        asked(now_done - done);
        done = now_done;
        if scan.is_complete() {
            return Ok(());
        }
        let left = scan.poll_timeout().map_or(0, |at| at.nanos().saturating_sub(now.nanos()));
        wait_readable([&*port], Duration::from_nanos(left));
        let mut buffer = [0; 512];
        let count = port.read(&mut buffer)?;
        scan.handle_bytes(monotonic(), &buffer[..count]);
    }
}

fn take(report: &mut PortReport, protocol: Protocol, baud: u32, scan: &Scan) {
    let name = protocol.name();
    report.found.extend(scan.found().iter().map(|device| Found::new(protocol, baud, device)));
    let (echoes, questions) = scan.echoes();
    // Now and then a broken answer looks like one.
    report.echo |= echoes > 0 && 2 * echoes > questions;
    for device in scan.found().iter().filter(|device| device.answers > 1) {
        report.notes.push(format!(
            "{name} id {}: {} answers to one question: so many motors have this id; unplug all but one and give it another",
            device.id, device.answers
        ));
    }
    let unclear = scan.unclear();
    if let [first, ..] = unclear {
        let ids: Vec<_> = unclear.iter().take(8).map(|unclear| unclear.id.to_string()).collect();
        let more = if unclear.len() > ids.len() { ", ..." } else { "" };
        report.notes.push(format!(
            "{name} at {baud} baud: bytes that are no answer under id {}{more} ({} under the first): several motors under \
             one id, another rate or protocol, or a line without termination",
            ids.join(", "),
            first.bytes
        ));
    }
}

#[cfg(test)]
mod tests {
    use firmware_bridge::scan::Protocol;

    use super::*;
    use crate::bus_tools::VirtualRobot;
    use stack::config::Robot;

    fn wanted(protocols: &[Protocol], all: bool) -> Wanted {
        Wanted { protocols: protocols.to_vec(), baud: None, budget: Duration::from_millis(10), all }
    }

    #[test]
    fn the_protocol_that_is_answered_is_the_last_one_asked_unless_all_are_wanted() {
        let robot = Robot::load("go2-serial").expect("built in");
        let motors = VirtualRobot::start(&robot.description).expect("a virtual robot");
        let port = &motors.paths()[0];
        let both = [Protocol::GoM8010, Protocol::A1];
        for (all, ids) in [(false, 15), (true, 30)] {
            let mut asked = 0;
            let report = scan_port(port, &wanted(&both, all), |more| asked += more).expect("opens");
            assert_eq!((asked, report.found.len()), (ids, 3), "{report:?}");
            assert!(report.notes.is_empty() && !report.echo, "{report:?}");
        }
    }

    #[test]
    fn a_port_that_is_in_use_is_refused() {
        let robot = Robot::load("go2-serial").expect("built in");
        let motors = VirtualRobot::start(&robot.description).expect("a virtual robot");
        let port = &motors.paths()[0];
        let taken = SerialPort::open(port, 4_000_000).expect("opens");
        let refused = scan_port(port, &wanted(&[Protocol::GoM8010], false), |_| {});
        assert!(matches!(refused, Err(OpenError::Busy { .. })), "{refused:?}");
        drop(taken);
    }
}
