"""Scores a checkpoint on what was kept apart, pixel by pixel, for a range of thresholds.

    python evaluate.py RUN/last.pt --roads DIR --sdnet DIR --walk WALK_HELD --unseen UAV --overlays DIR --out DIR

For weights as the robot runs them see `adit model score`; this is for checkpoints on the way and for the teacher.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.nn import functional as F

import data
import teacher
from model import CLASSES, SCALES, STRIDE, Network
from train import to_tensor

STEPS = np.arange(0.02, 0.99, 0.02)
COLOURS = np.array([[0, 0, 0], [255, 40, 40], [40, 140, 255], [255, 200, 0], [255, 0, 255]], np.float32)


def scores(network: nn.Module, picture: np.ndarray) -> np.ndarray:
    """Probabilities `[5, H, W]` of a picture of any size."""
    h, w = picture.shape[:2]
    x = (teacher.to_tensor if isinstance(network, teacher.Teacher) else to_tensor)(picture)
    x = F.pad(x[None], (0, -w % STRIDE, 0, -h % STRIDE), mode="replicate")
    with torch.no_grad():
        return network(x).softmax(1)[0, :, :h, :w].numpy()


def together(network: nn.Module, picture: np.ndarray) -> np.ndarray:
    """Mean probabilities `[5, H, W]` of the picture as it is and made smaller, as the robot judges it."""
    h, w = picture.shape[:2]
    parts, counts = [], 0
    for scale, count in SCALES.items():
        size = (-(-w // scale), -(-h // scale))
        if scale > 1 and min(size) < 64:
            break
        part = scores(network, np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BOX)))
        parts.append(count * np.stack([np.asarray(Image.fromarray(p).resize((w, h), Image.Resampling.BILINEAR)) for p in part]))
        counts += count
    return sum(parts) / counts


def near(values: np.ndarray, pixels: int) -> np.ndarray:
    """The highest value within so many pixels (counted along rows and columns)."""
    for _ in range(pixels):
        p = np.pad(values, 1)
        values = np.maximum.reduce([p[1:-1, 1:-1], p[:-2, 1:-1], p[2:, 1:-1], p[1:-1, :-2], p[1:-1, 2:]])
    return values


def at_least(values: np.ndarray) -> np.ndarray:
    """How many of the values reach each threshold."""
    counts, _ = np.histogram(values, np.append(STEPS, np.inf))
    return counts[::-1].cumsum()[::-1]


class Tally:
    """Hits, finds and misses of one class at every threshold; `slack` forgives places so far off."""

    def __init__(self, slack: int):
        self.slack = slack
        self.counts = np.zeros((4, len(STEPS)))

    def add(self, probability: np.ndarray, truth: np.ndarray, known: np.ndarray) -> None:
        self.counts += (
            at_least(probability[near(truth, self.slack) & known]),
            at_least(probability[known]),
            at_least(near(probability, self.slack)[truth]),
            np.full(len(STEPS), truth.sum()),
        )

    def scores(self) -> dict[str, np.ndarray]:
        right, found, reached, truth = self.counts
        precision, recall = right / np.maximum(found, 1), reached / np.maximum(truth, 1)
        return {"f1": 2 * precision * recall / np.maximum(precision + recall, 1e-9), "precision": precision, "recall": recall}


def judge(network: nn.Module, samples: list) -> dict[tuple[str, int], dict[str, np.ndarray]]:
    """F1, precision and recall by threshold, of each class and slack."""
    tallies: dict[tuple[str, int], Tally] = {}
    for sample in samples:
        picture, mask = data.load(sample)
        p = together(network, picture)
        for c in range(1, len(CLASSES)):
            for slack in (0, 2):
                tally = tallies.setdefault((CLASSES[c], slack), Tally(slack))
                tally.add(p[c], mask == c, mask != data.IGNORE)
    return {key: tally.scores() for key, tally in tallies.items() if tally.counts[3, 0] > 0}


def overlay(network: nn.Module, path: Path, out: Path, thresholds: list[float]) -> None:
    picture = np.asarray(Image.open(path).convert("RGB"))
    p = together(network, picture)
    margin = np.stack([(p[c] - t) / (1 - t) for c, t in zip(range(1, 5), thresholds)])
    classes = np.where(margin.max(0) >= 0, margin.argmax(0) + 1, 0)
    colour = COLOURS[classes]
    mixed = np.where(classes[..., None] > 0, 0.45 * picture + 0.55 * colour, picture)
    both = np.concatenate([picture, mixed.astype(np.uint8)], axis=1)
    image = Image.fromarray(both)
    image.thumbnail((1800, 1000))
    image.save(out / f"{path.stem}.jpg", quality=88)


def main() -> None:
    args = argparse.ArgumentParser()
    args.add_argument("checkpoint", type=Path)
    args.add_argument("--teacher", action="store_true", help="the checkpoint is a teacher's")
    data.add_arguments(args)
    args.add_argument("--unseen", type=Path, nargs="+", default=[], help="X.jpg with X_mask.png, of which nothing was learned")
    args.add_argument("--overlays", type=Path, help="folder of photographs to draw on")
    args.add_argument("--thresholds", type=float, nargs=4, default=[0.5] * 4)
    args.add_argument("--out", type=Path, default=Path("overlays"))
    args.add_argument("--limit", type=int, default=10**9, help="at most so many pictures a set")
    args = args.parse_args()
    torch.set_num_threads(1)
    if args.teacher:
        network = teacher.load(args.checkpoint)
    else:
        network = Network()
        network.load_state_dict(torch.load(args.checkpoint)["network"])
        network.eval()
    sets = data.sets(args, "held")
    for folder in args.unseen:
        sets[folder.name] = [s for s in data.labelled(folder, "sut") if s.mask]
    for name, samples in sets.items():
        samples = samples[:: max(1, len(samples) // args.limit)]
        for (of, slack), by_threshold in judge(network, samples).items():
            best = int(by_threshold["f1"].argmax())
            line = {"set": name, "n": len(samples), "class": of, "slack": slack, "at": round(float(STEPS[best]), 2)}
            line |= {key: round(float(values[best]), 3) for key, values in by_threshold.items()}
            line |= {f"f1@{STEPS[i]:.1f}": round(float(by_threshold["f1"][i]), 3) for i in (4, 14, 24)}
            print(json.dumps(line), flush=True)
    if args.overlays:
        args.out.mkdir(parents=True, exist_ok=True)
        for path in sorted(args.overlays.iterdir()):
            if path.suffix in (".jpg", ".png") and "_mask" not in path.stem and "_crack" not in path.stem:
                overlay(network, path, args.out, args.thresholds)


if __name__ == "__main__":
    main()
