"""Errors of ratings alone; more general ones are in `config.errors`."""

from config.errors import Conflict, Rejected


class NothingToRate(Conflict):
    """There is nothing to rate blind yet, or this person has rated all of it."""


class UnknownFilter(Rejected):
    """The leaderboard has no such data set or protocol, or not for this person; `field` says which of the two."""
