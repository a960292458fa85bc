"""Errors that services raise on purpose. Their messages can be shown; each class is a problem type of the API.

`config.api.problems` turns them into problem documents, `config.html_errors` into pages.
"""

from typing import ClassVar


class ServiceError(Exception):
    """Base of all of them. `problem` is the type's name in `config.api.problems.PROBLEMS`."""

    problem: ClassVar[str]
    retry_after: int | None = None  # seconds; None where a retry does not help


class Rejected(ServiceError):
    """The request is invalid; `field` names the invalid field, if it is one."""

    problem = "invalid"

    def __init__(self, sentence: str = "", *, field: str = "") -> None:
        super().__init__(sentence)
        self.field = field


class Conflict(Rejected):
    """The current state does not allow the request; something else has to be done first."""

    problem = "conflict"


class QuotaReached(Conflict):
    """A person's quota is used up; they have to delete something first."""

    problem = "quota-reached"


class NothingSearchable(Rejected):
    """No published model has an index of the data sets to search."""

    problem = "nothing-searchable"


class TooLarge(Rejected):
    """Too many files or bytes."""

    problem = "too-large"


class Busy(ServiceError):
    """The site is busy; the same request may succeed in a moment."""

    problem = "busy"
    retry_after = 2

    def __init__(self, sentence: str = "", *, retry_after: int | None = None) -> None:
        super().__init__(sentence)
        self.retry_after = retry_after or self.retry_after


class ServiceAway(Busy):
    """A service beyond this process does not answer, or refuses; the same request may succeed later."""

    retry_after = 10
