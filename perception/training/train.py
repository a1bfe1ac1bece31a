"""Trains the robot's network or its teacher. One thread, seeded: the same data and arguments give the same weights.

    python train.py --out TEACHER --teacher --ccic DIR --sdnet DIR --roads DIR --sim DIR --mix DIR --walk DIR --steps 1500
    python pool.py --out POOL --teacher TEACHER/last.pt --windows 10000 ... (the same folders)
    python train.py --out RUN --pool POOL --steps 7000 ... (the same folders)
"""

import argparse
import json
import math
import time
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch.nn import functional as F

import data
import teacher
from model import CLASSES, Network, begin, inputs, unfold

# Weight of a class's pixels in the cross-entropy: cracks are thin, background is everywhere.
WEIGHTS = (1.0, 3.0, 2.0, 1.5, 2.0)
# Share of windows that are drawn afresh beside a pool's.
FRESH = 0.7
# Weight of the teacher's word beside the masks'.
SOFT = 2.0
# How much more a pixel counts at which the teacher sees a defect.
SOFT_DEFECT = 4.0


class Batches(torch.utils.data.Dataset):
    """The windows of each step, drawn from the seed and the step alone: whoever makes them, they are the same."""

    def __init__(self, source: "data.Mix | data.Pool | data.Both", batch: int, seed: int, to_tensor):
        self.source, self.batch, self.seed, self.to_tensor = source, batch, seed, to_tensor

    def __len__(self) -> int:
        return 10**9

    def __getitem__(self, step: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
        rng = np.random.default_rng([self.seed, step])
        pictures, masks, soft = zip(*(self.source.window(rng) for _ in range(self.batch)))
        x = torch.stack([self.to_tensor(picture) for picture in pictures])
        target = torch.from_numpy(np.stack(masks).astype(np.int64))
        return x, target, None if soft[0] is None else torch.from_numpy(np.stack(soft))


def to_tensor(picture: np.ndarray) -> torch.Tensor:
    """`[H, W, 3]` uint8 to `[5, H, W]`."""
    return torch.from_numpy(inputs(picture))


def loss_of(logits: torch.Tensor, target: torch.Tensor, hard: float) -> torch.Tensor:
    """Cross-entropy weighted by class and by how hard a background pixel is, and a dice term a class (V-Net's,
    arXiv:1606.04797). A background pixel that is taken for a defect with certainty counts `hard` times more."""
    no_crack = target == data.NO_CRACK
    target = target.masked_fill(no_crack, data.IGNORE)
    known = (target != data.IGNORE).float()
    probability = logits.softmax(1)
    weights = logits.new_tensor((*WEIGHTS, 0.0))[target.clamp(max=len(CLASSES))]
    surprise = (target == 0) * (1.0 - probability[:, 0].detach())
    entropy = F.cross_entropy(logits, target, ignore_index=data.IGNORE, reduction="none")
    entropy = (entropy * weights * (1.0 + hard * surprise)).sum() / weights.sum().clamp(min=1.0)
    # Any class but crack, and the more so the surer the network is of a crack.
    crack = probability[:, 1]
    denied = -torch.log1p(-crack.clamp(max=1.0 - 1e-4)) * (1.0 + hard * crack.detach()) * no_crack
    entropy = entropy + denied.sum() / (weights.sum() + no_crack.sum()).clamp(min=1.0)
    dice = []
    for c in range(1, len(CLASSES)):
        truth = (target == c).float()
        if truth.sum() >= 20:
            p = probability[:, c] * (known + no_crack if c == 1 else known)
            dice.append(1.0 - (2.0 * (p * truth).sum() + 1.0) / ((p * p).sum() + truth.sum() + 1.0))
    return entropy + (0.5 * sum(dice) / len(dice) if dice else 0.0)


def distance(logits: torch.Tensor, soft: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Cross-entropy to the teacher's probabilities `[N, 5, H, W]` (uint8, 255 is one), where it said something and is not known
    to be wrong."""
    said = soft.sum(1) > 0
    known = target < len(CLASSES)
    right = soft.argmax(1) == target
    soft = soft.float().clamp(min=0.25)
    soft = soft / soft.sum(1, keepdim=True)
    weights = (1.0 + SOFT_DEFECT * (1.0 - soft[:, 0])) * (said & (right | ~known))
    return (-(soft * logits.log_softmax(1)).sum(1) * weights).sum() / weights.sum().clamp(min=1.0)


def main() -> None:
    args = argparse.ArgumentParser()
    args.add_argument("--out", type=Path, required=True)
    args.add_argument("--teacher", action="store_true", help="train the teacher")
    args.add_argument("--pool", type=Path, nargs="+", help="learn from the windows of pool.py")
    args.add_argument("--no-soft", action="store_true", help="of the pool use the masks alone")
    args.add_argument("--no-unlabelled", action="store_true", help="leave out the pool's windows without masks")
    data.add_arguments(args)
    args.add_argument("--loader", action="store_true", help="make windows in a process of their own")
    args.add_argument("--steps", type=int, required=True)
    args.add_argument("--batch", type=int, default=8)
    args.add_argument("--size", type=int, default=256)
    args.add_argument("--rate", type=float, help="3e-3, the teacher's 2e-3; less for the encoder")
    args.add_argument("--hard", type=float, default=4.0,
                      help="how much more a background pixel counts that is taken for a defect: look-alikes are few among many easy ones")
    args.add_argument("--seed", type=int, default=7)
    args.add_argument("--start", type=Path, help="the teacher's weights, weights as the robot runs them, or a checkpoint, to start from")
    args.add_argument("--resume", action="store_true", help="go on where OUT/last.pt stopped")
    args = args.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    sets = data.sets(args)
    print({k: len(v) for k, v in sets.items()}, flush=True)
    source = data.Mix(sets, args.size) if sets else None
    if args.pool:
        pool = data.Pool(args.pool, soft=not args.no_soft, unlabelled=not args.no_unlabelled)
        source = data.Both(pool, source, FRESH) if source else pool
    network = (teacher.Teacher() if args.teacher else Network()).to(memory_format=torch.channels_last)
    rate = args.rate or (2e-3 if args.teacher else 3e-3)
    slow = network.encoder()
    fast = [p for p in network.parameters() if all(p is not q for q in slow)]
    optimiser = torch.optim.AdamW([{"params": fast, "share": 1.0}, {"params": slow, "share": 0.15 if args.teacher else 0.3}], lr=rate, weight_decay=1e-4)
    step = 0
    saved = args.out / "last.pt"
    batches = Batches(source, args.batch, args.seed, teacher.to_tensor if args.teacher else to_tensor)
    if args.start and args.start.suffix == ".safetensors":
        tensors = {name: tensor.float() for name, tensor in load_file(args.start).items()}
        if "stem_norm.weight" in tensors:
            begin(network, tensors)
        else:
            unfold(network, tensors, torch.cat([batches[args.steps + i][0] for i in range(4)]))
    elif args.start:
        network.load_state_dict(torch.load(args.start)["network"])
    average = {k: v.clone() for k, v in network.state_dict().items()}
    if args.resume and saved.exists():
        state = torch.load(saved)
        average, step = state["network"], state["steps"]
        network.load_state_dict(state["raw"])
        optimiser.load_state_dict(state["optimiser"])
    print(sum(p.numel() for p in network.parameters()), "parameters", flush=True)
    loader = torch.utils.data.DataLoader(
        batches, batch_size=None, sampler=range(step, args.steps),
        num_workers=int(args.loader), prefetch_factor=4 if args.loader else None,
    )
    args.out.mkdir(parents=True, exist_ok=True)

    def save() -> None:
        state = {"network": average, "raw": network.state_dict(), "optimiser": optimiser.state_dict(), "steps": step}
        torch.save(state, args.out / "next.pt")
        (args.out / "next.pt").replace(saved)

    began = time.monotonic()
    network.train()
    running = None
    for x, target, soft in loader:
        now = rate * min(1.0, (step + 1) / 100) * (0.02 + 0.98 * 0.5 * (1.0 + math.cos(math.pi * step / args.steps)))
        for group in optimiser.param_groups:
            group["lr"] = now * group["share"]
        logits = network(x.contiguous(memory_format=torch.channels_last))
        loss = loss_of(logits, target, args.hard)
        if soft is not None:
            loss = loss + SOFT * distance(logits, soft, target)
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
            minutes = round((time.monotonic() - began) / 60.0, 2)
            print(json.dumps({"step": step, "minutes": minutes, "loss": round(running, 4)}), flush=True)
        if step % 200 == 0:
            save()
    save()
    print(json.dumps({"step": step, "done": True}), flush=True)


if __name__ == "__main__":
    main()
