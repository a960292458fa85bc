"""Sessions of ONNX Runtime on the CPU: how they are opened, and the errors they raise."""

import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as engine

from mlcore.errors import WeightsError, brief

ENGINE_ERRORS = (
    engine.EPFail,
    engine.Fail,
    engine.InvalidArgument,
    engine.InvalidGraph,
    engine.InvalidProtobuf,
    engine.NoModel,
    engine.NotImplemented,
    engine.RuntimeException,
)


def open_session(data: bytes, threads: int) -> onnxruntime.InferenceSession:
    """Return a session of a network, which may run in several threads at once.

    Raises:
        WeightsError: ONNX Runtime cannot open it.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 4  # what is wrong is raised, once
    options.use_deterministic_compute = True
    try:
        return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except ENGINE_ERRORS as error:
        raise WeightsError(f"ONNX Runtime cannot open the network: {brief(error)}") from error
