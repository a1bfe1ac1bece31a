"""Scores a checkpoint on held-out sets, pixel by pixel, for a range of thresholds.

    python evaluate.py RUN/last.pt --sim DIR --mix DIR --roads DIR --deepcrack DIR --overlays DIR --out DIR
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.nn import functional as F

import data
from model import CLASSES, STRIDE, Network
from train import to_tensor

STEPS = np.arange(0.1, 0.96, 0.05)
COLOURS = np.array([[0, 0, 0], [255, 40, 40], [40, 140, 255], [255, 200, 0], [255, 0, 255]], np.float32)


def scores(network: Network, picture: np.ndarray) -> np.ndarray:
    """Probabilities `[5, H, W]` of a picture of any size."""
    h, w = picture.shape[:2]
    x = F.pad(to_tensor(picture)[None], (0, -w % STRIDE, 0, -h % STRIDE), mode="replicate")
    with torch.no_grad():
        return network(x).softmax(1)[0, :, :h, :w].numpy()


def together(network: Network, picture: np.ndarray, scales: list[int]) -> np.ndarray:
    """Highest probabilities `[5, H, W]` of the picture as it is and made smaller, as the robot judges it."""
    h, w = picture.shape[:2]
    out = scores(network, picture)
    for scale in scales[1:]:
        size = (-(-w // scale), -(-h // scale))
        if min(size) < 64:
            break
        part = scores(network, np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BOX)))
        for c in range(1, len(CLASSES)):
            grown = Image.fromarray(part[c]).resize((w, h), Image.Resampling.BILINEAR)
            out[c] = np.maximum(out[c], np.asarray(grown))
    return out


def near(mask: np.ndarray, pixels: int) -> np.ndarray:
    """The mask grown by so many pixels in every direction."""
    grown = mask.copy()
    for _ in range(pixels):
        p = np.pad(grown, 1)
        grown = p[1:-1, 1:-1] | p[:-2, 1:-1] | p[2:, 1:-1] | p[1:-1, :-2] | p[1:-1, 2:]
    return grown


class Tally:
    """Hits, wrong finds and misses of one class at every threshold; `slack` forgives places so far off."""

    def __init__(self, slack: int):
        self.slack = slack
        self.counts = np.zeros((len(STEPS), 4))

    def add(self, probability: np.ndarray, truth: np.ndarray) -> None:
        around = near(truth, self.slack)
        for i, step in enumerate(STEPS):
            found = probability >= step
            right = (found & around).sum()
            reached = (truth & near(found, self.slack)).sum() if self.slack else right
            self.counts[i] += (right, found.sum(), reached, truth.sum())

    def f1(self) -> np.ndarray:
        right, found, reached, truth = self.counts.T
        precision, recall = right / np.maximum(found, 1), reached / np.maximum(truth, 1)
        return 2 * precision * recall / np.maximum(precision + recall, 1e-9)


def judge(network: Network, samples: list, classes: range, slack: int, scales: list[int]) -> dict[str, dict[str, float]]:
    tallies = {c: Tally(slack) for c in classes}
    for sample in samples:
        picture, mask = data.load(sample)
        if sample.kind == "deepcrack":
            mask = (mask > 127).astype(np.uint8)
        # Where there is a defect that the picture does not show, nothing that is said is wrong.
        p = together(network, picture, scales) * (mask != data.IGNORE)
        for c, tally in tallies.items():
            tally.add(p[c], mask == c)
    out = {}
    for c, tally in tallies.items():
        f1 = tally.f1()
        best = int(f1.argmax())
        out[CLASSES[c]] = {
            "best_f1": round(float(f1[best]), 3),
            "at": round(float(STEPS[best]), 2),
            "f1": {f"{s:.2f}": round(float(v), 3) for s, v in zip(STEPS, f1)},
        }
    return out


def overlay(network: Network, path: Path, out: Path, thresholds: list[float], scales: list[int]) -> None:
    picture = np.asarray(Image.open(path).convert("RGB"))
    p = together(network, picture, scales)
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
    args.add_argument("--roads", type=Path)
    args.add_argument("--sim", type=Path)
    args.add_argument("--mix", type=Path)
    args.add_argument("--walk", type=Path)
    args.add_argument("--deepcrack", type=Path)
    args.add_argument("--overlays", type=Path, help="folder of photographs to draw on")
    args.add_argument("--thresholds", type=float, nargs=4, default=[0.5] * 4)
    args.add_argument("--scales", type=int, nargs="+", default=[1, 2, 4])
    args.add_argument("--out", type=Path, default=Path("overlays"))
    args.add_argument("--limit", type=int, default=10**9, help="at most so many pictures a set")
    args = args.parse_args()
    torch.set_num_threads(1)
    network = Network()
    network.load_state_dict(torch.load(args.checkpoint)["network"])
    network.eval()
    sets = {}
    if args.sim:
        sets["sim"] = (data.rendered(args.sim, "sim"), range(1, 5), 0)
    if args.mix:
        sets["mix"] = (data.rendered(args.mix, "mix"), range(1, 5), 0)
    if args.walk:
        sets["walk"] = (data.rendered(args.walk, "walk"), range(1, 5), 0)
    if args.roads:
        sets["roads"] = (data.split(data.roads(args.roads), "held"), range(1, 2), 0)
    if args.deepcrack:
        pairs = [(p, p.with_suffix(".png")) for p in sorted(args.deepcrack.glob("*.jpg"))]
        sets["deepcrack"] = ([data.Sample(p, m, "deepcrack") for p, m in pairs], range(1, 2), 0)
    for name, (samples, classes, slack) in sets.items():
        samples = samples[:: max(1, len(samples) // args.limit)]
        for slack in (0, 2):
            result = judge(network, samples, classes if slack == 0 else range(1, 2), slack, args.scales)
            for cls, r in result.items():
                f = r["f1"]
                print(json.dumps({"set": name, "n": len(samples), "slack": slack, "class": cls,
                                  "best_f1": r["best_f1"], "at": r["at"], "f1@.3": f["0.30"], "f1@.5": f["0.50"]}), flush=True)
    if args.overlays:
        args.out.mkdir(parents=True, exist_ok=True)
        for path in sorted(args.overlays.iterdir()):
            if path.suffix in (".jpg", ".png") and "_mask" not in path.stem and "_crack" not in path.stem:
                overlay(network, path, args.out, args.thresholds, args.scales)


if __name__ == "__main__":
    main()
