"""Fits the confidence in marks on the lining (`perception/src/lining/confidence.rs`) to simulated tunnels, and prints its table.

    adit campaign --seeds 121-134 --marks MARKS.jsonl
    python confidence.py MARKS.jsonl ...

First it says how it does on each seed when fitted to the others, and how often confidences are right; then come the coefficients.
"""

import argparse
import json
from collections import defaultdict
from pathlib import Path

import numpy as np

from model import CLASSES

# Weight of the squares of the coefficients (of properties scaled to unit spread) beside the likelihood.
RIDGE = 5.0
RANGES = ((0.0, 0.2), (0.2, 0.5), (0.5, 0.7), (0.7, 0.9), (0.9, 1.0))


def fit(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Coefficients `[features + 1]` of a logistic regression (Newton's method), the constant at last."""
    mean, spread = x.mean(0), x.std(0) + 1e-6
    scaled = np.c_[(x - mean) / spread, np.ones(len(x))]
    penalty = np.diag([RIDGE] * x.shape[1] + [1e-6])
    b = np.zeros(scaled.shape[1])
    for _ in range(50):
        p = 1.0 / (1.0 + np.exp(-scaled @ b))
        slope = scaled.T @ (p - y) + penalty @ b
        b -= np.linalg.solve((scaled * (p * (1.0 - p))[:, None]).T @ scaled + penalty, slope)
    return np.append(b[:-1] / spread, b[-1] - (b[:-1] * mean / spread).sum())


def confidence(coefficients: np.ndarray, x: np.ndarray) -> np.ndarray:
    return 1.0 / (1.0 + np.exp(-x @ coefficients[:-1] - coefficients[-1]))


def main() -> None:
    args = argparse.ArgumentParser()
    args.add_argument("marks", type=Path, nargs="+")
    args = args.parse_args()
    lines = [json.loads(line) for path in args.marks for line in path.read_text().splitlines()]
    visible: dict[str, set[tuple[int, int]]] = defaultdict(set)
    for line in lines:
        for i, name in line.get("visible", []):
            visible[name].add((line["seed"], i))
    print("| class | marks | visible | at | found | missed | false |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    tables, all_p, all_y = [], [], []
    for name in CLASSES[1:]:
        marks = [line for line in lines if line.get("class") == name]
        x = np.array([mark["features"] for mark in marks])
        y = np.array([float(bool(mark["is"])) for mark in marks])
        seeds = np.array([mark["seed"] for mark in marks])
        p = np.zeros(len(marks))
        for seed in np.unique(seeds):
            p[seeds == seed] = confidence(fit(x[seeds != seed], y[seeds != seed]), x[seeds == seed])
        for least in (0.3, 0.4, 0.5, 0.6, 0.7):
            found = {(m["seed"], i) for m, q in zip(marks, p) if q >= least for i in m["is"]}
            wrong = sum(q >= least and not m["is"] for m, q in zip(marks, p))
            missed = len(visible[name] - found)
            print(f"| {name} | {len(marks)} | {len(visible[name])} | {least} | {len(found)} | {missed} | {wrong} |")
        tables.append(fit(x, y))
        all_p.append(p)
        all_y.append(y)
    p, y = np.concatenate(all_p), np.concatenate(all_y)
    for low, high in RANGES:
        within = (p >= low) & (p < high)
        print(f"confidence {low} to {high}: {within.sum()} marks, {y[within].mean() if within.any() else float('nan'):.2f} of them true")
    print("\nconst COEFFICIENTS: [[f64; FEATURES + 1]; CLASSES] = [")
    for table in tables:
        print("    [" + ", ".join(f"{value:.4f}" if value else "0.0" for value in table) + "],")
    print("];")


if __name__ == "__main__":
    main()
