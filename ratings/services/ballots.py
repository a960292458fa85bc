"""Blind ballots: the next query to rate, its columns in random order, and the ratings that people give."""

import random
from collections.abc import Mapping, Sequence
from datetime import timedelta
from itertools import combinations
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Count, F, Prefetch, Q, QuerySet
from django.utils import timezone

from accounts.models import User
from config.errors import Conflict, Rejected
from mlcore.runs import BASELINES
from ratings.errors import NothingToRate
from ratings.models import Ballot, BlindScore
from ratings.services.ballot_designs import BallotDesign, drawn_ballot, repeated_ballot
from ratings.services.column_selection import contests_between
from ratings.services.hidden_checks import ballot_to_repeat
from ratings.services.pair_selection import closest_contest, standings
from retrieval.datasets.services.random_pictures import random_pictures
from retrieval.datasets.services.visibility import visible_datasets
from retrieval.models import Dataset, Image, Model, Ranking, Search
from retrieval.search.services.run_search import searchable_models, system_search

RESULTS = 8
COLUMNS = 4
"""As many models as a person can hold beside each other; where more compete, half of them are drawn at random."""

QUERIES = 150
"""Queries of a data set that people rate. With 40, no number of ratings finds two models apart by 0.38 points."""

CORE = 10
CORE_SHARE = 0.25
"""The first queries of a data set, and the share of ballots on them: there people meet, so that one can say how far
they agree, from the first ballots on."""

TIME_TO_RATE = timedelta(minutes=10)
"""How long an open ballot stays, although another index has replaced the one that its results are from."""

_chance = random.SystemRandom()

Contests = Mapping[Dataset, Sequence[Model]]


def next_ballot(user: User) -> Ballot:
    """Return the ballot that this person has open, or a new one where ratings are most needed.

    Queries are held-out pictures, and so are the results; the columns are in random order. A share of the ballots is
    on the core. Otherwise first come pictures that nobody was offered, then the queries with the fewest ratings, and
    among those the one with the closest contest (`pair_selection.closest_contest`), then chance. Pictures that this
    person skipped come last, the one that waits longest first.

    Raises:
        NothingToRate: no data set has two published models, or this person has rated every query.
    """
    contests = _contests(user)
    if not contests:
        raise NothingToRate("nothing to rate yet: a data set needs two published models with an index")
    ballot = _open_ballots(user).filter(search__in=_current(contests)).select_related("search").first()
    if ballot is not None:
        return ballot
    first = ballot_to_repeat(user, _current(contests))
    if first is not None:
        return _opened(user, first.search, repeated_ballot(first), contests)
    search = _core_query(user, contests) if _chance.random() < CORE_SHARE else None
    is_core = search is not None
    search = search or _new_query(user, contests) or _fewest_ratings(user, contests, _current(contests))
    if search is None:
        skipped = _skipped_again(user, contests)
        if skipped is not None:
            return skipped
        raise NothingToRate("you have rated every query; thank you")
    rankings = {ranking.model_id: ranking.pk for ranking in _competing().filter(search=search)}
    return _opened(user, search, drawn_ballot(user, rankings, COLUMNS, is_core=is_core), contests)


def _open_ballots(user: User) -> QuerySet[Ballot]:
    return Ballot.objects.filter(who=user, voted_at=None, withdrawn_at=None, skipped_at=None)


def _skipped_ballots(user: User) -> QuerySet[Ballot]:
    return Ballot.objects.filter(who=user, voted_at=None, withdrawn_at=None, skipped_at__isnull=False)


def _skipped_again(user: User, contests: Contests) -> Ballot | None:
    """Return the ballot that this person skipped first, open again with the same columns; None without one."""
    waiting = _skipped_ballots(user).filter(search__in=_current(contests)).order_by("skipped_at")
    ballot = waiting.select_related("search").first()
    try:
        if ballot is not None:
            with transaction.atomic():
                Ballot.objects.filter(pk=ballot.pk).update(skipped_at=None)
            ballot.refresh_from_db()
    except IntegrityError:  # another request of this person opened one at the same moment
        return _open_ballots(user).select_related("search").first()
    return ballot


def _opened(user: User, search: Search, design: BallotDesign, contests: Contests) -> Ballot:
    """Return a new ballot in place of one whose query or results are not visible any more; a person has one open."""
    try:
        with transaction.atomic():
            _open_ballots(user).exclude(search__in=_current(contests)).delete()  # it has no ratings
            return Ballot.objects.create(who=user, search=search, **design)
    except IntegrityError:  # another request of this person opened one at the same moment
        return _open_ballots(user).select_related("search").first() or next_ballot(user)


