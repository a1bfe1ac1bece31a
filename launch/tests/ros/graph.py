"""The graph from outside: topics and frames, lifecycle and parameters, the mission by its action, driving by hand, the
emergency stop, the recording; and that the mission gives what lock-step gives.

    eval "$(adit env ros)"; python launch/tests/ros/graph.py path/to/adit
"""

import json
import math
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import geometry_msgs.msg
import lifecycle_msgs.srv
import rcl_interfaces.srv
import std_srvs.srv
from adit_msgs.action import RunMission
from adit_msgs.msg import MissionStatus, RobotState
from rclpy.action import ActionClient

from client import Client, Stack, TOPICS, distance, wait_for

MISSION = "short"


def stamp(message):
    return message.header.stamp.sec + 1e-9 * message.header.stamp.nanosec


def check_topics(client):
    """Types, frames, sizes and stamps of what is always said."""
    for topic in ["/clock", "/joint_states", "/imu/data", "/odom", "/tf", "/tf_static", "/lidar/points",
                  "/terrain/elevation", "/terrain/traversability", "/localisation/correction", "/diagnostics",
                  "/battery_state"]:
        wait_for(topic, lambda: topic in client.newest, 10)
    newest = client.newest
    clock = client.clock()
    joints = newest["/joint_states"]
    assert len(joints.name) == len(joints.position) == len(joints.velocity) == len(joints.effort) == 12
    assert joints.name[0] == "FL_hip_joint"
    odom = newest["/odom"]
    assert (odom.header.frame_id, odom.child_frame_id) == ("odom", "base_link")
    q = odom.pose.pose.orientation
    assert abs(math.sqrt(q.x**2 + q.y**2 + q.z**2 + q.w**2) - 1) < 1e-6
    assert abs(newest["/imu/data"].linear_acceleration.z - 9.81) < 2, "it lies level"
    cloud = newest["/lidar/points"]
    assert [f.name for f in cloud.fields] == ["x", "y", "z", "intensity", "time"]
    assert cloud.width * cloud.height * cloud.point_step == len(cloud.data) and cloud.width > 5000
    grid = newest["/terrain/traversability"]
    assert grid.header.frame_id == "map" and len(grid.data) == grid.info.width * grid.info.height
    assert stamp(grid) == stamp(newest["/terrain/elevation"]) or client.counts["/terrain/elevation"] > 1
    tree = {t.child_frame_id: t.header.frame_id for t in newest["/tf_static"].transforms}
    tree |= {t.child_frame_id: t.header.frame_id for t in newest["/tf"].transforms}
    for frame in ["lidar", "imu", "left_optical_frame", "thermal_left_optical_frame"]:
        above = frame
        while above != "map":
            assert above in tree, f"{above} hangs on nothing"
            above = tree[above]
    for topic in ["/odom", "/imu/data", "/joint_states", "/lidar/points"]:
        assert abs(stamp(newest[topic]) - clock) < 2.0, f"{topic} is not stamped with simulated time"
    battery = newest["/battery_state"]
    assert battery.present and 20 < battery.voltage < 35 and battery.current < 0 < battery.charge <= battery.capacity
    assert 0.9 < battery.percentage <= 1 and math.isnan(battery.temperature)
    before = dict(client.counts)
    began = client.clock()
    client.let_pass(4)
    simulated = client.clock() - began
    for topic, rate in [("/odom", 50), ("/joint_states", 50), ("/lidar/points", 10), ("/robot_state", 40),
                        ("/battery_state", 1)]:
        seen = (client.counts[topic] - before[topic]) / max(simulated, 0.1)
        print(f"  {topic}: {seen:.1f} a simulated second")
        assert seen > 0.6 * rate, f"{topic} comes {seen:.1f} times a second"


