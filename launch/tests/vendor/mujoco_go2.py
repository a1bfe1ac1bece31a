"""Adit drives a Go2 that is not its own: physics by MuJoCo, its end of DDS by CycloneDDS and the vendor's Python library. It is taken
over from the service that has its motors, stands up, walks, stops and lies down.

    pip install cyclonedds numpy mujoco && pip install --no-deps unitree-sdk2py-dimos
    python mujoco_go2.py ADIT [--distance 10]
"""

import argparse
import json
import subprocess
import threading
import time
from pathlib import Path

import mujoco
import numpy as np
from robot_on_dds import (
    CRC,
    ChannelPublisher,
    ChannelSubscriber,
    LowCmd_,
    LowState_,
    Request_,
    Response_,
    begin,
    check,
    unitree_api_msg_dds__ResponseHeader_,
    unitree_go_msg_dds__LowState_,
)

MODEL = Path(__file__).parents[2] / "robots" / "go2" / "go2.xml"
# The vendor's order.
JOINTS = [f"{leg}_{part}_joint" for leg in ("FR", "FL", "RR", "RL") for part in ("hip", "thigh", "calf")]
MAX_TORQUE = np.array([23.7, 23.7, 45.43] * 4)
LYING = np.array([0.0, 1.36, -2.65] * 4)
STEP_S, SUBSTEPS = 0.002, 2
# Without commands the motors damp.
COMMAND_LIFE_S, DAMPING = 0.1, 4.0
CHECK_MODE, RELEASE_MODE, STAND_DOWN = 1001, 1003, 1005


class Services:
    """Stand-ins for `motion_switcher` and `sport`: they have the motors until they are released."""

    def __init__(self) -> None:
        self.has_motors, self.asked = True, []
        self.ends = {}
        for name in ("motion_switcher", "sport"):
            answers = ChannelPublisher(f"rt/api/{name}/response", Response_)
            answers.Init()
            requests = ChannelSubscriber(f"rt/api/{name}/request", Request_)
            requests.Init(lambda request, name=name: self.answer(name, request), 10)
            self.ends[name] = (answers, requests)

    def answer(self, name: str, request) -> None:
        api = request.header.identity.api_id
        self.asked.append((name, api))
        answer = Response_(unitree_api_msg_dds__ResponseHeader_(), "", [])
        answer.header.identity = request.header.identity
        if name == "motion_switcher" and api == CHECK_MODE:
            answer.data = json.dumps({"form": "0", "name": "normal" if self.has_motors else ""})
        elif name == "motion_switcher" and api == RELEASE_MODE:
            self.has_motors = False
        self.ends[name][0].Write(answer)


