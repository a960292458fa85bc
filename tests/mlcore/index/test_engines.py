"""What every vector engine has to do, held to exact arithmetic: hnswlib, one in memory, and a real Milvus server."""

import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlcore.datasets.source import SPLITS
from mlcore.errors import EngineAway, StaleIndexError, VectorIndexError
from mlcore.index import Codes, IndexManifest, build_index, load_index, load_vectors
from mlcore.index import engine as engines
from mlcore.index.engine import SearchableVectors, VectorEngine, open_engine
from mlcore.index.engine_build import build_in_engine, fill, open_collection
from tests.fixtures.memory_engine import URL, MemoryEngine

COUNT, DIM, CLASSES = 1200, 16, 40
MODEL = "a" * 64


@dataclass
class Truth:
    """The vectors [N, D] that an index holds, with ids, labels and splits, and exact answers from them."""

    vectors: Any
    ids: Any
    labels: Any
    splits: Any

    def nearest(self, query: Any, k: int, mask: Any) -> tuple[list[int], Any]:
        cosines = self.vectors[mask] @ query / np.linalg.norm(query)
        order = np.lexsort((self.ids[mask], -cosines))[:k]
        return self.ids[mask][order].tolist(), cosines[order]


@pytest.fixture(scope="module")
def truth() -> Truth:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, CLASSES, COUNT).astype(np.int32)
    vectors = (rng.normal(size=(CLASSES, DIM))[labels] + 0.5 * rng.normal(size=(COUNT, DIM))).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    splits = rng.integers(0, len(SPLITS), COUNT).astype(np.int8)
    return Truth(vectors, rng.permutation(5 * COUNT)[:COUNT], labels, splits)


@dataclass
class Built:
    """An index that was built of the truth, in an engine or a folder."""

    vectors: SearchableVectors
    manifest: IndexManifest
    folder: Path
    engine: VectorEngine | None


def built(truth: Truth, folder: Path, engine: VectorEngine | None) -> Built:
    about: dict[str, Any] = {"model_sha256": MODEL, "preprocessing": {}, "codes": Codes(truth.labels, truth.splits)}
    if engine is None:
        manifest = build_index(folder, truth.vectors, truth.ids, **about)
        return Built(load_index(folder), manifest, folder, None)
    name = f"kindred_test_{uuid.uuid4().hex[:8]}"
    manifest = build_in_engine(engine, name, folder, truth.vectors, truth.ids, **about)
    return Built(open_collection(engine, manifest), manifest, folder, engine)


MILVUS = pytest.param("milvus", marks=pytest.mark.milvus)


def engine_named(name: str, request: pytest.FixtureRequest) -> VectorEngine | None:
    if name == "hnswlib":
        return None
    return open_engine(URL if name == "memory" else request.getfixturevalue("milvus").url)


@pytest.fixture(scope="module", autouse=True)
def memory_is_an_engine() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(engines.ENGINES, "memory", f"{MemoryEngine.__module__}:MemoryEngine")
        yield


