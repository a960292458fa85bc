"""Near-duplicates among answers: shown as one that opens."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from mlcore.images.perceptual_hash import near_duplicate_matrix


def folded(answers: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the answers, best first, each with those below it that look the same as its `alike`.

    Everyone joins the best answer that it is like, not one that has joined another itself: what is like a
    picture's twin need not be like the picture. Pictures without a look stay on their own.
    """
    looks = [answer["image"].look for answer in answers]
    seen = [at for at, look in enumerate(looks) if look is not None]
    same = np.eye(len(answers), dtype=np.bool_)
    if seen:
        same[np.ix_(seen, seen)] |= near_duplicate_matrix([bytes(looks[at]) for at in seen])
    leaders: dict[int, list[dict[str, Any]]] = {}
    for at, answer in enumerate(answers):
        leader = next((first for first in leaders if same[first, at]), at)
        leaders.setdefault(leader, [])
        if leader != at:
            leaders[leader].append({**answer, "alike": []})
    return [{**answers[at], "alike": others} for at, others in leaders.items()]
