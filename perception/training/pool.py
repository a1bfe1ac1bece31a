"""Draws windows from the sets, and asks the teacher what it sees there: once, for many trainings of the robot's network.

    python pool.py --out POOL --windows 8000 --ccic DIR --sdnet DIR ... --unlabelled DIR...
    python pool.py --out POOL --teacher ../weights/teacher.safetensors

Writes `pictures.npy` (`[N, S, S, 3]`, as they were taken), `masks.npy` (`[N, S, S]`) and `sets.json` (which set each is from), then
`soft.npy` (`[N, 5, S, S]`, the teacher's probabilities of a class, 255 is one). About 0.6 MB a window.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch

import data
import teacher
from model import CLASSES

BATCH = 8


def array(path: Path, *shape: int) -> np.ndarray:
    return np.lib.format.open_memmap(path, "w+", np.uint8, shape)


def draw(out: Path, mix: data.Mix, count: int, seed: int) -> None:
    """Windows of the sets by their shares."""
    size = mix.size
    pictures, masks = array(out / "pictures.npy", count, size, size, 3), array(out / "masks.npy", count, size, size)
    names = []
    for i in range(count):
        name, pictures[i], masks[i] = mix.clean(np.random.default_rng([seed, i]))
        names.append(name)
    (out / "sets.json").write_text(json.dumps(names))


def ask(out: Path, checkpoints: list[Path]) -> None:
    """The mean of the teachers' probabilities."""
    teachers = [teacher.load(checkpoint) for checkpoint in checkpoints]
    pictures = np.load(out / "pictures.npy", mmap_mode="r")
    count, size = pictures.shape[:2]
    soft = array(out / "soft.npy", count, len(CLASSES), size, size)
    for first in range(0, count, BATCH):
        x = torch.stack([teacher.to_tensor(picture) for picture in pictures[first:first + BATCH]])
        with torch.no_grad():
            x = x.contiguous(memory_format=torch.channels_last)
            p = sum(t(x).softmax(1) for t in teachers) / len(teachers)
        soft[first:first + BATCH] = (p * 255.0).round().byte().numpy()
        if first % 800 == 0:
            print(json.dumps({"windows": first}), flush=True)


def main() -> None:
    args = argparse.ArgumentParser()
    args.add_argument("--out", type=Path, required=True)
    args.add_argument("--windows", type=int, help="draw so many")
    args.add_argument("--teacher", type=Path, nargs="+", help="checkpoints to ask about what was drawn")
    args.add_argument("--size", type=int, default=256)
    args.add_argument("--seed", type=int, default=17)
    data.add_arguments(args)
    args = args.parse_args()
    torch.set_num_threads(1)
    args.out.mkdir(parents=True, exist_ok=True)
    if args.windows:
        draw(args.out, data.Mix(data.sets(args), args.size), args.windows, args.seed)
    if args.teacher:
        ask(args.out, args.teacher)


if __name__ == "__main__":
    main()
