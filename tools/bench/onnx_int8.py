#!/usr/bin/env python3
"""The int8 graph of ONNX Runtime: reads DIR/model.onnx (torch_peer.py export DIR), writes DIR/int8.onnx for its peers.

    onnx_int8.py DIR

What ONNX Runtime's own quantize_dynamic makes of the graph, each column of the weights with a scale of its own:

    w'[i, j] = round(w[i, j] / s[j]) in [-127, 127], s[j] = max_i |w[i, j]| / 127
    x', s_x, z_x = DynamicQuantizeLinear(x), unsigned, one scale for the whole tensor
    x w ~ s_x s[j] MatMulInteger(x', w', z_x)

Its optimiser makes one DynamicQuantizeMatMul of such a product and the bias; attention becomes QAttention, quantised
the same way. Pooler and classifier, a row each, stay float32, as attune's do.
"""
import sys

import numpy as np
import onnx
from onnx import helper, numpy_helper


def quantised(graph, w):
    """Adds w', s and the zero point (0) of a weight to the graph; their names."""
    values = numpy_helper.to_array(w)  # [I, O]
    scale = np.abs(values).max(0) / np.float32(127)
    whole = np.rint(values / np.where(scale > 0, scale, 1)).astype(np.int8)
    parts = {"int8": whole, "scale": scale, "zero": np.zeros_like(scale, dtype=np.int8)}
    graph.initializer.extend(numpy_helper.from_array(v, f"{w.name}_{k}") for k, v in parts.items())
    return [f"{w.name}_{k}" for k in parts]


def product(x, w, scale, zero, node):
    """The nodes of a MatMul whose left side is DynamicQuantizeLinear's."""
    values, x_scale, x_zero = x
    y, name = node.output[0], node.name
    return [helper.make_node("MatMulInteger", [values, w, x_zero, zero], [f"{y}_sum"], name),
            helper.make_node("Cast", [f"{y}_sum"], [f"{y}_float"], f"{name}_float", to=onnx.TensorProto.FLOAT),
            helper.make_node("Mul", [x_scale, scale], [f"{y}_scale"], f"{name}_scale"),
            helper.make_node("Mul", [f"{y}_float", f"{y}_scale"], [y], f"{name}_scaled")]


def attention(x, w, scale, zero, node):
    values, x_scale, x_zero = x
    _, _, bias, mask = node.input
    made = helper.make_node("QAttention", [values, w, bias, x_scale, scale, mask, x_zero, zero], node.output, node.name,
                            domain="com.microsoft")
    made.attribute.extend(node.attribute)
    return [made]


def main():
    directory = sys.argv[1]
    model = onnx.load(f"{directory}/model.onnx")
    graph = model.graph
    weights = {t.name: t for t in graph.initializer}
    for node in graph.node:  # weights that are alike stand in the graph once
        if node.op_type == "Identity" and node.input[0] in weights:
            weights[node.output[0]] = weights[node.input[0]]
    nodes, inputs, done = [], {}, {}
    for node in graph.node:
        of = {"MatMul": product, "Attention": attention}.get(node.op_type)
        if not of or node.input[1] not in weights:
            nodes.append(node)
            continue
        x, w = node.input[0], weights[node.input[1]]
        if x not in inputs:
            inputs[x] = [f"{x}_{part}" for part in ("uint8", "scale", "zero")]
            nodes.append(helper.make_node("DynamicQuantizeLinear", [x], inputs[x], f"{x}_quantised"))
        if w.name not in done:
            done[w.name] = quantised(graph, w)
        nodes += of(inputs[x], *done[w.name], node)
    if not done:
        sys.exit(f"error: {directory}/model.onnx: no product with weights is in it")
    del graph.node[:]
    graph.node.extend(nodes)
    read = {name for node in nodes for name in node.input}
    kept = [t for t in graph.initializer if t.name in read]
    del graph.initializer[:]
    graph.initializer.extend(kept)
    onnx.checker.check_model(model)
    onnx.save(model, f"{directory}/int8.onnx")


if __name__ == "__main__":
    main()
