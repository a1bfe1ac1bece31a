#!/usr/bin/env python3
"""The vendor's own SDK as master of the virtual servos: pip install dynamixel-sdk==4.1.0

    cargo build -p firmware-bridge --example virtual_bus
    python firmware-bridge/tests/dynamixel2_sdk.py [target/debug/examples/virtual_bus]

Prints what was checked; exits non-zero at the first thing that is not as the SDK expects.
"""

import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

import dynamixel_sdk.port_handler
from dynamixel_sdk import (
    COMM_RX_TIMEOUT,
    COMM_SUCCESS,
    GroupBulkRead,
    GroupBulkWrite,
    GroupSyncRead,
    GroupSyncWrite,
    PacketHandler,
    PortHandler,
)

IDS = [1, 2, 7, 252]
ABSENT = 99
MODEL, FIRMWARE, FIRMWARE_VERSION = 1020, 6, 46
ID, RETURN_DELAY, MAX_LIMIT, TORQUE, LED, LEVEL, REGISTERED = 7, 9, 48, 64, 65, 68, 69
GOAL, POSITION, VOLTAGE, TEMPERATURE = 116, 132, 144, 146
RESULT_FAIL, INSTRUCTION, CRC, RANGE, LENGTH, LIMIT, ACCESS = range(1, 8)

# The SDK waits twice this long, ms, for an answer: for an adapter 16 is right, for a shared machine it is not.
dynamixel_sdk.port_handler.LATENCY_TIMER = 500


