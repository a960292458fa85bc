"""An external model embeds in a process that ends when it takes too long or too much, and gives what it gave here."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from mlcore.datasets import DatasetFolder
from mlcore.errors import CheckpointError, EncoderFailed, ExplanationError, WeightsError
from mlcore.external.external_models import add_model
from mlcore.images.preprocessing import Preprocessing
from mlcore.inference import onnx_network
from mlcore.inference.encoder_messages import READY, header_of
from mlcore.inference.encoder_process import BATCH, EncoderProcess, ProcessLimits
from mlcore.inference.explain import explain_pixels
from mlcore.inference.model_files import load_encoder, write_description
from mlcore.inference.onnx_network import OnnxEncoder
from tests.mlcore.external.test_external_models import stored_timm
from tests.mlcore.onnx_models import PLAIN, large_model, loop_tail, onnx_model, slow_model, stored_onnx
from tests.mlcore.tiny import flip_byte

pytestmark = pytest.mark.usefixtures("one_thread")

MEGABYTE = 2**20
LIMITS = ProcessLimits(start_seconds=60, batch_seconds=60, memory_bytes=1024 * MEGABYTE)


@contextmanager
def process(folder: Path, argv: list[str] | None = None, **limits: float) -> Iterator[EncoderProcess]:
    values: dict[str, Any] = {**vars(LIMITS), **limits}
    encoder = EncoderProcess(folder, ProcessLimits(**values), argv=argv or ())
    try:
        yield encoder
    finally:
        encoder.close()


def stored(folder: Path, wings: DatasetFolder, model: onnx.ModelProto) -> Path:
    """Store an ONNX network as `add_model` does, without measuring it."""
    folder.mkdir()
    data = model.SerializeToString()
    encoder = OnnxEncoder(data, Preprocessing(32, 30, tuple(PLAIN["mean"]), tuple(PLAIN["std"])))
    (folder / "model.onnx").write_bytes(data)
    write_description(folder, encoder, {"kind": "onnx", "output": ""}, wings)
    return folder


@pytest.fixture
def tiny(wings: DatasetFolder, tmp_path: Path) -> Path:
    return stored(tmp_path / "tiny", wings, onnx_model())


def noise(count: int, side: int = 30) -> NDArray[np.uint8]:
    return np.random.default_rng(2).integers(0, 256, (count, side, side, 3), dtype=np.uint8)


def white() -> NDArray[np.uint8]:
    return np.full((1, 30, 30, 3), 255, np.uint8)


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def ends_soon(pid: int) -> bool:
    until = time.monotonic() + 20
    while not is_gone(pid) and time.monotonic() < until:
        time.sleep(0.02)
    return is_gone(pid)


def test_a_network_embeds_as_it_does_in_this_process(tiny: Path) -> None:
    here = load_encoder(tiny)
    with process(tiny) as there:
        assert there.dim == here.dim and there.preprocessing == here.preprocessing
        assert there.weights_sha256 == here.weights_sha256
        for count in (1, BATCH, 2 * BATCH + 1):
            assert np.abs(there.embed_pixels(noise(count)) - here.embed_pixels(noise(count))).max() < 1e-6
        with pytest.raises(ExplanationError, match="it is in ONNX"):
            there.explain_pixels(noise(2))
        assert not there.has_ended
    assert is_gone(there.pid)


def test_a_backbone_embeds_and_explains_as_it_does_in_this_process(
    wings: DatasetFolder, tmp_path: Path, cache_root: Path
) -> None:
    add_model(stored_timm(tmp_path, "test_resnet", short_side=40, crop=32), wings, tmp_path / "out", cache_root)
    here, pixels = load_encoder(tmp_path / "out"), noise(2, 32)
    with process(tmp_path / "out") as there:
        assert np.abs(there.embed_pixels(pixels) - here.embed_pixels(pixels)).max() < 1e-6
        found, wanted = there.explain_pixels(pixels), explain_pixels(here, pixels)
    assert found.reason == wanted.reason and abs(found.score - wanted.score) < 1e-6
    assert np.abs(found.first - wanted.first).max() < 1e-6 and np.abs(found.second - wanted.second).max() < 1e-6


def test_a_batch_that_takes_too_long_ends_the_process(wings: DatasetFolder, tmp_path: Path) -> None:
    with process(stored(tmp_path / "slow", wings, slow_model()), batch_seconds=1) as encoder:
        assert encoder.embed_pixels(noise(3)).shape == (3, 5)
        with pytest.raises(EncoderFailed, match="did not answer within 1 s"):
            encoder.embed_pixels(white())  # which takes a minute and more
        assert encoder.has_ended and is_gone(encoder.pid)


def test_a_batch_that_takes_too_much_memory_ends_the_process(wings: DatasetFolder, tmp_path: Path) -> None:
    with process(stored(tmp_path / "large", wings, large_model()), memory_bytes=300 * MEGABYTE) as encoder:
        assert encoder.embed_pixels(noise(3)).shape == (3, 5)
        with pytest.raises(EncoderFailed, match="took more than 300 MB"):
            encoder.embed_pixels(white())
        assert is_gone(encoder.pid)


def test_a_process_that_is_killed_is_a_failure_with_its_signal(wings: DatasetFolder, tmp_path: Path) -> None:
    with process(stored(tmp_path / "slow", wings, slow_model())) as encoder:
        killer = subprocess.Popen(["sh", "-c", f"sleep 0.3; kill -9 {encoder.pid}"])
        with pytest.raises(EncoderFailed, match=r"killed by signal 9 \(SIGKILL\)"):
            encoder.embed_pixels(white())
        killer.wait()
        assert is_gone(encoder.pid)


def test_what_is_damaged_is_refused_as_it_is_here(tiny: Path) -> None:
    flip_byte(tiny / "model.onnx")
    with pytest.raises(CheckpointError, match="the weights .* are damaged"), process(tiny):
        pytest.fail("it must not load")


def test_a_stored_network_with_control_flow_is_refused(
    wings: DatasetFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as before:  # as it was stored before such networks were refused
        before.setattr(onnx_network, "_has_control_flow", lambda node: False)
        folder = stored(tmp_path / "looping", wings, onnx_model(tail=loop_tail()))
    with pytest.raises(WeightsError, match=r"has node 'spin' \(Loop\)"), process(folder):
        pytest.fail("it must not load")


BODY = b'{"dim": 5, "batch": 0}'
SENT = "import sys, time\ndef send(data):\n    sys.stdout.buffer.write(data)\n    sys.stdout.buffer.flush()\n"
SAYS_READY = f"{SENT}send({header_of(READY, BODY) + BODY!r})\n"
HEARS = f"{SAYS_READY}sys.stdin.buffer.read(9)\n"
WAITS = "\ntime.sleep(60)"
DOUBLES = {
    "it never reads": (SAYS_READY + WAITS, "did not answer within 1 s"),
    "garbage": (HEARS + "send(b'hello, world')" + WAITS, "is no answer"),
    "a wrong kind": (HEARS + f"send({header_of(READY, BODY) + BODY!r})" + WAITS, "is no answer"),
    "an answer before the question": (
        f"{SAYS_READY}time.sleep(0.5)\nsend({header_of(b'V', b'abcd') + b'abcd'!r})" + WAITS,  # not with the first
        "is no answer",
    ),
    "too few numbers": (HEARS + f"send({header_of(b'V', b'abcd') + b'abcd'!r})" + WAITS, "is no answer"),
    "an error that is none": (HEARS + f"send({header_of(b'P', b'[]') + b'[]'!r})" + WAITS, "is no answer"),
    "an answer without end": (HEARS + "send(b'KNE1V' + b'\\xff' * 4)" + WAITS, "is no answer"),
    "much on standard error": (
        SAYS_READY + "sys.stderr.write('x' * 3_000_000 + '\\nlast words')\nsys.exit(3)",
        "exit code 3: last words",
    ),
}


@pytest.mark.parametrize(("script", "message"), DOUBLES.values(), ids=DOUBLES)
def test_a_process_that_does_not_keep_to_the_protocol_is_ended(tiny: Path, script: str, message: str) -> None:
    with process(tiny, [sys.executable, "-c", script], batch_seconds=1) as encoder:
        with pytest.raises(EncoderFailed, match=message):
            encoder.embed_pixels(noise(BATCH, 400))  # more than a pipe holds
        assert is_gone(encoder.pid)


def test_a_process_that_never_loads_is_ended(tiny: Path) -> None:
    argv = [sys.executable, "-c", "import time; time.sleep(60)"]
    with pytest.raises(EncoderFailed, match="within 0.5 s"), process(tiny, argv, start_seconds=0.5):
        pytest.fail("it says nothing")


def test_a_process_that_cannot_be_started_is_a_failure(tiny: Path) -> None:
    with pytest.raises(EncoderFailed, match=r"could not be started \(No such file"), process(tiny, ["/nowhere"]):
        pytest.fail("there is no such program")


def test_the_process_knows_no_secret_of_its_parent(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "very secret")
    monkeypatch.setenv("DATABASE_URL", "postgres://secret")
    with process(tiny) as encoder:
        environment = Path(f"/proc/{encoder.pid}/environ").read_bytes()
    assert b"PATH=" in environment and b"secret" not in environment.lower()


def test_the_process_goes_with_its_parent_even_while_it_computes(wings: DatasetFolder, tmp_path: Path) -> None:
    folder = stored(tmp_path / "slow", wings, slow_model())
    script = (
        "import sys, numpy as np; from pathlib import Path\n"
        "from mlcore.inference.encoder_process import EncoderProcess, ProcessLimits\n"
        "encoder = EncoderProcess(Path(sys.argv[1]), ProcessLimits(60, 60, 2**30))\n"
        "print(encoder.pid, flush=True)\n"
        "encoder.embed_pixels(np.full((1, 30, 30, 3), 255, np.uint8))\n"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(folder)], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        time.sleep(0.3)
        parent.kill()
    assert ends_soon(pid)


def test_a_process_goes_on_when_the_thread_that_started_it_has_ended(tiny: Path) -> None:
    with ThreadPoolExecutor(1) as pool:
        encoder = pool.submit(EncoderProcess, tiny, LIMITS).result()
    try:
        assert encoder.embed_pixels(noise(1)).shape == (1, 5)
    finally:
        encoder.close()


def test_a_trial_that_takes_too_long_ends_with_a_sentence(wings: DatasetFolder, tmp_path: Path) -> None:
    file = stored_onnx(tmp_path, slow_model(), **PLAIN)
    command = ["add-model", "--weights", str(file), "--data", str(wings.folder), "--out", str(tmp_path / "out")]
    limits = ["--start-seconds=0.05", "--batch-seconds=60", "--events", "jsonl", "--cache", str(tmp_path / "cache")]
    done = subprocess.run([sys.executable, "-m", "mlcore", *command, *limits], capture_output=True, text=True)
    assert done.returncode == 1 and '"event": "error"' in done.stdout
    assert "could not be loaded and tried within 0.05 s" in done.stdout and not (tmp_path / "out").exists()
