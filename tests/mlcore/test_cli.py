"""The command line does everything end to end, and says in a sentence what it refuses."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlcore.artifacts import read_json
from mlcore.cli import main
from mlcore.config import PRESETS
from mlcore.datasets import DatasetFolder
from mlcore.losses import LOSSES
from mlcore.runs import RunSpec
from mlcore.training.train import train
from tests.mlcore.onnx_models import stored_onnx
from tests.mlcore.tiny import model_bytes, paths_in, tiny_protocol, tiny_spec
from tests.retrieval.pictures import write_folder

pytestmark = pytest.mark.usefixtures("own_signals", "one_thread")

ROOT = Path(__file__).parents[2]
Capture = pytest.CaptureFixture[str]


def answer(capsys: Capture, *arguments: object) -> Any:
    """Run a command that must succeed; return its JSON document, the only thing on standard output."""
    status = main([*map(str, arguments), "--json"])
    printed = capsys.readouterr()
    assert status == 0, printed.err
    return json.loads(printed.out)


def refusal(capsys: Capture, *arguments: object) -> str:
    """Run a command that must be refused; return its sentence, the only thing that it says."""
    assert main([*map(str, arguments)]) == 1
    printed = capsys.readouterr()
    assert printed.out == "" and printed.err.count("\n") == 1
    return printed.err.removeprefix("error: ").rstrip("\n")


def training(data: Path, out: Path, cache: Path, *more: object, loss: str = "soft_triple") -> list[str]:
    """Return the arguments of a small training."""
    protocol = out.with_name("protocol.json")
    protocol.write_text(json.dumps(tiny_protocol().to_json()))
    words = ["train", "--data", data, "--out", out, "--cache", cache, "--protocol", protocol, "--loss", loss]
    return [str(word) for word in (*words, "--threads", 1, *more)]


def test_losses_are_listed_with_their_defaults(capsys: Capture) -> None:
    listed = {row["name"]: row for row in answer(capsys, "losses")}
    assert set(listed) == set(LOSSES)
    assert listed["soft_triple"]["centers"] == 10 and listed["soft_triple"]["family"] == "proxies"
    assert main(["losses"]) == 0
    assert "Multi-Similarity" in capsys.readouterr().out


def test_from_pictures_to_an_answer(capsys: Capture, tmp_path: Path) -> None:
    data, run, cache = tmp_path / "data", tmp_path / "run", tmp_path / "cache"
    report = answer(capsys, "datasets", "wings:species=8,per_class=6,size=32", "--out", data)
    assert (report["images"], report["train_classes"]) == (48, 4)

    metrics = answer(capsys, *training(data, run, cache, "--param", "centers=2", "--set", "epochs=2"))
    assert metrics["queries"] == 24 and metrics == read_json(run / "metrics.json")
    described = read_json(run / "model.json")
    assert (described["params"]["centers"], described["protocol"]["epochs"]) == (2, 2)

    embedded = answer(capsys, "embed", "--model", run, "--data", data, "--out", tmp_path / "again", "--cache", cache)
    assert (embedded["pictures"], embedded["dim"]) == (48, 16)
    embeddings = np.load(run / "embeddings.npy")
    assert np.abs(np.load(tmp_path / "again" / "embeddings.npy") - embeddings).max() < 1e-5

    manifest = answer(capsys, "index", "--model", run, "--out", tmp_path / "index")
    assert manifest["count"] == 48
    picture = data / "images" / (run / "images.csv").read_text().splitlines()[6].split(",")[2]
    found = answer(capsys, "search", picture, "--model", run, "--index", tmp_path / "index", "--k", 3)
    assert [hit["rank"] for hit in found] == [1, 2, 3]
    assert found[0]["id"] == 5 and found[0]["similarity"] > 0.999
    assert found[0]["similarity"] >= found[1]["similarity"] >= found[2]["similarity"]


def test_embeddings_of_anybody_are_measured(capsys: Capture, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.array([[1, 0], [1, 0.1], [0, 1], [0.1, 1]]))
    (tmp_path / "y.csv").write_text("label\nape\nape\nbee\nbee\n")
    files = ("--embeddings", tmp_path / "x.npy", "--labels", tmp_path / "y.csv")
    metrics = answer(capsys, "evaluate", *files, "--clusters", "--k", 1, 2)
    assert metrics["recall_at"] == {"1": 1.0, "2": 1.0} and metrics["nmi"] == 1.0
    (tmp_path / "y.csv").write_text("label\nape\nape\nbee\n")
    assert "has shape (4, 2), y.csv has 3 labels" in refusal(capsys, "evaluate", *files)


def test_a_model_from_elsewhere_is_added_and_searched(
    capsys: Capture, wings: DatasetFolder, tmp_path: Path, cache_root: Path
) -> None:
    out, index, data = tmp_path / "out", tmp_path / "index", ("--data", wings.folder)
    metrics = answer(
        capsys, "add-model", "--weights", stored_onnx(tmp_path), *data, "--out", out, "--cache", cache_root
    )
    assert metrics == read_json(out / "metrics.json") and metrics["queries"] == 24
    assert answer(capsys, "index", "--model", out, "--out", index)["dim"] == 5
    picture = wings.picture_path(wings.pictures[5])
    found = answer(capsys, "search", picture, "--model", out, "--index", index, "--k", 1)
    assert found[0]["id"] == wings.pictures[5].id and found[0]["similarity"] > 0.999
    again = answer(capsys, "embed", "--model", out, *data, "--out", tmp_path / "again", "--cache", cache_root)
    assert (again["pictures"], again["dim"]) == (48, 5)


def test_embeddings_from_elsewhere_are_added_and_indexed_but_not_searched_with_a_picture(
    capsys: Capture, wings: DatasetFolder, tmp_path: Path
) -> None:
    out, index, images = tmp_path / "out", tmp_path / "index", tmp_path / "images.csv"
    np.save(tmp_path / "x.npy", np.random.default_rng(0).normal(size=(48, 4)))
    images.write_text("\n".join(["path", *(picture.path for picture in wings.pictures), ""]))
    files = ("--embeddings", tmp_path / "x.npy", "--images", images)
    metrics = answer(capsys, "add-embeddings", *files, "--data", wings.folder, "--out", out)
    assert metrics == read_json(out / "metrics.json") and metrics["queries"] == 24
    assert answer(capsys, "index", "--model", out, "--out", index)["count"] == 48
    picture = wings.picture_path(wings.pictures[5])
    assert "with pictures of its gallery only" in refusal(capsys, "search", picture, "--model", out, "--index", index)


def test_an_unknown_loss_is_refused_with_the_known_ones(
    capsys: Capture, wings: DatasetFolder, tmp_path: Path, cache_root: Path
) -> None:
    message = refusal(capsys, *training(wings.folder, tmp_path / "run", cache_root, loss="softtriple"))
    assert message == f"no loss named 'softtriple'; known: {', '.join(sorted(LOSSES))}"


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--param", "gama=1"], "SoftTriple has no parameter 'gama'; it has centers, scale, gamma, tau, margin"),
        (["--param", "gamma=0"], "gamma must be positive, got 0"),
        (["--param", "gamma"], "expected NAME=VALUE, got 'gamma'"),
        (["--set", "epochs=many"], "epochs must be a whole number, got 'many'"),
        (["--set", "backbone=resnet9000"], "timm has no backbone named 'resnet9000'"),
        (["--measured-on", "validation"], "there are no validation pictures to measure on; set validation_classes"),
        (["--preset", "dmeo"], "no protocol named 'dmeo'; known: " + ", ".join(PRESETS)),
        (["--data", "/nowhere"], "nowhere is not an imported data set"),
        (["--weights", "/nowhere/x.safetensors"], "asks for scratch weights and would not use x.safetensors"),
        (["--set", "weights=local", "--weights", "/nowhere/x.safetensors"], "x.safetensors is not there"),
        (["--seed", "-1"], "seed must be at least 0"),
    ],
)
def test_what_cannot_be_trained_is_refused_in_one_sentence(
    capsys: Capture, wings: DatasetFolder, tmp_path: Path, cache_root: Path, more: list[str], message: str
) -> None:
    assert message in refusal(capsys, *training(wings.folder, tmp_path / "run", cache_root, *more))
    assert not (tmp_path / "run").exists()


def test_a_folder_that_is_there_is_never_written_over(
    capsys: Capture, wings: DatasetFolder, tmp_path: Path, cache_root: Path
) -> None:
    (tmp_path / "run").mkdir()
    message = refusal(capsys, *training(wings.folder, tmp_path / "run", cache_root))
    assert message == f"{tmp_path / 'run'} is already there; choose another folder"


def test_an_error_is_an_event_for_whoever_reads_events(
    capsys: Capture, wings: DatasetFolder, tmp_path: Path, cache_root: Path
) -> None:
    words = training(wings.folder, tmp_path / "run", cache_root, "--events", "jsonl", loss="softtriple")
    assert main(words) == 1
    (event,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert event["event"] == "error" and event["message"].startswith("no loss named 'softtriple'")


class Child:
    """`python -m mlcore train` in a process of its own."""

    def __init__(self, arguments: list[str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "mlcore", *arguments],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def events(self) -> Iterator[dict[str, Any]]:
        assert self.process.stdout is not None
        return map(json.loads, self.process.stdout)

    def end(self) -> int:
        """Return the exit status once the process has ended."""
        self.process.communicate(timeout=120)
        return self.process.returncode


@pytest.mark.parametrize(
    ("loss", "number", "status"), [("soft_triple", signal.SIGKILL, -9), ("multi_similarity", signal.SIGTERM, 3)]
)
def test_a_training_that_got_a_signal_is_resumed_without_a_difference(
    capsys: Capture,
    wings: DatasetFolder,
    tmp_path: Path,
    cache_root: Path,
    loss: str,
    number: signal.Signals,
    status: int,
) -> None:
    words = training(wings.folder, tmp_path / "run", cache_root, "--events", "jsonl", loss=loss)
    child = Child(words)
    for event in child.events():
        if event["event"] == "epoch":
            child.process.send_signal(number)
            break
    last = [event for event in child.events()][-1:]
    assert child.end() == status
    assert number == signal.SIGKILL or last[0]["event"] == "stopped"
    assert not (tmp_path / "run").exists()

    assert main(words) == 0
    resumed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert min(event["done"] for event in resumed if event.get("phase") == "train") >= 3
    whole = paths_in(tmp_path, cache_root, "whole")
    metrics = train(RunSpec(protocol=tiny_protocol(), loss=loss), wings, whole)
    assert model_bytes(tmp_path / "run") == model_bytes(whole.out)
    assert resumed[-1] == {"event": "metrics", **json.loads(json.dumps(metrics))}


PARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-m", "mlcore", *sys.argv[1:]], stdin=subprocess.PIPE)
print(child.pid, flush=True)
time.sleep(600)
"""


