"""What the services of this app refuse; every message can be shown."""


class Refused(Exception):
    """A request names something that cannot be done as asked; `field` is what of it, where one alone is to blame."""

    def __init__(self, sentence: str = "", *, field: str = "") -> None:
        super().__init__(sentence)
        self.field = field


class NotNow(Refused):
    """Not as things are: something that needs it or is changing it is in the way, or has to come first."""


class OverQuota(NotNow):
    """A person keeps as much as they may; something of theirs has to go first."""


class TooMuch(Refused):
    """More files or bytes than are kept."""


class Unsearchable(Refused):
    """Nothing can answer yet: no published model, no index."""


class NoResults(Exception):
    """One external model gives no results; what the other models find is stored all the same."""


class ModelSuspended(NoResults, Unsearchable):
    """It failed too often, and embeds nothing until a curator resumes it."""


class EngineBusy(Exception):
    """Too many pictures are being encoded; ask again in a moment."""

    retry_after = 2  # seconds


class ModelUnavailable(NoResults, EngineBusy):
    """It gives no embedding now: it is busy, too slow, or crashed."""

    retry_after = 10  # seconds
