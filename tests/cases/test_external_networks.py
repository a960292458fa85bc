"""Networks as they are exported elsewhere: described for pixels of 0..1, or refused in a sentence."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from mlcore.errors import ProtocolError, WeightsError
from mlcore.external.external_models import open_external_model
from tests.mlcore.onnx_models import onnx_model, stored_onnx


@pytest.mark.parametrize(
    "described",
    [
        {"mean": [127.5] * 3, "std": [127.5] * 3},
        # invented
        {"mean": [123.675, 116.28, 103.53], "std": [58.395, 57.12, 57.375]},
        {"mean": [0.5] * 3, "std": [127.5] * 3},
        {"mean": [-1.0] * 3, "std": [1.0] * 3},
    ],
)
def test_mean_and_std_of_bytes_are_refused(described: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(ProtocolError, match="for pixels in 0..1"):
        open_external_model(stored_onnx(tmp_path, **described))


def of_halves() -> onnx.ModelProto:
    """Return a network whose input and output are of 16 bits."""
    nodes = [helper.make_node("Flatten", ["x"], ["fields"]), helper.make_node("MatMul", ["fields", "w"], ["y"])]
    weight = np.random.default_rng(0).normal(size=(3 * 30 * 30, 5)).astype(np.float16)
    graph = helper.make_graph(
        nodes,
        "halves",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT16, ("n", 3, 30, 30))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT16, ("n", 5))],
        [numpy_helper.from_array(weight, "w")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)


def of_maps() -> onnx.ModelProto:
    """Return a network that gives a map [5, 1] for each picture."""
    tail = [
        helper.make_node("MatMul", ["fields", "w"], ["flat"]),
        helper.make_node("Unsqueeze", ["flat", "axis"], ["y"]),
    ]
    axis = numpy_helper.from_array(np.array([2]), "axis")
    return onnx_model(tail=tail, outputs={"y": (None, 5, 1)}, tensors=(axis,))


def test_any_number_of_pictures_and_one_at_a_time_are_embedded(tmp_path: Path) -> None:
    for place, shape in enumerate((("n", 3, 30, 30), (1, 3, 30, 30))):
        folder = tmp_path / str(place)
        folder.mkdir()
        assert open_external_model(stored_onnx(folder, onnx_model(shape=shape))).encoder.dim == 5


@pytest.mark.parametrize(
    "model",
    [
        onnx_model(shape=("n", 30, 30, 3)),
        of_halves(),
        onnx_model(outputs={"fields": (None, 12), "y": (None, 5)}),
        of_maps(),
    ],
    ids=["channels last", "16 bits", "two outputs", "a map for each picture"],
)
def test_network_that_gives_no_plain_embedding_is_refused(model: onnx.ModelProto, tmp_path: Path) -> None:
    with pytest.raises(WeightsError) as caught:
        open_external_model(stored_onnx(tmp_path, model))
    assert len(str(caught.value)) > 20
