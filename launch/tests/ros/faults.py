"""What becomes of the robot when a part fails: the table of docs/ros.md, row by row.

    eval "$(adit env ros)"; python launch/tests/ros/faults.py path/to/adit
"""

import ctypes
import math
import os
import signal
import subprocess
import sys
import tempfile
import time

import adit_msgs.msg
import geometry_msgs.msg
import nav_msgs.msg
import sensor_msgs.msg
import std_srvs.srv

from adit_msgs.msg import MissionStatus, RobotState
from diagnostic_msgs.msg import DiagnosticStatus
from client import LATCHED, Client, Stack, distance, wait_for

MISSION = "short"


def begin(client):
    """A mission under way, the robot walking."""
    client.wait_up()
    wait_for("no lease", lambda: client.state().lease_owner == "", 15)
    wait_for("a mission begun", lambda: client.trigger("/mission/start").success, 20)
    client.wait_mode(RobotState.MODE_WALK, 40)
    start = client.truth[-1]
    wait_for("walking", lambda: distance(start, client.truth[-1]) > 0.3, 30)


def is_over(client):
    status = client.newest.get("/mission/status")
    return status is not None and status.state in (MissionStatus.STATE_COMPLETED, MissionStatus.STATE_GIVEN_UP)


def end(client, seconds=120):
    """Until the mission is over and the robot lies."""
    wait_for("the end of the mission", lambda: is_over(client), seconds)
    client.wait_mode(RobotState.MODE_DAMPED, 30)


def planner_dies(client, stack):
    """The robot stands, then lies down; the planner that is started again gives the mission up and has it reported."""
    begin(client)
    os.kill(stack.pid("planner"), signal.SIGKILL)
    time.sleep(0.7)
    client.let_pass(1.0)
    assert client.speed() < 0.1, "it walks on without its planner"
    assert client.state().mode == RobotState.MODE_WALK, f"it should stand for a while: {client.state()}"
    client.wait_mode(RobotState.MODE_DAMPED, 25)
    wait_for("the planner again", lambda: stack.pid("planner"), 20)
    told = lambda: is_over(client) and client.newest["/mission/status"].text
    assert wait_for("its word on the mission", told, 20) == "the planner died"
    wait_for("the report", lambda: (stack.run / "report.html").exists(), 60)
    assert "the planner died" in (stack.run / "report.html").read_text()
    level, message = client.health("planner")
    assert level == DiagnosticStatus.ERROR and "the planner died" in message, (level, message)


def perception_dies(client, stack):
    """It hangs first: the robot stands within about a second. Back again, the mission goes on or is given up."""
    begin(client)
    # Killed at once it can be back before the second is over, and then nothing has to stand.
    os.kill(stack.pid("perception"), signal.SIGSTOP)
    time.sleep(1.2)
    client.let_pass(0.6)
    assert client.speed(0.5) < 0.15, "it walks on blind"
    os.kill(stack.pid("perception"), signal.SIGKILL)
    wait_for("perception again", lambda: stack.pid("perception"), 20)
    # The whole mission may follow.
    end(client, 240)


def bridge_dies(client, stack):
    """The next bridge is there at once, lets the legs go and moves nothing."""
    begin(client)
    dead = stack.pid("bridge")
    os.kill(dead, signal.SIGKILL)
    client.newest.pop("/robot_state", None)
    wait_for("the bridge again", lambda: stack.pid("bridge") not in (None, dead), 5)
    wait_for("its state", lambda: client.state() and client.state().ready, 30)
    assert client.state().mode == RobotState.MODE_DAMPED
    # It may still be on its way down.
    wait_for("the robot at rest", lambda: client.speed() < 0.05, 10)
    assert client.state().mode == RobotState.MODE_DAMPED
    end(client)


def the_loop_hangs(client, stack):
    """The bridge ends itself after a second; the next one lets the legs go and moves nothing."""
    begin(client)
    hung = stack.pid("bridge")
    freeze(next(tid for tid in threads(hung) if name_of(hung, tid) == "control"))
    wait_for("another bridge", lambda: stack.pid("bridge") not in (None, hung), 10)
    client.newest.pop("/robot_state", None)
    wait_for("its state", lambda: client.state() and client.state().ready, 30)
    assert client.state().mode == RobotState.MODE_DAMPED
    wait_for("the robot at rest", lambda: client.speed() < 0.05, 10)
    end(client)


