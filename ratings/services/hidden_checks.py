"""Ballots that check their rater, unseen: repeats of an earlier ballot, and columns that are shown twice."""

import random
from collections.abc import Mapping

from django.db.models import QuerySet

from accounts.models import User
from ratings.models import Ballot, Duplicate
from retrieval.models import Search

REPEAT_EVERY = 15
"""One of so many ballots of a person repeats an earlier one, if there is one to repeat."""

REPEAT_AFTER = 5
"""Ballots that lie at least between a ballot and its repeat, so that it is not remembered."""

DUPLICATE_EVERY = 25
"""One of so many ballots of a person has a column twice."""

_chance = random.SystemRandom()

ATTENTIVE_WITHIN = 1
"""Points by which the ratings of one column shown twice may differ; more is a lapse."""


def ballot_to_repeat(user: User, searches: QuerySet[Search]) -> Ballot | None:
    """Return the ballot that this person rates once more now, one on these searches; None if none is due.

    It is one at random of those that are rated, not repeated before, have no duplicated column, and are followed by
    REPEAT_AFTER rated ballots.
    """
    rated = Ballot.objects.filter(who=user, voted_at__isnull=False)
    if _rated_since(Ballot.objects.filter(who=user, repeat_of__isnull=False), rated) < REPEAT_EVERY - 1:
        return None
    recent = rated.order_by("-voted_at").values_list("pk", flat=True)[:REPEAT_AFTER]
    old = rated.filter(repeat_of=None, repeat=None, duplicate__isnull=True, search__in=searches).exclude(
        pk__in=list(recent)
    )
    keys = list(old.order_by().values_list("pk", flat=True))
    return old.select_related("search").filter(pk=_chance.choice(keys)).first() if keys else None


def is_duplicate_due(user: User) -> bool:
    """Return whether a column of this person's next ballot is shown twice."""
    rated = Ballot.counted.filter(who=user, voted_at__isnull=False)
    return _rated_since(Ballot.objects.filter(who=user, duplicate__isnull=False), rated) >= DUPLICATE_EVERY - 1


def _rated_since(checks: QuerySet[Ballot], rated: QuerySet[Ballot]) -> int:
    """Return how many ballots a person rated after the newest check was shown, itself left out; all without one."""
    newest = checks.order_by("-shown_at").first()
    return (rated.filter(voted_at__gt=newest.shown_at).exclude(pk=newest.pk) if newest else rated).count()


def duplicate_of(order: list[int], rankings: Mapping[int, int], chance: random.Random) -> Duplicate:
    """Return a column for one of a ballot's rankings, at a random place. rankings: all of the query, by model.

    Its key looks like one of theirs: a number beside them that none of them has.
    """
    taken = set(rankings.values())
    near = [key for key in range(max(1, min(taken) - 2), max(taken) + 3) if key not in taken]
    return {"ranking": chance.choice(order), "key": chance.choice(near), "place": chance.randint(0, len(order))}
