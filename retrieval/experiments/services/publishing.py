"""Publication of an experiment's models after a look at their metrics."""

from config.errors import Conflict
from mlcore.evaluation.metric_table import HEADLINE
from retrieval.models import Experiment, Model


def publishable_models(experiment: Experiment) -> list[Model]:
    """Return the unpublished models with an active index, the best by the headline metric first."""
    models = Model.objects.filter(run__experiment=experiment, published=False, archived_at=None, indexes__active=True)
    rows = list(models.select_related("run").distinct())
    return sorted(rows, key=lambda model: -float((model.metrics or {}).get(HEADLINE) or 0))


def best_model(experiment: Experiment) -> Model:
    """Return the best of all models of an experiment that is not published yet.

    Raises:
        Conflict: there is none.
    """
    model = next(iter(publishable_models(experiment)), None)
    if model is None:
        raise Conflict("no model can be published: none has an active index, or all are published already")
    return model
