"""The app of data sets, models, experiments and searches."""

from django.apps import AppConfig


class RetrievalConfig(AppConfig):
    name = "retrieval"

    def ready(self) -> None:
        """Register what lower apps and subjects call without importing it."""
        _register_jobs()
        _register_follow_ups()
        _register_personal_data()
        _register_downloads()
        _register_warm_up()


def _register_jobs() -> None:
    """Register the handler, least role and links of every kind of job."""
    from accounts.roles import Role
    from jobs import registry
    from retrieval import job_links
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
    from retrieval.registry.services.external_models import run_add_job
    from retrieval.registry.services.indexes import run_index_job

    registry.register("import", run_import_job, least=Role.CURATOR, leads=job_links.of_import)
    registry.register("preview", run_preview_job, least=Role.CURATOR, leads=job_links.of_preview)
    registry.register("add-pictures", run_add_pictures_job, least=Role.CURATOR, leads=job_links.of_import)
    registry.register("reimport", run_reimport_job, least=Role.CURATOR, leads=job_links.of_import)
    registry.register("delete-pictures", run_delete_pictures_job, least=Role.CURATOR, leads=job_links.of_import)
    registry.register("delete-dataset", run_delete_job, least=Role.CURATOR)
    registry.register("collect", run_collect_job, least=Role.CURATOR)
    registry.register("train", run_train_job, least=Role.CURATOR, queue="train", leads=job_links.of_training)
    registry.register("compare", run_compare_job, least=Role.CURATOR, leads=job_links.of_comparison)
    registry.register("estimate", run_estimate_job, least=Role.CURATOR)
    registry.register("tune", run_tune_job, least=Role.CURATOR, queue="train", leads=job_links.of_tuning)
    registry.register("index", run_index_job, least=Role.CURATOR, leads=job_links.of_index)
    registry.register("map", run_map_job, least=Role.CURATOR)
    registry.register("report", run_report_job, least=Role.CURATOR, leads=job_links.of_report)
    registry.register("add-model", run_add_job, least=Role.CURATOR, leads=job_links.of_model)


def _register_follow_ups() -> None:
    """Register follow-ups of new revisions, and periodic sweeps."""
    from jobs import registry
    from retrieval.datasets.services import revisions
    from retrieval.datasets.services.uploads import sweep
    from retrieval.pages.services.storage.cleanup import sweep_leftovers
    from retrieval.registry.services.indexes import submit_rebuilds
    from retrieval.search.services.access import remove_deleted

    revisions.register(submit_rebuilds)
    registry.register_sweep("uploads", sweep)
    registry.register_sweep("left-overs of jobs", sweep_leftovers)
    registry.register_sweep("deleted searches", remove_deleted)


def _register_personal_data() -> None:
    """Register personal data and quotas."""
    from accounts import personal_data
    from retrieval.datasets.services.uploads import used_uploads
    from retrieval.search.services.access import erase_searches
    from retrieval.search.services.exporting import export_searches
    from retrieval.search.services.quotas import used_searches

    personal_data.register_quotas(used_searches)
    personal_data.register_quotas(used_uploads)
    personal_data.register("searches", export_searches, erase_searches)


def _register_downloads() -> None:
    """Register the kinds of downloads."""
    from retrieval import downloads
    from retrieval.experiments.services.report_downloads import downloads_of_reports
    from retrieval.registry.services import model_files

    downloads.register("models", "Models", "The network, and what it needs to embed a picture.", model_files.networks)
    downloads.register(
        "embeddings",
        "Embeddings",
        "The embedding of every picture, and a CSV that says which row belongs to which picture.",
        model_files.spaces,
    )
    about = "Results of an experiment: metrics, intervals, tests."
    downloads.register("reports", "Reports", about, downloads_of_reports)


def _register_warm_up() -> None:
    """Register what a web process loads when it starts."""
    from config.serving import warming
    from retrieval.search.services.warm_up import warm_models

    warming.register(warm_models)
