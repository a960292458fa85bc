"""Ask models for the pictures most like one."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Required, TypedDict, Unpack

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Prefetch, QuerySet

from accounts.models import User
from accounts.roles import Visitor
from config.errors import NothingSearchable, Rejected
from retrieval.datasets.services.visibility import shown_images, visible_datasets
from retrieval.errors import NoResults
from retrieval.models import Dataset, Image, Index, Model, Ranking, Search
from retrieval.search.services.options import Terms
from retrieval.search.services.query_image import stored_query, uploaded_query
from retrieval.search.services.quotas import check_room
from retrieval.search.services.ranking import Look, rank

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

USUAL_ANSWERS = 12  # unless asked otherwise, and unless there are fewer pictures


def searchable_models(*datasets: Dataset) -> QuerySet[Model]:
    """Return the published models that have an active index of one of the data sets, those indexes as `serving`."""
    active = (
        Index.objects.filter(dataset__in=datasets, active=True)
        .select_related("model", "dataset")
        .order_by("dataset__name")
    )
    return (
        Model.objects.filter(published=True, indexes__in=active.order_by())
        .select_related("run__experiment")
        .prefetch_related(Prefetch("indexes", active, to_attr="serving"))
        .distinct()
    )


def searchable_datasets(user: Visitor) -> QuerySet[Dataset]:
    """Return the data sets this person may see of which a published model has an active index."""
    serving = Index.objects.filter(active=True, model__published=True)
    return visible_datasets(user).filter(revision__gt=0, pk__in=serving.values("dataset"))


class Asked(TypedDict, total=False):
    """What is asked: of whom, for how many answers, and with which one picture.

    An upload, a gallery picture, or the picture of an earlier search, `like`, of which this one is then a
    refinement. exclude_self: whether a gallery picture is left out of its own answers, as it is unless told
    otherwise; a refinement does as its search did.
    """

    datasets: Required[Iterable[Dataset]]
    models: Required[Iterable[Model]]
    by: Required[User]
    k: int | None
    upload: bytes | None
    image: Image | None
    like: Search | None
    terms: Terms | None
    exclude_self: bool


@dataclass(frozen=True)
class Question:
    """A search that can be answered: its row, not stored yet, who answers, and what they look at."""

    search: Search
    datasets: Sequence[Dataset]
    models: Sequence[Model]
    picture: "Picture"
    kept: bytes | None
    """The JPEG of an upload."""


def ask(**asked: Unpack[Asked]) -> Search:
    """Store a search and every model's answers from the data sets of which it has an index.

    A model that has no network is not asked for what it never saw, see `not_asked`.

    Raises:
        QuotaReached: the person keeps as many searches as they may.
        Rejected: not exactly one query, a picture that cannot be read, k or the terms out of range, a query
            that none of the models can embed.
        NothingSearchable: none of the models can answer.
        Busy: too many are asking.
    """
    return answer(prepare(**asked))


def prepare(**asked: Unpack[Asked]) -> Question:
    """Return the question, which `answer` answers. Raises what `ask` does."""
    upload, image, like = asked.get("upload"), asked.get("image"), asked.get("like")
    if sum(query is not None for query in (upload, image, like)) != 1:
        raise Rejected("give one picture: a file of your own or a picture of the data set")
    check_room(asked["by"], picture=upload is not None)
    searched, terms = list(dict.fromkeys(asked["datasets"])), asked.get("terms") or Terms()
    terms.check_classes(searched)
    image = like.query_image if like else image
    search = Search(
        owner=asked["by"],
        query_image=image,
        root=like and (like.root or like),
        exclude_self=like.exclude_self if like else asked.get("exclude_self", True),
        **terms.fields(),
    )
    chosen = _chosen(searched, asked["models"], search)
    search.k = _checked_k(asked.get("k"), chosen, search)
    if image is not None and not shown_images(asked["by"]).filter(pk=image.pk).exists():
        raise Rejected("that picture is hidden; search with another")
    query = stored_query(search) if upload is None else uploaded_query(upload, search)
    return Question(search, searched, chosen, query.seen, query.kept)


Looks = Mapping[int, Look | NoResults]
"""What models saw of a picture, or why they did not, by their keys."""


def answer(question: Question, looks: Looks | None = None) -> Search:
    """Let the models answer, and store it; `looks` are what models saw already.

    An external model whose process gives no embedding is noted in `problems`; the others' results are stored.

    Raises:
        Rejected: a model cannot answer.
        Busy: too many are asking.
        ModelUnavailable, ModelSuspended: no model gave results.
    """
    search = question.search
    rankings = _ranked(question, looks or {})
    with transaction.atomic():
        search.save()
        search.datasets.set(question.datasets)
        Ranking.objects.bulk_create(rankings)
        if question.kept is not None:  # inside the transaction: a full disk must leave no search without its picture
            search.upload.parent.mkdir(parents=True, exist_ok=True)
            search.upload.write_bytes(question.kept)
    return search


def _ranked(question: Question, looks: Looks) -> list[Ranking]:
    """Return the rankings of all models; who gave none is noted in the search."""
    rankings: list[Ranking] = []
    missing: list[NoResults] = []
    for model in question.models:
        try:
            look = looks.get(model.pk)
            if isinstance(look, NoResults):
                raise look
            rankings += rank(question.search, model, question.picture, look=look)
        except NoResults as reason:
            missing.append(reason)
            question.search.problems.append([model.pk, str(reason)])
    if missing and not rankings:
        raise missing[0]
    return rankings


def _chosen(datasets: Sequence[Dataset], models: Iterable[Model], search: Search) -> list[Model]:
    able = {model.pk: model for model in searchable_models(*datasets)}
    chosen = list(dict.fromkeys(able[model.pk] for model in models if model.pk in able))
    names = " or ".join(dataset.name for dataset in datasets)
    if not chosen:
        raise NothingSearchable(f"no published model with an index can search {names or 'nothing at all'} yet")
    seeing = [model for model in chosen if model.has_network or not _is_new(search)]
    if not seeing:
        blind = " and ".join(model.name for model in chosen)
        raise Rejected(
            f"{blind}: embeddings without their network, which cannot look at a new picture; "
            f"search with a whole picture of {names}, or choose another model"
        )
    return seeing


def _is_new(search: Search) -> bool:
    """Say whether no index can hold the query: it is somebody's own picture, or a part of one."""
    return search.query_image_id is None or search.box is not None


