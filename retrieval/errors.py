"""Errors of one model of a search; general errors are in `config.errors`."""

from config.errors import Busy, NothingSearchable, Rejected, ServiceAway


class NoResults(Exception):
    """One model gives no results; what the other models find is stored all the same."""


class ModelSuspended(NoResults, NothingSearchable):
    """It failed too often, and embeds nothing until a curator resumes it."""


class ModelDamaged(NoResults, Rejected):
    """Its files, or those of an index of it, are damaged or gone."""


class ModelUnavailable(NoResults, Busy):
    """It gives no embedding now: it is busy, too slow, or crashed."""

    retry_after = 10


class EncoderAway(NoResults, ServiceAway):
    """The encoder that embeds for this host does not answer now."""


class VectorsAway(NoResults, ServiceAway):
    """Its index is in a vector store that does not answer now."""