def check_life(client):
    """Lifecycle and parameters, as ROS users know them."""
    for node in ["sim", "bridge", "perception", "planner", "recorder"]:
        state = client.service(lifecycle_msgs.srv.GetState, f"/{node}/get_state").current_state
        assert (state.id, state.label) == (3, "active"), (node, state)
        described = client.service(rcl_interfaces.srv.DescribeParameters, f"/{node}/describe_parameters",
                                   names=["use_sim_time", "robot"]).descriptors
        assert all(d.description and d.read_only for d in described)
    transitions = client.service(lifecycle_msgs.srv.GetAvailableTransitions, "/planner/get_available_transitions")
    assert {t.transition.label for t in transitions.available_transitions} == {"deactivate", "shutdown"}

    def change(label):
        request = lifecycle_msgs.srv.ChangeState.Request()
        request.transition.label = label
        return client.service(lifecycle_msgs.srv.ChangeState, "/planner/change_state",
                              transition=request.transition).success

    assert not change("configure"), "no such transition from active"
    assert change("deactivate")
    assert not client.trigger("/mission/start").success, "an inactive planner starts nothing"
    assert change("activate")
    set_to = rcl_interfaces.srv.SetParameters

    def speed(value):
        parameter = rcl_interfaces.msg.Parameter(name="speed_m_s")
        parameter.value.type, parameter.value.double_value = 3, value
        return client.service(set_to, "/planner/set_parameters", parameters=[parameter]).results[0]

    refused = speed(5.0)
    assert not refused.successful and "0.1 to 1" in refused.reason, refused
    assert speed(0.6).successful
    ranged = client.service(rcl_interfaces.srv.DescribeParameters, "/planner/describe_parameters", names=["speed_m_s"])
    limits = ranged.descriptors[0].floating_point_range[0]
    assert (limits.from_value, limits.to_value) == (0.1, 1.0)


def run_mission(client):
    """By the action, with feedback; the result."""
    action = ActionClient(client.node, RunMission, "/mission/run")
    assert action.wait_for_server(10)
    phases = []

    def heard(message):
        status = message.feedback.status
        if not phases or phases[-1] != status.phase:
            phases.append(status.phase)
            print(f"  {status.text} at {status.chainage_m:.1f} m")

    rejected = action.send_goal_async(RunMission.Goal(mission="another"))
    wait_for("an answer to a goal", rejected.done, 10)
    assert not rejected.result().accepted, "a mission that the stack was not started with"
    sent = action.send_goal_async(RunMission.Goal(mission=MISSION), feedback_callback=heard)
    wait_for("an answer to a goal", sent.done, 10)
    assert sent.result().accepted
    second = action.send_goal_async(RunMission.Goal())
    wait_for("an answer to a second goal", second.done, 10)
    assert not second.result().accepted, "one mission at a time"
    wait_for("standing", lambda: client.state().mode == RobotState.MODE_WALK, 30)
    assert client.state().lease_owner == "planner"
    refused = client.lease("intruder")
    assert not refused.granted and refused.owner == "planner" and "planner" in refused.message, refused
    result = sent.result().get_result_async()
    wait_for("the end of the mission", result.done, 400)
    result = result.result()
    assert result.status == 4 and result.result.completed, result
    for name in ["STAND_UP", "GO", "INSPECT", "RETURN", "LIE_DOWN"]:
        assert getattr(MissionStatus, f"PHASE_{name}") in phases, (name, phases)
    for topic in ["/camera/left/image_raw", "/camera/left/camera_info", "/thermal/thermal_left/image_raw", "/plan",
                  "/defects", "/defects/list"]:
        assert topic in client.newest, f"nothing came on {topic}"
    image = client.newest["/camera/left/image_raw"]
    assert image.encoding == "rgb8" and len(image.data) == image.height * image.step and len(set(bytes(image.data[::997]))) > 5
    listed = client.newest["/defects/list"].defects
    assert len(listed) == result.result.defects > 0
    assert all(d.class_name in ("crack", "leakage", "spalling", "corrosion", "hot_joint") and 0 <= d.clock_h < 12
               and 0 < d.score <= 1 for d in listed)
    return result.result


def found(folder):
    features = json.loads((Path(folder) / "defects.geojson").read_text())["features"]
    return [f["properties"] for f in features]


