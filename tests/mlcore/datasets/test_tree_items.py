"""Items that are made when they are looked at behave as a list of them."""

from mlcore.datasets.filetree import FileTree
from mlcore.datasets.source import TEST, TRAIN
from mlcore.datasets.tree_items import Block, TreeItems


def test_items_are_those_of_the_blocks_in_order() -> None:
    tree = FileTree("set", "set", {"a/1": 1, "a/2": 1, "b/3": 1}, lambda path: path.encode())
    items = TreeItems(tree, [Block(["a/1", "a/2"], 0, TRAIN), Block([], 1, TRAIN), Block(["b/3"], 2, TEST)])
    assert len(items) == 3
    assert [(item.path, item.label, item.split) for item in items] == [
        ("a/1", 0, TRAIN), ("a/2", 0, TRAIN), ("b/3", 2, TEST),
    ]  # fmt: skip
    assert [items[place].path for place in (0, 1, 2, -1)] == ["a/1", "a/2", "b/3", "b/3"]
    assert [item.path for item in items[1:]] == ["a/2", "b/3"]
    assert items[2].read() == b"b/3"
    assert +items.counts() == {(0, TRAIN): 2, (2, TEST): 1}


def test_no_blocks_are_no_items() -> None:
    assert len(TreeItems(FileTree("set", "set", {}, bytes), [])) == 0  # type: ignore[arg-type]
