"""Explanations of single results: the cells of both pictures, and what each contributes to their similarity."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from accounts.roles import Visitor
from config.errors import Rejected
from mlcore.errors import MlcoreError
from mlcore.images.image_io import crop_box, open_picture
from mlcore.inference.explanation import REGIONS, Floats, region_shares
from mlcore.inference.explanation import Explanation as PairExplanation
from retrieval.datasets.services.pictures import decoding
from retrieval.datasets.services.visibility import shown_images
from retrieval.models import Image, Ranking, Search
from retrieval.search.services import model_cache
from retrieval.search.services.access import shown_query
from retrieval.search.services.query_image import read_upload, shrunk_for_networks

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

    from mlcore.inference.encoder_protocol import PictureEncoder

FAINTEST = 0.01  # of the strongest cell: a weaker one is not drawn
DENSEST = 0.65  # opacity of the strongest cell, below which the picture stays visible
WHOLE = (0.0, 0.0, 1.0, 1.0)
NAMED = 3  # regions that the sentence names


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of the heat map, in pixels of the whole picture; opacity is 0 to DENSEST of the strongest."""

    x: float
    y: float
    width: float
    height: float
    share: float
    opacity: float


@dataclass(frozen=True, slots=True)
class Square:
    """The size of a picture, and the square that the network saw of it, in pixels."""

    width: int
    height: int
    left: float
    top: float
    side: float


@dataclass(frozen=True, slots=True)
class Region:
    """A ninth of the square, and its share of the similarity; a negative one reduces it."""

    name: str
    share: float


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two pictures: the square that the network saw of it, its heat map and its nine regions.

    adds: the regions that contribute most, the largest first; takes: the one that reduces most, if any does.
    """

    square: Square
    cells: list[Cell]
    regions: list[list[Region]]
    adds: list[Region]
    takes: Region | None

    @property
    def all_regions(self) -> list[Region]:
        """All nine, row by row."""
        return [region for row in self.regions for region in row]

    @property
    def reduction(self) -> float:
        """By how much the region of `takes` reduces the similarity."""
        return -self.takes.share if self.takes else 0.0


@dataclass(frozen=True, slots=True)
class Explanation:
    """A result explained. search_score: the similarity in the search; explained_score: that of the stored pictures.

    reason: why it is approximate, "" where it is exact. strongest: the largest contribution of a cell.
    """

    ranking: Ranking
    image: Image
    search_score: float
    explained_score: float
    reason: str
    strongest: float
    query: Side
    result: Side

    @property
    def exact(self) -> bool:
        return not self.reason

    @property
    def differs(self) -> bool:
        """Whether the search compared otherwise: with a larger picture than is stored, or a refined query."""
        return abs(self.search_score - self.explained_score) >= 0.0005


def explain_result(search: Search, ranking: int, image: int, viewer: Visitor) -> Explanation | None:
    """Return the explanation of a result; None where this person does not see the result, or not the query.

    Raises:
        Rejected: the model has no spatial feature map, or a file is gone or damaged.
        Busy: too many searches are running.
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
        raise Rejected(f"{model.name} has embeddings but no network, so its results cannot be explained")
    try:
        encoder = model_cache.explaining_encoder_of(model)
        # The files that were compared, not the JPEGs that browsers get of them.
        files = (query.file.read_bytes() if query else read_upload(search), shown.file.read_bytes())
        boxes = [search.box or WHOLE, WHOLE]
        sizes, parts = zip(*map(_size_and_part, files, boxes), strict=True)
        pair = model_cache.explain(encoder, *parts)
    except MlcoreError as error:
        raise Rejected(f"{model.name} cannot explain its results: {error}") from error
    except OSError as error:
        raise Rejected(f"{model.name} cannot explain this result: a file is gone ({error.strerror})") from error
    score = row.scores[row.image_ids.index(image)]
    squares = [_square(encoder, *pair_of) for pair_of in zip(sizes, boxes, strict=True)]
    return _as_drawn(row, shown, score, pair, squares)


def _size_and_part(file: bytes, box: Sequence[float]) -> tuple[tuple[int, int], "Picture"]:
    """Return a picture's size, and what lies in a box of it, as large as networks need."""
    with decoding():
        whole = open_picture(file)
        return whole.size, shrunk_for_networks(crop_box(whole, box))


def _square(encoder: "PictureEncoder", size: tuple[int, int], box: Sequence[float]) -> Square:
    """Return the size of a picture and the square of it that the network sees: the middle of the box."""
    left, top, right, bottom = (round(share * length) for share, length in zip(box, size * 2, strict=True))
    side = min(right - left, bottom - top) * encoder.preprocessing.crop / encoder.preprocessing.short_side
    corner_x, corner_y = (round((start + end - side) / 2, 2) for start, end in ((left, right), (top, bottom)))
    return Square(size[0], size[1], corner_x, corner_y, round(side, 2))


def _as_drawn(
    ranking: Ranking, image: Image, score: float, pair: PairExplanation, squares: Sequence[Square]
) -> Explanation:
    maps = (pair.first, pair.second)
    strongest = max(float(abs(shares).max()) for shares in maps) or 1.0  # a black picture may contribute nothing
    sides = [_side(shares, strongest, square) for shares, square in zip(maps, squares, strict=True)]
    return Explanation(ranking, image, score, pair.score, pair.reason, strongest, *sides)


def _side(shares: Floats, strongest: float, square: Square) -> Side:
    regions = {name: Region(name, share) for name, share in region_shares(shares).items()}
    ordered = sorted(regions.values(), key=lambda region: -region.share)
    least = ordered[-1]
    return Side(
        square=square,
        cells=_cells(shares, strongest, square),
        regions=[[regions[name] for name in row] for row in REGIONS],
        adds=[region for region in ordered[:NAMED] if region.share > 0],
        takes=least if least.share <= -0.005 else None,
    )


def _cells(shares: Floats, strongest: float, square: Square) -> list[Cell]:
    rows, columns = shares.shape
    height, width = square.side / rows, square.side / columns
    return [
        Cell(
            x=round(square.left + column * width, 2),
            y=round(square.top + row * height, 2),
            width=round(width, 2),
            height=round(height, 2),
            share=float(shares[row, column]),
            opacity=round(DENSEST * float(abs(shares[row, column])) / strongest, 3),
        )
        for row in range(rows)
        for column in range(columns)
        if abs(shares[row, column]) >= FAINTEST * strongest
    ]
