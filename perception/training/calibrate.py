"""Measures how wide a crack must be, in pixels, to be found: renderings with wide cracks are made smaller and smaller.

    python calibrate.py RUN/last.pt DIR --threshold 0.6

Prints, for ranges of width, the share of the cracks' pixels that are found within two pixels.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from PIL import Image

import data
from evaluate import near, together
from model import Network

EDGES = (0.0, 0.35, 0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0)


def width_of(mask: np.ndarray) -> float:
    """Mean width of what is drawn, pixels: its area over half of its outline."""
    p = np.pad(mask, 1)
    inner = p[1:-1, 1:-1] & p[:-2, 1:-1] & p[2:, 1:-1] & p[1:-1, :-2] & p[1:-1, 2:]
    outline = (mask & ~inner).sum()
    return 2.0 * mask.sum() / max(outline, 1)


def main() -> None:
    args = argparse.ArgumentParser()
    args.add_argument("checkpoint", type=Path)
    args.add_argument("renderings", type=Path, nargs="+")
    args.add_argument("--threshold", type=float, required=True)
    args = args.parse_args()
    torch.set_num_threads(1)
    network = Network()
    network.load_state_dict(torch.load(args.checkpoint)["network"])
    network.eval()
    hits = np.zeros((len(EDGES) - 1, 2))
    for folder in args.renderings:
        for sample in data.rendered(folder, "sim"):
            picture, mask = data.load(sample)
            crack = mask == 1
            width = width_of(crack)
            # Nets of hairlines have no width that could be told from their mask.
            if crack.sum() < 300 or width < 3.0:
                continue
            h, w = crack.shape
            for factor in (1.0, 1.4, 2.0, 2.8, 4.0, 5.6, 8.0):
                band = np.digitize(width / factor, EDGES) - 1
                if not 0 <= band < len(hits):
                    continue
                size = (round(w / factor), round(h / factor))
                small = np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BOX))
                share = np.asarray(Image.fromarray((crack * 255).astype(np.uint8)).resize(size, Image.Resampling.BOX))
                there = share > 255 * min(0.5, 0.4 * width / factor)
                found = near(together(network, small)[1] >= args.threshold, 2)
                hits[band] += ((there & found).sum(), there.sum())
    for (low, high), (hit, all_) in zip(zip(EDGES, EDGES[1:]), hits):
        print(f"{low:.2f} to {high:.2f} px: {hit / max(all_, 1):.2f} of {int(all_)} pixels")


if __name__ == "__main__":
    main()
