"""Pictures with masks, cropped and disturbed. Everything random comes from the generator that is passed in."""

import argparse
import io
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from leaks import leak
from model import box
from stains import IGNORE, NO_CRACK, smooth_field, stain

# What pictures without masks are taken for: nothing is known of some, and sound walls are dirty and damp, but not cracked.
WITHOUT_MASK = {"unlabelled": IGNORE, "sound": NO_CRACK}
# Pictures kept in memory, about a megabyte each.
CACHED = 4000


@dataclass(frozen=True)
class Sample:
    """A picture, its mask, and the set that it came from."""

    picture: Path
    mask: Path | None
    kind: str


def roads(folder: Path) -> list[Sample]:
    """`NNNN.jpg` with `NNNN_crack.png`, white is crack."""
    return [Sample(p, p.with_name(p.stem + "_crack.png"), "roads") for p in sorted(folder.glob("*.jpg"))]


def rendered(folder: Path, kind: str) -> list[Sample]:
    """`NNNNN.png` with `NNNNN_mask.png`, as the simulator's dataset tool writes them."""
    masks = sorted(folder.glob("*_mask.png"))
    return [Sample(m.with_name(m.name.replace("_mask", "")), m, kind) for m in masks]


def labelled(folder: Path, kind: str, sound: str | None = None) -> list[Sample]:
    """`X.jpg` with `X_mask.png` (255 crack, 128 unsure; numbers for mdmcs), and `X.jpg` of something sound, whose name begins or
    goes on with `sound`."""
    out = []
    for picture in sorted(folder.glob("*.jpg")):
        mask = picture.with_name(picture.stem + "_mask.png")
        if mask.exists():
            out.append(Sample(picture, mask, kind))
        elif sound and sound in picture.stem:
            out.append(Sample(picture, None, kind))
    return out


def corrected(folder: Path) -> list[Sample]:
    """`X.jpg` or `X.png` with `X_mask.png` in class numbers, 255 is unsure: as `adit learn` writes what an operator corrected."""
    masks = sorted(folder.glob("*_mask.png"))
    pictures = [m.with_name(m.name.replace("_mask.png", end)) for m in masks for end in (".jpg", ".png")]
    return [Sample(p, p.with_name(p.stem + "_mask.png"), "own") for p in pictures if p.exists()]


def unlabelled(folders: list[Path]) -> list[Sample]:
    """`X.jpg` without a mask, whose name does not say that it is sound: to be learned from a teacher alone."""
    pictures = [p for folder in folders for p in sorted(folder.glob("*.jpg"))]
    return [
        Sample(p, None, "unlabelled")
        for p in pictures
        if not p.with_name(p.stem + "_mask.png").exists() and "sound" not in p.stem
    ]


