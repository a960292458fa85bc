"""What searches ask of an index, and what a vector engine beyond this process offers.

hnswlib holds an index in each process. An engine holds it once for all, as a collection of its own: vectors by id,
with class and split. It is made aside, measured, and never changed but for pictures that were deleted; the folder of
the index has the same vectors, so a collection that is lost can be made again.

A new engine is a module here with one class, a line in ENGINES, and its client among the requirements.
"""

from collections.abc import Callable, Collection
from importlib import import_module
from typing import Any, Protocol
from urllib.parse import urlsplit

from numpy.typing import NDArray

from mlcore.errors import VectorIndexError
from mlcore.index.checks import Ids, Vectors
from mlcore.index.codes import Codes
from mlcore.index.stored import Chosen

ENGINES = {"milvus": "mlcore.index.milvus:MilvusEngine"}
"""The class of each engine, by the scheme of its URL."""


class Filter(Protocol):
    """Which pictures may be results, prepared by the index that will be asked."""

    @property
    def kept_numbers(self) -> int:
        """How many numbers of 8 bytes it keeps in memory."""
        ...


class SearchableVectors(Protocol):
    """The unit vectors of an index, as searches read them: from hnswlib in this process, or from an engine.

    Safe to use from many threads. Those of an engine raise EngineAway while it does not answer, and StaleIndexError
    where it has lost them.
    """

    @property
    def count(self) -> int:
        """How many pictures it was built of."""
        ...

    @property
    def dim(self) -> int:
        """How long a vector is."""
        ...

    def filtered(
        self,
        labels: Collection[int] | None,
        splits: Collection[str] | None,
        *,
        also: Chosen = (),
        without: Chosen = (),
    ) -> Any:
        """Return the Filter that keeps pictures by their stored codes, and `also` some others but not those `without`.

        Labels and splits: any of them; None: all.
        """
        ...

    def nearest(self, query: Vectors, k: int, *, allowed: Any = None, exclude: Chosen = ()) -> tuple[Ids, Vectors]:
        """Return ids and cosines of the pictures nearest to a query [D], best first: k, or all that are left.

        allowed: what `filtered` returned. exclude: ids that are left out; others than it holds are ignored.
        """
        ...

    def search(self, queries: NDArray[Any], k: int) -> tuple[Ids, Vectors]:
        """Return the ids and cosines [Q, k] of the nearest pictures of each query [Q, D], best first."""
        ...

    def vectors_of(self, ids: Chosen) -> Vectors:
        """Return the unit vectors [n, D] of ids that it holds; VectorIndexError names the first other."""
        ...

    def held(self, ids: Chosen) -> Ids:
        """Return those of `ids` that it holds, ascending."""
        ...


class VectorEngine(Protocol):
    """A server of vectors. Its calls raise EngineAway, a sentence, while it does not answer or refuses.

    Calls that name a collection raise StaleIndexError where there is none, without its name: visitors may read it.

    Names of collections and aliases: letters, digits and underscores, a letter first.
    """

    name: str
    """The scheme of its URL."""

    def check(self) -> None:
        """Raise EngineAway where it does not answer within a second or two."""
        ...

    def create(self, collection: str, dim: int, *, links: int, ef_construction: int) -> None:
        """Make an empty collection with an HNSW graph, in place of one of that name."""
        ...

    def add(self, collection: str, ids: Ids, vectors: Vectors, codes: Codes) -> None:
        """Add unit vectors [n, D] with ids [n] and codes [n]."""
        ...

    def settle(self, collection: str, waiting: Callable[[], object]) -> None:
        """Wait until all that was added is in the graph, and can be searched; call `waiting`, which may raise."""
        ...

    def open(self, collection: str, *, dim: int, count: int, ef: int) -> SearchableVectors:
        """Return a collection to search with `ef` candidates; it is not asked yet."""
        ...

    def collections(self, prefix: str) -> list[str]:
        """Return the names of its collections that begin so."""
        ...

    def remove(self, collection: str, ids: Chosen) -> None:
        """Delete vectors of a collection: no later search finds them. Ids that it does not hold are ignored."""
        ...

    def point(self, alias: str, collection: str) -> None:
        """Let an alias name a collection from now on, in one step."""
        ...

    def drop(self, collection: str) -> None:
        """Delete a collection with its vectors and aliases, in seconds; one that is not there is passed over."""
        ...


def open_engine(url: str) -> VectorEngine:
    """Return the engine of a URL; it is not asked yet. VectorIndexError for a URL that names none."""
    scheme = urlsplit(url).scheme
    if scheme not in ENGINES:
        raise VectorIndexError(f"VECTOR_STORE_URL must begin with {' or '.join(f'{name}://' for name in ENGINES)}")
    module, name = ENGINES[scheme].split(":")
    engine: VectorEngine = getattr(import_module(module), name)(url)
    return engine