def not_asked(search: Search, models: Iterable[Model]) -> list[Model]:
    """Return which of the models that were chosen could not look at the query: they have no network."""
    return [model for model in models if not model.has_network] if _is_new(search) else []


def _checked_k(k: int | None, models: Sequence[Model], search: Search) -> int:
    """Return how many answers to ask for: at most as many as each model has pictures that may answer."""
    image = search.query_image
    own = image.dataset_id if image and search.exclude_self else None
    sizes = (sum(index.count - (index.dataset_id == own) for index in model.serving) for model in models)  # type: ignore[attr-defined]
    most: int = min([settings.MOST_ANSWERS, *sizes])
    if k is None:
        return min(USUAL_ANSWERS, most)
    if not 1 <= k <= most:
        raise Rejected(f"ask for 1 to {most} answers, not {k}", field="k")
    return k


def system_search(image: Image, models: Sequence[Model], k: int) -> Search:
    """Return the search that people rate blind with `image` as its query, asked now if it is new.

    The pictures that metrics find are the answers: held out, and the gallery's where the set has one.

    Raises:
        Rejected: a model cannot answer, or too few pictures are held out.
    """
    answering = image.dataset.images.answering().filter(hidden=False).exclude(pk=image.pk)
    allowed = frozenset(answering.values_list("pk", flat=True))
    search = Search(query_image=image, k=min(k, len(allowed)))
    if search.k < 1:
        raise Rejected(f"{image.dataset.name} holds out too few pictures to rate")
    picture = stored_query(search).seen
    rankings = [ranking for model in models for ranking in rank(search, model, picture, allowed)]
    try:
        with transaction.atomic():
            search.save()
            search.datasets.set([image.dataset])
            Ranking.objects.bulk_create(rankings)
    except IntegrityError:  # somebody else was offered the same picture at the same moment
        return Search.objects.get(query_image=image, owner=None)
    return search