def threads(pid):
    return [int(tid) for tid in os.listdir(f"/proc/{pid}/task")]


def name_of(pid, tid):
    with open(f"/proc/{pid}/task/{tid}/comm") as comm:
        return comm.read().strip()


def freeze(tid):
    """Stops one thread as a debugger does, until its process has ended."""
    seize, interrupt, any_thread = 0x4206, 0x4207, 0x40000000
    ptrace = ctypes.CDLL(None, use_errno=True).ptrace
    ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    for request in (seize, interrupt):
        if ptrace(request, tid, None, None) != 0:
            raise OSError(ctypes.get_errno(), "cannot stop the thread: it takes the right to debug")
    began = time.monotonic()
    while time.monotonic() < began + 10:
        found, status = os.waitpid(tid, any_thread | os.WNOHANG)
        if found and not os.WIFSTOPPED(status):
            return
        time.sleep(0.01)
    raise AssertionError("the process of a loop that hangs goes on")


def recorder_dies(client, stack):
    """Nothing but a new file."""
    begin(client)
    os.kill(stack.pid("recorder"), signal.SIGKILL)
    time.sleep(1.0)
    assert client.state().mode == RobotState.MODE_WALK and client.speed() > 0.1, "the robot has nothing to do with the recorder"
    wait_for("the recorder again", lambda: stack.pid("recorder"), 20)
    client.trigger("/mission/abort")
    end(client)
    wait_for("a second file", lambda: (stack.run / "run.1.mcap").exists(), 10)
    from mcap.reader import make_reader
    with open(stack.run / "run.mcap", "rb") as file:
        assert sum(1 for _ in make_reader(file).iter_messages()) > 100, "what a killed recorder leaves opens"


def sim_dies(client, stack):
    """Motors and inertial sensor are gone; the world begins anew, and so does the estimate."""
    begin(client)
    os.kill(stack.pid("sim"), signal.SIGKILL)
    end(client)
    wait_for("the simulator again", lambda: stack.pid("sim"), 20)
    client.truth.clear()
    wait_for("the robot back at its start", lambda: client.truth and abs(client.truth[-1][0] - 1.0) < 0.1, 30)
    wait_for("the estimate too", lambda: abs(client.place()[0] - 1.0) < 0.2 and client.state().ready, 30)


def a_bus_is_unplugged(client, stack):
    """One leg's motors are silent: the robot lies down; plugged in again, it can rise."""
    begin(client)
    plug = lambda on: client.service(std_srvs.srv.SetBool, "/sim/motor1/plugged", data=on)
    assert plug(False).success
    wait_for("the bridge's word on it", lambda: client.state().hold == RobotState.HOLD_NO_JOINTS, 15)
    end(client)
    assert plug(True).success
    wait_for("the motors again", lambda: client.state().hold != RobotState.HOLD_NO_JOINTS, 20)
    begin(client)
    client.trigger("/mission/abort")
    end(client)


def the_cable_is_out(client, stack):
    """The way to a robot over its network is cut: its motors damp by themselves and it sinks; plugged in again, it can rise."""
    begin(client)
    plug = lambda on: client.service(std_srvs.srv.SetBool, "/sim/motor0/plugged", data=on)
    assert plug(False).success
    silent = (RobotState.HOLD_NO_IMU, RobotState.HOLD_NO_JOINTS)
    wait_for("the bridge's word on it", lambda: client.state().hold in silent, 15)
    end(client)
    assert plug(True).success
    wait_for("the robot again", lambda: client.state().hold not in silent and client.state().ready, 20)
    begin(client)
    client.trigger("/mission/abort")
    end(client)


def the_vendors_gait_walks(client, stack):
    """The robot's own gait rises, walks and lies down by orders to its service; an emergency stop lets its legs go."""
    begin(client)
    client.trigger("/mission/abort")
    end(client)
    begin(client)
    assert client.service(std_srvs.srv.SetBool, "/estop", data=True).success
    client.wait_mode(RobotState.MODE_DAMPED, 10)
    end(client)


