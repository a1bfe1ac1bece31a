//! DYNAMIXEL packets here and in the rustypot crate, in one run.
//!
//! rustypot's packets are private, so both are measured through a port in memory that takes a request's bytes
//! and has the answer's ready: the numbers hold everything but the bus.

use std::hint::black_box;
use std::io::{Read, Result, Write};
use std::time::{Duration, Instant};

use firmware_bridge::protocol::FrameReader;
use firmware_bridge::protocol::dynamixel2::{ErrorByte, MAX_PACKET_LEN, Packet};
use rustypot::DynamixelProtocolHandler;
use serialport::{ClearBuffer, DataBits, FlowControl, Parity, SerialPort, StopBits};

const ROUNDS: u32 = 20;
const CALLS: u32 = 20_000;
const IDS: [u8; 12] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];

/// Takes what is written, and gives the same answer to each request.
struct Memory {
    sent: Vec<u8>,
    answer: Vec<u8>,
    at: usize,
}

impl Read for Memory {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let count = buffer.len().min(self.answer.len() - self.at);
        buffer[..count].copy_from_slice(&self.answer[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        (self.at, self.sent) = (0, std::mem::take(&mut self.sent));
        self.sent.clear();
        self.sent.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}

/// Nanoseconds a call: the least of several rounds, as the machine may be busy.
fn nanos(mut call: impl FnMut()) -> f64 {
    let round = |_| {
        let started = Instant::now();
        (0..CALLS).for_each(|_| call());
        started.elapsed().as_nanos() as f64 / f64::from(CALLS)
    };
    (0..ROUNDS).map(round).fold(f64::INFINITY, f64::min)
}

fn main() {
    let mut buffer = [0; MAX_PACKET_LEN];
    let status = Packet::status(1, ErrorByte::default(), &[0xA6, 0, 0, 0]).expect("a packet");
    let answer = status.encode(&mut buffer).to_vec();
    let mut port = Memory { sent: Vec::new(), answer, at: 0 };
    let peer = DynamixelProtocolHandler::v2();
    let goals = IDS.map(|id| (id, 2048_i32.to_le_bytes()));
    let data = vec![2048_i32.to_le_bytes().to_vec(); IDS.len()];

    // The same bytes on the wire.
    peer.sync_write(&mut port, &IDS, 116, &data).expect("sent");
    let ours = Packet::sync_write(116, 4, &goals).expect("a packet");
    assert_eq!(port.sent, ours.encode(&mut buffer));
    assert_eq!(peer.read(&mut port, 1, 132, 4).expect("answered"), [0xA6, 0, 0, 0]);
    assert_eq!(port.sent, Packet::read(1, 132, 4).expect("a packet").encode(&mut buffer));

    let mut reader = FrameReader::<Packet, MAX_PACKET_LEN>::new();
    let read = nanos(|| {
        let packet = Packet::read(black_box(1), 132, 4).expect("a packet");
        port.write_all(packet.encode(&mut buffer)).expect("written");
        let mut bytes = [0; 64];
        let count = port.read(&mut bytes).expect("read");
        black_box(reader.next_frame(&mut &bytes[..count]).expect("a frame").expect("intact"));
    });
    let peer_read = nanos(|| {
        black_box(peer.read(&mut port, black_box(1), 132, 4).expect("answered"));
    });
    let write = nanos(|| {
        let packet = Packet::sync_write(116, 4, black_box(&goals)).expect("a packet");
        port.write_all(packet.encode(&mut buffer)).expect("written");
    });
    let peer_write = nanos(|| peer.sync_write(&mut port, &IDS, 116, black_box(&data)).expect("sent"));
    println!("read of 4 bytes, with its answer: {read:.0} ns here, {peer_read:.0} ns rustypot");
    println!("sync write to 12:                 {write:.0} ns here, {peer_write:.0} ns rustypot");
}

impl SerialPort for Memory {
    fn name(&self) -> Option<String> {
        None
    }
    fn baud_rate(&self) -> serialport::Result<u32> {
        Ok(1_000_000)
    }
    fn data_bits(&self) -> serialport::Result<DataBits> {
        Ok(DataBits::Eight)
    }
    fn flow_control(&self) -> serialport::Result<FlowControl> {
        Ok(FlowControl::None)
    }
    fn parity(&self) -> serialport::Result<Parity> {
        Ok(Parity::None)
    }
    fn stop_bits(&self) -> serialport::Result<StopBits> {
        Ok(StopBits::One)
    }
    fn timeout(&self) -> Duration {
        Duration::from_millis(10)
    }
    fn set_baud_rate(&mut self, _: u32) -> serialport::Result<()> {
        Ok(())
    }
    fn set_data_bits(&mut self, _: DataBits) -> serialport::Result<()> {
        Ok(())
    }
    fn set_flow_control(&mut self, _: FlowControl) -> serialport::Result<()> {
        Ok(())
    }
    fn set_parity(&mut self, _: Parity) -> serialport::Result<()> {
        Ok(())
    }
    fn set_stop_bits(&mut self, _: StopBits) -> serialport::Result<()> {
        Ok(())
    }
    fn set_timeout(&mut self, _: Duration) -> serialport::Result<()> {
        Ok(())
    }
    fn write_request_to_send(&mut self, _: bool) -> serialport::Result<()> {
        Ok(())
    }
    fn write_data_terminal_ready(&mut self, _: bool) -> serialport::Result<()> {
        Ok(())
    }
    fn read_clear_to_send(&mut self) -> serialport::Result<bool> {
        Ok(true)
    }
    fn read_data_set_ready(&mut self) -> serialport::Result<bool> {
        Ok(true)
    }
    fn read_ring_indicator(&mut self) -> serialport::Result<bool> {
        Ok(false)
    }
    fn read_carrier_detect(&mut self) -> serialport::Result<bool> {
        Ok(true)
    }
    fn bytes_to_read(&self) -> serialport::Result<u32> {
        Ok(0)
    }
    fn bytes_to_write(&self) -> serialport::Result<u32> {
        Ok(0)
    }
    fn clear(&self, _: ClearBuffer) -> serialport::Result<()> {
        Ok(())
    }
    fn try_clone(&self) -> serialport::Result<Box<dyn SerialPort>> {
        Err(serialport::Error::new(serialport::ErrorKind::Unknown, "there is one"))
    }
    fn set_break(&self) -> serialport::Result<()> {
        Ok(())
    }
    fn clear_break(&self) -> serialport::Result<()> {
        Ok(())
    }
}
