"""Compares `adit wire --protocol unitree-go` with the vendor's own Python library, byte for byte, both ways.

    pip install cyclonedds numpy && pip install --no-deps unitree-sdk2py-dimos
    python unitree_go.py ADIT [COUNT]

The library's interface files serialise the messages (its `cyclonedds` does), and its `crc.py` gives the checksums.
"""

import json
import random
import struct
import subprocess
import sys

from unitree_sdk2py.idl.default import unitree_go_msg_dds__LowCmd_, unitree_go_msg_dds__LowState_
from unitree_sdk2py.idl.unitree_go.msg.dds_ import LowCmd_, LowState_
from unitree_sdk2py.utils.crc import CRC

ENCAPSULATION = bytes([0, 1, 0, 0])
PER_CALL = 2000
crc = CRC()


def single(rng: random.Random) -> float:
    return struct.unpack("<f", struct.pack("<f", rng.uniform(-100.0, 100.0)))[0]


def sample_of(message) -> bytes:
    """As DDS carries it. The library writes its own header, of which the first two bytes name the encoding."""
    data = bytes(message.serialize())
    assert data[:2] == ENCAPSULATION[:2], data[:4]
    return ENCAPSULATION + data[4:]


def random_command(rng: random.Random):
    command = unitree_go_msg_dds__LowCmd_()
    command.head[0], command.head[1], command.level_flag = 0xFE, 0xEF, 0xFF
    command.gpio = 0
    for motor in command.motor_cmd[: rng.randint(0, 20)]:
        motor.mode = rng.randint(0, 255)
        motor.q, motor.dq, motor.tau, motor.kp, motor.kd = (single(rng) for _ in range(5))
    command.crc = crc.Crc(command)
    return command


def random_state(rng: random.Random):
    state = unitree_go_msg_dds__LowState_()
    state.head[0], state.head[1], state.level_flag = 0xFE, 0xEF, 0xFF
    imu = state.imu_state
    for values in (imu.quaternion, imu.gyroscope, imu.accelerometer, imu.rpy):
        for i in range(len(values)):
            values[i] = single(rng)
    imu.temperature = rng.randint(0, 127)
    for motor in state.motor_state:
        motor.mode = rng.randint(0, 255)
        motor.q, motor.dq, motor.tau_est = (single(rng) for _ in range(3))
        motor.temperature, motor.lost = rng.randint(0, 127), rng.randint(0, 2**32 - 1)
    for i in range(4):
        state.foot_force[i] = rng.randint(-(2**15), 2**15 - 1)
    state.bms_state.soc = rng.randint(0, 100)
    state.bms_state.current = rng.randint(-(2**31), 2**31 - 1)
    state.tick, state.power_v = rng.randint(0, 2**32 - 1), single(rng)
    state.crc = crc.Crc(state)
    return state


def command_json(command) -> dict:
    keys = ("mode", "q", "dq", "tau", "kp", "kd")
    return {"motors": [{key: getattr(motor, key) for key in keys} for motor in command.motor_cmd]}


def state_json(state) -> dict:
    imu = state.imu_state
    return {
        "tick": state.tick,
        "imu": {
            "quaternion": list(imu.quaternion), "gyroscope": list(imu.gyroscope),
            "accelerometer": list(imu.accelerometer), "rpy": list(imu.rpy), "temperature_c": imu.temperature,
        },
        "motors": [
            {"mode": m.mode, "q": m.q, "dq": m.dq, "tau_est": m.tau_est, "temperature_c": m.temperature, "lost": m.lost}
            for m in state.motor_state
        ],
        "foot_force": list(state.foot_force),
        "battery": {"soc_percent": state.bms_state.soc, "current_ma": state.bms_state.current},
        "power_v": state.power_v,
    }


def wire(adit: str, direction: str, lines: list[str]) -> list[str]:
    done = subprocess.run(
        [adit, "wire", direction, "--protocol", "unitree-go"], input="\n".join(lines) + "\n", text=True, capture_output=True
    )
    assert done.returncode == 0, done.stderr[:2000]
    return done.stdout.splitlines()


def alike(shown, given, path: str) -> None:
    """The numbers shown mean the same single-precision numbers."""
    if isinstance(given, dict):
        assert shown.keys() - {"crc_ok"} == given.keys(), path
        for key in given:
            alike(shown[key], given[key], f"{path}.{key}")
    elif isinstance(given, list):
        assert len(shown) == len(given), path
        for i, (a, b) in enumerate(zip(shown, given)):
            alike(a, b, f"{path}[{i}]")
    else:
        assert struct.pack("<f", shown) == struct.pack("<f", given) if isinstance(given, float) else shown == given, path


def check(adit: str, name: str, count: int, make, to_json) -> None:
    rng = random.Random(7)
    for start in range(0, count, PER_CALL):
        messages = [make(rng) for _ in range(min(PER_CALL, count - start))]
        samples = [sample_of(message).hex().upper() for message in messages]
        objects = [to_json(message) for message in messages]
        encoded = wire(adit, "encode", [json.dumps(o) for o in objects])
        assert encoded == samples, f"{name}: {next(i for i, (a, b) in enumerate(zip(encoded, samples)) if a != b)} differs"
        for line, given in zip(wire(adit, "decode", samples), objects, strict=True):
            shown = json.loads(line)
            assert shown["crc_ok"], name
            alike(shown, given, name)
        # And what Adit writes the vendor's library reads.
        (LowCmd_ if name == "LowCmd" else LowState_).deserialize(bytes.fromhex(encoded[0]))
    print(f"{name}: {count} the same, byte for byte, both ways")


def main() -> None:
    adit, count = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 10_000
    check(adit, "LowCmd", count, random_command, command_json)
    check(adit, "LowState", count, random_state, state_json)


if __name__ == "__main__":
    main()