def cmd_vel_is_flooded(client, stack):
    """Ten thousand commands without the lease: the mission goes on, and the control loop too."""
    begin(client)
    publisher = client.node.create_publisher(geometry_msgs.msg.Twist, "/cmd_vel", 1)
    twist = geometry_msgs.msg.Twist()
    twist.linear.x = -1.0
    until = time.monotonic() + 5
    before, sent, began = client.truth[-1], 0, client.clock()
    while time.monotonic() < until:
        for _ in range(50):
            publisher.publish(twist)
            sent += 1
        time.sleep(0.001)
    print(f"    {sent} commands in 5 s")
    moved = distance(before, client.truth[-1])
    assert moved > 0.1 * (client.clock() - began), "the flood stopped the mission"
    assert client.state().mode == RobotState.MODE_WALK and client.state().lease_owner == "planner"
    client.node.destroy_publisher(publisher)
    client.trigger("/mission/abort")
    end(client)


def numbers_are_absurd(client, stack):
    """NaN, infinities and huge values in every number that is subscribed to: refused, and nothing dies."""
    begin(client)
    pids = {name: stack.pid(name) for name in ["sim", "bridge", "perception", "planner"]}
    kinds = {
        "/cmd_vel": geometry_msgs.msg.Twist,
        "/motion/target": adit_msgs.msg.MotionTarget,
        "/localisation/correction": adit_msgs.msg.TunnelCorrection,
        "/odom": nav_msgs.msg.Odometry,
        "/lidar/points": sensor_msgs.msg.PointCloud2,
        "/terrain/elevation": sensor_msgs.msg.PointCloud2,
        "/terrain/traversability": nav_msgs.msg.OccupancyGrid,
        "/camera/left/image_raw": sensor_msgs.msg.Image,
        "/thermal/thermal_left/image_raw": sensor_msgs.msg.Image,
        "/robot_state": adit_msgs.msg.RobotState,
        "/mission/status": adit_msgs.msg.MissionStatus,
        "/defects/list": adit_msgs.msg.DefectArray,
    }
    qos = lambda topic: LATCHED if topic.startswith("/defects") else 10
    publishers = {topic: client.node.create_publisher(kind, topic, qos(topic)) for topic, kind in kinds.items()}
    count = 0
    for value in [math.nan, math.inf, -math.inf, 1e308, -1e308, 2**31 - 1, 0]:
        for topic, kind in kinds.items():
            message = kind()
            fill(message, value)
            publishers[topic].publish(message)
            count += 1
            time.sleep(0.02)
    print(f"    {count} messages")
    time.sleep(1)
    for publisher in publishers.values():
        client.node.destroy_publisher(publisher)
    assert pids == {name: stack.pid(name) for name in pids}, "a node died of a number"
    client.trigger("/mission/abort")
    end(client)


def fill(message, value):
    """Puts a value into every number of a message, as far as its type can hold it."""
    for name, kind in message.get_fields_and_field_types().items():
        field = getattr(message, name)
        if hasattr(field, "get_fields_and_field_types"):
            fill(field, value)
        elif kind in ("double", "float"):
            limit = 3.4e38 if kind == "float" else math.inf
            within = math.isnan(value) or abs(value) <= limit
            setattr(message, name, float(value) if within else math.copysign(limit, value))
        elif kind.startswith("double["):
            setattr(message, name, [float(value)] * len(field))
        elif kind.startswith("sequence<double"):
            setattr(message, name, [float(value)] * 3)
        elif kind in ("uint32", "int32") and math.isfinite(value):
            setattr(message, name, int(min(max(value, 0), 2**31 - 1)))
        elif kind == "uint64" and math.isfinite(value):
            setattr(message, name, int(min(max(value, 0), 2**63)))


def the_clock_stops(client, stack):
    """The world stands still: the robot is held at its last pose by nobody, and goes on when time does."""
    begin(client)
    bridge = stack.pid("bridge")
    os.kill(stack.pid("sim"), signal.SIGSTOP)
    time.sleep(4)
    assert client.state().hold, "the bridge should notice that nothing is measured any more"
    os.kill(stack.pid("sim"), signal.SIGCONT)
    assert stack.pid("bridge") == bridge, "a bridge that waits for its world took itself for one that hangs"
    end(client)
    client.wait_mode(RobotState.MODE_DAMPED, 30)
    begin(client)
    client.trigger("/mission/abort")
    end(client)


