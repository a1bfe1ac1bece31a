"""Draws how often scores are right (a calibration diagram) from what `adit model score --json` printed.

    python reliability.py ../weights/scores.jsonl ../../docs/defect-calibration.png
"""

import json
import sys
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

SIDE, MARGIN, NAMES = 640, 80, 360
COLOURS = ("#d62728", "#1f77b4", "#2ca02c", "#ff7f0e", "#9467bd", "#8c564b", "#17becf", "#7f7f7f", "#bcbd22", "#e377c2", "#000000")
# Most of its photographs were learned from.
LEARNED_FROM = "mdmcs36"


def place(score: float, share: float) -> tuple[float, float]:
    return MARGIN + score * SIDE, MARGIN + (1.0 - share) * SIDE


def main() -> None:
    source, target = map(Path, sys.argv[1:3])
    curves = [
        (f"{line['set']}, {of['class']}", of["reliability"])
        for line in map(json.loads, source.read_text().splitlines())
        for of in line["classes"]
        if line["set"] != LEARNED_FROM
    ]
    image = Image.new("RGB", (2 * MARGIN + SIDE + NAMES, 2 * MARGIN + SIDE), "white")
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(20)
    draw.rectangle((*place(0, 1), *place(1, 0)), outline="#888888")
    draw.line((place(0, 0), place(1, 1)), fill="#bbbbbb", width=2)
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        x, y = place(tick, 0)
        draw.text((x, y + 8), str(tick), "black", font, "ma")
        x, y = place(0, tick)
        draw.text((x - 8, y), str(tick), "black", font, "rm")
    draw.text((MARGIN + SIDE / 2, 2 * MARGIN + SIDE - 12), "score of a pixel", "black", font, "ms")
    draw.text((MARGIN, MARGIN - 12), "share of such pixels that people marked", "black", font, "ls")
    for i, ((name, points), colour) in enumerate(zip(curves, COLOURS)):
        draw.line([place(score, share) for score, share in points], fill=colour, width=3, joint="curve")
        x, y = MARGIN + SIDE + 20, MARGIN + 16 + 32 * i
        draw.line((x, y, x + 32, y), fill=colour, width=4)
        draw.text((x + 42, y), name, "black", font, "lm")
    image.save(target, optimize=True)


if __name__ == "__main__":
    main()
