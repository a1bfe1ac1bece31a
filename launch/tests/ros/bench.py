"""Figures of the graph, in one run: the control loop beside a bare loop of the same rate and priority, one hop from r2r to
r2r and to rclpy, and what each node takes of a core, while the robot walks its mission.

    eval "$(adit env ros)"; python launch/tests/ros/bench.py path/to/adit [SECONDS, 600 unless told]
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from adit_msgs.msg import MissionStatus
from pathlib import Path

import rosgraph_msgs.msg
from rclpy.qos import qos_profile_sensor_data

from client import Client, Stack, TOPICS, wait_for

NODES = ["sim", "bridge", "perception", "planner", "recorder"]


def cpu_s(pid):
    """CPU time of a process, s."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main():
    adit, seconds = sys.argv[1], float(sys.argv[2]) if len(sys.argv) > 2 else 600.0
    ages = []

    def heard(message):
        said = message.clock.sec * 10**9 + message.clock.nanosec
        ages.append((time.clock_gettime_ns(time.CLOCK_MONOTONIC) - said) / 1e3)

    few = {t: TOPICS[t] for t in ["/clock", "/odom", "/robot_state", "/terrain/traversability", "/mission/status",
                                  "/diagnostics", "/ground_truth/odom"]}
    with tempfile.TemporaryDirectory() as folder, Stack(adit, folder, "--mission", "cable-tunnel", "--no-record") as stack:
        instruments = [subprocess.Popen([adit, "node", name], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
                       for name in ["probe", "echo"]]
        client = Client(topics=few)
        try:
            client.wait_up()
            client.node.create_subscription(rosgraph_msgs.msg.Clock, "/probe/ping", heard, qos_profile_sensor_data)
            pids = {name: stack.pid(name) for name in NODES if stack.pid(name)}
            before, began = {name: cpu_s(pid) for name, pid in pids.items()}, time.monotonic()
            simulated = client.clock()
            while time.monotonic() - began < seconds:
                state = client.newest.get("/mission/status")
                if state is None or state.state in (MissionStatus.STATE_COMPLETED, MissionStatus.STATE_GIVEN_UP):
                    client.newest.pop("/mission/status", None)
                    client.trigger("/mission/start")
                    wait_for("a mission", lambda: "/mission/status" in client.newest, 20)
                time.sleep(1.0)
            took = time.monotonic() - began
            simulated = client.clock() - simulated
            print(f"{took:.0f} s, {simulated:.0f} s simulated, load {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores\n")
            bare, control, echo = (client.diagnostics(name) for name in ["probe", "bridge", "echo"])
            print("| loop of 500 Hz | cycles | missed deadlines | late, us |\n|---|---:|---:|---|")
            print(f"| bare | {bare['cycles']} | {bare['missed_deadlines']} | {bare['late_us']} |")
            print(f"| control | {control['cycles']} | {control['missed_deadlines']} | {control['late_us']} |")
            print(f"\ncontrol cycle, us: {control['cycle_us']}; motors' round trip, us: {control['bus_round_trip_us']}; "
                  f"missed replies: {control['missed_replies']}")
            ages.sort()
            quantile = lambda q: ages[min(int(q * len(ages)), len(ages) - 1)]
            print("\n| one hop, 1 kHz | messages | age, us |\n|---|---:|---|")
            print(f"| r2r to r2r | {echo['messages']} | {echo['age_us']} |")
            print(f"| r2r to rclpy | {len(ages)} | p50 {quantile(0.5):.0f} p99 {quantile(0.99):.0f} "
                  f"p99.9 {quantile(0.999):.0f} max {ages[-1]:.0f} |")
            print("\n| node | of a core |\n|---|---:|")
            for name, pid in pids.items():
                print(f"| {name} | {100 * (cpu_s(pid) - before[name]) / took:.0f} % |")
        finally:
            client.close()
            for instrument in instruments:
                instrument.send_signal(signal.SIGINT)
                instrument.wait(10)


if __name__ == "__main__":
    main()
