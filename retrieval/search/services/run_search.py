"""Running a search: from a picture and options to stored rankings."""

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
from retrieval.search.services.options import SearchOptions
from retrieval.search.services.query_image import stored_query, uploaded_query
from retrieval.search.services.quotas import check_room
from retrieval.search.services.ranking import QueryEmbedding, embed_query, search_indexes
from retrieval.search.services.search_metrics import measured_search
from retrieval.search.services.serving_index import Filter
from storage.store import store

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

ANSWERING: Filter = (None, tuple(split.value for split in Image.ANSWERING))
"""The pictures that metrics search: held out, and the gallery's where the data set has one."""

DEFAULT_K = 12  # results per model, unless there are fewer pictures


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
    return with_index(visible_datasets(user))


def with_index(datasets: QuerySet[Dataset]) -> QuerySet[Dataset]:
    """Return those of the data sets of which a published model has an active index."""
    serving = Index.objects.filter(active=True, model__published=True)
    return datasets.filter(revision__gt=0, pk__in=serving.values("dataset"))


class SearchRequest(TypedDict, total=False):
    """A search to be run, with exactly one query: an upload, an image, or the query of an earlier search, `like`.

    With `like` it is a refinement of that search. k: results per model. exclude_self: whether an image of a data set
    is left out of its own results (default true); a refinement does as its search did. searchable: what
    `searchable_models` returns for these data sets, where that was read already.
    """

    datasets: Required[Iterable[Dataset]]
    models: Required[Iterable[Model]]
    searchable: Iterable[Model] | None
    by: Required[User]
    k: int | None
    upload: bytes | None
    image: Image | None
    like: Search | None
    options: SearchOptions | None
    exclude_self: bool


@dataclass(frozen=True)
class PreparedSearch:
    """A search that can be run: its row, not stored yet, its data sets and models, and the query."""

    search: Search
    datasets: Sequence[Dataset]
    models: Sequence[Model]
    query: "Picture"
    upload_jpeg: bytes | None
    """The upload as it is stored."""


@dataclass(frozen=True)
class StoredSearch:
    """A search that was stored a moment ago, with what is known of it: its data sets, and its rankings by model."""

    search: Search
    datasets: Sequence[Dataset]
    rankings: Sequence[Ranking]


def run_search(**request: Unpack[SearchRequest]) -> Search:
    """Store a search and every model's results from the data sets of which it has an index.

    A model without a network is skipped for a query that no index holds, see `skipped_models`.

    Raises:
        QuotaReached: the person keeps as many searches as they may.
        Rejected: not exactly one query, a picture that cannot be read, k or the options out of range, a query
            that none of the models can embed.
        NothingSearchable: none of the models has an index of the data sets.
        Busy: too many searches are running.
    """
    return run_and_store(**request).search


def run_and_store(**request: Unpack[SearchRequest]) -> StoredSearch:
    """Return the search with its rankings, which then need not be read again. Otherwise as `run_search`."""
    with measured_search():
        return run_prepared(prepare(**request))


def prepare(**request: Unpack[SearchRequest]) -> PreparedSearch:
    """Return the search that `run_prepared` runs. Raises what `run_search` does."""
    upload, image, like = request.get("upload"), request.get("image"), request.get("like")
    if sum(query is not None for query in (upload, image, like)) != 1:
        raise Rejected("give exactly one picture: a file, or a picture of a data set")
    check_room(request["by"], picture=upload is not None)
    datasets, options = list(dict.fromkeys(request["datasets"])), request.get("options") or SearchOptions()
    options.check_classes(datasets)
    image = like.query_image if like else image
    search = Search(
        owner=request["by"],
        query_image=image,
        root=like and (like.root or like),
        exclude_self=like.exclude_self if like else request.get("exclude_self", True),
        **options.fields(),
    )
    searchable = request.get("searchable")
    able = searchable_models(*datasets) if searchable is None else searchable
    models = _able_models(able, datasets, request["models"], search)
    search.k = _checked_k(request.get("k"), models, search)
    if image is not None and not shown_images(request["by"]).filter(pk=image.pk).exists():
        raise Rejected("that picture is hidden; search with another")
    query = stored_query(search) if upload is None else uploaded_query(upload, search)
    search.upload_bytes = len(query.upload_jpeg or b"")
    return PreparedSearch(search, datasets, models, query.for_networks, query.upload_jpeg)


Embeddings = Mapping[int, QueryEmbedding | NoResults]
"""The embeddings of one query by the keys of the models, or why there is none."""


