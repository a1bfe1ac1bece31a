"""What the ROS tests share: the stack as a child process, and a node that listens to it.

The client is rclpy, which is not ours, run by the Python of `adit env ros`.
"""

import math
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import QoSProfile, DurabilityPolicy, ReliabilityPolicy, qos_profile_sensor_data

import adit_msgs.msg
import adit_msgs.srv
import diagnostic_msgs.msg
import geometry_msgs.msg
import lifecycle_msgs.srv
import nav_msgs.msg
import rosgraph_msgs.msg
import sensor_msgs.msg
import std_srvs.srv
import tf2_msgs.msg
import visualization_msgs.msg

LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL, reliability=ReliabilityPolicy.RELIABLE)

TOPICS = {
    "/clock": (rosgraph_msgs.msg.Clock, qos_profile_sensor_data),
    "/joint_states": (sensor_msgs.msg.JointState, 10),
    "/imu/data": (sensor_msgs.msg.Imu, 10),
    "/odom": (nav_msgs.msg.Odometry, 50),
    "/ground_truth/odom": (nav_msgs.msg.Odometry, 50),
    "/tf": (tf2_msgs.msg.TFMessage, 50),
    "/tf_static": (tf2_msgs.msg.TFMessage, LATCHED),
    "/battery_state": (sensor_msgs.msg.BatteryState, 10),
    "/robot_state": (adit_msgs.msg.RobotState, 50),
    "/lidar/points": (sensor_msgs.msg.PointCloud2, qos_profile_sensor_data),
    # Four megabytes: best effort loses a part of most of them where the system's socket buffers are small.
    "/camera/left/image_raw": (sensor_msgs.msg.Image, 5),
    "/camera/left/camera_info": (sensor_msgs.msg.CameraInfo, qos_profile_sensor_data),
    "/thermal/thermal_left/image_raw": (sensor_msgs.msg.Image, qos_profile_sensor_data),
    "/terrain/elevation": (sensor_msgs.msg.PointCloud2, 10),
    "/terrain/traversability": (nav_msgs.msg.OccupancyGrid, 10),
    "/localisation/correction": (adit_msgs.msg.TunnelCorrection, 10),
    "/plan": (nav_msgs.msg.Path, 10),
    "/defects": (visualization_msgs.msg.MarkerArray, LATCHED),
    "/defects/list": (adit_msgs.msg.DefectArray, LATCHED),
    "/mission/status": (adit_msgs.msg.MissionStatus, 10),
    "/diagnostics": (diagnostic_msgs.msg.DiagnosticArray, 10),
}

START_WITHIN_S = 90.0


def wait_for(what, condition, seconds):
    """Waits until `condition()` is true; fails with `what` after `seconds`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"not within {seconds:.0f} s: {what}")


class Stack:
    """`adit up --sim` on a domain of its own; ended with the `with` block, whatever happens in it."""

    def __init__(self, adit, folder, *args):
        # Domains above 101 meet the system's own ports on Linux.
        self.domain = random.SystemRandom().randrange(10, 100)
        os.environ["ROS_DOMAIN_ID"] = str(self.domain)
        os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
        self.log = open(Path(folder) / "up.out", "wb")
        command = [adit, "up", "--sim", "--domain-id", str(self.domain), "--out", str(Path(folder) / "run"), *args]
        self.process = subprocess.Popen(command, stdout=self.log, stderr=subprocess.STDOUT)
        self.run = Path(folder) / "run"

    def __enter__(self):
        return self

    def pid(self, node):
        """The process of a node."""
        found = subprocess.run(
            ["pgrep", "-P", str(self.process.pid), "-f", f"adit-ros node {node} "], capture_output=True, text=True
        ).stdout.split()
        return int(found[0]) if found else None

    def stop(self, seconds=45):
        """Ctrl-C; its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        return self.process.wait(seconds)

    def said(self):
        self.log.flush()
        return (self.run.parent / "up.out").read_text(errors="replace")

    def __exit__(self, kind, *_):
        children = subprocess.run(["pgrep", "-P", str(self.process.pid)], capture_output=True, text=True).stdout.split()
        try:
            self.stop()
        except subprocess.TimeoutExpired:
            self.process.kill()
        if kind:
            print("---- what the stack said at the end", file=sys.stderr)
            print("\n".join(self.said().splitlines()[-60:]), file=sys.stderr)
        left = [pid for pid in children if Path(f"/proc/{pid}").exists()]
        if left and not kind:
            raise AssertionError(f"processes left behind: {left}")


