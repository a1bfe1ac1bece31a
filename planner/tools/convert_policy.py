"""Converts a velocity policy from ONNX (Gemm and Elu layers) to safetensors, and writes reference outputs.

Run once, by hand; the result is kept in the repository. Needs the PyPI packages numpy, onnx and safetensors:

    python convert_policy.py policy.onnx policy.safetensors reference.json
"""

import json
import sys

import numpy as np
import onnx
from onnx import numpy_helper
from onnx.reference import ReferenceEvaluator
from safetensors.numpy import save_file


def main(source: str, target: str, reference: str) -> None:
    model = onnx.load(source)
    kinds = [node.op_type for node in model.graph.node]
    if kinds[::2] != ["Gemm"] * len(kinds[::2]) or kinds[1::2] != ["Elu"] * len(kinds[1::2]):
        raise SystemExit(f"expected Gemm and Elu in turn, found {kinds}")
    weights = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    layers = {}
    for number, node in enumerate(n for n in model.graph.node if n.op_type == "Gemm"):
        layers[f"{number}.weight"] = np.ascontiguousarray(weights[node.input[1]], dtype=np.float32)
        layers[f"{number}.bias"] = np.ascontiguousarray(weights[node.input[2]], dtype=np.float32)
    save_file(layers, target)

    rng = np.random.default_rng(1)
    evaluator = ReferenceEvaluator(model)
    cases = []
    for scale in (0.0, 0.2, 0.5, 1.0):
        observation = (scale * rng.standard_normal(45)).astype(np.float32)
        action = evaluator.run(None, {"obs": observation[None]})[0][0]
        cases.append({"observation": observation.tolist(), "action": action.tolist()})
    with open(reference, "w") as file:
        json.dump(cases, file, indent=1)


if __name__ == "__main__":
    main(*sys.argv[1:])