def ballots_of(user: User) -> QuerySet[Ballot]:
    """Return one's own ballots; nobody sees another's."""
    return Ballot.objects.filter(who=user).select_related("who", "search__query_image__dataset_class")


def _contests(user: User) -> Contests:
    """Return the models that compete, by data set; baselines are measured only, for a rater's time is dear."""
    fields = {
        dataset: list(searchable_models(dataset).filter(suspended_at=None).exclude(loss__in=BASELINES))
        for dataset in visible_datasets(user)
    }
    return {dataset: models for dataset, models in fields.items() if len(models) >= 2}


def _competing() -> QuerySet[Ranking]:
    """Return the rankings that a ballot may show; queries of older releases have baselines' as well."""
    return Ranking.objects.exclude(model__loss__in=BASELINES)


def _current(contests: Contests) -> QuerySet[Search]:
    """Return the system's searches that every competing model has answered with its present index."""
    complete_in_a_dataset = Q(pk__in=[])
    for dataset, models in contests.items():
        serving = [model.serving[0].pk for model in models]  # type: ignore[attr-defined]
        answered = Search.objects.filter(owner=None, query_image__dataset=dataset, query_image__hidden=False)
        answered = answered.annotate(
            present=Count("rankings", filter=Q(rankings__index__in=serving), distinct=True),
            every=Count("rankings", filter=~Q(rankings__model__loss__in=BASELINES), distinct=True),
        )
        complete = answered.filter(present=len(serving), every=len(serving))
        complete_in_a_dataset |= Q(pk__in=complete.values("pk"))
    return Search.objects.filter(complete_in_a_dataset)


def _new_query(user: User, contests: Contests) -> Search | None:
    """Search with a held-out picture nobody was offered yet, in the data set with the fewest queries.

    Among sets that have as few, in the one with the closest contest. None when every set has its QUERIES,
    or no picture left.
    """
    current = _current(contests)
    # Results of indexes that are not active any more would only keep their pictures from being offered; not so those
    # that somebody rated, nor those of a withdrawn ballot: that person has seen the names. Somebody else who
    # opened a ballot a moment ago is about to rate it.
    stale = Search.objects.filter(owner=None, query_image__dataset__in=list(contests))
    in_hand = Q(shown_at__gte=timezone.now() - TIME_TO_RATE) & ~Q(who=user)
    kept = Ballot.objects.filter(Q(voted_at__isnull=False) | Q(withdrawn_at__isnull=False) | in_hand)
    stale.exclude(pk__in=current.values("pk")).exclude(ballots__in=kept).delete()
    queries = {dataset: current.filter(query_image__dataset=dataset).count() for dataset in contests}
    between = _closeness(contests)

    def need(dataset: Dataset) -> tuple[int, float]:
        pairs = combinations([model.pk for model in contests[dataset]], 2)
        return queries[dataset], min(between[frozenset(pair)] for pair in pairs)

    for dataset in sorted(contests, key=need):
        if queries[dataset] < QUERIES:
            used = Search.objects.filter(owner=None, query_image__dataset=dataset).values_list("query_image", flat=True)
            for fresh in random_pictures([dataset], 1, Image.objects.asking().exclude(pk__in=list(used))):
                return _searched(fresh, contests[dataset])
    return None


def _core_query(user: User, contests: Contests) -> Search | None:
    """Return the query of a core with the fewest ratings that this person has not seen; None without one."""
    current, core = _current(contests), list[UUID]()
    for dataset in contests:
        own = current.filter(query_image__dataset=dataset).order_by("created_at", "pk")
        core += own.values_list("pk", flat=True)[:CORE]
    return _fewest_ratings(user, contests, Search.objects.filter(pk__in=core))


def _fewest_ratings(user: User, contests: Contests, searches: QuerySet[Search]) -> Search | None:
    """Return the query with the fewest ratings among those this person has not seen, the closest contest first."""
    count = Count("ballots", filter=Q(ballots__voted_at__isnull=False, ballots__repeat_of=None))
    unseen = searches.exclude(ballots__who=user).annotate(ballot_count=count)
    fewest = unseen.order_by("ballot_count").values_list("ballot_count", flat=True).first()
    if fewest is None:
        return None
    level = list(unseen.filter(ballot_count=fewest).order_by().prefetch_related(Prefetch("rankings", _competing())))
    _chance.shuffle(level)  # of several closest contests, min takes the first
    between = _closeness(contests)
    return min(level, key=lambda search: closest_contest(list(search.rankings.all()), between))


