#!/usr/bin/env python3
"""Checks a recording with two libraries that are not Adit's: `python check_recording.py FILE.mcap`.

Both rosbags and mcap-ros2-support deserialise every message; the standard interfaces in the file must be those
of ROS 2 Humble. Needs `pip install rosbags mcap-ros2-support`. Exits with 1 and a sentence when something is
wrong.
"""

import argparse
import collections
import math
import pathlib
import struct
import sys

from mcap.reader import make_reader
from mcap_ros2.decoder import DecoderFactory
from rosbags.highlevel import AnyReader
from rosbags.typesys import Stores, get_typestore

LEGS = ("FL", "FR", "RL", "RR")
JOINTS = [f"{leg}_{part}_joint" for leg in LEGS for part in ("hip", "thigh", "calf")]
EXPECTED = {
    "/battery_state": "sensor_msgs/msg/BatteryState",
    "/defects": "visualization_msgs/msg/MarkerArray",
    "/defects/list": "adit_msgs/msg/DefectArray",
    "/imu/data": "sensor_msgs/msg/Imu",
    "/joint_states": "sensor_msgs/msg/JointState",
    "/lidar/points": "sensor_msgs/msg/PointCloud2",
    "/mission/status": "adit_msgs/msg/MissionStatus",
    "/odom": "nav_msgs/msg/Odometry",
    "/plan": "nav_msgs/msg/Path",
    "/terrain/elevation": "sensor_msgs/msg/PointCloud2",
    "/terrain/traversability": "nav_msgs/msg/OccupancyGrid",
    "/tf": "tf2_msgs/msg/TFMessage",
    "/tf_static": "tf2_msgs/msg/TFMessage",
}
# Topics of which there is at least one, whatever the cameras are called.
EXPECTED_LIKE = {
    ("/camera/", "/image_raw/compressed"): "sensor_msgs/msg/CompressedImage",
    ("/camera/", "/camera_info"): "sensor_msgs/msg/CameraInfo",
    ("/thermal/", "/image_raw"): "sensor_msgs/msg/Image",
}
FRAMES = {
    "/defects/list": "map",
    "/imu/data": "imu",
    "/lidar/points": "lidar",
    "/odom": "odom",
    "/plan": "map",
    "/terrain/elevation": "map",
    "/terrain/traversability": "map",
}


class Wrong(Exception):
    """What is wrong with the file, as a sentence."""


def require(condition, sentence):
    if not condition:
        raise Wrong(sentence)


def camera_of(topic):
    """The camera's name in a topic such as /camera/NAME/camera_info, or None."""
    parts = topic.split("/")
    return parts[2] if parts[1] in ("camera", "thermal") else None


def finite(*values):
    return all(math.isfinite(v) for v in values)


def unit(q):
    return abs(q.x**2 + q.y**2 + q.z**2 + q.w**2 - 1.0) < 1e-6