def test_a_child_training_ends_with_its_parent(wings: DatasetFolder, tmp_path: Path, cache_root: Path) -> None:
    words = training(wings.folder, tmp_path / "run", cache_root, "--child", "--set", "epochs=10000")
    parent = subprocess.Popen([sys.executable, "-c", PARENT, *words], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    time.sleep(0.5)  # it is alive and, most likely, importing torch: that must not make it deaf
    os.kill(child, 0)
    parent.kill()
    parent.communicate(timeout=60)  # returns once nobody holds the pipe, which the child inherited


def test_validation_figures_stand_in_the_lines_about_epochs(
    capsys: Capture, wings: DatasetFolder, tmp_path: Path, cache_root: Path
) -> None:
    changes = ["validation_classes=2", "selection=validation", "epochs=1"]
    words = training(
        wings.folder, tmp_path / "run", cache_root, *(word for text in changes for word in ("--set", text))
    )
    assert main(words) == 0
    printed = capsys.readouterr()
    assert "epoch 1/1  loss " in printed.err and "validation MAP@R 0." in printed.err
    assert "map_at_r" in printed.out
    assert read_json(tmp_path / "run" / "model.json")["seed"] == tiny_spec().seed


def test_a_reader_who_has_enough_is_no_error() -> None:
    command = f"{sys.executable} -m mlcore losses | head -1; exit ${{PIPESTATUS[0]}}"
    ended = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60, check=False)
    assert ended.stdout.startswith("name") and ended.stderr == ""
    assert ended.returncode in (0, 141)  # 0 where the pipe took all before it was closed