def _closeness(contests: Contests) -> dict[frozenset[int], float]:
    """Return how close the contest is of every two models of a data set."""
    fields = [[model.pk for model in models] for models in contests.values()]
    stand = standings(model for field in fields for model in field)
    return {pair: close for field in fields for pair, close in contests_between(field, stand).items()}


def _searched(image: Image, models: Sequence[Model]) -> Search:
    try:
        # Rankings are numbered as they are made, and the page shows the numbers: they must say nothing.
        return system_search(image, random.sample(models, len(models)), RESULTS)
    except Rejected as error:
        raise NothingToRate(f"no query can be rated now: {error}") from error


def _check(ballot: Ballot, ratings: Mapping[int, int], *, all_bad: bool) -> None:
    """Raise Rejected unless each column has one rating from 1 to 5, and all are 1 where none matches."""
    if set(ratings) != set(ballot.column_keys):
        raise Rejected(f"rate each of the {len(ballot.column_keys)} columns once")
    for rating in ratings.values():
        if rating not in BlindScore.SCORES:
            raise Rejected(f"a rating is 1 to 5, got {rating}")
    if all_bad and set(ratings.values()) != {1}:
        raise Rejected("all_bad means that every rating is 1; send all_bad without ratings")


def all_ones(ballot: Ballot) -> dict[int, int]:
    """Return the ratings of a ballot on which no column matches."""
    return dict.fromkeys(ballot.column_keys, 1)


def save_draft(ballot: Ballot, ratings: Mapping[int, int], *, all_bad: bool = False) -> None:
    """Store ratings that count nowhere until `show_names`; until then they can be changed. Idempotent.

    Raises:
        Rejected: see `rate`.
        Conflict: the names were shown, or the ballot was withdrawn.
    """
    _check(ballot, ratings, all_bad=all_bad)
    draft = {str(ranking): rating for ranking, rating in ratings.items()}
    uncast = Ballot.objects.filter(pk=ballot.pk, voted_at=None, withdrawn_at=None)
    if not uncast.update(draft=draft, draft_none_good=all_bad):
        _check_repeated(ballot, ratings)
    ballot.refresh_from_db()


def show_names(ballot: Ballot) -> None:
    """Cast the ballot with its draft; from now on the person may read the models' names. Idempotent.

    Raises:
        Conflict: it has no ratings yet, or was withdrawn.
    """
    ballot.refresh_from_db()
    if ballot.voted_at is not None:
        return
    if ballot.draft is None and ballot.withdrawn_at is None:
        raise Conflict("this ballot has no ratings yet; rate it first")
    ratings = {int(ranking): rating for ranking, rating in (ballot.draft or {}).items()}
    rate(ballot, ratings or all_ones(ballot), all_bad=ballot.draft_none_good)


@transaction.atomic
def rate(ballot: Ballot, ratings: Mapping[int, int], *, all_bad: bool = False) -> None:
    """Store a person's ratings, 1 to 5 for each column by its key, in place of any draft. Idempotent.

    A ballot is cast once, since its names are known afterwards. all_bad: no column matches, so every rating is 1.

    Raises:
        Rejected: a column has no rating, another ballot's has one, a rating is out of range, or all are bad but a
            rating is not 1.
        Conflict: the ballot was cast with other ratings, or was withdrawn.
    """
    _check(ballot, ratings, all_bad=all_bad)
    uncast = Ballot.objects.filter(pk=ballot.pk, voted_at=None, withdrawn_at=None)
    duplicate = ballot.duplicate and ratings[ballot.duplicate["key"]]
    cast = {"voted_at": timezone.now(), "none_good": all_bad, "duplicate_rating": duplicate}
    if not uncast.update(**cast, draft=None, draft_none_good=False, skipped_at=None):
        _check_repeated(ballot, ratings)
        return
    BlindScore.objects.bulk_create(
        BlindScore(ballot=ballot, ranking_id=ranking, score=ratings[ranking]) for ranking in ballot.order
    )
    ballot.refresh_from_db()


