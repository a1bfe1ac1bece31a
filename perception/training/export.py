"""Folds batch normalisation into the convolutions and writes what the robot runs.

    python export.py RUN/last.pt --thresholds 0.5 0.5 0.5 0.5 --weights ../weights/defects.safetensors

Beside the weights it writes a fixture: a small picture and the scores that PyTorch gives it, against which
the Rust side is tested.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

import teacher
from model import CLASSES, SCALES, STRIDE, Network, inputs


def fixture_picture(width: int, height: int) -> np.ndarray:
    """A picture that any language can make again: `[H, W, 3]` uint8."""
    y, x = np.mgrid[0:height, 0:width]
    channels = [(x * (3 + c) + y * (5 - c) + ((x * y) >> (2 + c))) % 256 for c in range(3)]
    return np.stack(channels, axis=2).astype(np.uint8)


def shift(network: Network, shifts: list[float]) -> None:
    """Adds to the logits of the classes but the background."""
    with torch.no_grad():
        network.head.bias.view(len(CLASSES), 4)[1:] += torch.tensor(shifts)[:, None]


def in_order(path: Path) -> None:
    """Writes the file's header again with its keys in order: the library's order is another each time, and with it the fingerprint."""
    data = path.read_bytes()
    end = 8 + int.from_bytes(data[:8], "little")
    header = json.dumps(json.loads(data[8:end]), sort_keys=True, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    path.write_bytes(len(header).to_bytes(8, "little") + header + data[end:])


def main() -> None:
    args = argparse.ArgumentParser()
    args.add_argument("checkpoint", type=Path, nargs="?", help="none: untrained weights")
    args.add_argument("--teacher", action="store_true", help="the checkpoint is a teacher's: only make it smaller")
    args.add_argument("--thresholds", type=float, nargs=4, default=[0.5] * 4, metavar=CLASSES[1:])
    args.add_argument("--shifts", type=float, nargs=4, default=[0.0] * 4, metavar=CLASSES[1:],
                      help="added to the classes' logits, so that one threshold does for all")
    args.add_argument("--weights", type=Path, required=True)
    args = args.parse_args()
    if args.teacher:
        teacher.save(args.checkpoint, args.weights)
        return
    torch.manual_seed(1)
    network = Network()
    if args.checkpoint:
        network.load_state_dict(torch.load(args.checkpoint)["network"])
    shift(network, args.shifts)
    network.eval()
    tensors = {}
    for name, (weight, bias) in network.layers().items():
        tensors[f"{name}.weight"] = weight.detach().float().contiguous()
        tensors[f"{name}.bias"] = bias.detach().float().contiguous()
    metadata = {
        "format": "adit-defects-2",
        "classes": json.dumps(CLASSES),
        "thresholds": json.dumps(args.thresholds),
        "scales": json.dumps(list(SCALES)),
        "scale_weights": json.dumps(list(SCALES.values())),
        "stride": str(STRIDE),
    }
    args.weights.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, args.weights, metadata)
    in_order(args.weights)
    picture = fixture_picture(96, 64)
    x = torch.from_numpy(inputs(picture))[None]
    with torch.no_grad():
        logits = network(x)
    save_file({"inputs": x[0].contiguous(), "logits": logits.contiguous()}, args.weights.with_name("parity.safetensors"))


if __name__ == "__main__":
    main()
