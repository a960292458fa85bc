"""The app of data sets, models, experiments and searches."""

from django.apps import AppConfig


class RetrievalConfig(AppConfig):
    name = "retrieval"

    def ready(self) -> None:
        """Register what lower apps and subjects call without importing it."""
        from jobs import registry
        from retrieval import job_kinds, job_subjects

        job_kinds.register_kinds()
        registry.register_subjects("retrieval", job_subjects.jobs_on)
        _register_follow_ups()
        _register_personal_data()
        _register_downloads()
        _register_warm_up()
        _register_services()


def _register_follow_ups() -> None:
    """Register follow-ups of new revisions, and periodic sweeps."""
    from jobs import registry
    from retrieval.datasets.services import dependencies, revisions
    from retrieval.datasets.services.uploads import sweep
    from retrieval.pages.services.storage.cleanup import sweep_leftovers
    from retrieval.registry.services import deleting, vector_store
    from retrieval.registry.services.indexes import submit_rebuilds
    from retrieval.search.services.access import remove_deleted

    revisions.register(vector_store.remove_deleted)
    revisions.register(submit_rebuilds)
    dependencies.register_companions(deleting.COMPANIONS)
    registry.register_sweep("uploads", sweep)
    registry.register_sweep("left-overs of jobs", sweep_leftovers)
    registry.register_sweep("deleted searches", remove_deleted)
    registry.register_sweep("collections of the vector store", vector_store.drop_unneeded)


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
    """Register what a web process and an encoder load when they start."""
    from config.serving import warming
    from retrieval.search.services.warm_up import warm_encoders, warm_models

    warming.register(warm_models)
    warming.register(warm_encoders, role="encoder")


def _register_services() -> None:
    """Let `/readyz` and `manage.py check` tell of the vector store and the encoder, where there are some."""
    from django.conf import settings

    from config import health
    from retrieval import checks  # noqa: F401  (it registers itself)
    from retrieval.registry.services.remote_encoders import check_encoder
    from retrieval.registry.services.vector_store import check_store

    if settings.VECTOR_STORE_URL:
        health.register("vector_store", check_store)
    if settings.ENCODER_URL:
        health.register("encoder", check_encoder)
