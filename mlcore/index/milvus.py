"""Collections of a Milvus server or cluster, by pymilvus.

A collection has the fields `id`, `vector`, `label` and `split`, an HNSW graph by inner product, and nothing else.
URL: milvus://user:password@host:port/database?secure=true, of which only the host is needed.
"""

import logging
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

import numpy as np
from numpy.typing import NDArray

from mlcore.datasets.source import SPLITS
from mlcore.errors import EngineAway, StaleIndexError, VectorIndexError
from mlcore.index.checks import Ids, Vectors, unit_queries
from mlcore.index.codes import Codes
from mlcore.index.stored import Chosen, StoredVectors, as_ids

if TYPE_CHECKING:
    from pymilvus import MilvusClient

logger = logging.getLogger(__name__)

PORT = 19530
SECONDS = 5.0
"""That a search may take, trials included."""

CONNECT_SECONDS = 2.0
CHECK_SECONDS = 1.0

BUILD_SECONDS = 600.0
"""That one message of a build may take, and an index that does not grow meanwhile."""

BYTES_AT_ONCE = 8 << 20
"""Of vectors in a message; servers take 64 MB."""

IDS_AT_ONCE = 1000
"""That one message names."""

EXACT_NUMBERS = 4_000_000
"""A filter that keeps fewer numbers (pictures x dimensions), and at most MOST_ROWS pictures, is answered exactly, from
vectors that are read once a filter. Milvus 2.3 searches its graph, and where what is kept lies far from the query it
finds .23 of the nearest 12 (one of 200 classes of 50,000 pictures), whatever ef."""

MOST_ROWS = 16_000
"""Of one answer; servers give 16,384 at most."""

MOST_EF = 4096
WIDER = 16
"""By which ef is multiplied for the filters that are left: .95 to 1.0 of the nearest 12 instead of .82 to .88 there."""

MISSING = 100
"""Milvus's code of a collection that is not there."""

POLL = 0.2  # seconds


@dataclass(frozen=True)
class Expression:
    """A filter as Milvus reads it, and the pictures that it keeps where these are few."""

    text: str
    few: StoredVectors | None

    @property
    def kept_numbers(self) -> int:
        """How many numbers of 8 bytes it keeps in memory."""
        return 0 if self.few is None else self.few.count * self.few.dim // 2


