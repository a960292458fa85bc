"""Several searches at once: a model sees all their pictures together, which is faster than one by one."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar
from uuid import UUID

from config.errors import Busy, Rejected
from retrieval.errors import NoResults
from retrieval.models import Model, Search
from retrieval.search.services.ranking import Look, look_at
from retrieval.search.services.run_search import Asked, Question, answer, prepare

T = TypeVar("T")
Refusal = Rejected | Busy


def ask_all(asked: Sequence[Asked], patience: float = 0) -> list[Search | Refusal]:
    """Ask each, and return its search, or why it was refused, in order: one that fails leaves the others.

    All their pictures are in memory at once, decoded. `patience`: how many seconds the engine may be busy before
    all that need it are refused.
    """
    questions = _prepared(asked)
    looks = _tried(partial(_looks, [one for one in questions if isinstance(one, Question)], patience))
    if not isinstance(looks, dict):
        return [looks if isinstance(one, Question) else one for one in questions]
    return [
        _tried(partial(answer, one, looks[one.search.pk])) if isinstance(one, Question) else one for one in questions
    ]


def _prepared(asked: Sequence[Asked]) -> list[Question | Refusal]:
    """Return the questions; what comes after one that waited in vain for its turn does not wait as well."""
    questions: list[Question | Refusal] = []
    for one in asked:
        last = questions[-1] if questions else None
        questions.append(last if isinstance(last, Busy) else _tried(partial(prepare, **one)))
    return questions


def _tried(call: Callable[[], T]) -> T | Refusal:
    try:
        return call()
    except (Rejected, Busy) as refusal:
        return refusal


def _looks(questions: Sequence[Question], patience: float) -> dict[UUID, dict[int, Look | NoResults]]:
    """Return what every model saw in the pictures that it is asked about, or why it did not, by search and model.

    A damaged model is left out: each search that asks it is refused by itself.
    """
    until = time.monotonic() + patience
    looks: dict[UUID, dict[int, Look | NoResults]] = {question.search.pk: {} for question in questions}
    asked: dict[Model, list[Question]] = {}
    for question in questions:
        for model in question.models:
            if model.has_network:
                asked.setdefault(model, []).append(question)
    for model, askers in asked.items():
        try:
            seen: Sequence[Look | NoResults] = look_at(
                model, [asker.picture for asker in askers], max(0, until - time.monotonic())
            )
        except NoResults as reason:  # asking again for each search would wait as often
            seen = [reason] * len(askers)
        except Rejected:
            continue
        for asker, look in zip(askers, seen, strict=True):
            looks[asker.search.pk][model.pk] = look
    return looks
