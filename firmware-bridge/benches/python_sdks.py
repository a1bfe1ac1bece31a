#!/usr/bin/env python3
"""What frames cost in the Python libraries: pip install dynamixel-sdk==4.1.0 ftservo-python-sdk==2.0.1 pydamiao==0.1.4

Nanoseconds a call, the least of several rounds, with a port in memory: the same frames as in dynamixel2.rs, feetech.rs
and damiao.rs. The first two are the vendors' own.
"""

import time
from importlib.metadata import version

import scservo_sdk
from dynamixel_sdk import COMM_SUCCESS, Protocol2PacketHandler
from pydamiao.protocol import DamiaoProtocol
from pydamiao.structs import MotorLimits

ROUNDS, CALLS = 10, 500
IDS = range(1, 13)


class Memory:
    """Takes what is written, and gives the same answer to each request."""

    is_using = False

    def __init__(self, answer):
        self.answer, self.at = answer, 0

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


def tell(what, call):
    print(f"{what + ':':50} {nanos(call):8.0f} ns")


def dynamixel2():
    sdk = Protocol2PacketHandler()
    port = Memory(bytes.fromhex("fffffd0001080055 00a60000008cc0"))
    assert sdk.readTxRx(port, 1, 132, 4) == ([0xA6, 0, 0, 0], COMM_SUCCESS, 0)
    items = [byte for device in IDS for byte in [device, 0, 8, 0, 0]]

    def request():
        sdk.readTx(port, 1, 132, 4)
        port.is_using = False

    def answer():
        port.at = 0
        sdk.readRx(port, 1, 4)

    tell("dynamixel2 read of 4 bytes, request", request)
    tell("dynamixel2 read of 4 bytes, its answer", answer)
    tell("dynamixel2 read of 4 bytes, with its answer", lambda: sdk.readTxRx(port, 1, 132, 4))
    tell("dynamixel2 sync write to 12", lambda: sdk.syncWriteTxOnly(port, 116, 4, items, len(items)))


def feetech():
    body = [3, 17, 0] + 15 * [0x12]
    port = Memory(bytes([0xFF, 0xFF, *body, ~sum(body) & 0xFF]))
    sdk = scservo_sdk.sms_sts(port)
    values, result, error = sdk.readTxRx(3, 56, 15)
    assert (list(values), result, error) == (15 * [0x12], scservo_sdk.COMM_SUCCESS, 0)

    def answer():
        port.at = 0
        sdk.readRx(3, 15)

    tell("feetech write of a goal, 7 bytes", lambda: sdk.writeTxOnly(3, 41, 7, [50, 0, 8, 0, 0, 232, 3]))
    tell("feetech reading, its answer", answer)


def damiao():
    limits = MotorLimits(12.5, 8.0, 28.0)
    frame = bytes.fromhex("aa1108 13000000 0393398007fe2926 55")

    def answer():
        DamiaoProtocol.decode_status(DamiaoProtocol.parse_frame(frame).data, limits)

    command = {"kp": 40.0, "kd": 1.0, "pos": 1.2, "vel": -2.0, "torque": 0.4}
    tell("damiao impedance command", lambda: DamiaoProtocol.encode_mit_control(3, limits, **command))
    tell("damiao feedback", answer)


for library in ("dynamixel-sdk", "ftservo-python-sdk", "pydamiao"):
    print(library, version(library))
dynamixel2()
feetech()
damiao()
