import re
from pathlib import Path

import pytest
from django.conf import settings

from retrieval.models import COLORS
from retrieval.registry.services import legend
from tests.retrieval.world import World


def test_files_have_the_colours_of_the_pages() -> None:
    css = (Path(settings.BASE_DIR) / "static" / "kindred" / "tokens.css").read_text()
    light = dict(reversed(re.findall(r"--model-(\d): (#[0-9a-f]{6})", css)))
    assert [light[str(number)] for number in range(COLORS)] == list(legend.HEX)
    assert len(legend.HEX) == len(legend.MARKS) == COLORS


def test_no_two_numbers_look_the_same() -> None:
    assert len({(mark, number in legend.HOLLOW) for number, mark in enumerate(legend.MARKS)}) == COLORS


@pytest.mark.django_db
def test_models_of_a_data_set_take_the_colours_in_turn(world: World) -> None:
    assert [model.color for model in world.models] == [0, 1] and legend.next_color(world.dataset) == 2
    assert legend.color_of(COLORS + 1) == 1
