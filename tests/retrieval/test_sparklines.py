import pytest

from retrieval.sparklines import curve_points, place_between


@pytest.mark.parametrize(
    ("values", "points"),
    [([], ""), ([1.0], ""), ([2.0, 1.0], "0.0,2.0 240.0,58.0"), ([1.0, 1.0, 1.0], "0.0,58.0 120.0,58.0 240.0,58.0")],
)
def test_a_curve_fills_its_drawing(values: list[float], points: str) -> None:
    assert curve_points(values) == points


def test_a_value_lies_between_the_ends_of_its_scale() -> None:
    assert [place_between(1.0, value, 3.0) for value in (1.0, 2.0, 3.0)] == ["0.0000", "0.5000", "1.0000"]
    assert place_between(1.0, 1.0, 1.0) == "0.0000"