def check_agreement(client, lockstep, result):
    """Another walk of the same mission: the same clear defects but for at most one, the same path within 20 cm.

    The robot does not walk twice alike, and its shutters fall a few centimetres elsewhere. A defect that two pictures
    show may then be on one, and does not count, nor does one whose score is just above the threshold, if it falls below:
    that is the edge of sight. That the two wirings judge the same walk alike is what check_replay shows.
    """
    ours, theirs = found(result.report), found(lockstep)

    def is_among(defect, others):
        return any(o["class"] == defect["class"] and abs(o["chainage_m"] - defect["chainage_m"]) < 0.4
                   and abs(o["arc_m"] - defect["arc_m"]) < 0.4 for o in others)

    differ = []
    for some, others, who in [(theirs, ours, "lock-step"), (ours, theirs, "the graph")]:
        alone = [d for d in some if not is_among(d, others)]
        differ += [d for d in alone if d["views"] >= 3 and d["score"] >= 0.8]
        for d in alone:
            print(f"  only {who}: {d['class']} at {d['chainage_m']} m, {d['views']} pictures, score {d['score']}")
    assert len(differ) <= 1, differ
    common = sum(is_among(d, ours) for d in theirs)
    print(f"  lock-step found {len(theirs)} defects, the graph {len(ours)}, {common} in common")
    assert common >= 2, "they saw different tunnels"
    from rosbags.highlevel import AnyReader
    from rosbags.typesys import Stores, get_typestore
    with AnyReader([Path(lockstep) / "run.mcap"], default_typestore=get_typestore(Stores.ROS2_JAZZY)) as reader:
        odometry = [c for c in reader.connections if c.topic == "/odom"]
        path = [(m.pose.pose.position.x, m.pose.pose.position.y) for m in
                (reader.deserialize(raw, c.msgtype) for c, _, raw in reader.messages(odometry))][::5]
    off = sorted(min(distance(p, q) for q in path) for p in client.track[::10])
    usual, most = off[int(0.95 * len(off))], off[-1]
    print(f"  the path is within {usual:.2f} m of lock-step's for 95 of 100 points, {most:.2f} m at most")
    assert usual < 0.20 and most < 0.40, (usual, most)


def check_driving(client):
    """`cmd_vel` with and without the lease; the emergency stop."""
    publisher = client.node.create_publisher(geometry_msgs.msg.Twist, "/cmd_vel", 1)
    wait_for("no lease", lambda: client.state().lease_owner == "", 15)
    assert not client.trigger("/robot/stand_up").success, "nobody rises without the lease"
    client.drive(publisher, 1.0, x=0.4)
    assert client.state().mode == RobotState.MODE_DAMPED
    lease = client.lease(seconds=9.0)
    assert lease.granted and lease.token
    assert client.trigger("/robot/stand_up").success
    for _ in range(12):
        client.drive(publisher, 0.5)
        assert client.lease(seconds=9.0, token=lease.token).granted
    assert client.state().mode == RobotState.MODE_WALK
    start = client.truth[-1]
    client.drive(publisher, 3.0, x=0.4)
    moved = distance(start, client.truth[-1])
    print(f"  drove {moved:.2f} m in 3 s at 0.4 m/s")
    assert moved > 0.4, moved
    # Another node sends it too: then nobody can tell who drives.
    import rclpy
    stranger = rclpy.create_node("stranger")
    theirs = stranger.create_publisher(geometry_msgs.msg.Twist, "/cmd_vel", 1)
    wait_for("the stranger's publisher", lambda: client.node.count_publishers("/cmd_vel") == 2, 10)
    time.sleep(1.0)
    client.drive(theirs, 2.0, x=0.6)
    before = client.truth[-1]
    client.drive(theirs, 2.0, x=0.6)
    assert distance(before, client.truth[-1]) < 0.15, "a stranger drove the robot"
    assert "stranger" in client.diagnostics("bridge")["cmd_vel"]
    stranger.destroy_node()
    wait_for("the stranger's end", lambda: client.node.count_publishers("/cmd_vel") == 1, 10)
    assert client.lease(seconds=1.0, token=lease.token).granted
    time.sleep(1.3)
    assert client.state().lease_owner == "", "a lease ends by itself"
    before = client.truth[-1]
    client.drive(publisher, 2.0, x=0.4)
    assert distance(before, client.truth[-1]) < 0.2, "an old lease still drives"
    lease = client.lease(seconds=9.0)
    assert lease.granted
    client.drive(publisher, 1.0, x=0.3)
    assert client.estop(True).success
    client.wait_mode(RobotState.MODE_DAMPED, 2)
    assert client.state().estopped
    client.trigger("/robot/stand_up")
    client.drive(publisher, 1.0, x=0.4)
    assert client.state().mode == RobotState.MODE_DAMPED, "an emergency stop needs its own reset"
    told = client.diagnostics("bridge")["estop_to_bus_us"]
    print(f"  emergency stop to the buses, us: {told}")
    assert client.estop(False).success
    time.sleep(0.5)
    assert client.state().mode == RobotState.MODE_DAMPED and not client.state().estopped, "a reset moves nothing"
    client.node.destroy_publisher(publisher)