@pytest.fixture(scope="module", params=["hnswlib", "memory", MILVUS])
def index(truth: Truth, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Built:
    """One index for all tests that only read."""
    return built(truth, tmp_path_factory.mktemp("index") / "index", engine_named(request.param, request))


def queries(truth: Truth, count: int) -> Any:
    rng = np.random.default_rng(1)
    return truth.vectors[rng.choice(COUNT, count)] + 0.1 * rng.normal(size=(count, DIM)).astype(np.float32)


def agrees(found: tuple[Any, Any], expected: tuple[list[int], Any]) -> float:
    """Return the share of expected pictures that were found; their cosines are right."""
    ids, cosines = found
    assert (np.diff(cosines) <= 1e-6).all() and (abs(cosines) <= 1).all()
    known = dict(zip(*expected, strict=True))
    for pk, cosine in zip(ids.tolist(), cosines.tolist(), strict=True):
        assert abs(known.get(pk, cosine) - cosine) < 1e-5
    return len(set(ids.tolist()) & set(expected[0])) / max(1, len(expected[0]))


def test_it_was_measured_by_its_own_search_and_its_manifest_says_so(index: Built, truth: Truth) -> None:
    manifest = index.manifest
    assert manifest.meets_target and (manifest.count, manifest.dim, manifest.queries) == (COUNT, DIM, 1000)
    assert manifest.attempts[-1].ef == manifest.ef and manifest.recall_unseen is not None
    assert (index.vectors.count, index.vectors.dim) == (COUNT, DIM)
    assert IndexManifest.from_json(manifest.to_json()) == manifest
    assert (manifest.engine, bool(manifest.collection)) == (
        index.engine.name if index.engine else "hnswlib",
        bool(index.engine),
    )


def test_the_nearest_are_those_of_exact_arithmetic(index: Built, truth: Truth) -> None:
    every = np.ones(COUNT, bool)
    shares = [agrees(index.vectors.nearest(query, 10), truth.nearest(query, 10, every)) for query in queries(truth, 40)]
    assert np.mean(shares) >= 0.98
    ids, cosines = index.vectors.search(queries(truth, 40), 10)
    assert ids.shape == cosines.shape == (40, 10)
    assert (ids[:, 0] == [index.vectors.nearest(query, 1)[0][0] for query in queries(truth, 40)]).mean() >= 0.95


@pytest.mark.parametrize("seed", range(6))
def test_filters_corrections_and_exclusions_keep_what_they_say(index: Built, truth: Truth, seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels = None if seed % 3 == 0 else rng.choice(CLASSES, 3, replace=False).tolist()
    splits = None if seed % 3 == 1 else [SPLITS[code] for code in rng.choice(len(SPLITS), 2, replace=False)]
    moved = rng.choice(truth.ids, 30, replace=False)
    also, without = moved[:10].tolist(), moved.tolist()
    exclude = [*rng.choice(truth.ids, 20, replace=False).tolist(), 10**9]
    allowed = index.vectors.filtered(labels, splits, also=also, without=without)
    mask = np.ones(COUNT, bool) if labels is None else np.isin(truth.labels, labels)
    if splits is not None:
        mask &= np.isin(truth.splits, [SPLITS.index(name) for name in splits])
    mask = (mask & ~np.isin(truth.ids, without)) | np.isin(truth.ids, also)
    mask &= ~np.isin(truth.ids, exclude)
    for query in queries(truth, 5):
        found = index.vectors.nearest(query, 12, allowed=allowed, exclude=exclude)
        assert set(found[0].tolist()) <= set(truth.ids[mask].tolist())
        assert len(found[0]) == min(12, mask.sum())
        assert agrees(found, truth.nearest(query, 12, mask)) == 1


@pytest.mark.parametrize("index", [MILVUS], indirect=True)
def test_filters_that_keep_many_are_searched_by_the_graph_with_more_candidates(
    index: Built, truth: Truth, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlcore.index import milvus as module

    monkeypatch.setattr(module, "EXACT_NUMBERS", 0)
    allowed, mask = index.vectors.filtered(None, ["train", "test"]), truth.splits < 2
    assert allowed.few is None
    own, kept = int(truth.ids[0]), mask & (truth.ids != truth.ids[0])
    shares = [
        agrees(index.vectors.nearest(query, 12, allowed=allowed, exclude=[own]), truth.nearest(query, 12, kept))
        for query in queries(truth, 40)
    ]
    assert np.mean(shares) >= 0.95


def test_fewer_are_found_where_fewer_are_left(index: Built, truth: Truth) -> None:
    three = truth.ids[:3].tolist()
    allowed = index.vectors.filtered([], None, also=three)
    query = truth.vectors[0]
    assert sorted(index.vectors.nearest(query, 10, allowed=allowed)[0].tolist()) == sorted(three)
    assert index.vectors.nearest(query, 10, allowed=allowed, exclude=three[:2])[0].tolist() == three[2:]
    assert len(index.vectors.nearest(query, 10, allowed=allowed, exclude=three)[0]) == 0
    nothing = index.vectors.filtered([CLASSES + 1], None)
    for exclude in ([], three[:1], three):
        assert len(index.vectors.nearest(query, 10, allowed=nothing, exclude=exclude)[0]) == 0


def test_vectors_come_back_by_id_in_any_order(index: Built, truth: Truth) -> None:
    rows = np.array([5, 3, 5, 900])
    np.testing.assert_allclose(index.vectors.vectors_of(truth.ids[rows]), truth.vectors[rows], atol=1e-6)
    assert index.vectors.vectors_of([]).shape == (0, DIM)
    unknown = 10**9
    with pytest.raises(VectorIndexError, match=f"picture {unknown} is not in the index"):
        index.vectors.vectors_of([int(truth.ids[0]), unknown])
    some = [*truth.ids[:4].tolist(), unknown]
    assert index.vectors.held(some).tolist() == sorted(some[:4]) and len(index.vectors.held([])) == 0


@pytest.mark.parametrize("query", [np.ones(DIM + 1, np.float32), np.zeros(DIM, np.float32), np.full(DIM, np.nan)])
def test_queries_that_are_none_are_refused(index: Built, query: Any) -> None:
    with pytest.raises(VectorIndexError):
        index.vectors.nearest(query, 3)


def test_many_threads_search_at_once(index: Built, truth: Truth) -> None:
    expected = [index.vectors.nearest(query, 5)[0].tolist() for query in queries(truth, 16)]
    found: dict[int, list[int]] = {}

    def search(place: int) -> None:
        found[place] = index.vectors.nearest(queries(truth, 16)[place], 5)[0].tolist()

    threads = [threading.Thread(target=search, args=[place]) for place in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert [found[place] for place in range(16)] == expected


def test_jobs_read_the_vectors_from_the_folder_whatever_the_engine(index: Built, truth: Truth) -> None:
    stored = load_vectors(index.folder, model_sha256=MODEL)
    np.testing.assert_allclose(stored.vectors_of(truth.ids), truth.vectors, atol=1e-6)
    with pytest.raises(StaleIndexError, match="index is of model"):
        load_vectors(index.folder, model_sha256="b" * 64)
    if index.engine is not None:
        with pytest.raises(StaleIndexError, match=f"index has no graph: {index.engine.name} searches it"):
            load_index(index.folder)


# --- the life of a collection


@pytest.mark.parametrize("name", ["memory", MILVUS])
def test_a_collection_from_its_build_to_its_end(
    truth: Truth, request: pytest.FixtureRequest, tmp_path: Path, name: str
) -> None:
    engine = engine_named(name, request)
    assert engine is not None
    whole = built(truth, tmp_path / "index", engine)
    named, query, alias = whole.manifest.collection, truth.vectors[7], f"kindred_alias_{uuid.uuid4().hex[:8]}"
    engine.check()
    assert engine.collections("kindred_test") and engine.collections(named) == [named] and engine.collections("x") == []
    engine.point(alias, named)
    by_alias = engine.open(alias, dim=DIM, count=COUNT, ef=50)
    assert by_alias.nearest(query, 3)[0].tolist() == whole.vectors.nearest(query, 3)[0].tolist()

    first = int(whole.vectors.nearest(query, 1)[0][0])
    engine.remove(named, [first, 10**9])
    assert first not in whole.vectors.nearest(query, 20)[0] and len(whole.vectors.held([first])) == 0
    engine.drop(named)
    engine.drop(named)
    assert engine.collections(named) == []
    with pytest.raises(StaleIndexError, match="the vector store has lost this index"):
        whole.vectors.nearest(query, 3)
    fill(engine, f"{named}_again", whole.folder)
    again = engine.open(f"{named}_again", dim=DIM, count=COUNT, ef=50)
    assert again.nearest(query, 1)[0].tolist() == [first]
    engine.drop(f"{named}_again")


def test_an_alias_follows_the_newest_collection(truth: Truth, tmp_path: Path) -> None:
    engine = open_engine(URL)
    first, second = (built(truth, tmp_path / name, engine).manifest.collection for name in ("a", "b"))
    engine.point("kindred_alias", first)
    engine.point("kindred_alias", second)
    assert MemoryEngine.aliases["kindred_alias"] == second


def test_a_build_that_is_stopped_leaves_no_folder(truth: Truth, tmp_path: Path) -> None:
    def stop(phase: str, done: int, total: int) -> None:
        raise KeyboardInterrupt

    engine, codes = open_engine(URL), Codes(truth.labels, truth.splits)
    with pytest.raises(KeyboardInterrupt):
        build_in_engine(
            engine, "kindred_stopped", tmp_path / "i", truth.vectors, truth.ids,
            model_sha256=MODEL, preprocessing={}, codes=codes, progress=stop,
        )  # fmt: skip
    assert list(tmp_path.iterdir()) == [] and "kindred_stopped" not in MemoryEngine.kept


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_vectors_are_refused_before_the_engine_is_asked(truth: Truth, tmp_path: Path, count: int) -> None:
    codes = Codes(truth.labels[:count], truth.splits[:count])
    about: dict[str, Any] = {"model_sha256": MODEL, "preprocessing": {}, "codes": codes}
    with pytest.raises(VectorIndexError, match="at least 2 pictures"):
        build_in_engine(
            open_engine(URL), "kindred_few", tmp_path / "i", truth.vectors[:count], truth.ids[:count], **about
        )
    assert "kindred_few" not in MemoryEngine.kept


@pytest.mark.parametrize("count", [2, 3, 9])
def test_a_few_vectors_are_an_index(truth: Truth, tmp_path: Path, count: int) -> None:
    part = Truth(truth.vectors[:count], truth.ids[:count], truth.labels[:count], truth.splits[:count])
    index = built(part, tmp_path / "i", open_engine(URL))
    assert sorted(index.vectors.nearest(part.vectors[0], 50)[0].tolist()) == sorted(part.ids.tolist())


# --- URLs


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("", "must begin with memory:// or milvus://|must begin with milvus://"),
        ("qdrant://host", "must begin with"),
        ("milvus://", "milvus://user:password@host:port/database"),
        ("milvus://host:port", "no port that can be used"),
        ("milvus://host:99999", "no port that can be used"),
        ("milvus://me:pa/ss@host:1", "no port that can be used; escape / and # in a password"),
        ("milvus://host?secure=maybe", "milvus://user:password@host:port/database"),
        ("milvus://host?token=x", "milvus://user:password@host:port/database"),
    ],
)
def test_urls_that_name_no_engine_are_refused(url: str, message: str) -> None:
    with pytest.raises(VectorIndexError, match=message):
        open_engine(url)


def test_a_url_may_name_port_database_account_and_tls() -> None:
    from mlcore.index.milvus import MilvusEngine

    engine = MilvusEngine("milvus://me:p%40ss@host:1234/birds?secure=true")
    assert engine.address == "host:1234"
    assert engine._options == {"uri": "https://host:1234", "db_name": "birds", "user": "me", "password": "p@ss"}
    assert MilvusEngine("milvus://[::1]:5")._options["uri"] == "http://[::1]:5"
    assert MilvusEngine("milvus://host")._options == {"uri": "http://host:19530", "db_name": ""}


def test_a_server_that_is_not_there_is_away_within_seconds_and_no_password_is_told() -> None:
    engine = open_engine("milvus://me:secret-word@127.0.0.1:1")
    with pytest.raises(EngineAway, match=r"Milvus at 127.0.0.1:1 does not answer") as caught:
        engine.check()
    assert "secret-word" not in str(caught.value)
    with pytest.raises(EngineAway):
        engine.open("kindred_x", dim=2, count=3, ef=50).nearest(np.ones(2, np.float32), 1)


def test_one_module_knows_the_server() -> None:
    """Another vector store takes three files: its own, the table in engine.py, and requirements.txt."""
    root = Path(__file__).parents[3]
    apps = ("accounts", "backups", "config", "jobs", "mlcore", "operations", "ratings", "retrieval", "storage")
    files = {str(file.relative_to(root)): file.read_text() for app in apps for file in (root / app).rglob("*.py")}
    assert {name for name, text in files.items() if "pymilvus" in text} == {"mlcore/index/milvus.py"}
    named = {"mlcore/index/milvus.py", "mlcore/index/engine.py"}
    assert {name for name, text in files.items() if "milvus" in text.lower()} == named
