"""External networks in ONNX: checked before they run, and run by ONNX Runtime on the CPU."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import onnx
import onnxruntime
from google.protobuf.message import DecodeError, Message
from numpy.typing import NDArray

from mlcore.errors import WeightsError, brief
from mlcore.images.preprocessing import Preprocessing
from mlcore.inference.encoder_protocol import PictureEncoder
from mlcore.inference.onnx_session import ENGINE_ERRORS, open_session

MAX_DIM = 16_384
BATCH = 64
CONTROL_FLOW = frozenset({"Loop", "If", "Scan", "SequenceMap"})


class OnnxEncoder(PictureEncoder):
    """An ONNX network with one input [N, 3, crop, crop], float32, and its preprocessing.

    N may be dynamic or fixed. output: the name of the output [N, D] that is the embedding; "" where
    there is only one.

    Raises:
        WeightsError: the bytes are not ONNX, need other files or operators that ONNX Runtime does not have,
            hold control flow, or input and output have other shapes.
    """

    def __init__(
        self, data: bytes, preprocessing: Preprocessing, weights_sha256: str = "", *, output: str = "", threads: int = 1
    ) -> None:
        super().__init__(preprocessing, weights_sha256)
        _check_graph(data)
        self._session = open_session(data, threads)
        self._input, self._batch = _checked_input(self._session, preprocessing.crop)
        self._output = _chosen_output(self._session, output)
        shape = (1, preprocessing.crop, preprocessing.crop, 3)
        self._dim = int(self.embed_pixels(np.zeros(shape, np.uint8)).shape[1])

    @property
    def dim(self) -> int:
        """Length of an embedding."""
        return self._dim

    @property
    def batch(self) -> int:
        """How many pictures it must be given at a time; 0 where it takes any number."""
        return self._batch

    def embed_pixels(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return unit-length embeddings [N, dim] of prepared squares [N, crop, crop, 3]."""
        size = self._batch or BATCH
        blocks = [self._run(pixels[start : start + size]) for start in range(0, len(pixels), size)]
        embeddings = np.concatenate(blocks)
        lengths = np.linalg.norm(embeddings, axis=1, keepdims=True)
        unit: NDArray[np.float32] = embeddings / np.maximum(lengths, np.float32(1e-12))
        return unit

    def _run(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return raw outputs [N, D] of at most one batch; a fixed batch is filled up with black pictures."""
        missing = max(self._batch - len(pixels), 0)
        filled = np.pad(pixels, ((0, missing), (0, 0), (0, 0), (0, 0)))
        try:
            (found,) = self._session.run([self._output], {self._input: self._normalised(filled)})
        except ENGINE_ERRORS as error:
            raise WeightsError(f"the ONNX network cannot be run: {brief(error)}") from error
        if found.ndim != 2 or len(found) != len(filled) or not 1 <= found.shape[1] <= MAX_DIM:
            raise WeightsError(
                f"output {self._output!r} of {len(filled)} pictures has shape {list(found.shape)}; "
                f"an embedding is one row a picture, of at most {MAX_DIM} numbers"
            )
        rows: NDArray[np.float32] = found[: len(pixels)].astype(np.float32, copy=False)
        return rows

    def _normalised(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        mean, std = (np.array(values, np.float32) for values in (self.preprocessing.mean, self.preprocessing.std))
        scaled = (pixels.astype(np.float32) / np.float32(255) - mean) / std
        return np.ascontiguousarray(scaled.transpose(0, 3, 1, 2))


def _check_graph(data: bytes) -> None:
    """Refuse what is not ONNX, keeps tensors in files of its own choice on this machine, or has control flow."""
    try:
        model = onnx.load_model_from_string(data)
    except DecodeError as error:
        raise WeightsError("the file is not an ONNX network; export it again, in one file") from error
    if not model.graph.node:
        raise WeightsError("the ONNX file holds no network; export it again, in one file")
    messages = list(_messages(model))
    for tensor in (message for message in messages if isinstance(message, onnx.TensorProto)):
        if tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data:
            raise WeightsError(
                f"the ONNX network keeps tensor {tensor.name!r} in another file; export it again, in one file"
            )
    for node in (message for message in messages if isinstance(message, onnx.NodeProto)):
        if _has_control_flow(node):
            raise WeightsError(
                f"the ONNX network has node {node.name or ', '.join(node.output)!r} ({node.op_type}); "
                "a picture could let it run for ever, so export it again without control flow"
            )


def _has_control_flow(node: Any) -> bool:
    """Say whether a picture can decide how often a node computes something: whatever has a graph of its own."""
    graphs = (onnx.AttributeProto.GRAPH, onnx.AttributeProto.GRAPHS)
    return node.op_type in CONTROL_FLOW or any(attribute.type in graphs for attribute in node.attribute)


def _messages(message: Message) -> Iterator[Message]:
    """Yield a protobuf message and every one below: tensors and nodes, those of subgraphs and functions as well."""
    yield message
    if isinstance(message, onnx.TensorProto):
        return
    for field, value in message.ListFields():
        if field.message_type is not None:
            for child in value if field.is_repeated else [value]:
                yield from _messages(child)


def _checked_input(session: onnxruntime.InferenceSession, crop: int) -> tuple[str, int]:
    """Return the name of the only input and its fixed batch, 0 where it takes any number."""
    inputs = session.get_inputs()
    if len(inputs) != 1:
        raise WeightsError(f"the ONNX network has {len(inputs)} inputs; it must have one, pictures [N, 3, H, W]")
    (given,) = inputs
    wanted = (None, 3, crop, crop)
    fits = len(given.shape) == 4 and all(
        want is None or not isinstance(found, int) or found == want
        for found, want in zip(given.shape, wanted, strict=True)
    )
    if given.type != "tensor(float)" or not fits:
        raise WeightsError(
            f"input {given.name!r} of the ONNX network is {given.type} {given.shape}; "
            f"it must take float32 pictures [N, 3, {crop}, {crop}]"
        )
    return given.name, given.shape[0] if isinstance(given.shape[0], int) else 0


def _chosen_output(session: onnxruntime.InferenceSession, name: str) -> str:
    names = [output.name for output in session.get_outputs()]
    if not name and len(names) == 1:
        return str(names[0])
    if name not in names:
        asked = f"no output {name!r}" if name else f"{len(names)} outputs"
        raise WeightsError(
            f"the ONNX network has {asked}; its JSON must say as 'output' which is the embedding: {', '.join(names)}"
        )
    return name