def check_holders(client):
    """Emergency stops that must be kept alive: levels, challenges, and what silence does."""
    from adit_msgs.srv import EstopCheckIn, EstopRegister
    none, settle, cut = EstopCheckIn.Request.NONE, EstopCheckIn.Request.SETTLE_THEN_CUT, EstopCheckIn.Request.CUT
    mask = (1 << 64) - 1
    register = lambda name: client.service(EstopRegister, "/estop/register", holder=name, timeout_s=2.0)

    def check_in(challenge, level=none, **fields):
        answer = client.service(
            EstopCheckIn, "/estop/check_in", holder="tablet", response=~challenge & mask, level=level, **fields)
        return answer

    wait_for("no lease", lambda: client.state().lease_owner == "", 15)
    first = register("tablet")
    assert first.accepted, first.message
    assert not register("tablet").accepted, "one holder of a name"
    refused = client.estop(False)
    assert not refused.success and "tablet" in refused.message, refused.message
    answer = check_in(first.challenge)
    assert answer.accepted and answer.level == settle, "what it stopped stays stopped until the reset"
    assert client.estop(False).success
    wrong = check_in(first.challenge)
    assert not wrong.accepted and "tablet" in wrong.message, "a check-in that is repeated is no sign of life"

    publisher = client.node.create_publisher(geometry_msgs.msg.Twist, "/cmd_vel", 1)
    lease = client.lease(seconds=9.0)
    assert lease.granted and client.trigger("/robot/stand_up").success
    deadline = time.monotonic() + 60
    while client.state().mode != RobotState.MODE_WALK:
        assert time.monotonic() < deadline, client.state()
        client.drive(publisher, 0.2)
        answer = check_in(answer.challenge)
        assert answer.accepted and answer.level == none, answer
        assert client.lease(seconds=9.0, token=lease.token).granted
    assert client.state().power == RobotState.POWER_ACTIVE, client.state().power_text
    assert client.diagnostics("bridge")["estop_holders"] == "tablet"
    # Now it falls silent: the robot lies down, and its motors are let go.
    client.wait_mode(RobotState.MODE_LIE_DOWN, 20)
    assert client.state().stop_level == RobotState.STOP_SETTLE_THEN_CUT
    client.wait_mode(RobotState.MODE_DAMPED, 30)
    wait_for("the cut", lambda: client.state().stop_level == RobotState.STOP_CUT, 20)
    assert client.state().power == RobotState.POWER_DAMPED and client.state().estopped
    answer = check_in(answer.challenge, leave=True)
    assert answer.accepted and answer.level == cut, "leaving undoes nothing"
    assert client.estop(False).success
    wait_for("the reset", lambda: not client.state().estopped, 5)
    assert client.trigger("/robot/clear_fault").success
    client.node.destroy_publisher(publisher)


