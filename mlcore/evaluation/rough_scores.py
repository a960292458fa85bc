"""Rough cosines of unit rows: which few pictures can be among the best, told much faster than exactly.

A processor with instructions for bfloat16 multiplies it several times as fast as single precision. The error of a
rough cosine is bounded, so whoever compares all that rough ones leave possible exactly has the exact ranking.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Ints = NDArray[np.int64]
F = TypeVar("F", np.float32, np.float64)

_SINGLE, _BFLOAT16 = 2.0**-24, 2.0**-8
"""Units of rounding: the largest relative error of a number when it is stored."""

_GROUP = 16
"""Columns of scores whose best is looked at before each."""

_PAIRS = 1 << 12
"""Pairs whose rows are gathered at a time: 32 MiB of 512 dimensions in double precision."""


@dataclass(frozen=True)
class RoughRows:
    """N unit rows: singles [N, D]; halves [N, D] in bfloat16, where this processor multiplies those."""

    singles: Singles
    halves: "Tensor | None"

    def of(self, rows: Ints) -> "RoughRows":
        """Return some of the rows."""
        return RoughRows(self.singles[rows], None if self.halves is None else self.halves[rows])


def rough_rows(unit: Floats) -> RoughRows:
    """Return unit rows [N, D] in lower precision."""
    import torch

    singles = unit.astype(np.float32)
    return RoughRows(singles, torch.from_numpy(singles).to(torch.bfloat16) if multiplies_bfloat16() else None)


@cache
def multiplies_bfloat16() -> bool:
    """Say whether this processor has instructions for products of bfloat16."""
    import torch

    found = torch.cpu.get_capabilities()
    return bool(found.get("amx_bf16") or found.get("avx512_bf16"))


def single_error(dim: int) -> float:
    """Return how far at most a single-precision cosine is from the exact one, whatever its order.

    Source: Higham, "Accuracy and Stability of Numerical Algorithms", 2002, section 3.1.
    """
    return (dim + 4) * _SINGLE


def pair_cosines(queries: NDArray[F], gallery: NDArray[F], asked: Ints, found: Ints) -> NDArray[F]:
    """Return the products [P] of unit rows `asked` [P] of queries [B, D] with rows `found` [P] of a gallery [N, D]."""
    cosines = np.empty(len(asked), queries.dtype)
    for start in range(0, len(asked), _PAIRS):
        part = slice(start, start + _PAIRS)
        cosines[part] = np.einsum("pd,pd->p", queries[asked[part]], gallery[found[part]])
    return cosines


def possible_best(queries: RoughRows, gallery: RoughRows, count: int, *, step: float, most: int) -> tuple[Ints, Ints]:
    """Return the pairs (query, gallery row), [P] each, that exact cosines could put among a query's first `count`.

    They ascend by query. A query of which more than about `most` are possible has no pair. step: how much lower an
    exact cosine may be and still rank the same.
    """
    import torch

    error = single_error(gallery.singles.shape[1])
    if queries.halves is None or gallery.halves is None:
        scores = torch.from_numpy(queries.singles @ gallery.singles.T)
        return _reaching(scores, count, most, lambda bounds: 2 * error + step)
    # Two rounded unit rows (Cauchy-Schwarz), their sum's order, and the rounded sum, up to the size of the bound.
    of_sum = (2 + _BFLOAT16) * _BFLOAT16 + error
    scores = queries.halves @ gallery.halves.T
    pairs = _reaching(scores, count, most, lambda bounds: 2.1 * (of_sum + _BFLOAT16 * (bounds.abs() + of_sum)) + step)
    return _closer(queries.singles, gallery.singles, pairs, count, 2 * error + step)


def _reaching(
    scores: "Tensor", count: int, most: int, slack: "Callable[[Tensor], Tensor | float]"
) -> tuple[Ints, Ints]:
    """Return the places (row, column), [P] each, of scores [B, N] that are at most `slack` below a bound of their row.

    At least `count` scores of a row reach its bound: the best of as many groups of columns do. Only groups whose best
    reaches far enough are looked into, and no row of which more than `most` do.
    """
    import torch

    width = max(1, min(_GROUP, scores.shape[1] // (16 * count)))
    groups = scores.shape[1] // width
    grouped = scores[:, : groups * width].view(len(scores), width, groups)
    highest = grouped.amax(dim=1).float()
    bounds = highest.topk(count, dim=1).values[:, -1:]
    lowest = bounds - slack(bounds)
    reached = highest >= lowest
    lowest[reached.sum(dim=1) > most] = torch.inf
    row, group = (reached & (lowest < torch.inf)).nonzero(as_tuple=True)
    of_group, place = (grouped[row, :, group].float() >= lowest[row]).nonzero(as_tuple=True)
    rest_row, rest = (scores[:, groups * width :].float() >= lowest).nonzero(as_tuple=True)
    rows = torch.cat([row[of_group], rest_row])
    columns = torch.cat([place * groups + group[of_group], rest + groups * width])
    order = rows.argsort(stable=True)
    return rows[order].numpy(), columns[order].numpy()


def _closer(
    queries: Singles, gallery: Singles, pairs: tuple[Ints, Ints], count: int, slack: float
) -> tuple[Ints, Ints]:
    """Return those of the pairs that stay possible by single-precision cosines."""
    asked, found = pairs
    cosines = pair_cosines(queries, gallery, asked, found)
    order = np.lexsort((-cosines, asked))
    _, firsts, places = np.unique(asked, return_index=True, return_inverse=True)
    bounds = cosines[order[firsts + count - 1]]  # each of these queries has at least `count` pairs
    kept = cosines >= bounds[places] - slack
    return asked[kept], found[kept]