class Client:
    """A node that keeps the newest message of every topic and counts them."""

    def __init__(self, name="tester", topics=TOPICS):
        rclpy.init()
        self.node = rclpy.create_node(name)
        self.newest, self.counts, self.track, self.truth = {}, {}, [], []
        for topic, (kind, qos) in topics.items():
            self.node.create_subscription(kind, topic, lambda m, t=topic: self._take(t, m), qos)
        self.executor = SingleThreadedExecutor()
        self.executor.add_node(self.node)
        self.thread = threading.Thread(target=self._spin, daemon=True)
        self.running = True
        self.thread.start()

    def _spin(self):
        while self.running and rclpy.ok():
            self.executor.spin_once(timeout_sec=0.1)

    def _take(self, topic, message):
        self.newest[topic] = message
        self.counts[topic] = self.counts.get(topic, 0) + 1
        if topic == "/odom":
            p = message.pose.pose.position
            self.track.append((p.x, p.y))
        if topic == "/ground_truth/odom":
            p = message.pose.pose.position
            self.truth.append((p.x, p.y))

    def close(self):
        self.running = False
        self.thread.join(5)
        self.node.destroy_node()
        rclpy.shutdown()

    def state(self):
        return self.newest.get("/robot_state")

    def place(self):
        p = self.newest["/odom"].pose.pose.position
        return p.x, p.y

    def wait_mode(self, mode, seconds=20):
        wait_for(f"the robot in mode {mode}", lambda: self.state() and self.state().mode == mode, seconds)

    def wait_up(self):
        """Until all nodes are there and the robot can be asked to rise."""
        wait_for("a robot that is ready", lambda: self.state() and self.state().ready, START_WITHIN_S)
        wait_for("a map of the ground", lambda: "/terrain/traversability" in self.newest, 30)
        wait_for("the planner", lambda: self.service(std_srvs.srv.Trigger, "/mission/start", call=False), 30)

    def service(self, kind, name, call=True, seconds=10, **fields):
        client = self.node.create_client(kind, name)
        try:
            if not client.wait_for_service(timeout_sec=seconds):
                raise AssertionError(f"no service {name}")
            if not call:
                return True
            request = kind.Request()
            for field, value in fields.items():
                setattr(request, field, value)
            future = client.call_async(request)
            wait_for(f"an answer of {name}", future.done, seconds)
            return future.result()
        finally:
            self.node.destroy_client(client)

    def trigger(self, name):
        return self.service(std_srvs.srv.Trigger, name)

    def estop(self, engaged):
        return self.service(std_srvs.srv.SetBool, "/estop", data=engaged)

    def lease(self, owner=None, seconds=5.0, token=""):
        return self.service(
            adit_msgs.srv.AcquireLease,
            "/lease/acquire",
            owner=owner or self.node.get_name(),
            duration_s=seconds,
            token=token,
        )

    def diagnostics(self, node, seconds=5):
        """The values that a node tells of itself."""
        return {v.key: v.value for v in self._status(node, seconds).values}

    def health(self, node, seconds=5):
        """The level and the message that a node tells of itself."""
        status = self._status(node, seconds)
        return status.level, status.message

    def _status(self, node, seconds):
        def found():
            message = self.newest.pop("/diagnostics", None)
            for status in message.status if message else []:
                if status.name == f"adit: {node}":
                    return status
        return wait_for(f"diagnostics of {node}", found, seconds)

    def clock(self):
        """Simulated time, s: on a busy machine it goes more slowly than the one on the wall."""
        clock = self.newest["/clock"].clock
        return clock.sec + 1e-9 * clock.nanosec

    def let_pass(self, seconds, meanwhile=lambda: None):
        """Waits until so much simulated time has gone by."""
        end = self.clock() + seconds
        limit = time.monotonic() + 30 + 10 * seconds
        while self.clock() < end:
            assert time.monotonic() < limit, "simulated time stands still"
            meanwhile()
            time.sleep(0.04)

    def drive(self, publisher, seconds, x=0.0, y=0.0, turn=0.0):
        twist = geometry_msgs.msg.Twist()
        twist.linear.x, twist.linear.y, twist.angular.z = x, y, turn
        self.let_pass(seconds, lambda: publisher.publish(twist))

    def speed(self, seconds=1.0):
        """How fast the robot really moves, m a simulated second."""
        before, began = self.truth[-1], self.clock()
        self.let_pass(seconds)
        return distance(before, self.truth[-1]) / (self.clock() - began)


def distance(a, b):
    return math.hypot(a[0] - b[0], a[1] - b[1])
