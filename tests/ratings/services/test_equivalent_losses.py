from typing import Any

import pytest

from ratings.services.equivalent_losses import equivalent_losses
from retrieval.models import Model, Run


def trained(key: int, loss: str, **params: Any) -> Model:
    return Model(pk=key, loss=loss, run=Run(pk=key, loss=loss, params=params))


@pytest.mark.parametrize(
    ("models", "scales"),
    [
        ([("normalized_softmax", {}), ("soft_triple", {"centers": 1})], [20, 20]),
        ([("normalized_softmax", {}), ("proxy_nca_plus_plus", {})], [20, 18]),
        (
            [
                ("normalized_softmax", {"temperature": 1 / 18}),
                ("proxy_nca_plus_plus", {}),
                ("soft_triple", {"centers": 1, "scale": 18}),
            ],
            [18, 18, 18],
        ),
    ],
)
def test_losses_of_one_formula_are_named_with_their_scales(models: list[tuple[str, Any]], scales: list[float]) -> None:
    table = [trained(key, loss, **params) for key, (loss, params) in enumerate(models, 1)]
    found = equivalent_losses([*table, trained(9, "cos_face"), Model(pk=10, loss="")])
    assert found is not None
    assert [entry.scale for entry in found.models] == pytest.approx(scales)
    assert [entry.model for entry in found.models] == table
    assert found.is_equal is (len(set(scales)) == 1)


def test_several_centres_or_one_name_alone_are_no_note() -> None:
    assert equivalent_losses([trained(1, "soft_triple"), trained(2, "normalized_softmax")]) is None
    assert (
        equivalent_losses([trained(1, "normalized_softmax"), trained(2, "normalized_softmax", temperature=0.1)]) is None
    )
    assert equivalent_losses([]) is None
