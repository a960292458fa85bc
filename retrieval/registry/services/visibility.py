"""Publication of models, which of them new searches take, and which models a person may see."""

from django.db import transaction
from django.db.models import QuerySet

from accounts import audit
from accounts.models import User
from accounts.roles import Visitor, is_curator
from config.errors import Conflict
from retrieval.datasets.services.visibility import visible_datasets
from retrieval.models import Model


@transaction.atomic
def set_published(model: Model, published: bool, *, by: User | None = None) -> None:
    """Publish or unpublish a model. `by` None is the system.

    Raises:
        Conflict: a model that is archived, or has no active index, is to be published.
    """
    if published and Model.objects.filter(pk=model.pk, archived_at__isnull=False).exists():
        raise Conflict(f"{model.name} is archived; restore it first")
    if published and not model.indexes.filter(active=True).exists():
        raise Conflict(f"{model.name} has no active index yet; build one first")
    if Model.objects.filter(pk=model.pk, published=not published).update(published=published):
        audit.record(by, "publish-model" if published else "unpublish-model", model.name, model=model.pk)


@transaction.atomic
def set_default(model: Model, default: bool, *, by: User | None = None) -> None:
    """Let new searches take a model unless people choose others, or no longer; idempotent.

    Raises:
        Conflict: a model that is not published is to be taken.
    """
    if default and not model.published:
        raise Conflict(f"{model.name} is not published; publish it first")
    if Model.objects.filter(pk=model.pk, is_default=not default).update(is_default=default):
        audit.record(by, "set-default-model" if default else "unset-default-model", model.name, model=model.pk)


def visible_models(user: Visitor, *, archived: bool = False) -> QuerySet[Model]:
    """Return the models this person may see: curators all, others the published ones of data sets they may see.

    archived: with the archived ones, which no list has unless it asks for them.
    """
    models = Model.objects.filter(dataset__in=visible_datasets(user)).select_related("run__experiment", "dataset")
    models = models if archived else models.filter(archived_at=None)
    return models if is_curator(user) else models.filter(published=True)
