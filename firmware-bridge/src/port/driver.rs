//! Moves bytes between a bridge and its ports. Decides nothing: what is sent, and when, is the bridge's
//! word, and the time is the caller's.

use std::time::Duration;

use robot_interface::joints::{JOINTS, JointCommand};
use robot_interface::time::Stamp;

use super::bus_port::{BusPort, PortError};
use super::wait::wait_readable;
use crate::bridge::{CommandError, Cycle, MotorBridge};

/// Most bytes taken from a port at once: a terminal keeps no more for a reader that is late.
const MAX_ARRIVED: usize = 4096;

/// A number of ports that does not fit the robot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{ports} ports for {buses} motor buses: give each bus of the robot file one port")]
pub struct PortCount {
    /// Buses of the robot.
    pub buses: usize,
    /// Ports given.
    pub ports: usize,
}

/// One port a bus. A port that fails costs its own bus only: its motors time out.
#[derive(Debug)]
pub struct BusDriver<P> {
    lines: Vec<Line<P>>,
}

#[derive(Debug)]
struct Line<P> {
    port: P,
    failures: u64,
    last_failure: Option<PortError>,
}

impl<P: BusPort> BusDriver<P> {
    /// Ports in the order of the robot's buses.
    ///
    /// # Errors
    /// [`PortCount`] if there is not one for each.
    pub fn new(bridge: &MotorBridge, ports: Vec<P>) -> Result<Self, PortCount> {
        if bridge.buses() != ports.len() {
            return Err(PortCount { buses: bridge.buses(), ports: ports.len() });
        }
        let lines = ports.into_iter().map(|port| Line { port, failures: 0, last_failure: None });
        Ok(Self { lines: lines.collect() })
    }

    /// Number of failures of a bus's port, and the last one.
    pub fn failures(&self, bus: usize) -> (u64, Option<PortError>) {
        self.lines.get(bus).map_or((0, None), |line| (line.failures, line.last_failure))
    }

    /// A bus's port, to be looked at or changed.
    pub fn port_mut(&mut self, bus: usize) -> Option<&mut P> {
        self.lines.get_mut(bus).map(|line| &mut line.port)
    }

    /// Hands over what has arrived and sends what is due, on every bus, without waiting. Returns the bytes
    /// moved on the busiest bus.
    pub fn poll(&mut self, bridge: &mut MotorBridge, now: Stamp) -> usize {
        bridge.handle_timeout(now);
        let moved = self.lines.iter_mut().enumerate().map(|(bus, line)| {
            let arrived = line.receive(bridge, bus, now);
            arrived + line.transmit(bridge, bus, now)
        });
        moved.max().unwrap_or(0)
    }

    /// Hands over what has arrived on every bus. Returns the bytes that came on the busiest one.
    pub fn receive(&mut self, bridge: &mut MotorBridge, now: Stamp) -> usize {
        let arrived = self.lines.iter_mut().enumerate().map(|(bus, line)| line.receive(bridge, bus, now));
        arrived.max().unwrap_or(0)
    }

    /// The ports, in the order of the robot's buses.
    pub fn ports(&self) -> impl Iterator<Item = &P> {
        self.lines.iter().map(|line| &line.port)
    }

    /// The ports, to be used between two cycles for something else.
    pub fn ports_mut(&mut self) -> impl Iterator<Item = &mut P> {
        self.lines.iter_mut().map(|line| &mut line.port)
    }

    /// Sleeps until [`poll`](Self::poll) has something to do: bytes have arrived, or a motor's slot is over. No
    /// longer than `most`; whether bytes have arrived. Returns at once where there is nothing to wait on.
    pub fn wait(&self, bridge: &MotorBridge, now: Stamp, most: Duration) -> bool {
        let slot = bridge.poll_timeout().map(|at| at.nanos().saturating_sub(now.nanos()));
        wait_readable(self.ports(), slot.map_or(most, |nanos| most.min(Duration::from_nanos(nanos))))
    }

    /// One whole cycle in simulated time: every motor asked in turn, `serve` called whenever the motors
    /// may have something to read, until each has answered or used up its slot.
    ///
    /// Time within the cycle passes as it would on the bus, by the bytes that crossed it, and jumps to the
    /// end of the slot when a motor is silent. What had arrived before the cycle is counted as stray.
    ///
    /// # Errors
    /// [`CommandError`] if a command is refused. Nothing has been sent then.
    pub fn exchange(
        &mut self,
        bridge: &mut MotorBridge,
        start: Stamp,
        commands: &[JointCommand; JOINTS],
        mut serve: impl FnMut(Stamp),
    ) -> Result<Cycle, CommandError> {
        self.receive(bridge, start);
        bridge.begin_cycle(start, commands)?;
        let mut now = start;
        while !bridge.is_complete() {
            let mut moved = self.poll(bridge, now);
            serve(now);
            // The next motor is asked only once these bytes have crossed: its slot begins then.
            moved += self.receive(bridge, now);
            let crossed = now.plus_nanos(moved as u64 * bridge.byte_nanos());
            now = match bridge.poll_timeout() {
                Some(deadline) if moved == 0 => deadline,
                // A line may babble without end: the slots end all the same.
                Some(deadline) => crossed.min(deadline),
                None => crossed,
            };
        }
        Ok(bridge.end_cycle(now))
    }
}

impl<P: BusPort> Line<P> {
    /// All that has arrived, so that old answers do not stand in front of the next one; but no more than a driver
    /// keeps, so that a bus full of noise cannot hold up the others.
    fn receive(&mut self, bridge: &mut MotorBridge, bus: usize, now: Stamp) -> usize {
        let mut buffer = [0; 256];
        let mut arrived = 0;
        while arrived < MAX_ARRIVED {
            match self.port.read(&mut buffer) {
                Ok(count) => {
                    bridge.handle_bytes(bus, now, &buffer[..count]);
                    arrived += count;
                    if count < buffer.len() {
                        break;
                    }
                }
                Err(error) => {
                    self.fail(error);
                    break;
                }
            }
        }
        arrived
    }

    fn transmit(&mut self, bridge: &mut MotorBridge, bus: usize, now: Stamp) -> usize {
        let mut sent = 0;
        while let Some(frame) = bridge.poll_transmit(bus, now) {
            match self.port.write(frame) {
                Ok(()) => sent += frame.len(),
                Err(error) => self.fail(error),
            }
        }
        sent
    }

    const fn fail(&mut self, error: PortError) {
        self.failures += 1;
        self.last_failure = Some(error);
    }
}
