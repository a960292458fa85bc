"""Drawn butterflies as a data set."""

import pytest

from mlcore.datasets import open_source
from mlcore.errors import DatasetError
from mlcore.images.image_io import open_picture


def test_drawn_wings_are_a_source_like_any_other() -> None:
    with open_source("wings:species=5,per_class=2,size=32") as source:
        assert len(source.classes) == len(set(source.classes)) == 5
        assert [item.label for item in source.items] == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
        assert [item.split for item in source.items] == ["train"] * 6 + ["test"] * 4
        assert len({item.path for item in source.items}) == 10
        assert open_picture(source.items[3].read()).size == (32, 32)


def test_wrong_wings_are_refused() -> None:
    with pytest.raises(DatasetError, match="wingspan"), open_source("wings:wingspan=3"):
        pytest.fail("drawn")