def check_message(topic, m):
    """What must hold for one message, whichever library read it."""
    frame = FRAMES.get(topic) or (f"{camera_of(topic)}_optical_frame" if camera_of(topic) else None)
    if frame:
        require(m.header.frame_id == frame, f"{topic} is in frame `{m.header.frame_id}`, not `{frame}`")
    if topic == "/joint_states":
        require(list(m.name) == JOINTS, f"/joint_states names {list(m.name)}, not {JOINTS}")
        for part in ("position", "velocity", "effort"):
            values = list(getattr(m, part))
            require(len(values) == 12 and finite(*values), f"/joint_states has {part} {values}")
    elif topic == "/imu/data":
        a, w = m.linear_acceleration, m.angular_velocity
        require(finite(a.x, a.y, a.z, w.x, w.y, w.z), "/imu/data is not finite")
        require(m.orientation_covariance[0] == -1.0, "/imu/data claims to measure orientation")
    elif topic == "/battery_state":
        require(0 <= m.percentage <= 1 and m.current <= 0 < m.voltage, f"/battery_state is {m.voltage} V, {m.current} A")
    elif topic == "/odom":
        require(m.child_frame_id == "base_link", f"/odom is of `{m.child_frame_id}`, not `base_link`")
        p = m.pose.pose.position
        require(finite(p.x, p.y, p.z) and unit(m.pose.pose.orientation), "/odom is no pose")
    elif topic in ("/tf", "/tf_static"):
        require(all(unit(t.transform.rotation) for t in m.transforms), f"{topic} has a rotation that is none")
    elif topic in ("/lidar/points", "/terrain/elevation"):
        names = [f.name for f in m.fields]
        wanted = ["x", "y", "z"] + (["intensity", "time"] if topic == "/lidar/points" else [])
        require(names == wanted, f"{topic} has fields {names}, not {wanted}")
        require(m.point_step == 4 * len(wanted), f"{topic} has points of {m.point_step} bytes")
        require(len(m.data) == m.width * m.point_step, f"{topic} has {len(m.data)} bytes for {m.width} points")
        if m.width:
            require(finite(*struct.unpack_from("<3f", bytes(m.data))), f"{topic} begins with no point")
    elif topic == "/terrain/traversability":
        require(len(m.data) == m.info.width * m.info.height, f"{topic} has {len(m.data)} cells")
        require(all(-1 <= v <= 100 for v in m.data), f"{topic} has a cell outside -1 to 100")
    elif topic.endswith("/compressed"):
        data = bytes(m.data)
        require(m.format == "jpeg", f"{topic} is {m.format}, not jpeg")
        require(data[:2] == b"\xff\xd8" and data[-2:] == b"\xff\xd9", f"{topic} holds no whole JPEG")
    elif topic.endswith("/camera_info"):
        k = m.k
        require(k[0] > 0 and abs(k[2] - (m.width - 1) / 2) < 1, f"{topic} has the intrinsics {list(k)}")
    elif topic.startswith("/thermal/"):
        require(m.encoding == "32FC1", f"{topic} is {m.encoding}, not 32FC1")
        require(len(m.data) == m.step * m.height == 4 * m.width * m.height, f"{topic} has {len(m.data)} bytes")
    elif topic == "/defects":
        require(all(k.header.frame_id == "map" for k in m.markers), "/defects has a marker outside `map`")
    elif topic == "/defects/list":
        numbers = [d.number for d in m.defects]
        require(len(set(numbers)) == len(numbers), f"/defects/list numbers its defects {numbers}")
        for d in m.defects:
            require(0.0 <= d.clock_h < 12.0, f"defect {d.number} is at {d.clock_h} o'clock")
            require(finite(d.position.x, d.position.y, d.position.z), f"defect {d.number} has no position")


def check_topics(types, counts, allow_missing):
    """`types` and `counts` by topic."""
    for topic, kind in EXPECTED.items():
        if topic in allow_missing:
            continue
        require(counts.get(topic, 0) > 0, f"{topic} has no messages")
        require(types[topic] == kind, f"{topic} is {types[topic]}, not {kind}")
    for (head, tail), kind in EXPECTED_LIKE.items():
        found = [t for t in types if t.startswith(head) and t.endswith(tail)]
        require(found or f"{head}*{tail}" in allow_missing, f"no topic {head}NAME{tail}")
        for topic in found:
            require(types[topic] == kind, f"{topic} is {types[topic]}, not {kind}")


def check_frames(fixed, frames):
    """Every frame that a message uses hangs below `map`. `fixed` is {child: parent}."""
    parents = dict(fixed, base_link="odom")
    require(parents.get("odom") == "map", "/tf_static does not put `odom` below `map`")
    for frame in sorted(frames):
        seen, place = set(), frame
        while place != "map" and place in parents and place not in seen:
            seen.add(place)
            place = parents[place]
        require(place == "map", f"frame `{frame}` does not hang below `map`")