@transaction.atomic
def skip(ballot: Ballot) -> None:
    """Set a person's ballot aside; it counts nowhere and comes back after all others. Idempotent.

    So that nobody picks what to rate, a picture is skipped once, at most SKIPS_MAX wait at a time, and the ballot
    records it.

    Raises:
        Conflict: it is rated or withdrawn, was skipped before, or too many wait.
    """
    User.objects.select_for_update().get(pk=ballot.who_id)  # two skips at once must not pass the limit together
    ballot.refresh_from_db()
    if ballot.skipped_at is not None:
        return
    if ballot.voted_at is not None or ballot.withdrawn_at is not None:
        raise Conflict("this ballot is rated, so it cannot be skipped")
    why = why_no_skip(ballot)
    if why:
        raise Conflict(why)
    Ballot.objects.filter(pk=ballot.pk).update(
        skipped_at=timezone.now(), skips=F("skips") + 1, draft=None, draft_none_good=False
    )
    ballot.refresh_from_db()


def why_no_skip(ballot: Ballot) -> str:
    """Return why an open ballot cannot be skipped; empty if it can."""
    if ballot.skips:
        return "you skipped this picture before; rate it now, or choose that none match"
    if _skipped_ballots(ballot.who).count() >= settings.SKIPS_MAX:
        return f"you have skipped {settings.SKIPS_MAX} pictures, the most that can wait; rate this one"
    return ""


def _check_repeated(ballot: Ballot, ratings: Mapping[int, int]) -> None:
    """Raise Conflict unless these are the ratings that the ballot was cast with."""
    if Ballot.objects.filter(pk=ballot.pk, withdrawn_at__isnull=False).exists():
        raise Conflict("you withdrew this ballot and saw its model names; rate the next picture")
    if _stored_ratings(ballot) != dict(ratings):
        raise Conflict("you have rated this ballot and saw its model names; rate the next picture")


def _stored_ratings(ballot: Ballot) -> dict[int, int]:
    """Return the ratings that a ballot was cast with, by the keys of its columns; empty of another."""
    cast = Ballot.objects.get(pk=ballot.pk)
    ratings = dict(ballot.scores.values_list("ranking", "score"))
    if cast.duplicate is not None and cast.duplicate_rating is not None:
        ratings[cast.duplicate["key"]] = cast.duplicate_rating
    return ratings


def last_rated(user: User) -> Ballot | None:
    """Return the ballot that this person rated last, the one that can be withdrawn."""
    return ballots_of(user).filter(voted_at__isnull=False).order_by("-voted_at").first()


@transaction.atomic
def withdraw(ballot: Ballot) -> None:
    """Withdraw a person's last ballot: its ratings leave every mean, count and export. Idempotent.

    The names were seen, so its query is not offered to this person again, not as a hidden repeat either: the number of
    queries to rate and the number of those rated each fall by one. Marks on single results stay.

    Raises:
        Conflict: it was not rated, or a later ballot was.
    """
    ballot.refresh_from_db()
    if ballot.withdrawn_at is not None:
        return
    if ballot.voted_at is None:
        raise Conflict("this ballot has no ratings to withdraw; rate it first")
    if last_rated(ballot.who) != ballot:
        raise Conflict("only your last ballot can be withdrawn, and you have rated another since")
    Ballot.objects.filter(repeat_of=ballot, voted_at=None).delete()
    withdrawn = Ballot.objects.filter(pk=ballot.pk)
    withdrawn.update(voted_at=None, none_good=False, duplicate_rating=None, withdrawn_at=timezone.now())
    ballot.scores.all().delete()
    ballot.refresh_from_db()


def rankings_in_order(ballot: Ballot) -> list[Ranking]:
    """Return the ballot's rankings as they were shown, left to right."""
    by_id = {ranking.pk: ranking for ranking in ballot.search.rankings.select_related("model")}
    return [by_id[pk] for pk in ballot.order]


def progress_of(user: User) -> dict[str, int]:
    """Return how many ballots this person has rated, how many there are to rate, and how many of these were skipped.

    A hidden repeat counts in both once it is rated: a number that stood still would give it away.
    """
    mine = Ballot.objects.filter(who=user)
    done = mine.filter(voted_at__isnull=False).count()
    repeated = mine.filter(voted_at__isnull=False, repeat_of__isnull=False).count()
    withdrawn = mine.filter(withdrawn_at__isnull=False, repeat_of=None).count()
    offered = sum(min(QUERIES, dataset.images.asking().count()) for dataset in _contests(user))
    total = max(done, offered - withdrawn + repeated)
    return {"done": done, "total": total, "skipped": _skipped_ballots(user).count()}
