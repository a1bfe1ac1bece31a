"""How long ONNX Runtime takes for the robot's network alone, on a picture of 1024 x 1280 and made smaller, with one thread: the peer
of `cargo bench -p perception --bench inference`, which times the inputs, the fusion of the scales and the specks as well.

    pip install onnx onnxruntime onnxscript
    python onnx_speed.py [--rounds 20]

Speed does not depend on the weights, so they are random.
"""

import argparse
import io
import statistics
import time

import numpy as np
import onnxruntime
import torch

from model import INPUTS, SCALES, Network

SIZES = tuple((1280 // scale, 1024 // scale) for scale in SCALES)


def main() -> None:
    args = argparse.ArgumentParser()
    args.add_argument("--rounds", type=int, default=20)
    args = args.parse_args()
    torch.manual_seed(1)
    file = io.BytesIO()
    axes = {"x": {2: "height", 3: "width"}, "logits": {2: "height", 3: "width"}}
    example = torch.zeros(1, INPUTS, 64, 64)
    torch.onnx.export(Network().eval(), (example,), file, input_names=["x"], output_names=["logits"], dynamic_axes=axes, dynamo=False)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(file.getvalue(), options, ["CPUExecutionProvider"])
    pictures = [np.random.default_rng(1).normal(size=(1, INPUTS, *size)).astype(np.float32) for size in SIZES]
    taken = []
    for _ in range(args.rounds):
        began = time.perf_counter()
        for picture in pictures:
            session.run(None, {"x": picture})
        taken.append(1e3 * (time.perf_counter() - began))
    print(f"{statistics.median(taken):.0f} ms in the median of {args.rounds}, {min(taken):.0f} at best")


if __name__ == "__main__":
    main()
