"""Errors of ratings alone; more general ones are in `config.errors`."""

from config.errors import Conflict, Rejected


class NothingToRate(Conflict):
    """No query can be rated blind yet, or this person has rated all of them."""


class UnknownFilter(Rejected):
    """The leaderboard has no such data set or protocol, or not for this person; `field` is which of the two."""
