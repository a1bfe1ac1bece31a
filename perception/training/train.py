"""Trains the network. One thread, seeded: the same data and arguments give the same weights.

    python train.py --out RUN --roads DIR --sim DIR --mix DIR --walk DIR --minutes 45
"""

import argparse
import json
import math
import time
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

import data
from model import CLASSES, Network, inputs

# Weight of a class's pixels in the cross-entropy: cracks are thin, background is everywhere.
WEIGHTS = (1.0, 4.0, 2.0, 2.0, 2.5)
# How much more a background pixel counts that is taken for a defect with certainty: look-alikes such as joints
# and pipes are few pixels among many easy ones.
HARD = 6.0
SHARES = {
    "walk": 0.30, "sim": 0.08, "mix": 0.14, "roads": 0.10, "ccic": 0.12, "sdnet": 0.14, "sut": 0.03, "mdmcs": 0.05, "sound": 0.04,
}


class Batches(torch.utils.data.Dataset):
    """The windows of each step, drawn from the seed and the step alone: whoever makes them, they are the same."""

    def __init__(self, mix: data.Mix, batch: int, seed: int):
        self.mix, self.batch, self.seed = mix, batch, seed

    def __len__(self) -> int:
        return 10**9

    def __getitem__(self, step: int) -> tuple[torch.Tensor, torch.Tensor]:
        rng = np.random.default_rng([self.seed, step])
        windows = [self.mix.window(rng) for _ in range(self.batch)]
        x = torch.stack([to_tensor(picture) for picture, _ in windows])
        return x, torch.from_numpy(np.stack([mask for _, mask in windows]).astype(np.int64))


def to_tensor(picture: np.ndarray) -> torch.Tensor:
    """`[H, W, 3]` uint8 to `[5, H, W]`."""
    return torch.from_numpy(inputs(picture))


def loss_of(logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Cross-entropy weighted by class and by how hard a background pixel is, and a dice term a class (V-Net's,
    arXiv:1606.04797)."""
    no_crack = target == data.NO_CRACK
    target = target.masked_fill(no_crack, data.IGNORE)
    known = (target != data.IGNORE).float()
    probability = logits.softmax(1)
    weights = logits.new_tensor((*WEIGHTS, 0.0))[target.clamp(max=len(CLASSES))]
    surprise = (target == 0) * (1.0 - probability[:, 0].detach())
    entropy = F.cross_entropy(logits, target, ignore_index=data.IGNORE, reduction="none")
    entropy = (entropy * weights * (1.0 + HARD * surprise)).sum() / weights.sum().clamp(min=1.0)
    # Any class but crack, and the more so the surer the network is of a crack.
    crack = probability[:, 1]
    denied = -torch.log1p(-crack.clamp(max=1.0 - 1e-4)) * (1.0 + HARD * crack.detach()) * no_crack
    entropy = entropy + denied.sum() / (weights.sum() + no_crack.sum()).clamp(min=1.0)
    dice = []
    for c in range(1, len(CLASSES)):
        truth = (target == c).float()
        if truth.sum() >= 20:
            p = probability[:, c] * (known + no_crack if c == 1 else known)
            dice.append(1.0 - (2.0 * (p * truth).sum() + 1.0) / ((p * p).sum() + truth.sum() + 1.0))
    return entropy + (0.5 * sum(dice) / len(dice) if dice else 0.0)


def main() -> None:
    args = argparse.ArgumentParser()
    args.add_argument("--out", type=Path, required=True)
    args.add_argument("--roads", type=Path)
    args.add_argument("--ccic", type=Path)
    args.add_argument("--sdnet", type=Path)
    args.add_argument("--sut", type=Path)
    args.add_argument("--mdmcs", type=Path)
    args.add_argument("--sound", type=Path, help="X.jpg whose name says that it is sound")
    args.add_argument("--sim", type=Path, nargs="+", default=[])
    args.add_argument("--mix", type=Path, nargs="+", default=[])
    args.add_argument("--walk", type=Path, nargs="+", default=[])
    args.add_argument("--loader", action="store_true", help="make windows in a process of their own")
    args.add_argument("--steps", type=int, default=0, help="stop after so many steps")
    args.add_argument("--minutes", type=float, default=45.0, help="how long `steps` is guessed to take when it is 0")
    args.add_argument("--batch", type=int, default=8)
    args.add_argument("--size", type=int, default=256)
    args.add_argument("--rate", type=float, default=4e-3)
    args.add_argument("--seed", type=int, default=7)
    args.add_argument("--start", type=Path, help="checkpoint to start from")
    args = args.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    sets = {
        "roads": data.split(data.roads(args.roads), "train") if args.roads else [],
        "ccic": data.labelled(args.ccic, "ccic", "sound") if args.ccic else [],
        "sdnet": data.labelled(args.sdnet, "sdnet", "sound") if args.sdnet else [],
        "sut": data.labelled(args.sut, "sut") if args.sut else [],
        "mdmcs": data.labelled(args.mdmcs, "mdmcs") if args.mdmcs else [],
        "sound": data.labelled(args.sound, "sound", "sound") if args.sound else [],
        "sim": [s for d in args.sim for s in data.rendered(d, "sim")],
        "mix": [s for d in args.mix for s in data.rendered(d, "mix")],
        "walk": [s for d in args.walk for s in data.rendered(d, "walk")],
    }
    sets = {name: samples for name, samples in sets.items() if samples}
    print({k: len(v) for k, v in sets.items()}, flush=True)
    batches = Batches(data.Mix(sets, SHARES, args.size), args.batch, args.seed)
    loader = torch.utils.data.DataLoader(
        batches, batch_size=None, sampler=torch.utils.data.SequentialSampler(range(len(batches))),
        num_workers=int(args.loader), prefetch_factor=4 if args.loader else None,
    )
    windows = iter(loader)
    network = Network().to(memory_format=torch.channels_last)
    if args.start:
        network.load_state_dict(torch.load(args.start)["network"])
    print(sum(p.numel() for p in network.parameters()), "parameters", flush=True)
    average = {k: v.clone() for k, v in network.state_dict().items()}
    optimiser = torch.optim.AdamW(network.parameters(), lr=args.rate, weight_decay=1e-4)
    args.out.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    network.train()
    running = None
    step = 0
    while True:
        spent = (time.monotonic() - began) / 60.0
        progress = step / args.steps if args.steps else spent / args.minutes
        if progress >= 1.0:
            break
        rate = args.rate * min(1.0, (step + 1) / 100) * (0.02 + 0.98 * 0.5 * (1.0 + math.cos(math.pi * progress)))
        for group in optimiser.param_groups:
            group["lr"] = rate
        x, target = next(windows)
        loss = loss_of(network(x.contiguous(memory_format=torch.channels_last)), target)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 2.0)
        optimiser.step()
        # The weights that are kept are an average over the last few hundred steps.
        keep = min(0.995, (step + 1) / (step + 10))
        with torch.no_grad():
            for name, value in network.state_dict().items():
                if value.dtype.is_floating_point:
                    average[name].lerp_(value, 1.0 - keep)
                else:
                    average[name].copy_(value)
        running = loss.item() if running is None else 0.98 * running + 0.02 * loss.item()
        step += 1
        if step % 50 == 0:
            print(json.dumps({"step": step, "minutes": round(spent, 2), "loss": round(running, 4)}), flush=True)
        if step % 200 == 0:
            torch.save({"network": average, "steps": step}, args.out / "last.pt")
    torch.save({"network": average, "steps": step}, args.out / "last.pt")
    print(json.dumps({"step": step, "done": True}), flush=True)


if __name__ == "__main__":
    main()
