#!/usr/bin/env python3
"""Adds every dequantized activation of a QDQ model to its outputs, and makes an input for it.

    python3 oracle.py MODEL.u8s8.onnx OUT_DIR        needs numpy and onnx

Writes OUT_DIR/oracle.onnx and OUT_DIR/x.npy (batch 2, deterministic). ONNX Runtime's values of those outputs (ort-run.mjs) are what
our engine is held to: divided by their scales they are codes.
"""
import sys
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

model, out = onnx.load(sys.argv[1]), sys.argv[2]
graph = model.graph
constants = {i.name: numpy_helper.to_array(i) for i in graph.initializer}
lines = []
for node in graph.node:
    if node.op_type == "DequantizeLinear" and node.input[0] not in constants:
        graph.output.append(helper.make_tensor_value_info(node.output[0], TensorProto.FLOAT, None))
        lines.append(f"{node.output[0]} {float(constants[node.input[1]]):.9g} {int(constants[node.input[2]])}")
onnx.save(model, f"{out}/oracle.onnx")
dims = [2] + [d.dim_value for d in graph.input[0].type.tensor_type.shape.dim[1:]]
np.save(f"{out}/x.npy", np.random.default_rng(7).uniform(-1, 1, dims).astype("f4"))
with open(f"{out}/scales.txt", "w") as f:
    f.write("\n".join(lines) + "\n")
