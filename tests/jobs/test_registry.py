import pytest

from accounts.roles import Role
from jobs.errors import UnknownJobKindError
from jobs.registry import find_kind, register
from tests.jobs.conftest import nothing


def test_a_registered_kind_is_found_with_its_queue_and_tries() -> None:
    register("train", nothing, least=Role.MEMBER, queue="train", max_attempts=2)
    kind = find_kind("train")
    assert (kind.handler, kind.queue, kind.max_attempts) == (nothing, "train", 2)


def test_registering_the_same_twice_is_no_error_but_another_handler_is() -> None:
    register("train", nothing, least=Role.MEMBER)
    register("train", nothing, least=Role.MEMBER)
    with pytest.raises(ValueError, match="'train' is registered already"):
        register("train", print, least=Role.MEMBER)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"queue": "gpu"}, "one of work, index, train, got 'gpu'"),
        ({"max_attempts": 0}, "at least 1, got 0"),
    ],
)
def test_what_is_out_of_range_is_refused(options: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        register("train", nothing, least=Role.MEMBER, **options)  # type: ignore[arg-type]


def test_an_unknown_kind_lists_the_known_ones() -> None:
    with pytest.raises(UnknownJobKindError, match="known: none"):
        find_kind("train")
