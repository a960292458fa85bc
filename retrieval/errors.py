"""Errors of one model of a search; general errors are in `config.errors`."""

from config.errors import Busy, NothingSearchable


class NoResults(Exception):
    """One external model gives no results; what the other models find is stored all the same."""


class ModelSuspended(NoResults, NothingSearchable):
    """It failed too often, and embeds nothing until a curator resumes it."""


class ModelUnavailable(NoResults, Busy):
    """It gives no embedding now: it is busy, too slow, or crashed."""

    retry_after = 10
