#!/usr/bin/env python3
"""What a packet costs in the vendor's SDK: pip install dynamixel-sdk==4.1.0

Nanoseconds a call, the least of several rounds, with a port in memory: the same packets as in dynamixel2.rs.
"""

import time
from importlib.metadata import version

from dynamixel_sdk import COMM_SUCCESS, Protocol2PacketHandler

SDK = Protocol2PacketHandler()
ROUNDS, CALLS = 10, 500
IDS = range(1, 13)


class Memory:
    """Takes what is written, and gives the same answer to each request."""

    is_using = False
    answer = bytes.fromhex("fffffd0001080055 00a60000008cc0")

    def clearPort(self):
        self.at = 0

    def writePort(self, packet):
        return len(packet)

    def readPort(self, length):
        part = self.answer[self.at : self.at + length]
        self.at += len(part)
        return part

    def setPacketTimeout(self, _length):
        pass

    def isPacketTimeout(self):
        return True


def nanos(call):
    best = float("inf")
    for _ in range(ROUNDS):
        started = time.perf_counter_ns()
        for _ in range(CALLS):
            call()
        best = min(best, (time.perf_counter_ns() - started) / CALLS)
    return best


def main():
    port = Memory()
    assert SDK.readTxRx(port, 1, 132, 4) == ([0xA6, 0, 0, 0], COMM_SUCCESS, 0)
    items = [byte for device in IDS for byte in [device, 0, 8, 0, 0]]

    def read_tx():
        SDK.readTx(port, 1, 132, 4)
        port.is_using = False

    def read_rx():
        port.at = 0
        SDK.readRx(port, 1, 4)

    print(f"dynamixel-sdk {version('dynamixel-sdk')}")
    print(f"read of 4 bytes, request:         {nanos(read_tx):.0f} ns")
    print(f"read of 4 bytes, its answer:      {nanos(read_rx):.0f} ns")
    print(f"read of 4 bytes, with its answer: {nanos(lambda: SDK.readTxRx(port, 1, 132, 4)):.0f} ns")
    print(f"sync write to 12:                 {nanos(lambda: SDK.syncWriteTxOnly(port, 116, 4, items, len(items))):.0f} ns")


if __name__ == "__main__":
    main()
