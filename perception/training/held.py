"""Copies what `data.split` holds out into folders that `adit model score` and `adit model verify` read.

    python held.py --out HELD --roads DIR --sdnet DIR --sut DIR --mdmcs DIR

Writes `HELD/SET-held/X.jpg` with `X_mask.png`: 255 crack, 128 unsure, 0 neither, or class numbers for `mdmcs`.
"""

import argparse
import shutil
from pathlib import Path

import numpy as np
from PIL import Image

import data


def main() -> None:
    args = argparse.ArgumentParser()
    args.add_argument("--out", type=Path, required=True)
    data.add_arguments(args)
    args = args.parse_args()
    for name, samples in data.sets(args, "held").items():
        folder = args.out / f"{name}-held"
        folder.mkdir(parents=True, exist_ok=True)
        samples = [s for s in samples if s.mask]
        for sample in samples:
            shutil.copyfile(sample.picture, folder / sample.picture.name)
            to = folder / f"{sample.picture.stem}_mask.png"
            if name == "mdmcs":
                shutil.copyfile(sample.mask, to)
            else:
                _, mask = data.load(sample)
                Image.fromarray(np.where(mask == 1, 255, np.where(mask == data.IGNORE, 128, 0)).astype(np.uint8)).save(to)
        print(folder, len(samples))


if __name__ == "__main__":
    main()
