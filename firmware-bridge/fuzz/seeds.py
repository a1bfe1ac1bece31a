"""Writes the golden vectors' frames as seed corpora: eight of each table, to corpus/TARGET/."""

import pathlib
import re

HERE = pathlib.Path(__file__).parent
TABLES = {
    "go_m8010": ["go_m8010_commands", "go_m8010_replies"],
    "unitree_a1": ["unitree_a1_commands"],
    "dynamixel2": ["dynamixel2_packets"],
    "feetech": ["feetech_answers", "feetech_requests"],
    "damiao": ["damiao_feedback"],
}


def frames(table):
    for line in (HERE / f"../tests/vectors/{table}.tsv").read_text().splitlines():
        fields = [] if line.startswith("#") else line.split("\t")
        yield from (bytes.fromhex(f) for f in fields if re.fullmatch(r"(?:[0-9A-Fa-f]{2}){6,}", f))


def write(target, name, data):
    directory = HERE / "corpus" / target
    directory.mkdir(parents=True, exist_ok=True)
    (directory / name).write_bytes(data)


for target, tables in TABLES.items():
    for table in tables:
        for number, frame in zip(range(8), frames(table)):
            write(target, f"{table}-{number}", frame)
# A step of the bridge's target: bus, wait, count, bytes.
for number, frame in zip(range(8), frames("go_m8010_replies")):
    write("handle_bytes", f"reply-{number}", bytes([number % 4, 1, len(frame)]) + frame)
# These have no table: a beginning is enough to breed from.
write("imu", "header", bytes.fromhex("AD17") + bytes(36))
