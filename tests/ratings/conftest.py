"""Nothing here but the names of the world's models and classes, which a blind page must not show."""

import pytest

from tests.retrieval.world import World


@pytest.fixture
def secrets(world: World) -> list[str]:
    """What a person must not read before voting."""
    return [
        *world.dataset.class_names,
        *(model.name for model in world.models),
        *(model.loss for model in world.models),
    ]
