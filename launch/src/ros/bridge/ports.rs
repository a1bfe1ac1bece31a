//! The bridge's ports: serial ones, with the thread that opens them again when they have vanished, or the way to a whole robot.

use std::os::fd::BorrowedFd;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context as _;
use firmware_bridge::bridge::{MotorBridge, baud};
use firmware_bridge::port::{
    BusDriver, BusPort, PortError, PortOpener, Replaceable, Replacer, SerialPort, replaceable,
};
use firmware_bridge::protocol::imu::IMU_BAUD;

use robot_interface::time::Stamp;

use crate::robot_link::{NetworkPort, RobotHold, RobotNetwork, VendorService, acquire};
use crate::ros::lifecycle_node::system_time;
use crate::ros::settings::NodeSettings;
use crate::ros::simulated_ports::{imu_port, motor_port};
use stack::realtime::{ControlPorts, ControlReport, TimeBase, monotonic};
use stack::{VendorOrder, WhoseGait};

/// Interval at which missing ports are looked for.
const LOOK: Duration = Duration::from_millis(100);
/// Interval at which others are looked for that have opened the ports as well, ns: all of `/proc` is gone through.
const LOOK_FOR_OTHERS_NANOS: u64 = 5_000_000_000;

/// Port of the control loop.
pub(super) enum BridgePort {
    Serial(Box<Replaceable<SerialPort>>),
    Network(NetworkPort),
}

impl BridgePort {
    fn serial(port: Replaceable<SerialPort>) -> Self {
        Self::Serial(Box::new(port))
    }
}

impl BusPort for BridgePort {
    fn write(&mut self, bytes: &[u8]) -> Result<(), PortError> {
        match self {
            Self::Serial(port) => port.write(bytes),
            Self::Network(port) => port.write(bytes),
        }
    }

    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, PortError> {
        match self {
            Self::Serial(port) => port.read(buffer),
            Self::Network(port) => port.read(buffer),
        }
    }

    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        match self {
            Self::Serial(port) => port.descriptor(),
            Self::Network(port) => port.descriptor(),
        }
    }
}

pub(super) struct Ports {
    /// Path and rate of serial ports: the motor buses in their order, then the inertial sensor. None of a robot over a network.
    paths: Vec<(PathBuf, u32)>,
    network: Option<RobotNetwork>,
    hold: Option<RobotHold>,
    gait: WhoseGait,
    simulated: bool,
    /// Other programs that have opened the ports as well, in words; empty if none is seen.
    intruders: Arc<Mutex<String>>,
    helper: Option<(Arc<AtomicBool>, JoinHandle<()>)>,
}

impl Ports {
    pub(super) fn new(settings: &NodeSettings) -> anyhow::Result<Self> {
        let robot = &settings.robot.description;
        let simulated = settings.is_simulated();
        if let Some(network) = settings.network()? {
            let intruders = Arc::default();
            return Ok(Self {
                paths: Vec::new(),
                network: Some(network),
                hold: None,
                gait: settings.gait,
                simulated,
                intruders,
                helper: None,
            });
        }
        let buses = robot.buses();
        let (motors, imu) = match (&settings.ports_dir, &robot.ports) {
            (Some(dir), _) => ((0..buses).map(|bus| motor_port(dir, bus)).collect(), imu_port(dir)),
            (None, Some(ports)) => (ports.motors.clone(), ports.imu.clone()),
            (None, None) => anyhow::bail!(
                "the robot file of {} names no serial ports: add [ports] with motors and imu, or use --sim",
                robot.name
            ),
        };
        anyhow::ensure!(
            motors.len() == buses,
            "the robot file of {} names {} motor ports for {buses} buses: give one each",
            robot.name,
            motors.len()
        );
        let mut paths: Vec<_> = motors.into_iter().map(|path| (path, baud(robot.motors.protocol))).collect();
        paths.push((imu, IMU_BAUD));
        let intruders = Arc::default();
        let gait = settings.gait;
        Ok(Self { paths, network: None, hold: None, gait, simulated, intruders, helper: None })
    }

    /// In simulation the inertial sensor's clock is the time: the world may be slower than the wall.
    pub(super) fn time_base(&self) -> TimeBase {
        if self.simulated {
            return TimeBase::Sensor;
        }
        // Read once, so that a jump of the system's clock moves nothing.
        TimeBase::System(system_time().nanos().saturating_sub(monotonic().nanos()))
    }

