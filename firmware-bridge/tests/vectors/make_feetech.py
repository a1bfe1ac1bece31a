"""Writes feetech_requests.tsv and feetech_answers.tsv with the vendor's own Python SDK.

    pip install ftservo-python-sdk==2.0.1
    python3 make_feetech.py

ftservo-python-sdk is published by the vendor (github.com/ftservo/FTServo_Python). Requests are what it writes to a
port; answers are bytes made here that it read back without complaint.
"""

import random

import scservo_sdk as sdk

random.seed(20240607)


class Port:
    """Stands in for a serial port: keeps what is written, gives out what is to be read."""

    def __init__(self):
        self.is_using, self.written, self.to_read = False, b"", b""

    def writePort(self, packet):
        self.written += bytes(packet)
        return len(packet)

    def readPort(self, length):
        taken, self.to_read = self.to_read[:length], self.to_read[length:]
        return list(taken)

    def clearPort(self):
        pass

    def setPacketTimeout(self, _):
        pass

    def isPacketTimeout(self):
        return True


def sent(what):
    """What the SDK writes, without an answer."""
    port = Port()
    what(sdk.sms_sts(port))
    return port.written


def status(id, errors, data):
    body = bytes([id, len(data) + 2, errors]) + data
    return b"\xff\xff" + body + bytes([~sum(body) & 0xFF])


def some(n):
    """Bytes with headers among them."""
    return bytes(random.choice([0xFF, 0xFF, random.randrange(256)]) for _ in range(n))


def requests():
    for id in (0, 1, 8, 253):
        yield "ping", id, [], sent(lambda s: s.ping(id))
        for address, length in ((3, 2), (56, 15), (0, 6), (40, 1)):
            yield "read", id, [address, length], sent(lambda s: s.readTx(id, address, length))
        for address, data in ((40, b"\x01"), (41, some(7)), (9, some(4))):
            yield "write", id, [address, *data], sent(lambda s: s.writeTxOnly(id, address, len(data), list(data)))
            yield "reg_write", id, [address, *data], sent(lambda s: s.regWriteTxOnly(id, address, len(data), list(data)))
        for position, speed, acc in ((0, 0, 0), (2048, 1000, 50), (4095, 3400, 254)):
            yield "goal", id, [position, speed, acc], sent(lambda s: s.WritePosEx(id, position, speed, acc))
        for speed in (-3400, -1, 0, 1, 3400):
            yield "wheel", id, [speed, 20], sent(lambda s: s.WriteSpec(id, speed, 20))
    yield "action", 254, [], sent(lambda s: s.RegAction())
    yield "sync_read", 254, [56, 8, 1, 2, 9], sent(lambda s: s.syncReadTx(56, 8, [1, 2, 9], 3))

    def sync_write(s):
        for id in (1, 2, 9):
            assert s.SyncWritePosEx(id, 1000 * id % 4096, 300 * id, id)
        s.groupSyncWrite.txPacket()

    yield "sync_goal", 254, [1, 1000, 300, 1, 2, 2000, 600, 2, 9, 808, 2700, 9], sent(sync_write)


def answers():
    for _ in range(60):
        port = Port()
        servo = sdk.sms_sts(port)
        id, errors, data = random.randrange(254), random.randrange(128), some(random.choice([0, 1, 2, 4, 15, 60]))
        port.to_read = frame = status(id, errors, data)
        packet, result = servo.rxPacket()
        assert result == sdk.COMM_SUCCESS and bytes(packet) == frame
        position = servo.scs_tohost(servo.scs_makeword(data[0], data[1]), 15) if len(data) >= 2 else "-"
        yield id, packet[4], data.hex().upper() or "-", position, frame.hex().upper()


with open("feetech_requests.tsv", "w") as out:
    print("# kind\tid\tvalues\tframe (by ftservo-python-sdk 2.0.1; see make_feetech.py)", file=out)
    for kind, id, values, frame in requests():
        print(kind, id, " ".join(map(str, values)) or "-", frame.hex().upper(), sep="\t", file=out)
with open("feetech_answers.tsv", "w") as out:
    print("# id\terrors\tparameters\tfirst two with bit 15 as sign\tframe (read by ftservo-python-sdk 2.0.1)", file=out)
    for row in answers():
        print(*row, sep="\t", file=out)
