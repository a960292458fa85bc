"""Ask models for the pictures most like one."""

import time
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Prefetch, QuerySet

from accounts.models import User
from mlcore.errors import MlcoreError, StaleIndexError
from mlcore.pictures import encode_jpeg, open_picture, thumbnail
from retrieval.errors import Refused, Unsearchable
from retrieval.models import Dataset, Image, Index, Model, Ranking, Search
from retrieval.search.services import engine

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

USUAL_ANSWERS = 12  # unless asked otherwise, and unless there are fewer pictures
STORED_SIDE = 1024  # pixels of an uploaded query that are kept; networks see 64 to 512


def searchable_models(dataset: Dataset) -> QuerySet[Model]:
    """Return the published models that have an active index of `dataset`, that index as `serving[0]`."""
    active = Index.objects.filter(dataset=dataset, active=True)
    return (
        Model.objects.filter(published=True, indexes__in=active)
        .select_related("run__experiment")
        .prefetch_related(Prefetch("indexes", active, to_attr="serving"))
        .distinct()
    )


def ask(
    *,
    dataset: Dataset,
    models: Iterable[Model],
    k: int | None = None,
    by: User,
    upload: bytes | None = None,
    image: Image | None = None,
) -> Search:
    """Store a search and every model's answer; the query is an upload or a picture of the data set.

    A model that has no network is not asked for an upload, see `not_asked`.

    Raises:
        Refused: not exactly one query, a picture that cannot be read, k out of range, an upload that none of
            the models can embed.
        Unsearchable: none of the models can answer.
        EngineBusy: too many are asking.
    """
    if (upload is None) == (image is None):
        raise Refused("give one picture: a file of your own or a picture of the data set")
    chosen = _chosen(dataset, models, own=image is not None)
    k = _checked_k(k, chosen, own=image is not None)
    picture = _query(upload, image)
    search = Search(owner=by, dataset=dataset, query_image=image, k=k)
    rankings = [rank(search, model, picture) for model in chosen]
    kept = encode_jpeg(_bounded(picture)) if image is None else None
    with transaction.atomic():
        search.save()
        Ranking.objects.bulk_create(rankings)
        if kept is not None:  # inside the transaction: a full disk must leave no search without its picture
            search.upload.parent.mkdir(parents=True, exist_ok=True)
            search.upload.write_bytes(kept)
    return search


def _chosen(dataset: Dataset, models: Iterable[Model], *, own: bool) -> list[Model]:
    able = {model.pk: model for model in searchable_models(dataset)}
    chosen = list(dict.fromkeys(able[model.pk] for model in models if model.pk in able))
    if not chosen:
        raise Unsearchable(f"no published model with an index can search {dataset.name} yet")
    seeing = chosen if own else [model for model in chosen if model.has_network]
    if not seeing:
        names = " and ".join(model.name for model in chosen)
        raise Refused(
            f"{names}: embeddings without their network, which cannot look at a new picture; "
            f"search with a picture of {dataset.name}, or choose another model"
        )
    return seeing


def not_asked(search: Search, models: Iterable[Model]) -> list[Model]:
    """Return which of the models that were chosen could not look at the query: they have no network."""
    return [] if search.query_image_id else [model for model in models if not model.has_network]


def _checked_k(k: int | None, models: Sequence[Model], *, own: bool) -> int:
    most: int = min([settings.MOST_ANSWERS, *(model.serving[0].count - own for model in models)])  # type: ignore[attr-defined]
    if k is None:
        return min(USUAL_ANSWERS, most)
    if not 1 <= k <= most:
        raise Refused(f"ask for 1 to {most} answers, not {k}")
    return k


def _query(upload: bytes | None, image: Image | None) -> "Picture":
    try:
        if upload is not None:
            return open_picture(upload)
        return open_picture(image.file.read_bytes())  # type: ignore[union-attr]
    except MlcoreError as error:
        raise Refused(str(error)) from error
    except OSError as error:
        raise Refused(f"the file of that picture is gone ({error.strerror}); import the data set again") from error


def _bounded(picture: "Picture") -> "Picture":
    return thumbnail(picture, STORED_SIDE) if max(picture.size) > STORED_SIDE else picture


def rank(search: Search, model: Model, picture: "Picture", allowed: Collection[int] | None = None) -> Ranking:
    """Return the answer of one model, not stored yet; the query itself is never an answer.

    `allowed` keeps only those pictures. A model without a network takes the query, which must be a picture
    of the gallery, from its index. An index that is damaged is refused, naming what to do.

    Raises:
        Refused: the model or its index is damaged.
    """
    index: Index = model.serving[0]  # type: ignore[attr-defined]
    own = frozenset() if search.query_image_id is None else frozenset({search.query_image_id})
    try:
        encoder, stored = engine.encoder_of(model) if model.has_network else None, engine.index_of(index)
        started = time.perf_counter()  # loading, once a process, is not answering
        query = engine.embed(encoder, [picture]) if encoder else stored.vectors_of(own)
        ids, scores = stored.search(query, search.k, allowed_ids=allowed, exclude=own)
        took = 1000 * (time.perf_counter() - started)
    except StaleIndexError as error:
        raise Refused(f"the index of {model.name} cannot be used: {error}") from error
    except MlcoreError as error:
        raise Refused(f"{model.name} cannot answer: {error}") from error
    except OSError as error:
        raise Refused(f"{model.name} cannot answer: its files are gone ({error.strerror}); train it again") from error
    return Ranking(
        search=search,
        model=model,
        index=index,
        image_ids=ids[0].tolist(),
        scores=[round(float(score), 6) for score in scores[0]],
        took_ms=round(took, 2),
    )


def system_search(image: Image, models: Sequence[Model], k: int) -> Search:
    """Return the search that people rate blind with `image` as its query, asked now if it is new.

    The pictures that metrics find are the answers: held out, and the gallery's where the set has one.

    Raises:
        Refused: a model cannot answer, or too few pictures are held out.
    """
    answering = image.dataset.images.answering().exclude(pk=image.pk).values_list("pk", flat=True)
    search = Search(dataset=image.dataset, query_image=image, k=min(k, len(answering)))
    if search.k < 1:
        raise Refused(f"{image.dataset.name} holds out too few pictures to rate")
    picture = _query(None, image)
    rankings = [rank(search, model, picture, answering) for model in models]
    try:
        with transaction.atomic():
            search.save()
            Ranking.objects.bulk_create(rankings)
    except IntegrityError:  # somebody else was offered the same picture at the same moment
        return Search.objects.get(dataset=image.dataset, query_image=image, owner=None)
    return search
