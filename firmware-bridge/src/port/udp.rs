//! A port over UDP: one message a datagram, to and from one address.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::{AsFd as _, BorrowedFd};

use super::bus_port::{BusPort, PortError};

/// Longer than any message of a robot.
const MAX_DATAGRAM: usize = 2048;

/// UDP socket of one peer; what comes from other addresses is counted and dropped. Reads give the bytes of datagrams one after the
/// other, as a line would.
#[derive(Debug)]
pub struct UdpPort {
    socket: UdpSocket,
    peer: SocketAddr,
    buffer: [u8; MAX_DATAGRAM],
    /// The bytes of the buffer that were not read yet.
    unread: std::ops::Range<usize>,
    foreign: u64,
}

impl UdpPort {
    /// Opens `local`, towards `peer`. Datagrams of the peer's address are taken from whichever of its ports.
    ///
    /// # Errors
    /// The system's, such as for an address that is taken.
    pub fn open(local: SocketAddr, peer: SocketAddr) -> io::Result<Self> {
        let socket = UdpSocket::bind(local)?;
        socket.set_nonblocking(true)?;
        Ok(Self { socket, peer, buffer: [0; MAX_DATAGRAM], unread: 0..0, foreign: 0 })
    }

    /// Another handle to the socket, to send by it from elsewhere.
    ///
    /// # Errors
    /// The system's.
    pub fn socket(&self) -> io::Result<UdpSocket> {
        self.socket.try_clone()
    }

    /// Datagrams that came from others and were dropped.
    pub const fn foreign(&self) -> u64 {
        self.foreign
    }

    /// Fetches the next datagram of the peer; false if there is none.
    fn fetch(&mut self) -> Result<bool, PortError> {
        loop {
            match self.socket.recv_from(&mut self.buffer) {
                Ok((count, from)) if from.ip() == self.peer.ip() => {
                    self.unread = 0..count;
                    return Ok(true);
                }
                Ok(_) => self.foreign += 1,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                // Nobody listens at the other end: it may begin to.
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => return Ok(false),
                Err(error) => return Err(PortError::Io(error.kind())),
            }
        }
    }
}

impl BusPort for UdpPort {
    fn write(&mut self, bytes: &[u8]) -> Result<(), PortError> {
        match self.socket.send_to(bytes, self.peer) {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Err(PortError::Full),
            Err(error) => Err(PortError::Io(error.kind())),
        }
    }

    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, PortError> {
        let mut count = 0;
        while count < buffer.len() {
            if self.unread.is_empty() && !self.fetch()? {
                break;
            }
            let taken = self.unread.len().min(buffer.len() - count);
            let from = self.unread.start;
            buffer[count..count + taken].copy_from_slice(&self.buffer[from..from + taken]);
            self.unread.start += taken;
            count += taken;
        }
        Ok(count)
    }

    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        Some(self.socket.as_fd())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn datagrams_come_in_pieces_and_strangers_are_dropped() {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let robot = UdpSocket::bind(any).expect("a socket");
        let robot_address = robot.local_addr().expect("bound");
        let mut port = UdpPort::open(any, robot_address).expect("a port");
        let here = port.socket.local_addr().expect("bound");
        let stranger = UdpSocket::bind(("127.0.0.2", 0)).expect("a socket");
        stranger.send_to(&[9; 5], here).expect("sent");
        robot.send_to(&[1, 2, 3], here).expect("sent");
        robot.send_to(&[4, 5], here).expect("sent");
        let mut got = Vec::new();
        // A datagram to oneself has arrived when it was sent.
        for _ in 0..3 {
            let mut buffer = [0; 2];
            let count = port.read(&mut buffer).expect("open");
            got.extend_from_slice(&buffer[..count]);
        }
        assert_eq!((got.as_slice(), port.foreign()), (&[1, 2, 3, 4, 5][..], 1));
        assert_eq!(port.read(&mut [0; 8]), Ok(0));
        port.write(&[7]).expect("sent");
        let mut heard = [0; 8];
        assert_eq!(robot.recv(&mut heard).expect("received"), 1);
    }
}
