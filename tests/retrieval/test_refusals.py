import pytest

from retrieval.errors import EngineBusy, NotNow, Refused, TooMuch, Unsearchable
from retrieval.refusals import as_problem


@pytest.mark.parametrize(
    ("refusal", "status"),
    [
        (Refused("no"), 400),
        (Refused("no", field="seeds"), 400),
        (NotNow("not yet"), 409),
        (TooMuch("full"), 413),
        (Unsearchable("nothing"), 409),
        (EngineBusy("busy"), 503),
    ],
)
def test_a_refusal_has_its_status(refusal: Exception, status: int) -> None:
    assert as_problem(refusal).status_code == status  # type: ignore[attr-defined]


def test_a_refusal_names_its_field_if_it_has_one() -> None:
    assert as_problem(Refused("no", field="seeds")).detail == {"seeds": "no"}  # type: ignore[attr-defined]
    assert as_problem(Refused("no")).detail == ["no"]  # type: ignore[attr-defined]


def test_what_is_no_refusal_stays_what_it_is() -> None:
    error = KeyError("bug")
    assert as_problem(error) is error
