"""Two processes train what one does."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from mlcore.artifacts import read_json
from mlcore.datasets import DatasetFolder
from mlcore.errors import ProtocolError
from mlcore.losses import LOSSES
from mlcore.networks.backbones import BackboneSpec, build_backbone, synchronised_batch_norm
from mlcore.training.checkpoint import latest_checkpoint
from mlcore.training.distributed import ProcessGroup, join_process_group, require_shareable
from mlcore.training.train import train
from tests.mlcore.ranks import SHARED, STOPPED
from tests.mlcore.tiny import paths_in, tiny_protocol

FIGURES = ("proxy_gradient_norm", "network_gradient_norm", "positive_cosine", "negative_cosine")
ROOT = Path(__file__).resolve().parents[3]


def torchrun(*arguments: object, processes: int = 2) -> subprocess.CompletedProcess[str]:
    """Start processes that see no GPU: the same ones everywhere, also where nccl would need more GPUs."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes), "-m"]
    return subprocess.run(
        [*command, *map(str, arguments)], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=240
    )


@pytest.fixture(scope="module")
def trained(wings: DatasetFolder, cache_root: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """What one process and what two trained: a folder for each run of SHARED, and `stopped`."""
    folders = {processes: tmp_path_factory.mktemp(f"by-{processes}") for processes in (1, 2)}
    for processes, out in folders.items():
        ended = torchrun("tests.mlcore.ranks", "train_all", wings.folder, cache_root, out, processes=processes)
        assert ended.returncode == 0, ended.stderr
    return folders


@pytest.fixture
def together(trained: dict[int, Path]) -> Path:
    return trained[2]


def figures_of(folder: Path, name: str) -> list[float]:
    return [json.loads(line)[name] for line in (folder / "history.jsonl").read_text().splitlines()]


def losses_of(folder: Path) -> list[float]:
    return figures_of(folder, "loss")


@pytest.mark.parametrize("name", [*SHARED, "stopped"])
def test_two_processes_train_what_one_does(name: str, trained: dict[int, Path]) -> None:
    alone, together = trained[1] / name, trained[2] / name
    assert losses_of(together) == pytest.approx(losses_of(alone), abs=1e-5, rel=0)
    for figure in FIGURES if LOSSES[SHARED.get(name, STOPPED).loss].has_proxies else FIGURES[1:]:
        assert figures_of(together, figure) == pytest.approx(figures_of(alone, figure), rel=1e-3), figure
    weights, expected = (load_file(folder / "model.safetensors") for folder in (together, alone))
    assert weights.keys() == expected.keys()
    for key, tensor in expected.items():
        # Adam turns a rounding of a gradient near zero into a step, of which a tenth is allowed; on some processors
        # a few of thousands of gradients are nothing but rounding, and take whole steps.
        apart = ~torch.isclose(weights[key], tensor, atol=1e-4, rtol=1e-4)
        assert apart.float().mean() <= 0.002 and (weights[key] - tensor).abs().max() <= 0.01, key
    left, expected_files = (sorted(path.name for path in folder.iterdir()) for folder in (together, alone))
    assert left == expected_files
    assert read_json(together / "metrics.json")["queries"] == read_json(alone / "metrics.json")["queries"]


def test_a_stop_asked_of_one_process_stops_both(together: Path) -> None:
    for rank in (0, 1):
        assert "start it again to resume" in (together / f"stopped-{rank}.txt").read_text()
    assert len(losses_of(together / "stopped")) == STOPPED.protocol.epochs


def test_statistics_that_cpus_cannot_share_are_refused_by_every_process(together: Path) -> None:
    for rank in (0, 1):
        assert "set batch_norm to frozen" in (together / f"refused-{rank}.txt").read_text()


def test_a_process_out_of_memory_tries_by_itself_ends_the_other_and_keeps_the_epoch(
    wings: DatasetFolder, cache_root: Path, tmp_path: Path
) -> None:
    ended = torchrun("tests.mlcore.ranks", "fail_in_last", wings.folder, cache_root, tmp_path)
    assert ended.returncode != 0
    assert "out of memory (the last process is full) at epoch 2, step 2, with a batch of 8 pictures" in ended.stderr
    assert "the checkpoint of epoch 1 is kept. A batch of 4 fits (tried)" in ended.stderr
    assert "another process of this training has ended" in ended.stderr
    assert not (tmp_path / "failed").exists()
    paths = paths_in(tmp_path, cache_root, "failed")
    assert latest_checkpoint(paths.work) == paths.work / "epoch-1"
    train(STOPPED, wings, paths)  # one process takes up what two began
    assert len(losses_of(paths.out)) == STOPPED.protocol.epochs


def test_the_command_line_trains_in_two_processes_and_one_speaks(
    wings: DatasetFolder, cache_root: Path, tmp_path: Path
) -> None:
    protocol = tmp_path / "protocol.json"
    protocol.write_text(json.dumps(tiny_protocol(epochs=1, batch_norm="frozen").to_json()))
    options = ["--data", wings.folder, "--out", tmp_path / "run", "--cache", cache_root, "--protocol", protocol]
    ended = torchrun("mlcore", "train", *options, "--loss", "proxy_anchor", "--events", "jsonl")
    assert ended.returncode == 0, ended.stderr
    heard = [json.loads(line) for line in ended.stdout.splitlines()]
    assert [event["event"] for event in heard if event["event"] != "progress"] == ["epoch", "metrics"]
    assert heard[-1]["map_at_r"] == read_json(tmp_path / "run" / "metrics.json")["map_at_r"]


def test_parts_of_a_batch_differ_by_one_row_at_most_and_make_the_batch() -> None:
    batch = np.array([5, 3, 8, 1, 9, 2, 7])
    parts = [ProcessGroup(rank, 3).own_part(batch) for rank in range(3)]
    assert [len(part) for part in parts] == [3, 2, 2]
    assert np.concatenate(parts).tolist() == batch.tolist()


def test_a_batch_smaller_than_the_processes_is_refused() -> None:
    with pytest.raises(ProtocolError, match="a batch of 2 pictures cannot be shared by 3 processes; raise batch_size"):
        ProcessGroup(0, 3).own_part(np.array([4, 6]))


def test_a_group_of_one_leaves_everything_as_it_is() -> None:
    group, embeddings = ProcessGroup(), torch.randn(3, 2, requires_grad=True)
    assert group.gather(embeddings, 3) is embeddings
    assert group.own_part(batch := np.arange(3)).tolist() == batch.tolist()
    assert (group.any(True), group.any(False)) == (True, False)
    assert group.broadcast_object(lambda: 5) == group.main_first(lambda: 5) == 5
    before = torch.get_rng_state()
    group.broadcast_random_state()
    assert torch.equal(torch.get_rng_state(), before)


def test_without_torchrun_a_process_is_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with join_process_group() as group:
        assert group == ProcessGroup()
    assert not torch.distributed.is_initialized()


def test_more_processes_than_gpus_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    changes: dict[str, Any] = {"WORLD_SIZE": "2", "RANK": "1", "LOCAL_RANK": "1"}
    for name, value in changes.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(ProtocolError, match="this machine has 1 GPUs, .* lower --nproc-per-node"), join_process_group():
        pass


@pytest.mark.parametrize("changes", [{"batch_norm": "frozen"}, {"batch_norm": "trained", "trains": "head"}])
def test_batch_norms_that_do_not_learn_statistics_can_be_shared(changes: dict[str, str]) -> None:
    require_shareable(tiny_protocol(**changes), ProcessGroup(0, 2))


def test_every_batch_norm_of_a_backbone_is_synchronised() -> None:
    backbone = build_backbone(BackboneSpec("test_resnet", "scratch"))
    before = {name for name, child in backbone.named_modules() if isinstance(child, torch.nn.BatchNorm2d)}
    keys = backbone.state_dict().keys()
    shared = synchronised_batch_norm(backbone)
    after = {name for name, child in shared.named_modules() if isinstance(child, torch.nn.SyncBatchNorm)}
    assert before and after >= before
    assert shared.state_dict().keys() == keys