def strangers_talk(client, stack):
    """Odometry of other times and places, and of another node for good: the robot walks on, and nothing found is lost. A second
    stack and a replay are refused."""
    begin(client)
    publisher = client.node.create_publisher(nav_msgs.msg.Odometry, "/odom", 10)
    wait_for("its discovery", lambda: client.node.count_publishers("/odom") == 2 and publisher.get_subscription_count() > 2, 10)
    odometry = client.newest["/odom"]
    now, year = odometry.header.stamp.sec, 31_557_600
    for seconds, x in [(now - 3, 0.0), (0, 0.0), (now + 56 * year, 0.0), (now + 3600, 0.0), (now + 1, -50.0)]:
        odometry.header.stamp.sec, odometry.pose.pose.position.x = seconds, odometry.pose.pose.position.x + x
        publisher.publish(odometry)
        time.sleep(0.1)
    for node in ["perception", "planner"]:
        wait_for(f"{node}'s count of them", lambda: int(client.diagnostics(node)["refused_messages"]) >= 5, 10)
    assert client.speed(2.0) > 0.1 and not is_over(client), "a stranger's odometry stopped the mission"
    again = ["up", "--sim", "--domain-id", str(stack.domain), "--out", str(stack.run.parent / "again")]
    for command in [again, ["replay", str(stack.run / "run.mcap")]]:
        refused = subprocess.run([sys.argv[1], *command], capture_output=True, text=True, timeout=60)
        assert refused.returncode == 2 and "--domain-id" in refused.stderr and "--namespace" in refused.stderr, refused
    assert not (stack.run.parent / "again").exists(), "what is refused writes nothing"
    assert client.speed(1.0) > 0.1 and not is_over(client), "looking around stopped the mission"
    assert "anew" not in stack.said(), "perception threw away what it had"
    client.node.destroy_publisher(publisher)
    client.trigger("/mission/abort")
    end(client)


ASK = """
import rclpy
from rclpy.action import ActionClient
from adit_msgs.action import RunMission
rclpy.init()
node = rclpy.create_node("asker")
action = ActionClient(node, RunMission, "/mission/run")
action.wait_for_server()
sent = action.send_goal_async(RunMission.Goal())
rclpy.spin_until_future_complete(node, sent)
print(sent.result().accepted, flush=True)
rclpy.spin(node)
"""


def the_actions_client_dies(client, stack):
    """The mission goes on, and whoever is there brings the robot home or down."""
    client.wait_up()
    asker = subprocess.Popen([sys.executable, "-c", ASK], stdout=subprocess.PIPE, text=True)
    try:
        assert asker.stdout.readline().strip() == "True"
        client.wait_mode(RobotState.MODE_WALK, 40)
    finally:
        asker.kill()
        asker.wait()
    client.let_pass(1.0)
    assert client.speed(2.0) > 0.1 and not is_over(client), "the mission went with its client"
    assert client.trigger("/mission/abort").success
    end(client)
    wait_for("the report", lambda: (stack.run / "report.html").exists(), 60)


FAULTS = [recorder_dies, planner_dies, perception_dies, bridge_dies, the_loop_hangs, a_bus_is_unplugged,
          the_cable_is_out, the_vendors_gait_walks, cmd_vel_is_flooded, numbers_are_absurd, strangers_talk, the_actions_client_dies, the_clock_stops, sim_dies]
# What is not as `adit up --sim` does it.
ARGUMENTS = {a_bus_is_unplugged: ["--robot", "go2-serial"], the_vendors_gait_walks: ["--gait", "vendor"]}
# `adit up` says by its exit code that a mission was lost.
LOST = [planner_dies]


def main():
    adit, chosen = sys.argv[1], sys.argv[2:]
    for fault in FAULTS:
        if chosen and fault.__name__ not in chosen:
            continue
        began = time.monotonic()
        print(f"{fault.__name__.replace('_', ' ')}: {fault.__doc__.splitlines()[0]}")
        with tempfile.TemporaryDirectory() as folder, Stack(
            adit, folder, "--mission", MISSION, *ARGUMENTS.get(fault, [])
        ) as stack:
            client = Client()
            try:
                fault(client, stack)
            finally:
                client.close()
            assert stack.stop() == (1 if fault in LOST else 0)
        print(f"    as expected, after {time.monotonic() - began:.0f} s")
    print("all is well")


if __name__ == "__main__":
    main()
