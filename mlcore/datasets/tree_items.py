"""Pictures of a tree of files as items of a source, made when they are looked at."""

import functools
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import overload

from mlcore.datasets.filetree import FileTree
from mlcore.datasets.source import SourceItem
from mlcore.images.image_io import MAX_BYTES


@dataclass(frozen=True)
class Block:
    """Pictures of one class and one split, in their order."""

    paths: Sequence[str]
    label: int
    split: str


class TreeItems(Sequence[SourceItem]):
    """The pictures of blocks, one block after another. A million items kept as objects would take 0.3 GB."""

    def __init__(self, tree: FileTree, blocks: Sequence[Block]) -> None:
        self._tree = tree
        self._blocks = blocks
        self._ends = list(accumulate(len(block.paths) for block in blocks))

    def counts(self) -> Counter[tuple[int, str]]:
        """Return the number of pictures of each (label, split), without looking at them."""
        counts: Counter[tuple[int, str]] = Counter()
        for block in self._blocks:
            counts[block.label, block.split] += len(block.paths)
        return counts

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    @overload
    def __getitem__(self, index: int) -> SourceItem: ...

    @overload
    def __getitem__(self, index: slice) -> list[SourceItem]: ...

    def __getitem__(self, index: int | slice) -> SourceItem | list[SourceItem]:
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(len(self)))]
        place = range(len(self))[index]
        number = bisect_right(self._ends, place)
        block = self._blocks[number]
        return self._item(block, block.paths[place - self._ends[number]])

    def __iter__(self) -> Iterator[SourceItem]:
        return (self._item(block, path) for block in self._blocks for path in block.paths)

    def _item(self, block: Block, path: str) -> SourceItem:
        return SourceItem(path, block.label, block.split, functools.partial(self._tree.read, path, MAX_BYTES))