    /// The lines for the control loop. They need not be plugged in yet.
    pub(super) fn open(&mut self, bridge: &MotorBridge) -> anyhow::Result<ControlPorts<BridgePort>> {
        self.close();
        if let Some(network) = &self.network {
            let say = |phase| tracing::info!("{phase}");
            let vendor = match self.gait {
                WhoseGait::Vendor => VendorService::Use,
                WhoseGait::Own => VendorService::Release,
            };
            let (port, hold) = acquire(network, vendor, say, || false)?;
            self.hold = Some(hold);
            let buses = BusDriver::new(bridge, vec![BridgePort::Network(port)])?;
            return Ok(ControlPorts { buses, imu: None });
        }
        let (mut lines, replacers): (Vec<_>, Vec<_>) =
            self.paths.iter().map(|_| replaceable::<SerialPort>()).unzip();
        let imu = BridgePort::serial(lines.pop().context("no port for the inertial sensor")?);
        let buses = BusDriver::new(bridge, lines.into_iter().map(BridgePort::serial).collect())?;
        let ended = Arc::new(AtomicBool::new(false));
        let openers: Vec<_> =
            self.paths.iter().map(|(path, baud)| PortOpener::new(path.clone(), *baud)).collect();
        let (ours, intruders) = (Arc::clone(&ended), Arc::clone(&self.intruders));
        let thread = std::thread::Builder::new()
            .name("ports".to_owned())
            .spawn(move || look_after(openers, replacers, &intruders, &ours))
            .context("cannot start the thread that opens ports")?;
        self.helper = Some((ended, thread));
        Ok(ControlPorts { buses, imu: Some(imu) })
    }

    pub(super) fn close(&mut self) {
        self.hold = None;
        if let Some((ended, thread)) = self.helper.take() {
            ended.store(true, Ordering::Relaxed);
            let _ = thread.join();
        }
    }

    /// An error once nothing can come from a robot over its network or go there any more: the next bridge opens it anew.
    pub(super) fn check(&mut self, now: Stamp) -> anyhow::Result<()> {
        Ok(self.hold.as_mut().map_or(Ok(()), |hold| hold.link.check(now))?)
    }

    /// Gives an order to the vendor's gait, if that walks.
    pub(super) fn order(&mut self, order: VendorOrder) {
        if let Some(hold) = &mut self.hold {
            hold.order(order);
        }
    }

    /// Returns the other programs that have opened the ports as well, in words; nothing if none is seen.
    pub(super) fn intruders(&self) -> String {
        if let Some(hold) = &self.hold {
            return hold.link.intruders();
        }
        self.intruders.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns the values of the lines, for diagnostics.
    pub(super) fn values(&self, report: &ControlReport) -> Vec<(&'static str, String)> {
        let imu = report.imu_counts;
        let buses = self.paths.len().saturating_sub(1).max(1);
        let mut values = vec![
            ("port_failures", format!("{:?}", &report.port_failures[..buses])),
            ("port_intruders", self.intruders()),
            ("missed_replies", report.missed_replies.to_string()),
            ("imu_frames", imu.frames.to_string()),
            ("imu_lost", imu.lost.to_string()),
            ("imu_corrupt", (imu.corrupt + imu.refused).to_string()),
            ("imu_out_of_order", imu.out_of_order.to_string()),
            ("imu_restarts", imu.restarts.to_string()),
        ];
        if let Some(counts) = self.hold.as_ref().and_then(|hold| hold.link.counts.as_deref()) {
            let counts = counts.snapshot();
            values.extend([
                ("commands_sent", counts.sent.to_string()),
                ("commands_overtaken", counts.late.to_string()),
                ("states_received", counts.received.to_string()),
                ("states_dropped", counts.dropped.to_string()),
            ]);
        }
        values
    }
}

impl Drop for Ports {
    fn drop(&mut self) {
        self.close();
    }
}

fn look_after(
    mut openers: Vec<PortOpener>,
    mut replacers: Vec<Replacer<SerialPort>>,
    intruders: &Mutex<String>,
    ended: &AtomicBool,
) {
    let mut next_look = monotonic();
    let mut said = vec![String::new(); openers.len()];
    while !ended.load(Ordering::Relaxed) {
        for ((replacer, opener), said) in replacers.iter_mut().zip(&mut openers).zip(&mut said) {
            match replacer.poll(monotonic(), || opener.open()) {
                Some(Ok(())) => {
                    tracing::info!("{}: open", opener.name().display());
                    said.clear();
                }
                Some(Err(error)) => {
                    // Said once for as long as it lasts.
                    let text = error.to_string();
                    if *said != text {
                        tracing::warn!("{text}");
                        *said = text;
                    }
                }
                None => {}
            }
        }
        if monotonic() >= next_look {
            next_look = monotonic().plus_nanos(LOOK_FOR_OTHERS_NANOS);
            let others = others_at(&openers, &replacers);
            let mut known = intruders.lock().unwrap_or_else(PoisonError::into_inner);
            if *known != others && !others.is_empty() {
                tracing::warn!("{others} takes bytes of the robot's ports: stop that program");
            }
            *known = others;
        }
        std::thread::sleep(LOOK);
    }
}

/// Other programs at the ports that are open, in words.
fn others_at(openers: &[PortOpener], replacers: &[Replacer<SerialPort>]) -> String {
    let open = openers.iter().zip(replacers).filter(|(_, replacer)| !replacer.is_wanted());
    let others = open.flat_map(|(opener, _)| {
        let name = opener.name().display().to_string();
        opener.intruders().into_iter().map(move |holder| format!("{holder} at {name}"))
    });
    others.collect::<Vec<_>>().join(", ")
}