class Bus:
    def __init__(self, program):
        command = [program, "--protocol", "dynamixel2", *map(str, IDS)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        path = self.process.stdout.readline().strip()
        self.port, self.sdk = PortHandler(path), PacketHandler(2.0)
        assert self.port.openPort(), path
        self.checks = 0

    def close(self):
        self.port.closePort()
        self.process.stdin.close()
        code = self.process.wait(timeout=10)
        self.equal("the virtual bus ends with its input", code, 0)

    def equal(self, what, found, expected):
        if found != expected:
            print(f"FAILED {what}: {found!r}, expected {expected!r}")
            self.process.kill()
            sys.exit(1)
        self.checks += 1
        print(f"ok {what}")

    def read(self, device, address, size):
        method = {1: self.sdk.read1ByteTxRx, 2: self.sdk.read2ByteTxRx, 4: self.sdk.read4ByteTxRx}[size]
        return method(self.port, device, address)

    def write(self, device, address, size, value):
        method = {1: self.sdk.write1ByteTxRx, 2: self.sdk.write2ByteTxRx, 4: self.sdk.write4ByteTxRx}[size]
        return method(self.port, device, address, value)

    def settles(self, device, goal):
        """Whether the servo gets there, within a time that even a busy machine keeps."""
        until = time.monotonic() + 20
        while time.monotonic() < until:
            position, result, _ = self.read(device, POSITION, 4)
            if result == COMM_SUCCESS and abs(position - goal) <= 2:
                return True
            time.sleep(0.05)
        return False

    def raw(self, frame):
        """Sends bytes as they are and receives one packet."""
        self.port.clearPort()
        self.port.writePort(bytes(frame))
        self.port.setPacketTimeout(11)
        packet, result = self.sdk.rxPacket(self.port, False)
        return (result, packet[4], packet[8]) if result == COMM_SUCCESS else (result, None, None)


def pings(bus):
    for device in IDS:
        bus.equal(f"ping {device}", bus.sdk.ping(bus.port, device), (MODEL, COMM_SUCCESS, 0))
    bus.equal(f"nobody is {ABSENT}", bus.sdk.ping(bus.port, ABSENT)[1], COMM_RX_TIMEOUT)
    found, result = bus.sdk.broadcastPing(bus.port)
    expected = {device: [MODEL, FIRMWARE_VERSION] for device in IDS}
    bus.equal("broadcast ping", (found, result), (expected, COMM_SUCCESS))
    bus.equal("its order", list(found), sorted(IDS))


def reads_and_writes(bus):
    bus.equal("read the model", bus.read(1, 0, 2), (MODEL, COMM_SUCCESS, 0))
    bus.equal("read the firmware", bus.read(2, FIRMWARE, 1), (FIRMWARE_VERSION, COMM_SUCCESS, 0))
    bus.equal("read the position", bus.read(7, POSITION, 4), (2048, COMM_SUCCESS, 0))
    bus.equal("read the voltage", bus.read(7, VOLTAGE, 2), (120, COMM_SUCCESS, 0))
    bus.equal("light on", bus.write(1, LED, 1, 1), (COMM_SUCCESS, 0))
    bus.equal("it is on", bus.read(1, LED, 1), (1, COMM_SUCCESS, 0))
    bus.equal("and not elsewhere", bus.read(2, LED, 1), (0, COMM_SUCCESS, 0))
    data, result, error = bus.sdk.readTxRx(bus.port, 1, 0, 147)
    bus.equal("read the whole table", (len(data), result, error), (147, COMM_SUCCESS, 0))
    bus.equal("extended positions", bus.write(2, 11, 1, 4), (COMM_SUCCESS, 0))
    # -131073, and a number that is too great. The SDK sends both without stuffing.
    for name, written, error in [("FF FF FD FF", [255, 255, 253, 255], 0), ("FF FF FD 00", [255, 255, 253, 0], RANGE)]:
        result = bus.sdk.writeTxRx(bus.port, 2, GOAL, 4, written)
        bus.equal(f"write {name}", result, (COMM_SUCCESS, error))
    data, result, error = bus.sdk.readTxRx(bus.port, 2, GOAL, 4)
    bus.equal("read it back stuffed", (data, result, error), ([0xFF, 0xFF, 0xFD, 0xFF], COMM_SUCCESS, 0))
    bus.equal("positions again", bus.write(2, 11, 1, 3), (COMM_SUCCESS, 0))


def errors(bus):
    bus.equal("a read beyond the table", bus.sdk.readTxRx(bus.port, 1, 700, 4)[1:], (COMM_SUCCESS, ACCESS))
    bus.equal("a write to what is read only", bus.write(1, POSITION, 4, 1), (COMM_SUCCESS, ACCESS))
    bus.equal("a light of 2", bus.write(1, LED, 1, 2), (COMM_SUCCESS, RANGE))
    bus.equal("half a goal", bus.write(1, GOAL, 2, 1), (COMM_SUCCESS, LENGTH))
    bus.equal("a limit of 3000", bus.write(1, MAX_LIMIT, 4, 3000), (COMM_SUCCESS, 0))
    bus.equal("a goal beyond it", bus.write(1, GOAL, 4, 3001), (COMM_SUCCESS, LIMIT))
    bus.equal("torque on", bus.write(1, TORQUE, 1, 1), (COMM_SUCCESS, 0))
    bus.equal("a lasting setting with torque on", bus.write(1, MAX_LIMIT, 4, 4095), (COMM_SUCCESS, ACCESS))
    bus.equal("torque off", bus.write(1, TORQUE, 1, 0), (COMM_SUCCESS, 0))
    bus.equal("the setting with torque off", bus.write(1, MAX_LIMIT, 4, 4095), (COMM_SUCCESS, 0))
    wrong_crc = [0xFF, 0xFF, 0xFD, 0, 7, 3, 0, 1, 0xAA, 0x55]
    bus.equal("a wrong checksum", bus.raw(wrong_crc), (COMM_SUCCESS, 7, CRC))
    head = [0xFF, 0xFF, 0xFD, 0, 7, 3, 0, 0x77]
    crc = bus.sdk.updateCRC(0, head, len(head))
    undefined = bus.raw([*head, crc & 0xFF, crc >> 8])
    bus.equal("an instruction that is none", undefined, (COMM_SUCCESS, 7, INSTRUCTION))
    bus.equal("reads alone are answered", bus.write(2, LEVEL, 1, 1), (COMM_SUCCESS, 0))
    bus.equal("no answer to a write", bus.write(2, LED, 1, 1)[0], COMM_RX_TIMEOUT)
    bus.equal("which was obeyed", bus.read(2, LED, 1), (1, COMM_SUCCESS, 0))
    bus.sdk.write1ByteTxOnly(bus.port, 2, LEVEL, 2)
    bus.equal("all is answered again", bus.write(2, LED, 1, 0), (COMM_SUCCESS, 0))


def groups(bus):
    goals = {1: 1000, 2: 2000, 7: 3000}
    torque = GroupSyncWrite(bus.port, bus.sdk, TORQUE, 1)
    write = GroupSyncWrite(bus.port, bus.sdk, GOAL, 4)
    for device, goal in goals.items():
        torque.addParam(device, [1])
        write.addParam(device, list(goal.to_bytes(4, "little")))
    bus.equal("sync write torque", torque.txPacket(), COMM_SUCCESS)
    bus.equal("sync write goals", write.txPacket(), COMM_SUCCESS)
    for device, goal in goals.items():
        bus.equal(f"servo {device} goes to {goal}", bus.settles(device, goal), True)
    read = GroupSyncRead(bus.port, bus.sdk, POSITION, 4)
    for device in [7, 1, 2]:
        read.addParam(device)
    for name, method in [("sync read", read.txRxPacket), ("fast sync read", read.fastSyncRead)]:
        bus.equal(name, method(), COMM_SUCCESS)
        near = all(abs(read.getData(device, POSITION, 4) - goal) <= 2 for device, goal in goals.items())
        bus.equal(f"{name}: the positions", near, True)
    bulk = GroupBulkRead(bus.port, bus.sdk)
    # Servo 2 first: in a fast answer, the SDK takes the first byte of its request that equals an id for that
    # id, be it another's length.
    asked = [(2, GOAL, 4, 2000), (7, VOLTAGE, 2, 120), (1, 0, 2, MODEL), (252, TEMPERATURE, 1, 22)]
    for device, address, size, _ in asked:
        bulk.addParam(device, address, size)
    for name, method in [("bulk read", bulk.txRxPacket), ("fast bulk read", bulk.fastBulkRead)]:
        bus.equal(name, method(), COMM_SUCCESS)
        found = [bulk.getData(device, address, size) for device, address, size, _ in asked]
        bus.equal(f"{name}: the values", found, [value for *_, value in asked])
    bulk_write = GroupBulkWrite(bus.port, bus.sdk)
    bulk_write.addParam(1, LED, 1, [1])
    bulk_write.addParam(2, GOAL, 4, [0, 4, 0, 0])
    bus.equal("bulk write", bulk_write.txPacket(), COMM_SUCCESS)
    bus.equal("the light", bus.read(1, LED, 1), (1, COMM_SUCCESS, 0))
    bus.equal("the goal", bus.read(2, GOAL, 4), (1024, COMM_SUCCESS, 0))
    read = GroupSyncRead(bus.port, bus.sdk, POSITION, 4)
    read.addParam(1)
    read.addParam(ABSENT)
    bus.equal("a sync read of one that is absent", read.txRxPacket(), COMM_RX_TIMEOUT)


def registered(bus):
    bus.equal("register a goal", bus.sdk.regWriteTxRx(bus.port, 1, GOAL, 4, [0xDC, 5, 0, 0]), (COMM_SUCCESS, 0))
    bus.equal("it is registered", bus.read(1, REGISTERED, 1), (1, COMM_SUCCESS, 0))
    bus.equal("and not done", bus.read(1, GOAL, 4), (1000, COMM_SUCCESS, 0))
    bus.equal("action for all", bus.sdk.action(bus.port, 254), COMM_SUCCESS)
    bus.equal("servo 1 goes to 1500", bus.settles(1, 1500), True)
    bus.equal("nothing is registered", bus.read(1, REGISTERED, 1), (0, COMM_SUCCESS, 0))
    # The SDK does not read the answer to an action, so it is read here.
    head = [0xFF, 0xFF, 0xFD, 0, 1, 3, 0, 5]
    crc = bus.sdk.updateCRC(0, head, len(head))
    again = bus.raw([*head, crc & 0xFF, crc >> 8])
    bus.equal("an action without a registered write", again, (COMM_SUCCESS, 1, INSTRUCTION))


def restarts(bus):
    bus.equal("reboot", bus.sdk.reboot(bus.port, 1), (COMM_SUCCESS, 0))
    bus.equal("torque is off", bus.read(1, TORQUE, 1), (0, COMM_SUCCESS, 0))
    bus.equal("it is where it was", abs(bus.read(1, POSITION, 4)[0] - 1500) <= 2, True)
    bus.equal("a lasting setting", bus.write(1, RETURN_DELAY, 1, 5), (COMM_SUCCESS, 0))
    bus.equal("change the id", bus.write(1, ID, 1, 3), (COMM_SUCCESS, 0))
    bus.equal("the old one is free", bus.sdk.ping(bus.port, 1)[1], COMM_RX_TIMEOUT)
    bus.equal("the new one answers", bus.sdk.ping(bus.port, 3), (MODEL, COMM_SUCCESS, 0))
    bus.equal("and survives a reboot", bus.sdk.reboot(bus.port, 3), (COMM_SUCCESS, 0))
    bus.equal("as does the setting", bus.read(3, RETURN_DELAY, 1), (5, COMM_SUCCESS, 0))
    bus.equal("factory reset but for the id", bus.sdk.factoryReset(bus.port, 3, 1), (COMM_SUCCESS, 0))
    bus.equal("the setting is as at first", bus.read(3, RETURN_DELAY, 1), (250, COMM_SUCCESS, 0))
    bus.equal("clear the turns", bus.sdk.clearMultiTurn(bus.port, 3), (COMM_SUCCESS, 0))


def main():
    default = Path(__file__).parents[2] / "target/debug/examples/virtual_bus"
    bus = Bus(sys.argv[1] if len(sys.argv) > 1 else str(default))
    for part in [pings, reads_and_writes, errors, groups, registered, restarts]:
        part(bus)
    bus.close()
    print(f"{bus.checks} checks passed with dynamixel-sdk {version('dynamixel-sdk')}")


if __name__ == "__main__":
    main()
