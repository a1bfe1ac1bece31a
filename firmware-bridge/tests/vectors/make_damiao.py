"""Writes damiao_commands.tsv and damiao_feedback.tsv with other people's code.

    pip install pydamiao==0.1.4 damiao-motor==1.0.6
    python3 make_damiao.py

The vendor's own library, DM_CAN.py of cmjang/DM_Control_Python, is not on PyPI. pydamiao is derived from it (its
METADATA says so) and packs with the same arithmetic; it is an unofficial package. damiao-motor was written apart
from it, and every frame of the impedance law must be the same in both before it is written down. One thing differs
from DM_CAN.py: its clamp has no effect (LIMIT_MIN_MAX returns nothing), so that out of range its numbers run over;
pydamiao clamps. Rows of the kind "mit_out" are therefore pydamiao's behaviour and not the vendor's.
"""

import random
import struct

from damiao_motor.core import motor as other
from pydamiao.protocol import DamiaoProtocol as Protocol
from pydamiao.structs import MOTOR_LIMITS, MotorReg, MotorType

random.seed(20240607)


def bits(value):
    return repr(float(value))


def second_opinion(q, dq, kp, kd, tau, limits):
    """The eight data bytes by damiao-motor's own packing."""
    unsigned = [
        other.float_to_uint(q, -limits.POS_MAX, limits.POS_MAX, 16),
        other.float_to_uint(dq, -limits.VEL_MAX, limits.VEL_MAX, 12),
        other.float_to_uint(kp, 0.0, 500.0, 12),
        other.float_to_uint(kd, 0.0, 5.0, 12),
        other.float_to_uint(tau, -limits.TORQUE_MAX, limits.TORQUE_MAX, 12),
    ]
    q, dq, kp, kd, tau = (int(number) for number in unsigned)
    return (q << 48 | dq << 36 | kp << 24 | kd << 12 | tau).to_bytes(8, "big")


def commands():
    for model, limits in MOTOR_LIMITS.items():
        for turn in range(8):
            # The ends, the middle, and anything between.
            share = [random.choice([-1.0, 0.0, 1.0, random.uniform(-1, 1), random.uniform(-1, 1)]) for _ in range(5)]
            q, dq, tau = (s * m for s, m in zip(share, (limits.POS_MAX, limits.VEL_MAX, limits.TORQUE_MAX)))
            kp, kd = abs(share[3]) * 500.0, abs(share[4]) * 5.0
            kind = "mit"
            if turn == 7:
                kind, q, dq, tau = "mit_out", q * 3 + 20, dq * 3 - 2000, tau * 3 + 900
            frame = Protocol.encode_mit_control(turn + 1, limits, kp, kd, q, dq, tau)
            assert kind == "mit_out" or frame[21:29] == second_opinion(q, dq, kp, kd, tau, limits)
            yield kind, turn + 1, model.name, [q, dq, kp, kd, tau], frame
    for id in (1, 7, 15):
        for name, code in (("enable", 0xFC), ("disable", 0xFD), ("set_zero", 0xFE), ("clear_fault", 0xFB)):
            yield name, id, "-", [], Protocol.encode_basic_command(id, code)
        q, dq = random.uniform(-12, 12), random.uniform(0, 30)
        yield "position_velocity", id, "-", [q, dq], Protocol.encode_pos_vel_control(id, q, dq)
        yield "velocity", id, "-", [dq], Protocol.encode_velocity_control(id, dq)
        yield "position_force", id, "-", [q, 3.0, 0.25], Protocol.encode_pos_force_control(id, q, 300, 2500)
        yield "refresh", id, "-", [], Protocol.encode_refresh_state(id)
        yield "save", id, "-", [], Protocol.encode_save_params(id)
    for register in MotorReg:
        yield f"read:{register.name}", 5, "-", [], Protocol.encode_read_param(5, register)
        value = random.randrange(2**32) if MotorReg.is_int_type(register) else struct.unpack("<f", struct.pack("<f", random.uniform(-100, 100)))[0]
        yield f"write:{register.name}", 5, "-", [value], Protocol.encode_write_param(5, register, value)


def feedback():
    for model, limits in MOTOR_LIMITS.items():
        for _ in range(5):
            id, state = random.randrange(1, 16), random.choice([0, 1, 8, 9, 10, 11, 12, 13, 14])
            data = bytes([state << 4 | id]) + random.randbytes(7)
            frame = bytes([0xAA, 0x11, 0x08]) + struct.pack("<I", 0x10 + id) + data + b"\x55"
            parsed = Protocol.parse_frame(frame)
            assert parsed.kind in ("status", "param")
            q, dq, tau = Protocol.decode_status(data, limits)
            mos, rotor = Protocol.decode_temperatures(data)
            yield frame, id, model.name, state, q, dq, tau, mos, rotor


with open("damiao_commands.tsv", "w") as out:
    print("# kind\tid\tmodel\tvalues\tframe (by pydamiao 0.1.4; see make_damiao.py)", file=out)
    for kind, id, model, values, frame in commands():
        print(kind, id, model, " ".join(map(bits, values)), frame.hex().upper(), sep="\t", file=out)
with open("damiao_feedback.tsv", "w") as out:
    print("# frame\tid\tmodel\tstate\tq_rad\tdq_rad_s\ttau_nm\tmos_c\trotor_c (read by pydamiao 0.1.4)", file=out)
    for row in feedback():
        print(row[0].hex().upper(), *row[1:], sep="\t", file=out)
