"""Loading the models of new searches before anybody searches, so that the first search takes as long as the next."""

import io
import logging
import time

from django.conf import settings
from django.db.models import F, Max
from PIL import Image

from accounts.models import User
from accounts.roles import Role
from config.errors import Busy, Rejected
from mlcore.errors import MlcoreError
from mlcore.images.image_io import open_picture
from retrieval.errors import NoResults
from retrieval.models import Dataset, Index, Model
from retrieval.models import Image as PictureRow
from retrieval.search.services import model_cache
from retrieval.search.services.defaults import default_models
from retrieval.search.services.quotas import check_room
from retrieval.search.services.run_search import searchable_models, with_index
from retrieval.search.services.searchable import UnknownDataset, find_searchable
from retrieval.search.services.try_out import tried_results

logger = logging.getLogger(__name__)

SIDE = 224  # pixels of the blank picture that each network embeds, because its first pass is the slowest


def warm_models() -> int:
    """Load the default models of all data sets, the last searched first, and their indexes; return how many.

    It stops before they would push each other out of memory; the first is loaded in any case. External models are left
    to the first search: each is a process of its own. A damaged model is skipped: a search says what is wrong with it.
    """
    loaded = _load_what_fits(with_indexes=True)
    _search_once()
    return loaded


def warm_encoders() -> int:
    """Load the networks of `warm_models` without their indexes, as an encoder for other hosts does."""
    return _load_what_fits(with_indexes=False)


def _load_what_fits(*, with_indexes: bool) -> int:
    started, loaded, left = time.monotonic(), 0, settings.ENGINE_BYTES
    for model in _wanted_models():
        indexes: list[Index] = model.serving if with_indexes else []  # type: ignore[attr-defined]
        try:
            left -= model_cache.bytes_of(model, indexes)
            if left < 0 and loaded:  # one that is too large alone is held all the same
                break
            _load(model, indexes)
        except (MlcoreError, OSError, NoResults, Busy) as error:
            logger.warning("%s was not loaded at the start: %s", model.name, error)
        else:
            loaded += 1
    logger.info("%d models are loaded, after %.1f s", loaded, time.monotonic() - started)
    return loaded


def _search_once() -> None:
    """Decode a picture, and search with one of a data set: what each imports and prepares takes longer than it."""
    blank = io.BytesIO()
    Image.new("RGB", (SIDE, SIDE)).save(blank, "JPEG")
    open_picture(blank.getvalue())
    query = PictureRow.objects.filter(dataset__in=with_index(Dataset.objects.all()), hidden=False).first()
    if query is None:
        return
    check_room(_somebody(Role.MEMBER), picture=True)
    try:
        for role in (Role.MEMBER, Role.CURATOR):  # who see other data sets, by other queries
            find_searchable(_somebody(role), [query.dataset_id])
            tried_results(query, _somebody(role))
    except (UnknownDataset, Rejected, MlcoreError, OSError) as error:  # a search says so itself
        logger.warning("no search could be tried at the start: %s", error)


def _somebody(role: Role) -> User:
    """Return an account of that role that does not exist."""
    user = User(pk=0)
    user.group_names = frozenset([role.value])
    return user


def _wanted_models() -> list[Model]:
    """Return the default models of every data set that can be searched, each once, with their indexes."""
    datasets = with_index(Dataset.objects.all())
    last = F("last_search").desc(nulls_last=True)
    wanted: dict[int, Model] = {}
    for dataset in datasets.annotate(last_search=Max("searches__created_at")).order_by(last, "pk"):
        for model in default_models(searchable_models(dataset), [dataset]):
            known = wanted.setdefault(model.pk, model)
            if known is not model:
                known.serving += model.serving  # type: ignore[attr-defined]
    return [model for model in wanted.values() if not model.is_external]


def _load(model: Model, indexes: list[Index]) -> None:
    held = [(index, model_cache.serving_index_of(index)) for index in indexes]
    if not model.has_network:
        return
    vector = model_cache.embed(model_cache.encoder_of(model), [Image.new("RGB", (SIDE, SIDE))])
    for index, serving in held:
        serving.nearest(vector[0], 1, now=index.revision)
