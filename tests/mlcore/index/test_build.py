"""A build is measured, proven and put in place whole, or leaves nothing."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlcore.errors import Stopped, VectorIndexError
from mlcore.index import IndexManifest, VectorIndex, build, build_index, load_index, writing
from mlcore.index.index_builder import IndexBuilder

PREPROCESSING = {"size": 224, "mean": [0.5, 0.5, 0.5]}


def built(folder: Path, embeddings: np.ndarray, ids: np.ndarray | None = None, **options: Any) -> IndexManifest:
    ids = np.arange(len(embeddings)) if ids is None else ids
    return build_index(folder, embeddings, ids, model_sha256="f" * 64, preprocessing=PREPROCESSING, **options)


def clustered(count: int, dim: int = 16) -> np.ndarray:
    random = np.random.default_rng(0)
    centres = np.repeat(random.standard_normal((count // 20, dim)), 20, axis=0)
    return centres + 0.3 * random.standard_normal((count, dim))


def test_a_built_index_finds_its_own_pictures_and_records_how_it_was_chosen(tmp_path: Path) -> None:
    rows, ids = clustered(1500), np.random.default_rng(1).permutation(9000)[:1500]
    manifest = built(tmp_path / "index", rows, ids)
    index = load_index(tmp_path / "index", model_sha256="f" * 64)
    assert index.search(rows, 1)[0][:, 0].tolist() == ids.tolist()
    assert (manifest.count, manifest.dim, manifest.space, manifest.format) == (1500, 16, "ip", 2)
    assert (manifest.queries, manifest.queries_unseen) == (1000, 300)
    assert manifest.meets_target and manifest.recall >= 0.99
    assert all(attempt.recall < 0.99 for attempt in manifest.attempts[:-1])
    assert manifest.attempts[-1].ef == manifest.ef == index.ef
    assert manifest.attempts[-1].M == manifest.M == 16
    assert manifest.attempts[-1].recall_at_10 == manifest.recall_at_10
    assert manifest.bytes == sum((tmp_path / "index" / name).stat().st_size for name in manifest.files)
    assert sorted(path.name for path in (tmp_path / "index").iterdir()) == [
        "ids.npy",
        "index.bin",
        "manifest.json",
        "vectors.npy",
    ]


def test_ef_is_raised_where_data_has_no_structure(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).standard_normal((5000, 128))
    manifest = built(tmp_path / "index", rows)
    first, *_, last = manifest.attempts
    assert first.ef == 50 and first.recall < 0.9
    assert first.recall_at_10 > first.recall + 0.1  # its own pictures alone would have hidden it
    assert last.ef >= 200 and last.recall >= 0.99
    assert all(attempt.recall < 0.99 for attempt in manifest.attempts[:-1])
    assert [attempt.ef for attempt in manifest.attempts] == list(build.CANDIDATES[: len(manifest.attempts)])
    assert load_index(tmp_path / "index").ef == last.ef
    strangers = np.random.default_rng(1).standard_normal((300, 128))
    index = load_index(tmp_path / "index")
    found, exact = index.search(strangers, 10)[1], index.exact_search(strangers, 10)[1]
    assert (found >= exact[:, -1:] - 1e-6).mean() > 0.98


def test_links_are_raised_where_no_ef_reaches_the_target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "CANDIDATES", (20, 40))
    monkeypatch.setattr(build, "LINKS", (2, 24))
    rows = np.random.default_rng(0).standard_normal((800, 8))
    manifest = built(tmp_path / "index", rows)
    assert [(attempt.M, attempt.ef) for attempt in manifest.attempts][:3] == [(2, 20), (2, 40), (24, 20)]
    assert manifest.M == 24 and manifest.meets_target


def test_a_target_out_of_reach_keeps_the_strongest_setting_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "CANDIDATES", (12,))
    monkeypatch.setattr(build, "LINKS", (2, 3))
    manifest = built(tmp_path / "index", np.random.default_rng(0).standard_normal((800, 64)))
    assert [(attempt.M, attempt.ef) for attempt in manifest.attempts] == [(2, 12), (3, 12)]
    assert (manifest.M, manifest.meets_target) == (3, False)
    assert load_index(tmp_path / "index").count == 800


@pytest.mark.parametrize("count", range(2, 21))
def test_tiny_sets_are_indexed_and_answered_exactly(tmp_path: Path, count: int) -> None:
    rows = np.random.default_rng(count).standard_normal((count, 3))
    manifest = built(tmp_path / "index", rows)
    assert manifest.recall_at_10 == 1.0 and manifest.meets_target
    assert (manifest.recall_unseen is None) == (count < 5)
    index = load_index(tmp_path / "index")
    for k in (1, count):
        assert index.search(rows, k)[0].tolist() == index.exact_search(rows, k)[0].tolist()


@pytest.mark.parametrize("distinct", [1, 3, 200])
def test_duplicated_vectors_do_not_break_it(tmp_path: Path, distinct: int) -> None:
    rows = np.random.default_rng(0).standard_normal((distinct, 8))[np.arange(1000) % distinct]
    manifest = built(tmp_path / "index", rows)
    assert manifest.recall == 1.0
    ids, scores = load_index(tmp_path / "index").search(rows[:1], 5)
    assert scores[0] == pytest.approx(1.0) and (ids[0] % distinct == 0).all()


def test_fewer_than_two_pictures_are_refused(tmp_path: Path) -> None:
    with pytest.raises(VectorIndexError, match="at least 2 pictures, got 1"):
        built(tmp_path / "index", np.ones((1, 3)))


@pytest.mark.parametrize("target", [0.0, 1.01, -1, float("nan")])
def test_a_target_that_is_no_share_is_refused(tmp_path: Path, target: float) -> None:
    with pytest.raises(VectorIndexError, match=f"target_recall must be .* got {target}"):
        built(tmp_path / "index", np.eye(3), target_recall=target)


def test_bad_embeddings_leave_nothing_behind(tmp_path: Path) -> None:
    rows = clustered(100)
    rows[3, 3] = np.nan
    with pytest.raises(VectorIndexError, match="embeddings: row 3 is not finite"):
        built(tmp_path / "index", rows)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("stop_at", ["index", "recall"])
def test_a_build_that_is_stopped_leaves_nothing_behind(tmp_path: Path, stop_at: str) -> None:
    def progress(phase: str, done: int, total: int) -> None:
        if phase == stop_at:
            raise Stopped("asked to stop")

    with pytest.raises(Stopped):
        built(tmp_path / "index", clustered(100), progress=progress)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    with pytest.raises(OSError, match="No space left"):
        built(tmp_path / "index", clustered(100))
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_answers_otherwise_than_memory_is_not_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = IndexBuilder.of(-clustered(100), np.arange(100)).grow()
    monkeypatch.setattr(writing, "load_index", lambda folder: other)
    rows = np.abs(clustered(100))
    with pytest.raises(VectorIndexError, match="answers otherwise"):
        built(tmp_path / "index", rows)
    assert list(tmp_path.iterdir()) == []


def test_a_published_index_is_never_overwritten(tmp_path: Path) -> None:
    built(tmp_path / "index", clustered(100))
    before = (tmp_path / "index" / "manifest.json").read_bytes()
    with pytest.raises(FileExistsError):
        built(tmp_path / "index", clustered(40))
    assert (tmp_path / "index" / "manifest.json").read_bytes() == before


def test_an_old_index_serves_while_a_new_one_is_built_beside_it(tmp_path: Path) -> None:
    rows = clustered(100)
    built(tmp_path / "old", rows)
    old: VectorIndex = load_index(tmp_path / "old")
    answers: list[int] = []
    built(tmp_path / "new", -rows, progress=lambda *_: answers.append(int(old.search(rows[:1], 1)[0][0, 0])))
    assert len(answers) > 1 and set(answers) == {0}