# --- the preview of an import


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Return a folder of four classes."""
    return write_folder(tmp_path / "birds", {"wren": 3, "robin": 3, "finch": 3, "tit": 3})


def test_a_preview_stores_nothing_and_needs_no_folder(capsys: Capture, pictures: Path) -> None:
    found = answer(capsys, "datasets", pictures, "--preview", "--rename", "wren=Jenny wren", "--split", "halves")
    assert (found["reader"], found["images"], found["refusal"]) == ("folder", 12, "")
    assert found["choices"] == {"split": "halves", "class_names": {"wren": "Jenny wren"}}
    assert [row["name"] for row in found["first_classes"]] == ["finch", "robin", "tit", "Jenny wren"]
    assert all(row["pictures"] == [] for row in found["first_classes"])
    assert list(pictures.parent.iterdir()) == [pictures]


def test_a_preview_is_readable_without_json(capsys: Capture, pictures: Path) -> None:
    assert main(["datasets", str(pictures), "--preview"]) == 0
    printed = capsys.readouterr().out
    for text in ("folder", "one folder a class", "finch (3), robin (3)", "6 pictures of 2 classes"):
        assert text in printed
    assert main(["datasets", str(pictures), "--preview", "--reader", "pets"]) == 1
    assert "Oxford-IIIT Pets" in capsys.readouterr().out


def test_an_import_takes_the_same_choices(capsys: Capture, pictures: Path, tmp_path: Path) -> None:
    report = answer(capsys, "datasets", pictures, "--out", tmp_path / "out", "--rename", "wren=Jenny wren")
    assert report["classes"] == 4
    assert "Jenny wren" in read_json(tmp_path / "out" / "dataset.json")["classes"]
    assert "--preview" in refusal(capsys, "datasets", pictures)
    assert "pets" in refusal(capsys, "datasets", pictures, "--out", tmp_path / "other", "--reader", "pet")
