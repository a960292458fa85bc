"""What the services of this app refuse; every message can be shown."""


class RatingRefused(Exception):
    """A vote cannot be taken as it was given."""


class Settled(RatingRefused):
    """The ballot's state does not allow it: cast, withdrawn, or not cast yet."""


class NothingToRate(Exception):
    """There is nothing to rate blind yet, or this person has rated all of it."""


class UnknownFilter(Exception):
    """The leaderboard has no such data set or protocol, or not for this person; `name` says which of the two."""

    def __init__(self, name: str, sentence: str) -> None:
        super().__init__(sentence)
        self.name = name
