"""Ask models for the pictures most like one."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Prefetch, QuerySet

from accounts.models import User
from accounts.roles import Visitor
from mlcore.errors import MlcoreError
from mlcore.pictures import crop_box, encode_jpeg, open_picture, thumbnail
from retrieval.datasets.services import visible_datasets
from retrieval.errors import Refused, Unsearchable
from retrieval.models import Dataset, Image, Index, Model, Ranking, Search
from retrieval.search.services.ranking import rank
from retrieval.search.services.terms import Terms

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

USUAL_ANSWERS = 12  # unless asked otherwise, and unless there are fewer pictures
STORED_SIDE = 1024  # pixels of an uploaded query that are kept; networks see 64 to 512


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


def ask(
    *,
    datasets: Iterable[Dataset],
    models: Iterable[Model],
    k: int | None = None,
    by: User,
    upload: bytes | None = None,
    image: Image | None = None,
    like: Search | None = None,
    terms: Terms | None = None,
) -> Search:
    """Store a search and every model's answers from the data sets of which it has an index.

    The query is an upload, a gallery picture, or the picture of an earlier search, `like`, of which this one
    is then a refinement. A model that has no network is not asked for what it never saw, see `not_asked`.

    Raises:
        Refused: not exactly one query, a picture that cannot be read, k or the terms out of range, a query
            that none of the models can embed.
        Unsearchable: none of the models can answer.
        EngineBusy: too many are asking.
    """
    if sum(query is not None for query in (upload, image, like)) != 1:
        raise Refused("give one picture: a file of your own or a picture of the data set")
    searched, terms = list(dict.fromkeys(datasets)), terms or Terms()
    terms.check_classes(searched)
    image = like.query_image if like else image
    search = Search(owner=by, query_image=image, root=like and (like.root or like), **terms.fields())
    chosen = _chosen(searched, models, search)
    search.k = _checked_k(k, chosen, image)
    whole = _query(upload, like) if image is None else _gallery_picture(image)
    picture = _boxed(whole, search)
    rankings = [ranking for model in chosen for ranking in rank(search, model, picture)]
    kept = None if upload is None else encode_jpeg(_bounded(whole))
    with transaction.atomic():
        search.save()
        search.datasets.set(searched)
        Ranking.objects.bulk_create(rankings)
        if kept is not None:  # inside the transaction: a full disk must leave no search without its picture
            search.upload.parent.mkdir(parents=True, exist_ok=True)
            search.upload.write_bytes(kept)
    return search


def _chosen(datasets: Sequence[Dataset], models: Iterable[Model], search: Search) -> list[Model]:
    able = {model.pk: model for model in searchable_models(*datasets)}
    chosen = list(dict.fromkeys(able[model.pk] for model in models if model.pk in able))
    names = " or ".join(dataset.name for dataset in datasets)
    if not chosen:
        raise Unsearchable(f"no published model with an index can search {names or 'nothing at all'} yet")
    seeing = [model for model in chosen if model.has_network or not _is_new(search)]
    if not seeing:
        blind = " and ".join(model.name for model in chosen)
        raise Refused(
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


def _checked_k(k: int | None, models: Sequence[Model], image: Image | None) -> int:
    """Return how many answers to ask for: at most as many as each model has pictures, the query left out."""
    own = None if image is None else image.dataset_id
    sizes = (sum(index.count - (index.dataset_id == own) for index in model.serving) for model in models)  # type: ignore[attr-defined]
    most: int = min([settings.MOST_ANSWERS, *sizes])
    if k is None:
        return min(USUAL_ANSWERS, most)
    if not 1 <= k <= most:
        raise Refused(f"ask for 1 to {most} answers, not {k}")
    return k


def _query(upload: bytes | None, like: Search | None) -> "Picture":
    """Return the picture of an upload, or that an earlier search keeps."""
    try:
        return open_picture(like.upload.read_bytes() if like else upload or b"")
    except MlcoreError as error:
        raise Refused(str(error)) from error
    except OSError as error:
        raise Refused(f"the picture of that search is gone ({error.strerror}); search with it anew") from error


def _gallery_picture(image: Image) -> "Picture":
    try:
        return open_picture(image.file.read_bytes())
    except MlcoreError as error:
        raise Refused(str(error)) from error
    except OSError as error:
        raise Refused(f"the file of that picture is gone ({error.strerror}); import the data set again") from error


def _boxed(picture: "Picture", search: Search) -> "Picture":
    try:
        return picture if search.box is None else crop_box(picture, search.box)
    except MlcoreError as error:
        raise Refused(f"{error}; draw it larger") from error


def _bounded(picture: "Picture") -> "Picture":
    return thumbnail(picture, STORED_SIDE) if max(picture.size) > STORED_SIDE else picture


def system_search(image: Image, models: Sequence[Model], k: int) -> Search:
    """Return the search that people rate blind with `image` as its query, asked now if it is new.

    The pictures that metrics find are the answers: held out, and the gallery's where the set has one.

    Raises:
        Refused: a model cannot answer, or too few pictures are held out.
    """
    answering = image.dataset.images.answering().filter(hidden=False).exclude(pk=image.pk)
    allowed = frozenset(answering.values_list("pk", flat=True))
    search = Search(query_image=image, k=min(k, len(allowed)))
    if search.k < 1:
        raise Refused(f"{image.dataset.name} holds out too few pictures to rate")
    picture = _gallery_picture(image)
    rankings = [ranking for model in models for ranking in rank(search, model, picture, allowed)]
    try:
        with transaction.atomic():
            search.save()
            search.datasets.set([image.dataset])
            Ranking.objects.bulk_create(rankings)
    except IntegrityError:  # somebody else was offered the same picture at the same moment
        return Search.objects.get(query_image=image, owner=None)
    return search
