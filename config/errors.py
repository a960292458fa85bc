"""What services raise on purpose: the message can be shown, and each class is one type of problem of the API.

Services raise them; `config.api.problems` answers them as problem documents, `config.html_errors` as pages.
"""

from typing import ClassVar


class ServiceError(Exception):
    """Base of all of them. `problem` is the type's name in `config.api.problems.PROBLEMS`."""

    problem: ClassVar[str]
    retry_after: int | None = None  # seconds; None where asking again does not help


class Rejected(ServiceError):
    """The request names something that cannot be done as asked; `field` is the part at fault, where it is one alone."""

    problem = "invalid"

    def __init__(self, sentence: str = "", *, field: str = "") -> None:
        super().__init__(sentence)
        self.field = field


class Conflict(Rejected):
    """The present state does not allow it: something is in the way, or has to come first."""

    problem = "conflict"


class QuotaReached(Conflict):
    """A person keeps as much as they may; something of theirs has to go first."""

    problem = "quota-reached"


class NothingSearchable(Rejected):
    """No published model has an index of what is to be searched."""

    problem = "nothing-searchable"


class TooLarge(Rejected):
    """More files or bytes than are kept."""

    problem = "too-large"


class Busy(ServiceError):
    """Too much at once; the same request may succeed in a moment."""

    problem = "busy"
    retry_after = 2

    def __init__(self, sentence: str = "", *, retry_after: int | None = None) -> None:
        super().__init__(sentence)
        self.retry_after = retry_after or self.retry_after
