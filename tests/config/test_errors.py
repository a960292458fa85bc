import pytest

from config.api.problems import answered
from config.errors import Busy, Conflict, NothingSearchable, Rejected, TooLarge


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Rejected("no"), 400),
        (Rejected("no", field="seeds"), 400),
        (Conflict("not yet"), 409),
        (TooLarge("full"), 413),
        (NothingSearchable("nothing"), 409),
        (Busy("busy"), 503),
    ],
)
def test_a_error_has_its_status(error: Exception, status: int) -> None:
    assert answered(error).status_code == status  # type: ignore[attr-defined]


def test_a_error_names_its_field_if_it_has_one() -> None:
    assert answered(Rejected("no", field="seeds")).detail == {"seeds": "no"}  # type: ignore[attr-defined]
    assert answered(Rejected("no")).detail == ["no"]  # type: ignore[attr-defined]


def test_what_is_no_error_stays_what_it_is() -> None:
    error = KeyError("bug")
    assert answered(error) is error
