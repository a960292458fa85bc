"""Fields that more than one endpoint takes."""

from typing import Any

import pytest
from rest_framework.exceptions import ValidationError

from config.api.fields import KeyField, NumberOrTextField


@pytest.mark.parametrize(("given", "taken"), [(3, "3"), (0.1, "0.1"), ("resnet50", "resnet50"), (1e-8, "1e-08")])
def test_numbers_and_texts_are_given_on_as_texts(given: Any, taken: str) -> None:
    assert NumberOrTextField().run_validation(given) == taken


@pytest.mark.parametrize("given", [True, None, [1], {"a": 1}, "", "a\0b", "\ud800"])
def test_what_is_neither_number_nor_text_is_refused(given: Any) -> None:
    with pytest.raises(ValidationError):
        NumberOrTextField().run_validation(given)


def test_a_key_is_one_that_a_database_can_hold() -> None:
    assert KeyField().run_validation(10**18 - 1) == 10**18 - 1
    for wrong in (0, -1, 10**18, 10**30):
        with pytest.raises(ValidationError):
            KeyField().run_validation(wrong)
