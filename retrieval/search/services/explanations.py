"""Why a model found an answer: the places of both pictures, and what each brings to their cosine."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from accounts.roles import Visitor
from config.errors import Rejected
from mlcore.errors import MlcoreError
from mlcore.images.image_io import crop_box, open_picture
from retrieval.datasets.services.decoding import decoding
from retrieval.datasets.services.visibility import shown_images
from retrieval.models import Image, Ranking, Search
from retrieval.search.services import model_cache
from retrieval.search.services.access import shown_query
from retrieval.search.services.query_image import for_networks

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

    from mlcore.inference.encoder_protocol import PictureEncoder
    from mlcore.inference.explain import Explanation, Floats

FAINTEST = 0.01  # of the strongest place: what is below is not drawn
DENSEST = 0.65  # the picture stays visible below its strongest place
WHOLE = (0.0, 0.0, 1.0, 1.0)
NAMED = 3  # regions that the sentence names


@dataclass(frozen=True)
class Place:
    """A field of a map, in pixels of the whole picture; strength 0 to 1 of the strongest."""

    x: str
    y: str
    width: str
    height: str
    share: float
    opacity: str


@dataclass(frozen=True)
class Side:
    """One of the two pictures: its size, the square that the network saw of it, its map and its nine regions.

    adds: the regions that bring most, the largest first; takes: the one that takes most away, if any does.
    """

    width: int
    height: int
    left: str
    top: str
    side: str
    places: list[Place]
    regions: list[list[tuple[str, float]]]
    adds: list[tuple[str, float]]
    takes: tuple[str, float] | None

    @property
    def lost(self) -> float:
        """How much the region of `takes` takes away."""
        return -self.takes[1] if self.takes else 0.0


@dataclass(frozen=True)
class Why:
    """A ranking's answer explained; `told` is the cosine that the search gave, `score` that of the two as kept."""

    ranking: Ranking
    image: Image
    told: float
    score: float
    reason: str
    strongest: float
    query: Side
    answer: Side

    @property
    def exact(self) -> bool:
        return not self.reason

    @property
    def differs(self) -> bool:
        """Whether the search compared otherwise: with a larger picture than is kept, or a moved query."""
        return abs(self.told - self.score) >= 0.0005


def why(search: Search, ranking: int, image: int, viewer: Visitor) -> Why | None:
    """Return why an answer of a search is one; None where it shows this person no such answer, or not its query.

    Raises:
        Rejected: the model does not show its places, or a file is gone or damaged.
        Busy: too many are asking.
    """
    row = search.rankings.select_related("model", "index__dataset").filter(pk=ranking).first()
    shown = shown_images(viewer).filter(pk=image).first()
    if row is None or shown is None or image not in row.image_ids:
        return None
    query = shown_query(search, viewer)
    if search.query_image_id and query is None:
        return None
    model = row.model
    if not model.has_network:
        raise Rejected(f"{model.name} came as embeddings without their network: nobody can see what it looked at")
    try:
        encoder = model_cache.encoder_of(model)
        # The files that were compared, not the JPEGs that browsers get of them.
        asked = query.file if query else search.upload
        boxes = [search.box or WHOLE, WHOLE]
        sizes, seen = zip(*map(_size_and_part, (asked, shown.file), boxes), strict=True)
        found = model_cache.explain(encoder, *seen)
    except MlcoreError as error:
        raise Rejected(f"{model.name} cannot say why: {error}") from error
    except OSError as error:
        raise Rejected(f"{model.name} cannot say why: a file is gone ({error.strerror})") from error
    told = row.scores[row.image_ids.index(image)]
    squares = [_square(encoder, *pair) for pair in zip(sizes, boxes, strict=True)]
    return _as_drawn(row, shown, told, found, squares)


def _size_and_part(file: Path, box: Sequence[float]) -> tuple[tuple[int, int], "Picture"]:
    """Return a picture's size, and what lies in a box of it, as large as networks need."""
    with decoding():
        whole = open_picture(file.read_bytes())
        return whole.size, for_networks(crop_box(whole, box))


def _square(encoder: "PictureEncoder", size: tuple[int, int], box: Sequence[float]) -> dict[str, Any]:
    """Return the size of a picture and the square of it that the network sees: the middle of the box."""
    left, top, right, bottom = (round(share * length) for share, length in zip(box, size * 2, strict=True))
    side = min(right - left, bottom - top) * encoder.preprocessing.crop / encoder.preprocessing.short_side
    return {"size": size, "left": (left + right - side) / 2, "top": (top + bottom - side) / 2, "side": side}


def _as_drawn(ranking: Ranking, image: Image, told: float, found: "Explanation", squares: list[dict[str, Any]]) -> Why:
    maps = (found.first, found.second)
    strongest = max(float(abs(shares).max()) for shares in maps) or 1.0  # a black picture may bring nothing
    sides = [_side(shares, strongest, square) for shares, square in zip(maps, squares, strict=True)]
    return Why(ranking, image, told, found.score, found.reason, strongest, *sides)


def _side(shares: "Floats", strongest: float, square: dict[str, Any]) -> Side:
    from mlcore.inference.explain import REGIONS, region_shares

    found = region_shares(shares)
    ordered = sorted(found.items(), key=lambda region: -region[1])
    least = ordered[-1]
    return Side(
        width=square["size"][0],
        height=square["size"][1],
        left=f"{square['left']:.2f}",
        top=f"{square['top']:.2f}",
        side=f"{square['side']:.2f}",
        places=_places(shares, strongest, square),
        regions=[[(name, found[name]) for name in row] for row in REGIONS],
        adds=[region for region in ordered[:NAMED] if region[1] > 0],
        takes=least if least[1] <= -0.005 else None,
    )


def _places(shares: "Floats", strongest: float, square: dict[str, Any]) -> list[Place]:
    rows, columns = shares.shape
    height, width = square["side"] / rows, square["side"] / columns
    return [
        Place(
            f"{square['left'] + column * width:.2f}",
            f"{square['top'] + row * height:.2f}",
            f"{width:.2f}",
            f"{height:.2f}",
            float(shares[row, column]),
            f"{DENSEST * abs(shares[row, column]) / strongest:.3f}",
        )
        for row in range(rows)
        for column in range(columns)
        if abs(shares[row, column]) >= FAINTEST * strongest
    ]
