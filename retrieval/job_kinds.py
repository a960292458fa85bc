"""Every kind of job of this app: handler, least role, title, links, next steps and notice."""

from accounts.roles import Role
from jobs import notices, registry
from retrieval import job_links, job_notices, job_steps
from retrieval.datasets.services.adding import run_add_pictures_job
from retrieval.datasets.services.deleting import run_delete_job
from retrieval.datasets.services.deleting_pictures import run_delete_pictures_job
from retrieval.datasets.services.importing import run_import_job
from retrieval.datasets.services.previewing import run_preview_job
from retrieval.datasets.services.reimporting import run_reimport_job
from retrieval.experiments.services.comparing import run_compare_job
from retrieval.experiments.services.estimates import run_estimate_job
from retrieval.experiments.services.reports import run_report_job
from retrieval.experiments.services.training import run_train_job
from retrieval.experiments.services.tuning import run_tune_job
from retrieval.pages.services.maps import run_map_job
from retrieval.pages.services.storage.cleanup import run_collect_job
from retrieval.registry.services import deleting
from retrieval.registry.services.external_models import run_add_job
from retrieval.registry.services.indexes import run_index_job
from retrieval.registry.services.trained_parts import JOB

LEAST = Role.CURATOR

CHANGES: tuple[tuple[str, registry.Handler, str], ...] = (
    ("add-pictures", run_add_pictures_job, "New pictures"),
    ("reimport", run_reimport_job, "Another import"),
    ("delete-pictures", run_delete_pictures_job, "Deletion of pictures"),
)
DELETIONS: tuple[tuple[str, registry.Handler, str], ...] = (
    ("delete-dataset", run_delete_job, "Deletion of a data set"),
    (JOB, deleting.run_delete_job, "Deletion of trained models"),
    ("collect", run_collect_job, "Deletion of unused files"),
)


def register_kinds() -> None:
    """Register them all."""
    _register_imports()
    _register_trainings()
    _register_models()
    for name, handler, title in DELETIONS:
        registry.register(name, handler, least=LEAST, title=title, next_steps=job_steps.after_deleting)


def _register_imports() -> None:
    registry.register(
        "import",
        run_import_job,
        least=LEAST,
        leads=job_links.of_import,
        title="Data set import",
        next_steps=job_steps.after_import,
        from_upload=job_steps.import_is_uploaded,
        notice=job_notices.of_import,
    )
    registry.register(
        "preview",
        run_preview_job,
        least=LEAST,
        leads=job_links.of_preview,
        title="Preview of an import",
        next_steps=job_steps.after_preview,
        from_upload=job_steps.is_uploaded,
        notice=notices.never,
    )
    for name, handler, title in CHANGES:
        registry.register(
            name,
            handler,
            least=LEAST,
            leads=job_links.of_import,
            title=title,
            next_steps=job_steps.after_change,
            from_upload=job_steps.is_uploaded,
            notice=job_notices.of_import,
        )


def _register_trainings() -> None:
    registry.register(
        "train",
        run_train_job,
        least=LEAST,
        queue="train",
        leads=job_links.of_training,
        title="Training",
        next_steps=job_steps.after_training,
        notice=job_notices.of_training,
    )
    registry.register(
        "tune",
        run_tune_job,
        least=LEAST,
        queue="train",
        leads=job_links.of_tuning,
        title="Tuning",
        next_steps=job_steps.after_tuning,
        notice=job_notices.of_tuning,
    )
    registry.register("compare", run_compare_job, least=LEAST, leads=job_links.of_comparison, title="Statistical tests")
    registry.register("estimate", run_estimate_job, least=LEAST, title="Estimate of a time", notice=notices.never)
    registry.register(
        "report",
        run_report_job,
        least=LEAST,
        leads=job_links.of_report,
        title="Report",
        next_steps=job_steps.after_report,
    )


def _register_models() -> None:
    registry.register(
        "index",
        run_index_job,
        least=LEAST,
        queue="index",
        leads=job_links.of_index,
        title="Index",
        next_steps=job_steps.after_index,
        notice=job_notices.of_index,
    )
    registry.register("map", run_map_job, least=LEAST, queue="index", title="Map")
    registry.register(
        "add-model",
        run_add_job,
        least=LEAST,
        leads=job_links.of_model,
        title="Model import",
        next_steps=job_steps.after_adding_model,
        from_upload=job_steps.is_uploaded,
        notice=job_notices.of_model,
    )
