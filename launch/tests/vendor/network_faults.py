"""What becomes of a walk when the network between robot and computer fails: two network namespaces with a cable between them, which is
cut for a while. Needs root, for the namespaces, and nothing but `ip`.

    python network_faults.py ADIT
"""

import json
import subprocess
import sys
import time

NAMES = ["adit-robot", "adit-computer"]
DOMAIN = "0"


def ip(*args: str) -> None:
    subprocess.run(["ip", *args], check=True, capture_output=True)


def inside(name: str, *command: str) -> list[str]:
    return ["ip", "netns", "exec", name, *command]


class Cable:
    """A cable between the two, 192.168.123.161 at the robot and .99 at the computer."""

    def __enter__(self):
        self.__exit__()
        for name in NAMES:
            ip("netns", "add", name)
        ip("link", "add", "robot0", "netns", NAMES[0], "type", "veth", "peer", "name", "eth9", "netns", NAMES[1])
        for name, device, last in [(NAMES[0], "robot0", 161), (NAMES[1], "eth9", 99)]:
            subprocess.run(inside(name, "ip", "addr", "add", f"192.168.123.{last}/24", "dev", device), check=True)
            for one in ("lo", device):
                subprocess.run(inside(name, "ip", "link", "set", one, "up"), check=True)
        return self

    def plug(self, on: bool) -> None:
        subprocess.run(inside(NAMES[0], "ip", "link", "set", "robot0", "up" if on else "down"), check=True)

    def __exit__(self, *_) -> None:
        for name in NAMES:
            subprocess.run(["ip", "netns", "del", name], capture_output=True)


def walk(adit: str, cut_s: float, distance: float) -> tuple[int, dict, str]:
    """Exit code, figures and words of a walk during which the cable is cut for a while."""
    with Cable() as cable:
        way = ["--domain", DOMAIN]
        robot = subprocess.Popen(inside(NAMES[0], adit, "robot", "simulate", "--interface", "robot0", *way, "--quiet"), stderr=subprocess.DEVNULL)
        time.sleep(2.0)
        command = [adit, "robot", "walk", "--interface", "eth9", *way, "--distance", str(distance), "--yes", "--json"]
        driver = subprocess.Popen(inside(NAMES[1], *command), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            for line in driver.stderr:
                if line.startswith("walking"):
                    break
            time.sleep(2.0)
            if cut_s > 0.0:
                cable.plug(False)
                time.sleep(cut_s)
                cable.plug(True)
            out, error = driver.communicate(timeout=90)
        finally:
            for process in (driver, robot):
                process.terminate()
                process.wait()
    return driver.returncode, json.loads(out or "{}"), error


def main() -> None:
    try:
        with Cable():
            pass
    except (OSError, subprocess.CalledProcessError) as why:
        print(f"not run: network namespaces need root, and `ip` ({why})")
        return
    # A cable that is out for longer than the failsafe's tenth of a second lays the robot down.
    for cut_s, completes in [(0.0, True), (0.01, True), (0.3, False), (3.0, False)]:
        code, figures, error = walk(sys.argv[1], cut_s, 3.0)
        said = figures.get("failure")
        print(f"cable out for {cut_s} s: exit code {code}, {figures.get('distance_m', 0):.2f} m, {said}")
        good = (code == 0 and figures.get("completed")) if completes else (code == 1 and said and "lies down" in said)
        if not good:
            print(error)
            sys.exit(1)
    print("all is well")


if __name__ == "__main__":
    main()