class Robot:
    """The physics, on a thread of its own, at the pace of the wall clock."""

    def __init__(self) -> None:
        spec = mujoco.MjSpec.from_file(str(MODEL))
        spec.worldbody.add_geom(type=mujoco.mjtGeom.mjGEOM_PLANE, size=[0, 0, 1], friction=[0.8, 0.02, 0.01])
        self.model = spec.compile()
        self.model.opt.timestep = STEP_S / SUBSTEPS
        self.data = mujoco.MjData(self.model)
        joint = [self.model.joint(name) for name in JOINTS]
        self.q_at = np.array([j.qposadr[0] for j in joint])
        self.v_at = np.array([j.dofadr[0] for j in joint])
        self.imu = self.model.site("imu").id
        self.data.qpos[:7] = [0, 0, 0.12, 1, 0, 0, 0]
        self.data.qpos[self.q_at] = LYING
        mujoco.mj_forward(self.model, self.data)
        self.services, self.crc = Services(), CRC()
        self.command, self.commanded, self.commands, self.bad_crc, self.early = None, 0.0, [], 0, 0
        self.ended, self.lag_s, self.lowest, self.upright = False, 0.0, 1.0, 1.0
        self.states = ChannelPublisher("rt/lowstate", LowState_)
        self.states.Init()
        self.subscriber = ChannelSubscriber("rt/lowcmd", LowCmd_)
        self.subscriber.Init(self.take, 10)

    def take(self, command) -> None:
        now = time.monotonic()
        if self.crc.Crc(command) != command.crc:
            self.bad_crc += 1
            return
        if self.services.has_motors:
            self.early += 1
            return
        self.command, self.commanded = command, now
        self.commands.append(now)

    def torques(self) -> np.ndarray:
        q, dq = self.data.qpos[self.q_at], self.data.qvel[self.v_at]
        if self.command is None or time.monotonic() - self.commanded > COMMAND_LIFE_S:
            return -DAMPING * dq
        motors = self.command.motor_cmd[:12]
        get = lambda key: np.array([getattr(motor, key) for motor in motors])  # noqa: E731
        on = get("mode") == 1
        torque = get("kp") * (get("q") - q) + get("kd") * (get("dq") - dq) + get("tau")
        return np.where(on, np.clip(torque, -MAX_TORQUE, MAX_TORQUE), -DAMPING * dq)

    def report(self, tick: int) -> None:
        data, state = self.data, unitree_go_msg_dds__LowState_()
        state.head[0], state.head[1], state.level_flag = 0xFE, 0xEF, 0xFF
        state.tick, state.bms_state.soc, state.power_v = tick, 87, 29.0
        frame = data.site_xmat[self.imu].reshape(3, 3)
        rate, force = np.zeros(6), np.zeros(6)
        mujoco.mj_objectVelocity(self.model, data, mujoco.mjtObj.mjOBJ_SITE, self.imu, rate, 1)
        mujoco.mj_objectAcceleration(self.model, data, mujoco.mjtObj.mjOBJ_SITE, self.imu, force, 1)
        state.imu_state.quaternion = [float(value) for value in data.qpos[3:7]]
        state.imu_state.gyroscope = [float(value) for value in rate[:3]]
        state.imu_state.accelerometer = [float(value) for value in force[3:]]
        for motor, q, dq, tau in zip(state.motor_state, data.qpos[self.q_at], data.qvel[self.v_at], self.applied):
            motor.mode, motor.q, motor.dq, motor.tau_est, motor.temperature = 1, float(q), float(dq), float(tau), 30
        state.crc = self.crc.Crc(state)
        self.states.Write(state)
        self.upright = min(self.upright, frame[2, 2])

    def run(self) -> None:
        tick, due = 0, time.monotonic()
        while not self.ended:
            for _ in range(SUBSTEPS):
                self.applied = self.torques()
                self.data.qfrc_applied[self.v_at] = self.applied
                mujoco.mj_step(self.model, self.data)
            mujoco.mj_rnePostConstraint(self.model, self.data)
            tick += int(1000 * STEP_S)
            self.report(tick)
            due += STEP_S
            late = time.monotonic() - due
            if late > 0.02:
                self.lag_s, due = self.lag_s + late, due + late
            time.sleep(max(0.0, -late))


def main() -> None:
    args = argparse.ArgumentParser()
    args.add_argument("adit")
    args.add_argument("--distance", type=float, default=10.0)
    args = args.parse_args()
    domain = begin()
    robot = Robot()
    thread = threading.Thread(target=robot.run)
    thread.start()
    try:
        way = ["--interface", "lo", "--domain", str(domain)]
        walk = [args.adit, "robot", "walk", *way, "--distance", str(args.distance), "--json"]
        done = subprocess.run(walk, stdout=subprocess.PIPE, text=True, timeout=240)
        lowest_after = float(robot.data.qpos[2])
    finally:
        robot.ended = True
        thread.join()
    figures = json.loads(done.stdout or "{}")
    print(json.dumps(figures))
    print(f"simulated time lost because this machine is slow: {robot.lag_s:.2f} s")
    asked = [("motion_switcher", CHECK_MODE), ("sport", STAND_DOWN), ("motion_switcher", RELEASE_MODE), ("motion_switcher", CHECK_MODE)]
    check("its service was asked, laid it down and released it, in this order", robot.services.asked == asked)
    check("no joint was commanded before", robot.early == 0)
    check("every command carried the vendor's checksum", robot.bad_crc == 0 and len(robot.commands) > 1000)
    check(f"it never tilted (least upright {robot.upright:.2f})", robot.upright > 0.8)
    x, y = (float(value) for value in robot.data.qpos[:2])
    check(f"it walked {x:.2f} m ahead and {y:.2f} m aside, where Adit says {figures['distance_m']:.2f} m", x > 0.9 * args.distance)
    check(f"it lies, at {lowest_after:.2f} m", lowest_after < 0.15)
    times = np.array(robot.commands)
    gaps = 1000 * np.diff(times)
    rate = (len(times) - 1) / (times[-1] - times[0])
    print(f"rt/lowcmd: {rate:.1f} a second; gaps {np.median(gaps):.2f} ms in the median, {np.quantile(gaps, 0.99):.2f} at p99")
    check("commands came at 500 Hz", 475 < rate < 525)
    check("and Adit says that it is done", done.returncode == 0 and figures["completed"])


if __name__ == "__main__":
    main()
