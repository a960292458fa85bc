"""What a new ballot shows: its columns in random order, how likely they were, and hidden checks of the rater."""

import random
from collections.abc import Mapping
from typing import NotRequired, TypedDict

from accounts.models import User
from ratings.models import Ballot, Duplicate
from ratings.services.column_selection import select_columns
from ratings.services.hidden_checks import duplicate_of, is_duplicate_due
from ratings.services.pair_selection import standings

_chance = random.SystemRandom()


class BallotDesign(TypedDict):
    """The fields of a ballot that say what it shows; propensities: of its columns, by ranking."""

    order: list[int]
    is_core: bool | None
    propensities: dict[str, float] | None
    duplicate: NotRequired[Duplicate]
    repeat_of: NotRequired[Ballot]


def drawn_ballot(user: User, rankings: Mapping[int, int], columns: int, *, is_core: bool) -> BallotDesign:
    """Return a ballot of at most that many columns, one of them a duplicate now and then. rankings: by model."""
    is_doubled = is_duplicate_due(user)
    selection = select_columns(sorted(rankings), max(1, columns - is_doubled), standings(rankings), _chance)
    order = [rankings[model] for model in _chance.sample(list(selection.models), len(selection.models))]
    shares = {str(rankings[model]): share for model, share in selection.propensities.items()}
    design: BallotDesign = {"order": order, "is_core": is_core, "propensities": shares}
    if is_doubled:
        design["duplicate"] = duplicate_of(order, rankings, _chance)
    return design


def repeated_ballot(first: Ballot) -> BallotDesign:
    """Return a hidden repeat of a ballot: the same columns, shuffled anew."""
    return {
        "order": _chance.sample(first.order, len(first.order)),
        "is_core": first.is_core,
        "propensities": first.propensities,
        "repeat_of": first,
    }