def run_prepared(prepared: PreparedSearch, embeddings: Embeddings | None = None) -> StoredSearch:
    """Search with every model, and store it; `embeddings` are those that models computed already.

    An external model whose process gives no embedding is noted in `problems`; the others' results are stored.

    Raises:
        Rejected: a model cannot search.
        Busy: too many searches are running.
        ModelUnavailable, ModelSuspended: no model gave results.
    """
    search = prepared.search
    rankings = _rankings_of(prepared, embeddings or {})
    with transaction.atomic():
        _store(search, prepared.datasets, rankings)
        if prepared.upload_jpeg is not None:  # in the transaction: a full disk must leave no search without picture
            store().write(search.upload_key, prepared.upload_jpeg)
    return StoredSearch(search, prepared.datasets, rankings)


def _store(search: Search, datasets: Iterable[Dataset], rankings: Sequence[Ranking]) -> None:
    """Store the rows of a new search."""
    searched = Search.datasets.through
    search.save(force_insert=True)
    searched.objects.bulk_create([searched(search=search, dataset=dataset) for dataset in datasets])
    Ranking.objects.bulk_create(rankings)


def _rankings_of(prepared: PreparedSearch, embeddings: Embeddings) -> list[Ranking]:
    """Return the rankings of all models; those without results are noted in the search."""
    others = [model for model in prepared.models if model.pk not in embeddings]
    embeddings = {**embed_query(others, prepared.query), **embeddings}
    rankings: list[Ranking] = []
    missing: list[NoResults] = []
    for model in prepared.models:
        try:
            rankings += search_indexes(prepared.search, model, prepared.query, embedding=embeddings.get(model.pk))
        except NoResults as reason:
            missing.append(reason)
            prepared.search.problems.append([model.pk, str(reason)])
    if missing and not rankings:
        raise missing[0]
    return rankings


def _able_models(
    able: Iterable[Model], datasets: Sequence[Dataset], models: Iterable[Model], search: Search
) -> list[Model]:
    """Return those of the models that can search the data sets with this query. able: all that have an index."""
    searchable = {model.pk: model for model in able}
    indexed = list(dict.fromkeys(searchable[model.pk] for model in models if model.pk in searchable))
    names = " or ".join(dataset.name for dataset in datasets)
    if not indexed:
        raise NothingSearchable(f"no published model has an index of {names or 'any data set'} yet")
    embedding = [model for model in indexed if _can_embed(model, search)]
    if not embedding and _is_new(search):
        without_network = " and ".join(model.name for model in indexed)
        raise Rejected(
            f"{without_network}: embeddings without their network, which cannot embed a new picture; "
            f"search with a whole picture of {names}, or choose another model"
        )
    return embedding or indexed  # ranking says what the first of them lacks


def _can_embed(model: Model, search: Search) -> bool:
    """Say whether a model can embed the query: by its network, or because an index of its may hold the picture."""
    if model.has_network:
        return True
    image = search.query_image
    if image is None or _is_new(search):
        return False
    return Index.objects.filter(model=model, active=True, dataset=image.dataset_id).exists()


def _is_new(search: Search) -> bool:
    """Say whether no index can hold the query: it is somebody's own picture, or a part of one."""
    return search.query_image_id is None or search.box is not None


def skipped_models(search: Search, models: Iterable[Model]) -> list[Model]:
    """Return the models that cannot embed the query: they have no network, and no index holds it."""
    return [model for model in models if not _can_embed(model, search)]


def _checked_k(k: int | None, models: Sequence[Model], search: Search) -> int:
    """Return the results per model: at most as many as each model has pictures that may be results."""
    image = search.query_image
    own = image.dataset_id if image and search.exclude_self else None
    sizes = (sum(index.count - (index.dataset_id == own) for index in model.serving) for model in models)  # type: ignore[attr-defined]
    most: int = min([settings.MOST_ANSWERS, *sizes])
    if k is None:
        return min(DEFAULT_K, most)
    if not 1 <= k <= most:
        raise Rejected(f"choose 1 to {most} results per model, not {k}", field="k")
    return k


def system_search(image: Image, models: Sequence[Model], k: int) -> Search:
    """Return the search that people rate blind with `image` as its query, run now if it is new.

    Its results are the pictures that metrics search: held out, and the gallery's where the data set has one.

    Raises:
        Rejected: a model cannot search, or too few pictures are held out.
    """
    search = Search(query_image=image, k=min(k, image.dataset.images.answering().exclude(pk=image.pk).count()))
    if search.k < 1:
        raise Rejected(f"{image.dataset.name} holds out too few pictures to rate")
    query = stored_query(search).for_networks
    embeddings = embed_query(models, query)
    rankings = [
        ranking
        for model in models
        for ranking in search_indexes(search, model, query, ANSWERING, embeddings.get(model.pk))
    ]
    try:
        with transaction.atomic():
            _store(search, [image.dataset], rankings)
    except IntegrityError:  # somebody else was offered the same picture at the same moment
        return Search.objects.get(query_image=image, owner=None)
    return search
