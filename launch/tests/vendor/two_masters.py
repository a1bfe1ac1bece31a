"""A second master begins to command a robot that Adit walks: Adit's commands stop at once, and it says whose came. With one that is
there before Adit does not begin, or ends as soon as the two have found each other.

    pip install cyclonedds numpy && pip install --no-deps unitree-sdk2py-dimos
    python two_masters.py ADIT
"""

import subprocess
import sys
import threading
import time

from robot_on_dds import CRC, ChannelPublisher, ChannelSubscriber, LowCmd_, begin, check, unitree_go_msg_dds__LowCmd_


class Commands:
    """Times of Adit's commands; ours carry a reserve of 7."""

    def __init__(self) -> None:
        self.times = []
        self.subscriber = ChannelSubscriber("rt/lowcmd", LowCmd_)
        self.subscriber.Init(lambda command: self.times.append(time.monotonic()) if command.reserve != 7 else None, 10)


def main() -> None:
    adit, domain = sys.argv[1], begin()
    way = ["--interface", "lo", "--domain", str(domain)]
    simulator = subprocess.Popen([adit, "robot", "simulate", *way, "--seconds", "90", "--quiet"])
    try:
        commands, crc = Commands(), CRC()
        publisher = ChannelPublisher("rt/lowcmd", LowCmd_)
        publisher.Init()
        ours = unitree_go_msg_dds__LowCmd_()
        ours.head[0], ours.head[1], ours.level_flag, ours.reserve = 0xFE, 0xEF, 0xFF, 7
        ours.crc = crc.Crc(ours)
        walk = subprocess.Popen([adit, "robot", "walk", *way, "--distance", "20"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        deadline = time.monotonic() + 40
        while len(commands.times) < 3000 and time.monotonic() < deadline:
            time.sleep(0.05)
        check(f"Adit drives it ({len(commands.times)} commands)", len(commands.times) >= 3000)

        begun, ended = time.monotonic(), threading.Event()

        def interfere() -> None:
            while not ended.is_set():
                publisher.Write(ours)
                time.sleep(0.01)

        other = threading.Thread(target=interfere)
        other.start()
        out, error = walk.communicate(timeout=30)
        last = 1000 * (commands.times[-1] - begun)
        check(f"its last command came {last:.0f} ms after the other's first", last < 100)
        check("it says whose commands came, and that it has not done what it was asked", walk.returncode == 1 and "another program commands the robot, at 127.0.0.1" in out)

        again = subprocess.run([adit, "robot", "walk", *way], capture_output=True, text=True, timeout=60)
        ended.set()
        other.join()
        told = "commanded by 127.0.0.1" in again.stderr or "another program commands the robot" in again.stdout
        check("while the other is there, it does not drive the robot either", again.returncode == 1 and told)
    finally:
        simulator.terminate()


if __name__ == "__main__":
    main()