def check_with_mcap(path, allow_missing):
    counts, types, frames, fixed = collections.Counter(), {}, set(), {}
    newest, sequences = 0, collections.defaultdict(int)
    with path.open("rb") as file:
        reader = make_reader(file, decoder_factories=[DecoderFactory()], validate_crcs=True)
        header, summary = reader.get_header(), reader.get_summary()
        require(header.profile == "ros2", f"the file's profile is `{header.profile}`, not `ros2`")
        require(summary and summary.statistics, "the file has no summary: it was cut short")
        # Log order is the file's order here, so sorting must not hide a message that comes too late.
        for schema, channel, message, m in reader.iter_decoded_messages(log_time_order=False):
            topic = channel.topic
            require(message.log_time >= newest, f"time runs backwards on {topic} at {message.log_time} ns")
            require(message.publish_time == message.log_time, f"{topic} is published at another time than logged")
            newest = message.log_time
            require(message.sequence == sequences[topic], f"{topic} jumps to sequence {message.sequence}")
            sequences[topic] += 1
            counts[topic] += 1
            types[topic] = schema.name
            check_message(topic, m)
            if hasattr(m, "header"):
                require(m.header.stamp.sec * 10**9 + m.header.stamp.nanosec <= message.log_time,
                        f"{topic} is stamped later than it is logged")
                if m.header.frame_id:
                    frames.add(m.header.frame_id)
            if topic == "/tf_static":
                fixed.update({t.child_frame_id: t.header.frame_id for t in m.transforms})
            if topic == "/tf":
                pairs = {(t.header.frame_id, t.child_frame_id) for t in m.transforms}
                require(pairs == {("odom", "base_link")}, f"/tf moves {sorted(pairs)}")
    require(sum(counts.values()) == summary.statistics.message_count, "the summary counts other messages")
    check_topics(types, counts, allow_missing)
    check_frames(fixed, frames)
    return counts


def check_with_rosbags(path, allow_missing):
    standard = get_typestore(Stores.ROS2_HUMBLE)
    counts, newest = collections.Counter(), 0
    with AnyReader([path]) as reader:
        types = {c.topic: c.msgtype for c in reader.connections}
        for kind in sorted(set(types.values())):
            if kind.startswith("adit_msgs/"):
                continue
            require(reader.typestore.hash_rihs01(kind) == standard.hash_rihs01(kind),
                    f"the file's {kind} is not that of ROS 2 Humble")
        fixed = [c for c in reader.connections if c.topic == "/tf_static"]
        require(all(c.ext.offered_qos_profiles for c in fixed), "/tf_static has no quality of service")
        for connection, time, raw in reader.messages():
            require(time >= newest, f"time runs backwards on {connection.topic}")
            newest = time
            m = reader.deserialize(raw, connection.msgtype)
            check_message(connection.topic, m)
            # Padding, too, must be as rosbags writes it.
            again = reader.typestore.serialize_cdr(m, connection.msgtype)
            require(bytes(again) == bytes(raw), f"{connection.topic} is not what its interface makes of it")
            counts[connection.topic] += 1
    check_topics(types, counts, allow_missing)
    return counts


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=pathlib.Path)
    parser.add_argument("--allow-missing", action="append", default=[], metavar="TOPIC",
                        help="a topic that need not be there, such as /plan or /thermal/*/image_raw")
    args = parser.parse_args()
    try:
        by_mcap = check_with_mcap(args.file, args.allow_missing)
        by_rosbags = check_with_rosbags(args.file, args.allow_missing)
        require(by_mcap == by_rosbags, f"the libraries count {by_mcap} and {by_rosbags}")
    except Wrong as wrong:
        sys.exit(f"{args.file}: {wrong}")
    except Exception as error:  # A library that gives up is a finding, too.
        sys.exit(f"{args.file}: cannot be read: {type(error).__name__}: {error}")
    for topic, count in sorted(by_mcap.items()):
        print(f"{count:8}  {topic}")
    print(f"{args.file}: {sum(by_mcap.values())} messages, good")


if __name__ == "__main__":
    main()