def split(samples: list[Sample], part: str) -> list[Sample]:
    """Every tenth is held out; photographs of one drive or place follow each other, so they are held out in runs."""
    run = {"roads": 32, "ccic": 32, "sdnet": 32, "sut": 2, "mdmcs": 1}.get(samples[0].kind if samples else "", 16)
    held = [s for i, s in enumerate(samples) if (i // run) % 10 == 9]
    return held if part == "held" else [s for i, s in enumerate(samples) if (i // run) % 10 != 9]


def narrowed(picture: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """A mask of cracks (1) drawn again after the picture: crack is the inner half of the dark valley, beside it is background
    again where the valley is left, and unsure in between. So sources whose masks are wide and narrow agree. A crack that is
    not darker than its surroundings stays as it was drawn."""
    crack = mask == 1
    light = np.asarray(Image.fromarray(picture).convert("L").filter(ImageFilter.GaussianBlur(0.5))).astype(np.float32)

    def grown(values: np.ndarray, pixels: int) -> np.ndarray:
        return np.asarray(Image.fromarray(values.astype(np.uint8)).filter(ImageFilter.MaxFilter(2 * pixels + 1)))

    beside = grown(crack, 2) == 0
    total, _ = box((light * beside).astype(np.int64), 14)
    count, _ = box(beside.astype(np.int64), 14)
    depth = total / np.maximum(count, 1) - light
    # The deepest place of the crack's cross-section, smoothed along it.
    deepest = Image.fromarray(grown(np.where(crack, depth, 0.0).clip(0.0, 255.0), 4))
    peak = np.asarray(deepest.filter(ImageFilter.GaussianBlur(2.0))).astype(np.float32)
    dark = peak > 8.0
    out = np.where(crack & dark & (depth <= 0.5 * peak), IGNORE, mask)
    rim = (grown(crack, 3) > 0) & dark & (out == IGNORE) & (depth < 0.25 * peak)
    return np.where(rim, 0, out).astype(np.uint8)


def load(sample: Sample) -> tuple[np.ndarray, np.ndarray]:
    """Picture `[H, W, 3]` and classes `[H, W]`, both uint8."""
    picture = np.asarray(Image.open(sample.picture).convert("RGB"))
    if sample.mask is None:
        return picture, np.full(picture.shape[:2], WITHOUT_MASK.get(sample.kind, 0), np.uint8)
    mask = np.asarray(Image.open(sample.mask).convert("L"))
    if sample.kind in ("roads", "sut"):
        mask = (mask > 127).astype(np.uint8)
    elif sample.kind in ("ccic", "sdnet"):
        mask = narrowed(picture, np.where(mask > 191, 1, np.where(mask > 63, IGNORE, 0)))
    elif sample.kind == "mdmcs":
        mask = np.where(mask > 4, IGNORE, mask).astype(np.uint8)
    return picture, mask


def wide(picture: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A small picture with its mirror images around it, so that a window of it is full."""
    by = max(picture.shape[:2]) // 2
    return np.pad(picture, ((by, by), (by, by), (0, 0)), "reflect"), np.pad(mask, by, "reflect")


def crop(
    rng: np.random.Generator, picture: np.ndarray, mask: np.ndarray, size: int, as_seen: bool
) -> tuple[np.ndarray, np.ndarray]:
    """A turned, scaled and mirrored window of `size`, more often where there is something to learn.

    Pictures `as_seen` by a robot are scaled by what the network is run at (1, 1/2, 1/4) and a little around it.
    """
    h, w = mask.shape
    centre = None
    enlarged = False
    if rng.random() < (0.45 if as_seen else 0.7):
        present = [c for c in range(1, 5) if (mask == c).any()]
        if present:
            chosen = rng.choice(present)
            ys, xs = np.nonzero(mask == chosen)
            i = rng.integers(len(xs))
            centre = xs[i], ys[i]
            # Photographs of walls show cracks from nearer than the robot does. A patch so much enlarged would
            # fill the window, and say nothing.
            enlarged = chosen == 1 and not as_seen and rng.random() < 0.4
    low, high = (1.5, 6.0) if enlarged else (0.45, 1.8)
    scale = float(np.exp(rng.uniform(np.log(low), np.log(high))))
    if as_seen:
        scale = float(rng.choice([1.0, 1.0, 1.0, 0.5])) * float(np.exp(rng.normal(0.0, 0.08)))
    angle = rng.uniform(-np.pi, np.pi) if rng.random() < 0.4 else rng.normal(0.0, 0.12)
    cx, cy = rng.uniform(0, w), rng.uniform(0, h)
    if centre is not None:
        jitter = size / scale * 0.4
        cx, cy = centre[0] + rng.uniform(-jitter, jitter), centre[1] + rng.uniform(-jitter, jitter)
    # Less of what lies outside of the picture.
    half = size / scale / 2
    cx = np.clip(cx, min(half, w / 2), max(w - half, w / 2))
    cy = np.clip(cy, min(half, h / 2), max(h - half, h / 2))
    flip = -1.0 if rng.random() < 0.5 else 1.0
    stretch = np.exp(rng.normal(0.0, 0.08))
    cos, sin = np.cos(angle) / scale, np.sin(angle) / scale
    a, b, d, e = flip * cos * stretch, -sin, flip * sin * stretch, cos
    c, f = cx - (a + b) * size / 2, cy - (d + e) * size / 2
    affine = (a, b, c, d, e, f)
    image = Image.fromarray(picture)
    if scale < 0.8:
        image = image.filter(ImageFilter.GaussianBlur(0.45 / scale))
    image = image.transform((size, size), Image.Transform.AFFINE, affine, Image.Resampling.BILINEAR)
    # Shrunk masks keep what a pixel touches of a crack; the others go by the pixel's centre.
    if scale < 0.8:
        thin = Image.fromarray(((mask == 1) * 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(0.4 / scale))
        thin = thin.transform((size, size), Image.Transform.AFFINE, affine, Image.Resampling.BILINEAR)
        centre = Image.fromarray(mask).transform((size, size), Image.Transform.AFFINE, affine, Image.Resampling.NEAREST, fillcolor=IGNORE)
        classes = np.array(centre)
        thin = np.asarray(thin)
        classes[(thin > 80) & (classes != IGNORE)] = 1
    else:
        shape = Image.fromarray(mask).transform((size, size), Image.Transform.AFFINE, affine, Image.Resampling.NEAREST, fillcolor=IGNORE)
        classes = np.array(shape)
    return np.asarray(image), classes


def disturb(rng: np.random.Generator, picture: np.ndarray) -> np.ndarray:
    """What cameras, lamps and files do to a picture."""
    x = picture.astype(np.float32) / 255.0
    size = x.shape[0]
    # Light: brightness, hardness, colour, uneven lamps.
    if rng.random() < 0.7:
        x = np.clip(x, 0.0, 1.0) ** float(np.exp(rng.normal(0.0, 0.4)))
        mean = x.mean()
        # Neither black nor burnt out: the middle ends up where a camera's exposure would put it.
        aim = float(np.clip(mean * np.exp(rng.normal(0.0, 0.25)), 0.12, 0.75))
        x = (x - mean) * float(np.exp(rng.normal(0.05, 0.25))) + aim
    if rng.random() < 0.7:
        x = x * np.exp(rng.normal(0.0, 0.05, 3)).astype(np.float32)
    if rng.random() < 0.2:
        grey = x.mean(axis=2, keepdims=True)
        x = grey + (x - grey) * rng.uniform(0.0, 1.5)
    if rng.random() < 0.3:
        x = x * (1.0 + rng.uniform(0.1, 0.35) * smooth_field(rng, size, int(rng.integers(2, 4)))[..., None])
    x = np.clip(x, 0.0, 1.0)
    # Lens and film.
    roll = rng.random()
    if roll < 0.25:
        image = Image.fromarray((x * 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 1.6)))
        x = np.asarray(image).astype(np.float32) / 255.0
    elif roll < 0.4:
        amount = int(rng.uniform(50, 250))
        image = Image.fromarray((x * 255).astype(np.uint8)).filter(ImageFilter.UnsharpMask(1.0, amount, 0))
        x = np.asarray(image).astype(np.float32) / 255.0
    if rng.random() < 0.5:
        sigma = float(np.exp(rng.uniform(np.log(0.004), np.log(0.04))))
        grain = rng.normal(0.0, sigma, x.shape if rng.random() < 0.6 else (size, size, 1))
        x = x + grain.astype(np.float32)
    out = (np.clip(x, 0.0, 1.0) * 255.0).astype(np.uint8)
    if rng.random() < 0.4:
        file = io.BytesIO()
        Image.fromarray(out).save(file, "JPEG", quality=int(rng.integers(25, 95)))
        out = np.asarray(Image.open(file))
    return out


def tiles(rng: np.random.Generator, parts: list[tuple[np.ndarray, np.ndarray]], size: int) -> tuple[np.ndarray, np.ndarray]:
    """A window of 2 x 2 or 3 x 3 small close-ups, each made smaller: their cracks become as thin as a robot sees them, and the
    seams between them are look-alikes."""
    count = round(len(parts) ** 0.5)
    side = -(-size // count)

    def small(values: np.ndarray) -> np.ndarray:
        return np.asarray(Image.fromarray(values).resize((side, side), Image.Resampling.BOX))

    pictures, masks = [], []
    for picture, mask in parts:
        crack, unsure = (small(((mask == c) * 255).astype(np.uint8)).astype(int) for c in (1, IGNORE))
        classes = np.where(crack > 100, 1, np.where(crack + unsure > 60, IGNORE, 0)).astype(np.uint8)
        turn = int(rng.integers(4))
        pictures.append(np.rot90(small(picture), turn))
        masks.append(np.rot90(classes, turn))

    def together(of: list[np.ndarray]) -> np.ndarray:
        rows = [np.concatenate(of[i:i + count], axis=1) for i in range(0, len(of), count)]
        return np.ascontiguousarray(np.concatenate(rows)[:size, :size])

    return together(pictures), together(masks)


# Sets of photographs over which stains are laid.
STAINED = ("ccic", "sdnet", "sut", "roads", "sound", "unlabelled")
# Share of the windows that each set gives.
SHARES = {
    "walk": 0.40, "sim": 0.08, "mix": 0.18, "roads": 0.20, "ccic": 0.08, "sdnet": 0.12, "sut": 0.05, "mdmcs": 0.06, "sound": 0.06,
    "unlabelled": 0.12, "own": 0.30,
}


def folder(text: str) -> Path:
    """A folder that is there: one that is not would be learned from as if it were empty."""
    if not Path(text).is_dir():
        raise argparse.ArgumentTypeError(f"{text} is not a folder")
    return Path(text)


def add_arguments(args: argparse.ArgumentParser) -> None:
    """The folders that are learned from."""
    for name in ("roads", "ccic", "sdnet", "sut", "mdmcs"):
        args.add_argument(f"--{name}", type=folder)
    args.add_argument("--sound", type=folder, help="X.jpg whose name says that it is sound")
    for name in ("sim", "mix", "walk"):
        args.add_argument(f"--{name}", type=folder, nargs="+", default=[])
    args.add_argument("--own", type=folder, nargs="+", default=[], help="what an operator corrected, of `adit learn`")
    args.add_argument("--unlabelled", type=folder, nargs="+", default=[], help="X.jpg to be learned from the teacher alone")


def sets(args: argparse.Namespace, part: str = "train") -> dict[str, list[Sample]]:
    """What of these folders is learned from, or `held` out."""
    of = {
        "roads": roads(args.roads) if args.roads else [],
        "ccic": labelled(args.ccic, "ccic", "sound") if args.ccic else [],
        "sdnet": labelled(args.sdnet, "sdnet", "sound") if args.sdnet else [],
        "sut": labelled(args.sut, "sut") if args.sut else [],
        "mdmcs": labelled(args.mdmcs, "mdmcs") if args.mdmcs else [],
    }
    of = {name: split(samples, part) for name, samples in of.items()}
    of["sound"] = labelled(args.sound, "sound", "sound") if args.sound else []
    of["sim"] = [s for d in args.sim for s in rendered(d, "sim")]
    of["mix"] = [s for d in args.mix for s in rendered(d, "mix")]
    of["walk"] = [s for d in args.walk for s in rendered(d, "walk")]
    of["own"] = [s for d in args.own for s in corrected(d)]
    of["unlabelled"] = unlabelled(args.unlabelled)
    return {name: samples for name, samples in of.items() if samples}


class Mix:
    """Draws training windows from several sets by fixed shares."""

    def __init__(self, sets: dict[str, list[Sample]], size: int):
        self.sets = sets
        self.names = sorted(self.sets)
        weights = np.array([SHARES[n] for n in self.names])
        self.weights = weights / weights.sum()
        self.size = size
        self.cache: dict[Path, tuple[np.ndarray, np.ndarray]] = {}

    def sample(self, rng: np.random.Generator, name: str) -> tuple[np.ndarray, np.ndarray]:
        samples = self.sets[name]
        sample = samples[int(rng.integers(len(samples)))]
        loaded = self.cache.get(sample.picture) or load(sample)
        if len(self.cache) < CACHED:
            self.cache[sample.picture] = loaded
        return loaded

    def clean(self, rng: np.random.Generator) -> tuple[str, np.ndarray, np.ndarray]:
        """The set, a window of it as it was taken, and its classes."""
        name = str(rng.choice(self.names, p=self.weights))
        if name == "ccic":
            parts = [self.sample(rng, name) for _ in range(int(rng.choice([4, 4, 9])))]
            return name, *tiles(rng, parts, self.size)
        loaded = self.sample(rng, name)
        if max(loaded[1].shape) < 320:
            loaded = wide(*loaded)
        return name, *crop(rng, *loaded, self.size, name == "walk")

    def window(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, None]:
        name, picture, mask = self.clean(rng)
        return *worn(rng, name, picture, mask), None


class Pool:
    """The windows that `pool.py` drew, with the teacher's labels."""

    def __init__(self, folders: list[Path], soft: bool = True, unlabelled: bool = True):
        self.parts = [[np.load(f / f"{name}.npy", mmap_mode="r") for name in ("pictures", "masks", "soft")] for f in folders]
        self.use_soft = soft
        self.classes = self.parts[0][2].shape[1]
        names = [json.loads((f / "sets.json").read_text()) for f in folders]
        self.used = [
            (part, i, name)
            for part, of_part in enumerate(names)
            for i, name in enumerate(of_part)
            if name != "unlabelled" or (soft and unlabelled)
        ]

    def window(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        part, i, name = self.used[int(rng.integers(len(self.used)))]
        picture, mask, soft = (of[i] for of in self.parts[part])
        soft = soft.transpose(1, 2, 0)
        # Water runs down in what the robot sees; photographs of walls and roads are taken from any side.
        turn = int(rng.integers(4)) if name not in ("walk", "sim") and rng.random() < 0.5 else 0
        mirror = rng.random() < 0.5
        turned = [np.rot90(v[:, ::-1] if mirror else v, turn) for v in (picture, mask, soft)]
        picture, mask, soft = (np.ascontiguousarray(v) for v in turned)
        picture, now = worn(rng, name, picture, mask)
        if not self.use_soft:
            return picture, now, None
        # The teacher did not see the stains, and it learned that dirty walls are dry.
        soft[(now != mask) | (mask == NO_CRACK)] = 0
        return picture, now, np.ascontiguousarray(soft.transpose(2, 0, 1))


class Both:
    """Windows of a pool, and some drawn afresh, about which the teacher was not asked: a pool holds few of each set."""

    def __init__(self, pool: Pool, mix: Mix, share: float):
        self.pool, self.mix, self.share = pool, mix, share

    def window(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        if rng.random() >= self.share:
            return self.pool.window(rng)
        picture, mask, _ = self.mix.window(rng)
        return picture, mask, np.zeros((self.pool.classes, *mask.shape), np.uint8) if self.pool.use_soft else None


def worn(rng: np.random.Generator, name: str, picture: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A window of the set `name` as dirt, lamps and cameras leave it."""
    # The robot's own pictures have been exposed by its own camera already.
    if name == "walk" and rng.random() < 0.6:
        return picture, mask
    if name in STAINED:
        roll = rng.random()
        if roll < 0.2:
            picture, mask = stain(rng, picture, mask)
        elif roll < 0.5:
            picture, mask = leak(rng, picture, mask)
    return disturb(rng, picture), mask
