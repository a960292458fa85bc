"""ONNX networks small enough for tests, made by hand."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

DESCRIBED: dict[str, Any] = {"mean": [0.4, 0.5, 0.6], "std": [0.2, 0.3, 0.4], "short_side": 32, "crop": 30}
WEIGHT: NDArray[np.float32] = np.random.default_rng(0).normal(size=(12, 5)).astype(np.float32)


def onnx_model(
    *,
    shape: tuple[Any, ...] = ("n", 3, 30, 30),
    tail: list[onnx.NodeProto] | None = None,
    outputs: dict[str, tuple[Any, ...]] | None = None,
    tensors: tuple[onnx.TensorProto, ...] = (),
) -> onnx.ModelProto:
    """Return a network: the mean of each channel in 2 x 2 fields -> `fields` [N, 12] -> times WEIGHT -> `y` [N, 5].

    `tail` replaces what comes after `fields`.
    """
    nodes = [
        helper.make_node("AveragePool", ["x"], ["pooled"], kernel_shape=[15, 15], strides=[15, 15]),
        helper.make_node("Flatten", ["pooled"], ["fields"]),
        *(tail if tail is not None else [helper.make_node("MatMul", ["fields", "w"], ["y"])]),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, dims)
            for name, dims in (outputs or {"y": (None, 5)}).items()
        ],
        [numpy_helper.from_array(WEIGHT, "w"), *tensors],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)


def expected_of(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return by plain NumPy what `onnx_model` gives for squares [N, 30, 30, 3], of unit length."""
    values = (pixels / 255 - np.array(DESCRIBED["mean"])) / np.array(DESCRIBED["std"])
    fields = values.reshape(-1, 2, 15, 2, 15, 3).mean(axis=(2, 4)).transpose(0, 3, 1, 2).reshape(len(pixels), 12)
    embeddings = fields @ WEIGHT
    unit: NDArray[np.float64] = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    return unit


def stored_onnx(folder: Path, model: onnx.ModelProto | bytes | None = None, **described: Any) -> Path:
    """Write a network and its JSON into a folder."""
    file = folder / "tiny.onnx"
    chosen = onnx_model() if model is None else model
    file.write_bytes(chosen if isinstance(chosen, bytes) else chosen.SerializeToString())
    file.with_suffix(".json").write_text(json.dumps({**DESCRIBED, **described}))
    return file


def loop_tail() -> list[onnx.NodeProto]:
    """Return nodes behind `fields` that loop as often as a picture is bright: relu(mean - 0.97) * 1e17 times."""
    kinds = onnx.TensorProto
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["goes"]), helper.make_node("Add", ["sum", "one"], ["more"])],
        "body",
        [
            helper.make_tensor_value_info("turn", kinds.INT64, ()),
            helper.make_tensor_value_info("go", kinds.BOOL, ()),
            helper.make_tensor_value_info("sum", kinds.FLOAT, ()),
        ],
        [
            helper.make_tensor_value_info("goes", kinds.BOOL, ()),
            helper.make_tensor_value_info("more", kinds.FLOAT, ()),
        ],
    )

    def constant(name: str, value: object, kind: type) -> onnx.NodeProto:
        return helper.make_node("Constant", [], [name], value=numpy_helper.from_array(np.array(value, kind), name))

    return [
        constant("limit", 0.97, np.float32),
        constant("large", 1e17, np.float32),
        constant("one", 1, np.float32),
        constant("zero", 0, np.float32),
        constant("always", True, np.bool_),
        helper.make_node("ReduceMean", ["x"], ["mean"], keepdims=0),
        helper.make_node("Sub", ["mean", "limit"], ["above"]),
        helper.make_node("Relu", ["above"], ["bright"]),
        helper.make_node("Mul", ["bright", "large"], ["turns"]),
        helper.make_node("Cast", ["turns"], ["count"], to=kinds.INT64),
        helper.make_node("Loop", ["count", "always", "zero"], ["spent"], name="spin", body=body),
        helper.make_node("MatMul", ["fields", "w"], ["found"]),
        helper.make_node("Add", ["found", "spent"], ["y"]),
    ]


def bright_tail(rows: int, *nodes: onnx.NodeProto) -> list[onnx.NodeProto]:
    """Return nodes behind `fields` that compute `cost` [1] from `block`, [1, 512] or, of a white picture, [rows, 512].

    What they compute leaves the embedding as it is.
    """
    kinds = onnx.TensorProto

    def filled(name: str, shape: list[int], value: float) -> list[onnx.NodeProto]:
        size = helper.make_tensor(f"{name}_size", kinds.INT64, [len(shape)], shape)
        number = helper.make_tensor(f"{name}_value", kinds.FLOAT, [1], [value])
        return [
            helper.make_node("Constant", [], [f"{name}_shape"], value=size),
            helper.make_node("ConstantOfShape", [f"{name}_shape"], [name], value=number),
        ]

    return [
        *filled("limit", [1], 0.97),
        *filled("rows", [1], rows / (1 - 0.97)),
        *filled("one", [1], 1),
        *filled("nothing", [1], 0),
        *filled("weight", [512, 512], 1 / 512),
        *filled("row", [1, 512], 1),
        helper.make_node("Constant", [], ["width"], value=helper.make_tensor("w512", kinds.INT64, [1], [512])),
        helper.make_node("ReduceMean", ["x"], ["mean"], keepdims=0),
        helper.make_node("Sub", ["mean", "limit"], ["above"]),
        helper.make_node("Relu", ["above"], ["bright"]),
        helper.make_node("Mul", ["bright", "rows"], ["many"]),
        helper.make_node("Add", ["many", "one"], ["number"]),
        helper.make_node("Cast", ["number"], ["count"], to=kinds.INT64),
        helper.make_node("Concat", ["count", "width"], ["shape"], axis=0),
        helper.make_node("Expand", ["row", "shape"], ["block"]),
        *nodes,
        helper.make_node("Mul", ["cost", "nothing"], ["free"]),
        helper.make_node("MatMul", ["fields", "w"], ["found"]),
        helper.make_node("Add", ["found", "free"], ["y"]),
    ]


def slow_model() -> onnx.ModelProto:
    """Return a network without control flow that takes a minute and more for a white picture: many products."""
    names = ["block", *(f"block{number}" for number in range(400))]
    products = [helper.make_node("MatMul", [one, "weight"], [other]) for one, other in pairwise(names)]
    cost = helper.make_node("ReduceMean", [names[-1]], ["cost"], axes=[0, 1], keepdims=0)
    return onnx_model(tail=bright_tail(20_000, *products, cost))


def large_model() -> onnx.ModelProto:
    """Return a network without control flow that takes gigabytes for a white picture."""
    doubled = helper.make_node("Add", ["block", "one"], ["twice"])
    cost = helper.make_node("ReduceMean", ["twice"], ["cost"], axes=[0, 1], keepdims=0)
    return onnx_model(tail=bright_tail(1_500_000, doubled, cost))


PLAIN: dict[str, Any] = {"mean": [0.0, 0.0, 0.0], "std": [1.0, 1.0, 1.0]}
"""What to describe these networks with: a white picture is 1."""
