"""An index grows in a copy: it answers as one built anew would, and the index it grew from stays as it is."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlcore.errors import StaleIndexError, Stopped, VectorIndexError
from mlcore.index import CannotGrow, Codes, IndexManifest, build_index, grow_index, growth, load_index, plan_growth
from mlcore.index.store import read_manifest

COUNT, DIM = 1500, 16
PREPROCESSING = {"size": 160}
SHA256 = "a" * 64


def clustered(count: int, seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    centres = np.random.default_rng(0).standard_normal((40, DIM))
    return centres[random.integers(40, size=count)] + 0.4 * random.standard_normal((count, DIM))


IDS = np.arange(COUNT) * 3 + 1
ROWS = clustered(COUNT, 1)
VECTOR_OF = {int(pk): row for pk, row in zip(IDS, ROWS, strict=True)}
NEW = np.arange(200) * 7  # between the others, before them and after; none of IDS
NEW = np.setdiff1d(NEW, IDS)
VECTOR_OF |= {int(pk): row for pk, row in zip(NEW, clustered(len(NEW), 2), strict=True)}
QUERIES = clustered(60, 3)


def rows_of(ids: np.ndarray) -> np.ndarray:
    return np.array([VECTOR_OF[int(pk)] for pk in ids]).reshape(len(ids), DIM)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("indexes") / "base"
    build_index(folder, ROWS, IDS, model_sha256=SHA256, preprocessing=PREPROCESSING)
    return folder


def grown(base: Path, folder: Path, ids: np.ndarray, **options: Any) -> IndexManifest:
    plan = plan_growth(base, ids, model_sha256=SHA256, preprocessing=PREPROCESSING)
    return grow_index(folder, plan, rows_of(plan.added), **options)


def require_answers_of_a_build(folder: Path, ids: np.ndarray) -> None:
    index = load_index(folder, model_sha256=SHA256, preprocessing=PREPROCESSING)
    assert index.ids.tolist() == sorted(ids.tolist())
    unit = rows_of(index.ids) / np.linalg.norm(rows_of(index.ids), axis=1, keepdims=True)
    assert np.abs(index.vectors_of(index.ids) - unit).max() < 1e-6
    found, exact = index.search(QUERIES, 10), index.exact_search(QUERIES, 10)
    assert np.isin(found[0], ids).all()
    assert (found[1] >= exact[1][:, -1:] - 1e-6).mean() >= 0.99
    assert index.search(unit, 1)[0][:, 0].tolist() == index.ids.tolist()


def test_pictures_are_added_and_deleted_in_a_copy(base: Path, tmp_path: Path) -> None:
    before = {file.name: file.read_bytes() for file in base.iterdir()}
    kept = np.delete(IDS, np.arange(0, COUNT, 9))
    manifest = grown(base, tmp_path / "grown", np.concatenate([NEW, kept]))
    require_answers_of_a_build(tmp_path / "grown", np.concatenate([NEW, kept]))
    origin = manifest.origin
    assert (origin.added, origin.deleted, origin.restored, origin.dead) == (len(NEW), 167, 0, 167)
    assert origin.base == read_manifest(base).checksum and manifest.meets_target
    assert {file.name: file.read_bytes() for file in base.iterdir()} == before


def test_a_picture_that_comes_back_is_restored_without_its_embedding(base: Path, tmp_path: Path) -> None:
    kept = IDS[50:]
    grown(base, tmp_path / "less", kept)
    plan = plan_growth(tmp_path / "less", IDS, model_sha256=SHA256, preprocessing=PREPROCESSING)
    assert len(plan.added) == 0 and plan.restored.tolist() == IDS[:50].tolist()
    manifest = grow_index(tmp_path / "again", plan, rows_of(plan.added))
    assert manifest.origin.restored == 50 and manifest.origin.dead == 0
    require_answers_of_a_build(tmp_path / "again", IDS)


def test_an_index_grows_from_one_that_grew(base: Path, tmp_path: Path) -> None:
    folder, ids = base, IDS
    for step in range(4):
        ids = np.concatenate([ids[20:], NEW[step * 20 : step * 20 + 20]])
        grown(folder, tmp_path / str(step), ids)
        folder = tmp_path / str(step)
    manifest = read_manifest(folder)
    assert manifest.origin.dead == 80 and manifest.origin.built_recall == read_manifest(base).recall
    require_answers_of_a_build(folder, ids)


def test_new_classes_alone_change_the_codes_alone(base: Path, tmp_path: Path) -> None:
    codes = Codes.of(IDS % 7, ["train", "test", "gallery"] * 500)
    manifest = grown(base, tmp_path / "grown", IDS, codes=codes)
    assert (manifest.origin.added, manifest.origin.deleted) == (0, 0)
    index = load_index(tmp_path / "grown")
    assert index.codes is not None
    allowed = index.codes.subset(labels=[3], splits=["test"])
    wanted = IDS[(IDS % 7 == 3) & (np.arange(COUNT) % 3 == 1)]
    assert index.ids[allowed.rows].tolist() == wanted.tolist()
    assert np.isin(index.search(QUERIES, 5, allowed=allowed)[0], wanted).all()


def test_a_quarter_of_dead_vectors_is_the_most(base: Path) -> None:
    def plan(kept: int) -> None:
        plan_growth(base, IDS[:kept], model_sha256=SHA256, preprocessing=PREPROCESSING)

    plan(1125)
    with pytest.raises(CannotGrow, match="25% of its vectors would be of deleted pictures"):
        plan(1124)


def test_an_index_whose_recall_would_fall_does_not_grow(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(growth.RecallEvaluator, "recall_of", lambda *_: 0.9)
    with pytest.raises(CannotGrow, match=r"its recall would be 0.900, less than 0.990"):
        grown(base, tmp_path / "grown", np.concatenate([NEW, IDS]))
    assert list(tmp_path.iterdir()) == []


def test_candidates_are_raised_before_it_gives_up(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    measured = growth.RecallEvaluator.recall_of
    monkeypatch.setattr(
        growth.RecallEvaluator, "recall_of", lambda self, index: measured(self, index) if index.ef > 100 else 0.5
    )
    manifest = grown(base, tmp_path / "grown", IDS[:-3])
    assert manifest.ef == 200 and [attempt.ef for attempt in manifest.attempts] == [50, 100, 200]


def test_an_index_that_never_met_its_target_grows_as_long_as_it_is_no_worse(tmp_path: Path) -> None:
    rows, ids = np.random.default_rng(0).standard_normal((600, DIM)), np.arange(600)
    build_index(tmp_path / "base", rows, ids, model_sha256=SHA256, preprocessing=PREPROCESSING, target_recall=1.0)
    plan = plan_growth(tmp_path / "base", ids[5:], model_sha256=SHA256, preprocessing=PREPROCESSING)
    assert grow_index(tmp_path / "grown", plan, rows[:0]).count == 595


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model_sha256": "b" * 64}, "of model aaaaaaaaaaaa, not of bbbbbbbbbbbb"),
        ({"preprocessing": {"size": 224}}, "another preprocessing"),
    ],
)
def test_an_index_of_another_model_does_not_grow(base: Path, change: dict[str, Any], message: str) -> None:
    with pytest.raises(CannotGrow, match=message):
        plan_growth(base, IDS, **{"model_sha256": SHA256, "preprocessing": PREPROCESSING, **change})


def test_a_damaged_base_is_noticed_before_it_grows(base: Path, tmp_path: Path) -> None:
    folder = tmp_path / "damaged"
    folder.mkdir()
    for file in base.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    content = bytearray((folder / "index.bin").read_bytes())
    content[-1] ^= 1
    (folder / "index.bin").write_bytes(content)
    with pytest.raises(StaleIndexError, match=r"index.bin is damaged"):
        grown(folder, tmp_path / "grown", IDS)
    (folder / "ids.npy").unlink()
    with pytest.raises(CannotGrow, match="cannot be read"):
        grown(folder, tmp_path / "grown", IDS)
    assert [path.name for path in tmp_path.iterdir()] == ["damaged"]


def test_growth_that_is_stopped_leaves_nothing_behind(base: Path, tmp_path: Path) -> None:
    def stop(*_: object) -> None:
        raise Stopped("asked to stop")

    with pytest.raises(Stopped):
        grown(base, tmp_path / "grown", np.concatenate([NEW, IDS]), progress=stop)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("embeddings", "message"),
    [
        (np.ones((3, DIM)), "3 embeddings do not match 2 added pictures"),
        (np.ones((2, DIM + 1)), "embeddings have 17 dimensions, the index has 16"),
        (np.zeros((2, DIM)), "embeddings: row 0 is all zeros"),
    ],
)
def test_embeddings_that_do_not_fit_are_refused(
    base: Path, tmp_path: Path, embeddings: np.ndarray, message: str
) -> None:
    plan = plan_growth(base, np.append(IDS, [5000, 6000]), model_sha256=SHA256, preprocessing=PREPROCESSING)
    with pytest.raises(VectorIndexError, match=message):
        grow_index(tmp_path / "grown", plan, embeddings)