def check_deactivation(client):
    """A bridge that is deactivated lays the robot down, and hears an emergency stop meanwhile."""
    publisher = client.node.create_publisher(geometry_msgs.msg.Twist, "/cmd_vel", 1)
    wait_for("no lease", lambda: client.state().lease_owner == "", 15)
    lease = client.lease(seconds=9.0)
    assert lease.granted
    risen = client.trigger("/robot/stand_up")
    assert risen.success, risen.message
    deadline = time.monotonic() + 60
    while client.state().mode != RobotState.MODE_WALK:
        assert time.monotonic() < deadline, client.state()
        client.drive(publisher, 0.2)
        assert client.lease(seconds=9.0, token=lease.token).granted
    estop = client.node.create_client(std_srvs.srv.SetBool, "/estop")
    change = client.node.create_client(lifecycle_msgs.srv.ChangeState, "/bridge/change_state")
    assert estop.wait_for_service(10) and change.wait_for_service(10)
    request = lifecycle_msgs.srv.ChangeState.Request()
    request.transition.label = "deactivate"
    ending = change.call_async(request)
    wait_for("lying down", lambda: client.state().mode == RobotState.MODE_LIE_DOWN, 10)
    asked = time.monotonic()
    stopped = estop.call_async(std_srvs.srv.SetBool.Request(data=True))
    wait_for("an answer of the emergency stop", stopped.done, 5)
    took = time.monotonic() - asked
    print(f"  an emergency stop was answered after {1000 * took:.0f} ms")
    assert stopped.result().success and took < 0.5, took
    wait_for("the end of the control loop", ending.done, 10)
    assert ending.result().success
    state = client.service(lifecycle_msgs.srv.GetState, "/bridge/get_state").current_state
    assert state.label == "inactive", state
    refused = client.trigger("/robot/lie_down")
    assert not refused.success and "active" in refused.message, refused
    client.node.destroy_publisher(publisher)


def check_recording(path):
    """Every message, by readers that are not ours."""
    from mcap.reader import make_reader
    from mcap_ros2.decoder import DecoderFactory
    from rosbags.highlevel import AnyReader
    from rosbags.typesys import Stores, get_typestore
    with AnyReader([path], default_typestore=get_typestore(Stores.ROS2_JAZZY)) as reader:
        count = 0
        for connection, _, raw in reader.messages():
            reader.deserialize(raw, connection.msgtype)
            count += 1
        topics = {c.topic for c in reader.connections}
    assert {t for t in TOPICS if not t.startswith("/thermal")} <= topics, set(TOPICS) - topics
    with open(path, "rb") as file:
        decoded = sum(1 for _ in make_reader(file, decoder_factories=[DecoderFactory()]).iter_decoded_messages())
    assert decoded == count
    print(f"  {count} messages on {len(topics)} topics")


def check_replay(adit, recording, out, seen):
    """The graph's own recording, stepped through the lock-step wiring: the very same defects."""
    subprocess.run([adit, "replay", recording, "--lockstep", "--mission", MISSION, "--quiet", "--out", out], check=True)
    again = found(out)
    key = lambda d: (d["class"], d["chainage_m"], d["arc_m"])
    for one, other in zip(sorted(seen, key=key), sorted(again, key=key)):
        assert one["class"] == other["class"] and one["views"] == other["views"], (one, other)
        for value, apart in [("chainage_m", 0.02), ("arc_m", 0.02), ("score", 0.01)]:
            assert abs(one[value] - other[value]) <= apart, (value, one, other)
    assert len(seen) == len(again), (seen, again)
    print(f"  {len(again)} defects, the same as the graph found")


def main():
    adit = sys.argv[1]
    with tempfile.TemporaryDirectory() as folder:
        print("lock-step, to compare with")
        lockstep = Path(folder) / "lockstep"
        subprocess.run([adit, "mission", MISSION, "--quiet", "--out", lockstep], check=True)
        with Stack(adit, folder, "--mission", MISSION) as stack:
            client = Client()
            try:
                client.wait_up()
                print("topics"); check_topics(client)
                print("lifecycle and parameters"); check_life(client)
                client.track.clear()
                print("mission"); result = run_mission(client)
                print("agreement"); check_agreement(client, lockstep, result)
                assert (Path(result.report) / "report.html").stat().st_size > 10_000
                seen = found(result.report)
                print("driving"); check_driving(client)
                print("holders of an emergency stop"); check_holders(client)
                print("deactivation"); check_deactivation(client)
            finally:
                client.close()
            code = stack.stop()
            assert code == 0, f"adit up ended with {code}"
            print("recording"); check_recording(stack.run / "run.mcap")
            print("replay"); check_replay(adit, stack.run / "run.mcap", Path(folder) / "replay", seen)
    print("all is well")


if __name__ == "__main__":
    main()
