"""How far the ratings of a data set are from a decision, for raters: without the name of any model."""

from django.core.cache import cache

from accounts.roles import Visitor, is_curator
from ratings.services.enough_votes import EQUIVALENT, LEVEL, SEPARATED, EnoughVotes
from ratings.services.leaderboard import default_rows
from ratings.services.leaderboard_decisions import about, needs_queries, queries_available
from ratings.services.leaderboard_people import statistics_of
from retrieval.models import Dataset

KEEP_SECONDS = 60


def progress_text(user: Visitor, dataset: Dataset) -> str:
    """Return how many ballots the two leading models of a data set's default table need; empty without a table.

    It names no model. It is computed once a minute, so that rating does not wait for it.
    """
    key = f"rating-progress:{dataset.pk}:{is_curator(user)}"
    text: str = cache.get_or_set(key, lambda: _text(user, dataset), KEEP_SECONDS)  # type: ignore[assignment]
    return text


def _text(user: Visitor, dataset: Dataset) -> str:
    rows = default_rows(user, dataset)
    return sentence_of(statistics_of(rows).enough, queries_available(dataset)) if len(rows) > 1 else ""


def sentence_of(enough: EnoughVotes, available: int) -> str:
    """Return the state of the two leading models in a sentence that names none. available: queries people rate."""
    top = enough.top
    if top is None:
        return f"The ratings do not decide yet which model leads: {enough.no_interval_text}."
    if top.state == SEPARATED:
        return "The ratings decide which model leads. More of them order the others."
    if top.state == LEVEL:
        return f"The ratings decide that the two leading models differ by at most {EQUIVALENT} points."
    if needs_queries(top, available) or top.ballots is None:
        return "More ballots make the ratings surer, but to decide between the two leading models takes more pictures."
    return f"About {about(top.ballots)} more ballots of all people decide between the two leading models."
