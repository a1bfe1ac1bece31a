"""Stains over photographs. Everything random comes from the generator that is passed in."""

import numpy as np
from PIL import Image, ImageFilter

IGNORE = 255
# Where a stain was laid over a photograph: it may be a leak, rust or neither, but it is no crack.
NO_CRACK = 254


def smooth_field(rng: np.random.Generator, size: int, cells: int) -> np.ndarray:
    """`[size, size]` of smooth values about 0, at most about 1."""
    coarse = Image.fromarray(rng.normal(0.0, 0.5, (cells, cells)).astype(np.float32), mode="F")
    return np.asarray(coarse.resize((size, size), Image.Resampling.BICUBIC))


# What stains a lining: colour, least and greatest cover, and the class that it is (see `stain`).
STAINS = (
    ((0.30, 0.28, 0.25), 0.30, 0.75, 2),  # wet
    ((0.28, 0.33, 0.16), 0.25, 0.75, 2),  # moss, algae
    ((0.45, 0.27, 0.14), 0.20, 0.65, NO_CRACK),  # rust water
    ((0.85, 0.84, 0.80), 0.20, 0.65, 2),  # efflorescence
    ((0.12, 0.12, 0.12), 0.30, 0.80, NO_CRACK),  # soot
)
# Cover from which on a stain is seen, and from which on it is told.
SEEN = 0.12
TOLD = 0.25


def stain(rng: np.random.Generator, picture: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lays stains over a photograph. What is beneath still shows, paler: a crack stays a crack. Water and what it leaves behind is
    a leakage; whether rust water or soot is one nobody could say, and so it is with a stain that hardly shows: no crack is all
    that is taught."""
    x = picture.astype(np.float32) / 255.0
    size = x.shape[0]
    mask = mask.copy()
    for _ in range(int(rng.integers(1, 4))):
        colour, least, most, told = STAINS[int(rng.integers(len(STAINS)))]
        field = sum(smooth_field(rng, size, cells) / n for n, cells in enumerate((3, 7, 19, 60), 1))
        if rng.random() < 0.4:
            # Streaks, from the top down.
            streaks = np.asarray(Image.fromarray(rng.normal(0.0, 0.6, (3, int(rng.integers(8, 40)))).astype(np.float32), mode="F")
                                 .resize((size, size), Image.Resampling.BICUBIC))
            field = 0.5 * field + streaks
        edge = float(rng.uniform(0.05, 0.5))
        cover = np.clip((field - rng.uniform(-0.3, 0.5)) / edge, 0.0, 1.0) * rng.uniform(least, most)
        light = x.mean(axis=2)
        around = np.asarray(Image.fromarray((light * 255).astype(np.uint8)).filter(ImageFilter.BoxBlur(12))) / 255.0
        relief = np.clip(light / np.maximum(around, 0.05), 0.2, 1.6)[..., None] ** float(rng.uniform(0.6, 1.2))
        painted = np.asarray(colour, np.float32) * float(np.exp(rng.normal(0.0, 0.2))) * relief
        painted = painted * (1.0 + rng.normal(0.0, 0.04, (size, size, 1)))
        x = x * (1.0 - cover[..., None]) + painted * cover[..., None]
        clear = np.isin(mask, (0, 2, NO_CRACK))
        mask[(cover > SEEN) & (mask == 0)] = NO_CRACK
        mask[(cover > TOLD) & clear] = told
    return (np.clip(x, 0.0, 1.0) * 255.0).astype(np.uint8), mask
