#!/usr/bin/env python3
"""Writes dynamixel2_packets.tsv from the vendor's own SDK: pip install dynamixel-sdk==4.1.0

Each row: how the SDK made it, id, instruction, parameters (a status packet's error byte among them), frame.

Instructions are made by the SDK's own builders, which send into a list instead of a port. SDK 4.1.0 has two
defects in its stuffing, which is why rows that need stuffing ("stuffed") are made by its addStuffing() and
updateCRC() here: txPacket() throws away what addStuffing() returns, so it sends FF FF FD bare (rows "bare"
show such frames: a reader has to live with them); and removeStuffing() takes an FD out of a later
"FF FD FD" that is not stuffed, so it is not asked to read its own frames back.
"""

import random
from importlib.metadata import version
from pathlib import Path

from dynamixel_sdk import Protocol2PacketHandler

SDK = Protocol2PacketHandler()
RANDOM = random.Random(20240)
FF_FF_FD = (0xFF, 0xFF, 0xFD)


class Sent:
    """A port that only remembers what was sent."""

    is_using = False

    def clearPort(self):
        pass

    def setPacketTimeout(self, _length):
        pass

    def writePort(self, packet):
        self.bytes = bytes(packet)
        self.is_using = False
        return len(packet)

    def getBaudRate(self):
        return 1_000_000


def sent_by(method, *arguments):
    port = Sent()
    # What waits for an answer finds the port closed after sending, and gives up.
    port.isPacketTimeout = lambda: True
    port.readPort = lambda _length: b""
    getattr(SDK, method)(port, *arguments)
    return port.bytes


def stuffed(device, instruction, params):
    length = len(params) + 3
    bare = [0xFF, 0xFF, 0xFD, 0, device, length & 0xFF, length >> 8, instruction, *params, 0, 0]
    packet = SDK.addStuffing(bare)
    crc = SDK.updateCRC(0, packet, len(packet) - 2)
    return bytes([*packet[:-2], crc & 0xFF, crc >> 8])


def data(length):
    """Bytes among which FF, FD and FF FF FD are common."""
    out = []
    while len(out) < length:
        out.extend(RANDOM.choice([[RANDOM.randrange(256)], [0xFF], [0xFD], FF_FF_FD]))
    return out[:length]


def plain(length):
    while True:
        out = [RANDOM.randrange(256) for _ in range(length)]
        if FF_FF_FD not in zip(out, out[1:], out[2:]):
            return out


def word(number):
    return [number & 0xFF, number >> 8]


def rows():
    for _ in range(4):
        device, address, length = RANDOM.randrange(253), RANDOM.randrange(700), RANDOM.randrange(1, 60)
        ids = RANDOM.sample(range(253), RANDOM.randrange(1, 14))
        some = plain(RANDOM.choice([1, 2, 4, 9]))
        yield "ping", device, 0x01, [], sent_by("ping", device)
        yield "read", device, 0x02, word(address) + word(length), sent_by("readTx", device, address, length)
        written = word(address) + some
        yield "write", device, 0x03, written, sent_by("writeTxOnly", device, address, len(some), some)
        yield "reg_write", device, 0x04, written, sent_by("regWriteTxOnly", device, address, len(some), some)
        yield "action", device, 0x05, [], sent_by("action", device)
        option = RANDOM.choice([0xFF, 1, 2])
        yield "factory_reset", device, 0x06, [option], sent_by("factoryReset", device, option)
        yield "reboot", device, 0x08, [], sent_by("reboot", device)
        yield "clear", device, 0x10, [0x01, 0x44, 0x58, 0x4C, 0x22], sent_by("clearMultiTurn", device)
        asked = word(address) + word(length) + ids
        for name, byte, fast in [("sync_read", 0x82, False), ("fast_sync_read", 0x8A, True)]:
            yield name, 254, byte, asked, sent_by("syncReadTx", address, length, ids, len(ids), fast)
        items = [byte for device in ids for byte in [device, *plain(len(some))]]
        sync_write = sent_by("syncWriteTxOnly", address, len(some), items, len(items))
        yield "sync_write", 254, 0x83, word(address) + word(len(some)) + items, sync_write
        stretches = [
            byte
            for device in ids
            for byte in [device, *word(RANDOM.randrange(700)), *word(RANDOM.randrange(1, 60))]
        ]
        for name, byte, fast in [("bulk_read", 0x92, False), ("fast_bulk_read", 0x9A, True)]:
            yield name, 254, byte, stretches, sent_by("bulkReadTx", stretches, len(stretches), fast)
        bulk = []
        for device in ids:
            own = plain(RANDOM.choice([1, 2, 4]))
            bulk += [device, *word(RANDOM.randrange(700)), *word(len(own)), *own]
        yield "bulk_write", 254, 0x93, bulk, sent_by("bulkWriteTxOnly", bulk, len(bulk))
        yield "status", device, 0x55, [0, *some], stuffed(device, 0x55, [0, *some])

    for length in [3, 4, 5, 6, 8, 12, 20, 47, 100, 300, 700]:
        for _ in range(2):
            device, params = RANDOM.randrange(253), data(length)
            yield "stuffed", device, 0x03, params, stuffed(device, 0x03, params)
            params = [RANDOM.choice([0, 0x80, 0x87, *range(1, 8)]), *data(length)]
            yield "stuffed", device, 0x55, params, stuffed(device, 0x55, params)
    for tail in [[0x00], [0xFE, 0xFD], [0xFF]]:
        params = [*word(116), *FF_FF_FD, *tail]
        yield "bare", 1, 0x03, params, sent_by("writeTxOnly", 1, 116, 3 + len(tail), params[2:])


def main():
    out = Path(__file__).with_name("dynamixel2_packets.tsv")
    lines = [
        f"# Made by make_dynamixel2.py with dynamixel-sdk {version('dynamixel-sdk')}.",
        "# how\tid\tinstruction\tparameters\tframe",
    ]
    for how, device, instruction, params, frame in rows():
        lines.append(f"{how}\t{device}\t{instruction:02X}\t{bytes(params).hex()}\t{frame.hex()}")
    out.write_text("\n".join(lines) + "\n")
    print(f"{len(lines) - 2} frames in {out}")


if __name__ == "__main__":
    main()
