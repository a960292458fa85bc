import pytest

from retrieval.templatetags.figures import code, duration, percent, short


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [(0.4977, 1, "49.8"), (0.4977, 2, "49.77"), (0.0, 1, "0.0"), (1, 1, "100.0"), (None, 1, "–")],
)
def test_a_fraction_is_shown_of_a_hundred(value: float | None, digits: int, text: str) -> None:
    assert percent(value, digits) == text


@pytest.mark.parametrize(("value", "text"), [(0.012345678, "0.01235"), (10, "10"), (2.0, "2"), (1e-05, "1e-05")])
def test_a_parameter_has_four_significant_digits(value: float, text: str) -> None:
    assert short(value) == text


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (None, "–"),
        (0.2, "1 s"),
        (42, "42 s"),
        (120, "2 min"),
        (200.4, "3 min 20 s"),
        (7500, "2 h 5 min"),
        (270000, "3 d 3 h"),
    ],
)
def test_a_duration_is_written_as_people_say_it(seconds: float | None, written: str) -> None:
    assert duration(seconds) == written


def test_what_stands_in_backticks_is_code() -> None:
    assert code("`a.txt` with `b/`") == "<code>a.txt</code> with <code>b/</code>"


def test_everything_is_escaped() -> None:
    assert code("`<b>` & <i>") == "<code>&lt;b&gt;</code> &amp; &lt;i&gt;"
    assert code("one ` alone") == "one ` alone"
