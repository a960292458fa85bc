"""What the services of this app refuse; every message can be shown."""


class RatingRefused(Exception):
    """A vote cannot be taken as it was given."""


class NothingToRate(Exception):
    """There is nothing to rate blind yet, or this person has rated all of it."""


class UnknownFilter(Exception):
    """The leaderboard has no such data set or protocol, or not for this person."""
