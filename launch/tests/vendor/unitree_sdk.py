"""The vendor's Python library has Adit's virtual Go2 walk by the sport service, takes it over, stands it up joint by joint and lays it
down, as its examples do with a real one.

    pip install cyclonedds numpy && pip install --no-deps unitree-sdk2py-dimos
    python unitree_sdk.py ADIT
"""

import re
import subprocess
import sys
import threading
import time

from robot_on_dds import (
    CRC,
    ChannelPublisher,
    ChannelSubscriber,
    LowCmd_,
    LowState_,
    begin,
    check,
    unitree_go_msg_dds__LowCmd_,
)
from unitree_sdk2py.comm.motion_switcher.motion_switcher_client import MotionSwitcherClient
from unitree_sdk2py.go2.sport.sport_client import SportClient

LYING = [0.0, 1.36, -2.65] * 4
STANDING = [0.0, 0.67, -1.3] * 4
RATE_HZ = 500


class Robot:
    """The newest state, and how many came."""

    def __init__(self) -> None:
        self.state, self.count, self.bad_crc = None, 0, 0
        self.crc = CRC()
        self.subscriber = ChannelSubscriber("rt/lowstate", LowState_)
        self.subscriber.Init(self.take, 10)

    def take(self, state) -> None:
        self.count += 1
        if self.count % 50 == 0 and self.crc.Crc(state) != state.crc:
            self.bad_crc += 1
        self.state = state


class Place:
    """Where the simulator says that the robot is."""

    def __init__(self, simulator: subprocess.Popen) -> None:
        self.xyz = [0.0, 0.0, 0.0]
        threading.Thread(target=self.read, args=(simulator.stdout,), daemon=True).start()

    def read(self, lines) -> None:
        for line in lines:
            found = re.search(r"at +(\S+) +(\S+) +(\S+) m", line)
            if found:
                self.xyz = [float(number) for number in found.groups()]


def follow(publisher, robot: Robot, goal: list[float], seconds: float) -> None:
    """Moves the joints from where they are, as the vendor's stand example does."""
    command, crc = unitree_go_msg_dds__LowCmd_(), CRC()
    command.head[0], command.head[1], command.level_flag = 0xFE, 0xEF, 0xFF
    start = [motor.q for motor in robot.state.motor_state[:12]]
    begun = due = time.monotonic()
    while (passed := time.monotonic() - begun) < seconds + 1.0:
        part = min(passed / seconds, 1.0)
        for motor, a, b in zip(command.motor_cmd, start, goal):
            motor.mode, motor.q, motor.dq, motor.kp, motor.kd, motor.tau = 1, a + part * (b - a), 0.0, 60.0, 5.0, 0.0
        command.crc = crc.Crc(command)
        publisher.Write(command)
        due += 1 / RATE_HZ
        time.sleep(max(0.0, due - time.monotonic()))


def main() -> None:
    domain = begin()
    simulate = [sys.argv[1], "robot", "simulate", "--interface", "lo", "--domain", str(domain), "--seconds", "120"]
    simulator = subprocess.Popen(simulate, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        place, robot = Place(simulator), Robot()
        deadline = time.monotonic() + 30
        while robot.count < 500 and time.monotonic() < deadline:
            time.sleep(0.05)
        check(f"its states come ({robot.count}), with the vendor's checksum", robot.count >= 500 and robot.bad_crc == 0)
        before = robot.count
        time.sleep(2.0)
        rate = (robot.count - before) / 2.0
        check(f"{rate:.0f} states a second, battery {robot.state.bms_state.soc} %", rate > 300 and robot.state.bms_state.soc > 50)

        sport, switcher = SportClient(), MotionSwitcherClient()
        for client in (sport, switcher):
            client.SetTimeout(5.0)
            client.Init()
        check("the sport service stands it up", sport.StandUp() == 0)
        time.sleep(4.0)
        check(f"it stands, at {place.xyz[2]:.2f} m", place.xyz[2] > 0.25)
        x = place.xyz[0]
        for _ in range(40):
            sport.Move(0.4, 0.0, 0.0)
            time.sleep(0.1)
        sport.StopMove()
        time.sleep(1.5)
        check(f"Move has walked it {place.xyz[0] - x:.2f} m", place.xyz[0] - x > 0.5)

        code, mode = switcher.CheckMode()
        check(f"its gait has the motors: {mode}", code == 0 and mode["name"] != "")
        check("it lies down", sport.StandDown() == 0)
        time.sleep(3.0)
        check("its gait is released", switcher.ReleaseMode()[0] == 0)
        code, mode = switcher.CheckMode()
        check("nobody has the motors", code == 0 and mode["name"] == "")

        publisher = ChannelPublisher("rt/lowcmd", LowCmd_)
        publisher.Init()
        time.sleep(1.0)
        follow(publisher, robot, STANDING, 2.0)
        height = place.xyz[2]
        off = max(abs(motor.q - goal) for motor, goal in zip(robot.state.motor_state, STANDING))
        check(f"joint by joint it stands at {height:.2f} m, joints within {off:.2f} rad", height > 0.25 and off < 0.25)
        check("its motors say that they are driven", all(motor.mode == 1 for motor in robot.state.motor_state[:12]))
        follow(publisher, robot, LYING, 2.0)
        time.sleep(1.0)
        check(f"and lies at {place.xyz[2]:.2f} m", place.xyz[2] < 0.15)
    finally:
        simulator.terminate()


if __name__ == "__main__":
    main()
