"""Leaks over photographs: water that comes out of a joint, a crack or a bolt pocket, what it leaves behind, and shadows and panels
that only look so. Everything random comes from the generator that is passed in."""

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from stains import IGNORE, NO_CRACK, smooth_field

# Classes that a leak covers: the background, a leak, and what is no crack.
COVERED = (0, 2, NO_CRACK)
# Change of colour (root mean square over the channels, 1 is white) from which on a leak is seen, from which on it is told, and
# from which on nobody could say whether there is a crack beneath.
SEEN = 0.015
TOLD = 0.04
HIDDEN = 0.3


def wander(rng: np.random.Generator, count: int, cells: int, amount: float) -> np.ndarray:
    """`[count]` smooth values about 0, coarse ones and finer ones on them."""
    out = np.zeros(count)
    for finer in range(3):
        knots = rng.normal(0.0, amount / 2**finer, cells * 3**finer + 1)
        out += np.interp(np.linspace(0.0, len(knots) - 1.0, count), np.arange(len(knots)), knots)
    return out


def source(rng: np.random.Generator, mask: np.ndarray, along: np.ndarray) -> np.ndarray:
    """Places `[N, 2]` (x, y) where water comes out: on a crack of the window, along a line across `along`, or at one point."""
    size = mask.shape[0]
    cracks = np.argwhere(mask == 1)
    if len(cracks) and rng.random() < 0.5:
        chosen = cracks[np.sort(rng.integers(len(cracks), size=40))][:, ::-1].astype(float)
        across = np.array([along[1], -along[0]])
        return chosen[np.argsort(chosen @ across)]
    centre = rng.uniform(0.0, size, 2)
    if rng.random() < 0.3:
        return centre[None]
    turn = rng.normal(0.0, 0.5)
    cos, sin = np.cos(turn), np.sin(turn)
    line = np.array([along[1] * cos - along[0] * sin, -along[0] * cos - along[1] * sin])
    reach = np.linspace(-0.5, 0.5, 40) * size * rng.uniform(0.15, 1.5)
    across = np.array([-line[1], line[0]]) * wander(rng, 40, 3, size * 0.02)[:, None]
    return centre + reach[:, None] * line + across


def tongues(rng: np.random.Generator, draw: ImageDraw.ImageDraw, places: np.ndarray, along: np.ndarray, size: int) -> None:
    """Water that ran down from the places: narrower as it goes, or wider."""
    across = np.array([along[1], -along[0]])
    for _ in range(int(rng.integers(1, 2 + min(len(places), 6)))):
        length = size * float(np.exp(rng.uniform(np.log(0.08), np.log(1.2))))
        width = length * float(np.exp(rng.uniform(np.log(0.03), np.log(0.3))))
        t = np.linspace(0.0, 1.0, 60)
        wide = {0: np.sqrt(1.0 - t), 1: 0.15 + t, 2: np.minimum(1.0, 6.0 * (1.0 - t))}[int(rng.integers(3))]
        drift = wander(rng, 60, 2, width * 0.15) * t
        sides = [np.maximum(wide * width / 2 * np.exp(wander(rng, 60, 6, 0.15)), 0.7) for _ in range(2)]
        start = places[int(rng.integers(len(places)))]
        middle = start + t[:, None] * length * along + drift[:, None] * across
        left, right = middle - sides[0][:, None] * across, middle + sides[1][:, None] * across
        draw.polygon([tuple(p) for p in np.concatenate([left, right[::-1]])], fill=255)


def halo(rng: np.random.Generator, draw: ImageDraw.ImageDraw, places: np.ndarray, size: int) -> None:
    """Damp concrete on both sides of where water comes out."""
    most = size * float(np.exp(rng.uniform(np.log(0.015), np.log(0.12))))
    if len(places) > 1:
        t = np.linspace(0.0, len(places) - 1.0, 200)
        x, y = (np.interp(t, np.arange(len(places)), places[:, i]) for i in range(2))
    else:
        x, y = places.T
    radii = most * np.exp(wander(rng, len(x), 5, 0.5)) * (wander(rng, len(x), 4, 1.0) > -0.8)
    for cx, cy, r in zip(x, y, radii):
        draw.ellipse((cx - r, cy - r, cx + r, cy + r), fill=255)


def shape(rng: np.random.Generator, places: np.ndarray, along: np.ndarray, size: int) -> np.ndarray:
    """How far `[size, size]` the water reached, 0 to 1."""
    image = Image.new("L", (size, size))
    draw = ImageDraw.Draw(image)
    kind = rng.random()
    if kind > 0.3:
        tongues(rng, draw, places, along, size)
    if kind < 0.5:
        halo(rng, draw, places, size)
    soft = float(np.exp(rng.uniform(np.log(0.5), np.log(6.0))))
    cover = np.asarray(image.filter(ImageFilter.GaussianBlur(soft))).astype(np.float32) / 255.0
    # Edges are ragged where they are soft.
    ragged = sum(smooth_field(rng, size, cells) for cells in (16, 40, 100))
    cover = cover + 4.0 * cover * (1.0 - cover) * float(rng.uniform(0.1, 0.5)) * ragged
    cover = np.clip((cover - 0.5) * float(np.exp(rng.uniform(0.0, np.log(soft + 1.0)))) + 0.5, 0.0, 1.0)
    # Not everywhere the same: it dries, and it runs in streaks.
    uneven = sum(smooth_field(rng, size, cells) / n for n, cells in enumerate((4, 11, 40), 1))
    return cover * np.clip(1.0 + float(rng.uniform(0.0, 1.0)) * (uneven - 0.2), 0.0, 1.0)