class MilvusEngine:
    """A Milvus server; connected when it is first asked."""

    name = "milvus"

    def __init__(self, url: str) -> None:
        """Read the URL; VectorIndexError for one that cannot be used."""
        parts = urlsplit(url)
        options = dict(parse_qsl(parts.query))
        try:
            port = parts.port or PORT
        except ValueError as error:
            raise VectorIndexError(
                "VECTOR_STORE_URL has no port that can be used; escape / and # in a password"
            ) from error
        if not parts.hostname or options.keys() - {"secure"} or options.get("secure", "true") not in ("true", "false"):
            raise VectorIndexError("VECTOR_STORE_URL is milvus://user:password@host:port/database?secure=true")
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        self.address = f"{host}:{port}"
        scheme = "https" if options.get("secure") == "true" else "http"
        self._options = {"uri": f"{scheme}://{self.address}", "db_name": parts.path.strip("/")}
        if parts.username:
            self._options |= {"user": unquote(parts.username), "password": unquote(parts.password or "")}

    @cached_property
    def client(self) -> "MilvusClient":
        """The connection; EngineAway where there is none."""
        from pymilvus import MilvusClient

        logging.getLogger("pymilvus").setLevel(logging.CRITICAL)  # it logs a stack for each error that it raises
        with self.asked():
            return MilvusClient(**self._options, timeout=CONNECT_SECONDS)

    @contextmanager
    def asked(self, collection: str = "") -> Iterator[None]:
        """Say in a sentence what an answer of the server, or its silence, means."""
        import grpc
        from pymilvus.exceptions import MilvusException

        try:
            yield
        except MilvusException as error:
            if error.code == MISSING or "can't find collection" in str(error):
                logger.warning("Milvus at %s has no collection %s", self.address, collection)
                raise StaleIndexError("the vector store has lost this index; a curator has to fill it again") from error
            raise EngineAway(f"Milvus at {self.address} does not answer, or refuses: {_brief(error)}") from error
        except (grpc.RpcError, OSError) as error:
            raise EngineAway(f"Milvus at {self.address} does not answer: {_brief(error)}") from error

    def check(self) -> None:
        """See that it answers."""
        with self.asked():
            self.client.list_collections(timeout=CHECK_SECONDS)

    def create(self, collection: str, dim: int, *, links: int, ef_construction: int) -> None:
        """Make an empty collection, in place of one of that name."""
        from pymilvus import DataType

        self.drop(collection)
        with self.asked(collection):
            schema = self.client.create_schema(auto_id=False, enable_dynamic_field=False)
            schema.add_field("id", DataType.INT64, is_primary=True)
            schema.add_field("vector", DataType.FLOAT_VECTOR, dim=dim)
            schema.add_field("label", DataType.INT32)
            schema.add_field("split", DataType.INT8)
            graph = self.client.prepare_index_params()
            graph.add_index(
                "vector", index_type="HNSW", metric_type="IP", params={"M": links, "efConstruction": ef_construction}
            )
            self.client.create_collection(collection, schema=schema, index_params=graph, timeout=BUILD_SECONDS)

    def add(self, collection: str, ids: Ids, vectors: Vectors, codes: Codes) -> None:
        """Add unit vectors [n, D] with ids [n] and codes [n]."""
        step = max(1, BYTES_AT_ONCE // (4 * vectors.shape[1]))
        for start in range(0, len(ids), step):
            part = slice(start, start + step)
            columns = (ids[part].tolist(), vectors[part], codes.labels[part].tolist(), codes.splits[part].tolist())
            rows = [
                {"id": pk, "vector": vector, "label": label, "split": split}
                for pk, vector, label, split in zip(*columns, strict=True)
            ]
            with self.asked(collection):
                self.client.insert(collection, rows, timeout=BUILD_SECONDS)

    def settle(self, collection: str, waiting: Callable[[], object]) -> None:
        """Wait until all that was added is in the graph, and load it."""
        with self.asked(collection):
            self.client.flush(collection, timeout=BUILD_SECONDS)
            self._await_graph(collection, waiting)
            self.client.load_collection(collection, timeout=BUILD_SECONDS)
            self.client.refresh_load(collection, timeout=BUILD_SECONDS)
        self._catch_up(collection)

    def _await_graph(self, collection: str, waiting: Callable[[], object]) -> None:
        last, until = -1, 0.0
        while left := self.client.describe_index(collection, "vector", timeout=SECONDS).get("pending_index_rows"):
            if left != last:
                last, until = left, time.monotonic() + BUILD_SECONDS
            if time.monotonic() > until:
                raise EngineAway(f"Milvus has {left} vectors of {collection} left, and indexes none of them")
            waiting()
            time.sleep(POLL)

    def open(self, collection: str, *, dim: int, count: int, ef: int) -> "MilvusVectors":
        """Return a collection to search with `ef` candidates."""
        return MilvusVectors(self, collection, dim, count, ef)

    def collections(self, prefix: str) -> list[str]:
        """Return the names of its collections that begin so."""
        with self.asked():
            return sorted(name for name in self.client.list_collections(timeout=SECONDS) if name.startswith(prefix))

    def remove(self, collection: str, ids: Chosen) -> None:
        """Delete vectors of a collection."""
        wanted = as_ids(ids).tolist()
        for start in range(0, len(wanted), IDS_AT_ONCE):
            with self.asked(collection):
                self.client.delete(collection, ids=wanted[start : start + IDS_AT_ONCE], timeout=SECONDS)
        self._catch_up(collection)

    def _catch_up(self, collection: str) -> None:
        """Wait until searches see every change so far: then no search has to, which would take 200 ms of each."""
        with self.asked(collection):
            self.client.query(collection, ids=[0], output_fields=["id"], timeout=SECONDS, consistency_level="Strong")

    def point(self, alias: str, collection: str) -> None:
        """Let an alias name a collection from now on."""
        with self.asked(collection):
            known = self.client.list_aliases(timeout=SECONDS)["aliases"]
            change = self.client.alter_alias if alias in known else self.client.create_alias
            change(collection, alias, timeout=SECONDS)

    def drop(self, collection: str) -> None:
        """Delete a collection with its aliases."""
        with self.asked(collection):
            if not self.client.has_collection(collection, timeout=SECONDS):
                return
            for alias in self.client.list_aliases(collection, timeout=SECONDS)["aliases"]:
                self.client.drop_alias(alias, timeout=SECONDS)
            self.client.drop_collection(collection, timeout=SECONDS)


class MilvusVectors:
    """The vectors of one collection. Safe to use from many threads."""

    def __init__(self, engine: MilvusEngine, collection: str, dim: int, count: int, ef: int) -> None:
        self._engine, self._collection = engine, collection
        self.dim, self.count, self._ef = dim, count, ef

    def filtered(
        self,
        labels: Collection[int] | None,
        splits: Collection[str] | None,
        *,
        also: Chosen = (),
        without: Chosen = (),
    ) -> Expression:
        """Return a filter by stored codes, corrected by pictures that fit, or do not fit, in spite of these."""
        parts = [] if labels is None else [f"label in {sorted(map(int, labels))}"]
        if splits is not None:
            parts.append(f"split in {sorted(SPLITS.index(name) for name in splits)}")
        if len(without):
            parts.append(f"id not in {as_ids(without).tolist()}")
        kept = " and ".join(parts)
        if kept and len(also):
            kept = f"({kept}) or id in {as_ids(also).tolist()}"
        return Expression(kept, self._few_of(kept))

    def _few_of(self, kept: str) -> StoredVectors | None:
        """Return the pictures that an expression keeps; None where these are too many to compare with each."""
        count = self._query(filter=kept, output_fields=["count(*)"])[0]["count(*)"]
        if count > min(MOST_ROWS, EXACT_NUMBERS // self.dim):
            return None
        rows = self._query(filter=kept, output_fields=["id", "vector"], limit=MOST_ROWS) if count else []
        rows = sorted(rows, key=lambda row: row["id"])
        vectors = np.array([row["vector"] for row in rows], np.float32).reshape(len(rows), self.dim)
        return StoredVectors(vectors, np.array([row["id"] for row in rows], np.int64))

    def nearest(
        self, query: Vectors, k: int, *, allowed: Expression | None = None, exclude: Chosen = ()
    ) -> tuple[Ids, Vectors]:
        """Return the ids and cosines of the pictures nearest to a query [D]."""
        if allowed is not None and allowed.few is not None:
            return allowed.few.exact_nearest(query, k, exclude)
        kept = [f"({allowed.text})"] if allowed is not None and allowed.text else []
        if len(exclude):
            kept.append(f"id not in {as_ids(exclude).tolist()}")
        wider = WIDER if allowed is not None or 10 * len(exclude) > self.count else 1
        [found] = self._asked(query[None], k, " and ".join(kept), wider)
        return _in_order(found)

    def search(self, queries: NDArray[Any], k: int) -> tuple[Ids, Vectors]:
        """Return the ids and cosines [Q, k] of the nearest pictures; VectorIndexError where a query has fewer."""
        found = [_in_order(rows) for rows in self._asked(queries, k)]
        if any(len(ids) < k for ids, _ in found):
            raise VectorIndexError(f"Milvus found fewer than {k} pictures in {self._collection}")
        return np.stack([ids for ids, _ in found]), np.stack([cosines for _, cosines in found])

    def vectors_of(self, ids: Chosen) -> Vectors:
        """Return the unit vectors [n, D] of ids that it holds."""
        wanted = as_ids(ids)
        found: dict[int, Any] = {}
        step = min(IDS_AT_ONCE, max(1, BYTES_AT_ONCE // (4 * self.dim)))
        for row in self._rows_of(np.unique(wanted), "vector", step):
            found[row["id"]] = row["vector"]
        for pk in wanted.tolist():
            if pk not in found:
                raise VectorIndexError(f"picture {pk} is not in the index")
        return np.array([found[pk] for pk in wanted.tolist()], np.float32).reshape(len(wanted), self.dim)

    def held(self, ids: Chosen) -> Ids:
        """Return those of `ids` that it holds, ascending."""
        return np.array(sorted(row["id"] for row in self._rows_of(np.unique(as_ids(ids)), "id", IDS_AT_ONCE)), np.int64)

    def _rows_of(self, ids: Ids, field: str, step: int) -> Iterator[Any]:
        for start in range(0, len(ids), step):
            yield from self._query(ids=ids[start : start + step].tolist(), output_fields=["id", field])

    def _query(self, **what: Any) -> list[Any]:
        with self._engine.asked(self._collection):
            rows: list[Any] = self._engine.client.query(
                self._collection, timeout=SECONDS, consistency_level="Eventually", **what
            )
        return rows

    def _asked(self, queries: NDArray[Any], k: int, kept: str = "", wider: int = 1) -> list[Any]:
        """Return the hits of each query, in messages that servers take."""
        unit = unit_queries(queries)
        if unit.shape[1] != self.dim:
            raise VectorIndexError(f"queries have {unit.shape[1]} dimensions, the index has {self.dim}")
        step = max(1, min(IDS_AT_ONCE, BYTES_AT_ONCE // (4 * self.dim), BYTES_AT_ONCE // (16 * k)))
        hits: list[Any] = []
        for start in range(0, len(unit), step):
            with self._engine.asked(self._collection):
                hits += self._engine.client.search(
                    self._collection,
                    data=list(unit[start : start + step]),
                    anns_field="vector",
                    filter=kept,
                    limit=k,
                    search_params={"metric_type": "IP", "params": {"ef": min(MOST_EF, wider * max(self._ef, k))}},
                    timeout=SECONDS if len(unit) == 1 else BUILD_SECONDS,
                    consistency_level="Eventually",
                )
        return hits


def _in_order(hits: Any) -> tuple[Ids, Vectors]:
    """Return ids and cosines, equal ones by id."""
    ids = np.array([hit["id"] for hit in hits], np.int64)
    cosines = np.clip(np.array([hit["distance"] for hit in hits], np.float32), -1, 1)
    order = np.lexsort((ids, -cosines))
    return ids[order], cosines[order]


def _brief(error: Exception) -> str:
    """Return what an error says, without the lists and stacks that follow."""
    text = " ".join(str(getattr(error, "message", error)).split())
    return text[:200]
