"""Photographs for the simulator's dataset tool to lay made defects over: roads, and sound walls put together four by four.

    python walls.py --out WALLS --roads DIR --sut DIR --sdnet DIR --ccic DIR --sound DIR
    cargo run --release -p sim --example dataset -- MIX 2600 12 --photos WALLS

Writes `NNNNN.jpg` with `NNNNN_crack.png`. Only what `data.split` gives to training is used, or with `--held` what it holds out.
"""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

import data

# Every so many roads: they are many and alike.
EVERY_ROAD = 3
# Side of a wall of four.
SIDE = 512


def fours(rng: np.random.Generator, samples: list[data.Sample]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Sound walls, four of one place side by side; the seams between them are look-alikes."""
    places: dict[str, list[data.Sample]] = {}
    for sample in samples:
        if sample.mask is None:
            places.setdefault(sample.picture.stem.split("-")[0] if "-" in sample.picture.stem else "", []).append(sample)
    out = []
    for walls in places.values():
        walls = [walls[i] for i in rng.permutation(len(walls))]
        for i in range(0, len(walls) - 3, 4):
            size = (SIDE // 2, SIDE // 2)
            a, b, c, d = (np.asarray(Image.open(w.picture).convert("RGB").resize(size)) for w in walls[i:i + 4])
            out.append((np.concatenate([np.concatenate([a, b], 1), np.concatenate([c, d], 1)]), np.zeros((SIDE, SIDE), np.uint8)))
    return out


def main() -> None:
    args = argparse.ArgumentParser()
    args.add_argument("--out", type=Path, required=True)
    args.add_argument("--held", action="store_true", help="of what is held out, to judge by")
    data.add_arguments(args)
    args = args.parse_args()
    sets = data.sets(args, "held" if args.held else "train")
    rng = np.random.default_rng(3)
    walls = [data.load(s) for s in sets.get("roads", [])[::EVERY_ROAD] + sets.get("sut", [])]
    for name in ("sdnet", "sound", "ccic"):
        walls += fours(rng, sets.get(name, []))
    args.out.mkdir(parents=True, exist_ok=True)
    for i, (picture, mask) in enumerate(walls):
        Image.fromarray(picture).save(args.out / f"{i:05}.jpg", quality=93)
        Image.fromarray(((mask == 1) * 255).astype(np.uint8)).save(args.out / f"{i:05}_crack.png")
    print(len(walls), "photographs")


if __name__ == "__main__":
    main()
