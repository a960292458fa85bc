"""Parameters are checked before anything is built."""

import pytest

from mlcore.losses.spec import Parameter

WHOLE = Parameter(10, low=1, high=64)
SHARE = Parameter(0.1, above=0)


@pytest.mark.parametrize(("value", "expected"), [(3, 3), ("3", 3), (3.0, 3), ("1e1", 10)])
def test_a_whole_number_may_come_as_text(value: object, expected: int) -> None:
    found = WHOLE.checked("centers", value)
    assert found == expected and isinstance(found, int)


def test_a_number_takes_its_defaults_type() -> None:
    assert isinstance(SHARE.checked("gamma", 1), float)


@pytest.mark.parametrize(
    ("parameter", "value", "message"),
    [
        (WHOLE, 2.5, "centers must be a whole number, got 2.5"),
        (WHOLE, 0, "centers must be at least 1, got 0"),
        (WHOLE, 65, "centers must be at most 64, got 65"),
        (WHOLE, "many", "centers must be a number, got 'many'"),
        (WHOLE, None, "centers must be a number, got None"),
        (WHOLE, [1], "centers must be a number, got"),
        (WHOLE, 10**400, "centers must be a number, got"),
        (SHARE, 0, "centers must be positive, got 0"),
        (Parameter(2.0, above=1), 1, "centers must be above 1, got 1"),
        (SHARE, "nan", "centers must be finite, got 'nan'"),
        (SHARE, float("inf"), "centers must be finite, got inf"),
    ],
)
def test_a_wrong_value_is_refused_with_the_bound_it_breaks(parameter: Parameter, value: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parameter.checked("centers", value)