# What water leaves behind: its colour, and how much is seen of what is beneath.
DEPOSITS = (
    (0.88, 0.87, 0.83),  # lime
    (0.95, 0.95, 0.93),
    (0.70, 0.66, 0.52),
    (0.40, 0.43, 0.20),  # algae
    (0.16, 0.20, 0.10),
    (0.10, 0.10, 0.09),
    (0.52, 0.42, 0.22),  # mud, some iron in it
)


def laid(rng: np.random.Generator, x: np.ndarray, cover: np.ndarray) -> np.ndarray:
    """The picture `[S, S, 3]` (0 to 1) wet, or with what water left behind, where it is covered."""
    cover = cover[..., None]
    kind = rng.random()
    if kind < 0.45:
        x = x * (1.0 - cover * float(rng.uniform(0.12, 0.65)))
        grey = x.mean(axis=2, keepdims=True)
        x = grey + (x - grey) * (1.0 + cover * float(rng.uniform(0.0, 0.5)))
    elif kind < 0.55:
        x = x + (1.0 - x) * cover * float(rng.uniform(0.08, 0.4))
    else:
        colour = np.asarray(DEPOSITS[int(rng.integers(len(DEPOSITS)))], np.float32)
        light = x.mean(axis=2, keepdims=True)
        relief = np.clip(light / max(float(light.mean()), 0.05), 0.2, 1.6) ** float(rng.uniform(0.2, 1.1))
        # A dark tunnel's lime is no brighter than its lamp.
        bright = float(np.clip(np.quantile(light, 0.95) * rng.uniform(0.9, 1.5), 0.15, 1.0))
        x = x * (1.0 - cover * float(rng.uniform(0.25, 0.95))) + colour * relief * bright * cover * float(rng.uniform(0.25, 0.95))
    if rng.random() < 0.3:
        # What dries at the edge stays there.
        rim = 4.0 * cover * (1.0 - cover)
        x = x + (float(rng.choice([0.0, 1.0])) - x) * rim * float(rng.uniform(0.1, 0.5))
    return x


def look_alike(rng: np.random.Generator, x: np.ndarray) -> np.ndarray:
    """A shadow, or a panel of another colour: straight edges, and no water."""
    size = x.shape[0]
    image = Image.new("L", (size, size))
    turn = rng.uniform(0.0, np.pi) if rng.random() < 0.3 else rng.choice([0.0, np.pi / 2]) + rng.normal(0.0, 0.1)
    cos, sin = np.cos(turn), np.sin(turn)
    cx, cy = rng.uniform(0.0, size, 2)
    a, b = size * float(rng.uniform(0.3, 1.5)), size * float(np.exp(rng.uniform(np.log(0.02), np.log(0.7))))
    corners = [(cx + u * cos - v * sin, cy + u * sin + v * cos) for u, v in ((-a, -b), (a, -b), (a, b), (-a, b))]
    ImageDraw.Draw(image).polygon(corners, fill=255)
    image = image.filter(ImageFilter.GaussianBlur(float(np.exp(rng.uniform(np.log(0.4), np.log(8.0))))))
    cover = np.asarray(image).astype(np.float32)[..., None] / 255.0
    return x * (1.0 + cover * (rng.uniform(-0.5, 0.25, 1) + rng.normal(0.0, 0.03, 3)).astype(np.float32))


def leak(rng: np.random.Generator, picture: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lays one or two leaks over a photograph, and what looks like one; a crack that still shows stays a crack."""
    before = picture.astype(np.float32) / 255.0
    if rng.random() < 0.4:
        before = look_alike(rng, before)
    x = before
    size = x.shape[0]
    for _ in range(int(rng.integers(1, 3))):
        turn = rng.normal(0.0, 0.2) if rng.random() < 0.7 else rng.uniform(-np.pi, np.pi)
        along = np.array([np.sin(turn), np.cos(turn)])
        places = source(rng, mask, along)
        for _ in range(int(rng.integers(1, 4))):
            x = laid(rng, x, shape(rng, places, along, size))
    x = np.clip(x, 0.0, 1.0)
    change = np.sqrt(((x - before) ** 2).mean(axis=2))
    mask = mask.copy()
    covered = np.isin(mask, COVERED)
    mask[covered & (change > SEEN)] = NO_CRACK
    mask[covered & (change > TOLD)] = 2
    mask[(mask == 1) & (change > HIDDEN)] = IGNORE
    return (x * 255.0).astype(np.uint8), mask
