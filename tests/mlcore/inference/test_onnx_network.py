"""An ONNX network is looked at before it runs, and gives what plain NumPy gives."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from mlcore.errors import WeightsError
from mlcore.images.preprocessing import Preprocessing
from mlcore.inference import onnx_network
from mlcore.inference.onnx_network import OnnxEncoder
from tests.mlcore.onnx_models import DESCRIBED, expected_of, loop_tail, onnx_model

PREPROCESSING = Preprocessing(32, 30, tuple(DESCRIBED["mean"]), tuple(DESCRIBED["std"]))


def encoder(model: onnx.ModelProto | bytes, output: str = "") -> OnnxEncoder:
    data = model if isinstance(model, bytes) else model.SerializeToString()
    return OnnxEncoder(data, PREPROCESSING, output=output)


def pixels(count: int) -> NDArray[np.uint8]:
    return np.random.default_rng(1).integers(0, 256, (count, 30, 30, 3), dtype=np.uint8)


def test_its_process_loads_no_torch() -> None:
    code = "import sys; from mlcore.inference import encoder_worker, onnx_network; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[3], check=False).returncode == 0


@pytest.mark.parametrize("shape", [("n", 3, 30, 30), (1, 3, 30, 30), (4, 3, 30, 30), ("n", "c", "h", "w")])
@pytest.mark.parametrize("count", [1, 4, 7])
def test_it_embeds_any_number_of_pictures_as_plain_numpy_does(shape: tuple[object, ...], count: int) -> None:
    network = encoder(onnx_model(shape=shape))
    found = network.embed_pixels(pixels(count))
    assert network.dim == 5 and found.dtype == np.float32
    assert np.abs(found - expected_of(pixels(count))).max() < 1e-5


def test_many_pictures_go_through_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_network, "BATCH", 3)
    assert np.abs(encoder(onnx_model()).embed_pixels(pixels(7)) - expected_of(pixels(7))).max() < 1e-5


def test_the_output_that_is_named_is_the_embedding() -> None:
    model = onnx_model(outputs={"y": (None, 5), "fields": (None, 12)})
    assert encoder(model, "fields").dim == 12
    with pytest.raises(WeightsError, match="has 2 outputs; its JSON must say as 'output' .*: y, fields"):
        encoder(model)
    with pytest.raises(WeightsError, match="has no output 'z'; its JSON must say"):
        encoder(model, "z")


def node(kind: str, *inputs: str, **attributes: object) -> list[onnx.NodeProto]:
    return [helper.make_node(kind, list(inputs), ["y"], **attributes)]


def identity(shape: tuple[object, ...], kind: int = TensorProto.FLOAT) -> onnx.ModelProto:
    given, found = (helper.make_tensor_value_info(name, kind, shape) for name in "xy")
    graph = helper.make_graph(node("Identity", "x"), "same", [given], [found])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)


def two_inputs() -> onnx.ModelProto:
    model = onnx_model()
    model.graph.input.append(helper.make_tensor_value_info("z", TensorProto.FLOAT, (1,)))
    return model


REFUSED: dict[str, tuple[Callable[[], onnx.ModelProto | bytes], str]] = {
    "a text": (lambda: b"hello", "the file is not an ONNX network"),
    "half a file": (lambda: onnx_model().SerializeToString()[:90], "the file is not an ONNX network"),
    "nothing": (lambda: b"", "the ONNX file holds no network"),
    "vectors": (
        lambda: identity(("n", 3)),
        r"input 'x' .* is tensor\(float\) \['n', 3\]; it must take float32 pictures",
    ),
    "other size": (lambda: identity(("n", 3, 45, 45)), r"\['n', 3, 45, 45\]; it must take .* \[N, 3, 30, 30\]"),
    "grey": (lambda: identity(("n", 1, 30, 30)), r"\['n', 1, 30, 30\]; it must take"),
    "doubles": (
        lambda: identity(("n", 3, 30, 30), TensorProto.DOUBLE),
        r"is tensor\(double\) .*; it must take float32",
    ),
    "two inputs": (two_inputs, "has 2 inputs; it must have one"),
    "a grid": (
        lambda: onnx_model(tail=node("Identity", "pooled"), outputs={"y": (None, 3, 2, 2)}),
        r"output 'y' of 1 pictures has shape \[1, 3, 2, 2\]; an embedding is one row a picture",
    ),
    "one row": (
        lambda: onnx_model(tail=node("ReduceMean", "fields", axes=[0]), shape=(4, 3, 30, 30), outputs={"y": (1, 12)}),
        r"output 'y' of 4 pictures has shape \[1, 12\]",
    ),
    "unknown operator": (
        lambda: onnx_model(tail=node("Nope", "fields", domain="evil")),
        "ONNX Runtime cannot open the network",
    ),
}


@pytest.mark.parametrize(("make", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_network_of_pictures_is_refused(make: Callable[[], onnx.ModelProto | bytes], message: str) -> None:
    with pytest.raises(WeightsError, match=message):
        encoder(make())


def test_an_embedding_too_long_to_index_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_network, "MAX_DIM", 4)
    with pytest.raises(WeightsError, match="one row a picture, of at most 4 numbers"):
        encoder(onnx_model())


def external(tensor: onnx.TensorProto) -> onnx.TensorProto:
    onnx.external_data_helper.set_external_data(tensor, "secrets.bin")
    tensor.ClearField("raw_data")
    return tensor


def numbers(name: str) -> onnx.TensorProto:
    return numpy_helper.from_array(np.ones(5, np.float32), name)


def test_an_initialiser_in_another_file_is_never_opened() -> None:
    with pytest.raises(WeightsError, match=re.escape("keeps tensor 'other' in another file; export it again")):
        encoder(onnx_model(tensors=(external(numbers("other")),)))


def test_a_constant_of_a_subgraph_in_another_file_is_never_opened() -> None:
    hidden = helper.make_node("Constant", [], ["c"], value=external(numbers("hidden")))
    branch = helper.make_graph([hidden], "b", [], [helper.make_tensor_value_info("c", TensorProto.FLOAT, (5,))])
    choice = helper.make_node("If", ["w"], ["y"], then_branch=branch, else_branch=branch)
    with pytest.raises(WeightsError, match="keeps tensor 'hidden' in another file"):
        encoder(onnx_model(tail=[choice]))


def branching(name: str = "") -> onnx.NodeProto:
    """Return an If with a constant in each branch."""
    constant = helper.make_node("Constant", [], ["c"], value=numbers("c"))
    branch = helper.make_graph([constant], "b", [], [helper.make_tensor_value_info("c", TensorProto.FLOAT, (5,))])
    return helper.make_node("If", ["w"], ["y"], name=name, then_branch=branch, else_branch=branch)


def in_a_function() -> onnx.ModelProto:
    model = onnx_model(tail=[helper.make_node("Choose", ["fields"], ["y"], domain="own")])
    function = helper.make_function("own", "Choose", ["w"], ["y"], [branching("deep")], [helper.make_opsetid("", 17)])
    model.functions.append(function)
    model.opset_import.append(helper.make_opsetid("own", 1))
    return model


def with_a_body(kind: str, **place: str) -> onnx.NodeProto:
    graph = helper.make_graph([helper.make_node("Identity", ["a"], ["b"])], "g", [], [])
    return helper.make_node(kind, ["fields"], ["y"], body=graph, **place)


CONTROL_FLOW: dict[str, tuple[Callable[[], onnx.ModelProto], str]] = {
    "a loop": (lambda: onnx_model(tail=loop_tail()), r"'spin' \(Loop\)"),
    "a choice without a name": (lambda: onnx_model(tail=[branching()]), r"'y' \(If\)"),
    "a scan": (lambda: onnx_model(tail=[with_a_body("Scan", name="over")]), r"'over' \(Scan\)"),
    "a loop of another domain": (
        lambda: onnx_model(tail=[with_a_body("BeamSearch", domain="com.microsoft")]),
        r"'y' \(BeamSearch\)",
    ),
    "in a function": (in_a_function, r"'deep' \(If\)"),
    "in an operator that says nothing": (
        lambda: onnx_model(tail=[helper.make_node("Loop", ["fields"], ["y"], domain="evil")]),
        r"'y' \(Loop\)",
    ),
}


@pytest.mark.parametrize(("make", "node"), CONTROL_FLOW.values(), ids=CONTROL_FLOW)
def test_a_network_that_decides_how_long_it_runs_is_refused(make: Callable[[], onnx.ModelProto], node: str) -> None:
    with pytest.raises(WeightsError, match=f"the ONNX network has node {node}; .*without control flow"):
        encoder(make())
