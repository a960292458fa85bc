"""Requests about losses, metrics, experiments, runs, models and indexes."""

import json
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from retrieval.models import Experiment, Report, Run
from tests.api.things import Ask, Scene, listed, thing
from tests.retrieval.registry.external_files import embeddings
from tests.retrieval.world import SMALL, started

listed("GET /losses/", "GET /metrics/", "GET /experiments/", "GET /runs/", "GET /models/", "GET /indexes/")


class Resent(SimpleUploadedFile):
    """A file that every caller sends whole."""

    def read(self, *args: int) -> bytes:  # type: ignore[override]
        assert self.file is not None
        self.file.seek(0)
        return bytes(self.file.read(*args))


@thing("GET /losses/{name}/")
def one_loss(scene: Scene) -> Ask:
    return Ask("/losses/soft_triple/")


def plan(scene: Scene) -> dict[str, Any]:
    """Return what the runs of the world were started with, so that nothing has to be measured first."""
    changes = {**SMALL, "epochs": 1}
    return {"dataset": scene.world.dataset.pk, "preset": "demo", "losses": ["soft_triple"], "changes": changes}


@thing("POST /experiments/")
def new_experiment(scene: Scene) -> Ask:
    return Ask("/experiments/", {"name": "Mine", **plan(scene)})


@thing("POST /experiments/estimate/")
def estimated_experiment(scene: Scene) -> Ask:
    return Ask("/experiments/estimate/", plan(scene))


@thing("GET /experiments/{id}/")
def one_experiment(scene: Scene) -> Ask:
    return Ask(f"/experiments/{Experiment.objects.get().pk}/")


@thing("POST /experiments/{id}/cancel/")
def cancelled_experiment(scene: Scene) -> Ask:
    return Ask(f"/experiments/{started(scene.world.dataset).pk}/cancel/")


@thing("DELETE /experiments/{id}/")
def deleted_experiment(scene: Scene) -> Ask:
    return Ask(f"/experiments/{Experiment.objects.get().pk}/")


@thing("POST /experiments/{id}/archive/")
def archived_experiment(scene: Scene) -> Ask:
    return Ask(f"/experiments/{Experiment.objects.get().pk}/archive/")


@thing("POST /experiments/{id}/restore/")
def restored_experiment(scene: Scene) -> Ask:
    return Ask(f"/experiments/{Experiment.objects.get().pk}/restore/")


@thing("POST /experiments/{id}/report/")
def new_report(scene: Scene) -> Ask:
    return Ask(f"/experiments/{Experiment.objects.get().pk}/report/", {})


def reported() -> Experiment:
    """Return the experiment with a report, such as it is."""
    experiment = Experiment.objects.get()
    report = Report.objects.create(experiment=experiment, path="reports/job-0", made_at=timezone.now())
    report.folder.mkdir(parents=True)
    (report.folder / "report.json").write_text(json.dumps({"rows": []}))
    (report.folder / "report.csv").write_text("name,map_at_r\n")
    return experiment


@thing("GET /experiments/{id}/report/")
def one_report(scene: Scene) -> Ask:
    return Ask(f"/experiments/{reported().pk}/report/")


@thing("GET /experiments/{id}/report/{suffix}/")
def one_report_file(scene: Scene) -> Ask:
    return Ask(f"/experiments/{reported().pk}/report/csv/")


def two_runs() -> list[int]:
    return list(Run.objects.order_by("pk").values_list("pk", flat=True)[:2])


@thing("GET /runs/{id}/")
def one_run(scene: Scene) -> Ask:
    return Ask(f"/runs/{two_runs()[0]}/")


@thing("DELETE /runs/{id}/")
def deleted_run(scene: Scene) -> Ask:
    return Ask(f"/runs/{two_runs()[0]}/")


@thing("GET /runs/{id}/curves/")
def curves_of_a_run(scene: Scene) -> Ask:
    return Ask(f"/runs/{two_runs()[0]}/curves/")


@thing("GET /runs/{id}/log/")
def log_of_a_run(scene: Scene) -> Ask:
    return Ask(f"/runs/{two_runs()[0]}/log/")


@thing("GET /runs/compare/")
def compared_runs(scene: Scene) -> Ask:
    first, second = two_runs()
    return Ask(f"/runs/compare/?run={first}&run={second}")


@thing("POST /runs/compare/")
def tested_runs(scene: Scene) -> Ask:
    return Ask("/runs/compare/", {"runs": two_runs()})


@thing("POST /models/")
def imported_model(scene: Scene) -> Ask:
    files = embeddings(scene.world.dataset)
    again = {field: Resent(file.name or "", file.read()) for field, file in files.items()}
    return Ask("/models/", {"dataset": scene.world.dataset.pk, "name": "Theirs", **again}, format="multipart")


@thing("GET /models/{id}/")
def one_model(scene: Scene) -> Ask:
    return Ask(f"/models/{scene.world.models[0].pk}/")


@thing("GET /models/{id}/diagnostics/")
def noted_of_a_model(scene: Scene) -> Ask:
    return Ask(f"/models/{scene.world.models[0].pk}/diagnostics/")


@thing("GET /models/{id}/files/")
def files_of_a_model(scene: Scene) -> Ask:
    return Ask(f"/models/{scene.world.models[0].pk}/files/")


@thing("GET /models/{id}/files/{part}/")
def file_of_a_model(scene: Scene) -> Ask:
    return Ask(f"/models/{scene.world.models[0].pk}/files/weights/")


@thing("DELETE /models/{id}/")
def deleted_model(scene: Scene) -> Ask:
    return Ask(f"/models/{scene.world.models[0].pk}/")


@thing("POST /models/{id}/archive/")
def archived_model(scene: Scene) -> Ask:
    return Ask(f"/models/{scene.world.models[0].pk}/archive/")


@thing("POST /models/{id}/restore/")
def restored_model(scene: Scene) -> Ask:
    return Ask(f"/models/{scene.world.models[0].pk}/restore/")


@thing("POST /models/{id}/publish/")
def published_model(scene: Scene) -> Ask:
    return Ask(f"/models/{scene.world.models[0].pk}/publish/")


@thing("POST /models/{id}/unpublish/")
def unpublished_model(scene: Scene) -> Ask:
    return Ask(f"/models/{scene.world.models[0].pk}/unpublish/")


@thing("POST /models/{id}/set-default/")
def default_model(scene: Scene) -> Ask:
    return Ask(f"/models/{scene.world.models[0].pk}/set-default/")


@thing("POST /models/{id}/unset-default/")
def model_that_is_no_default(scene: Scene) -> Ask:
    return Ask(f"/models/{scene.world.models[0].pk}/unset-default/")


@thing("POST /models/{id}/resume/")
def resumed_model(scene: Scene) -> Ask:
    return Ask(f"/models/{scene.world.models[0].pk}/resume/")


@thing("POST /indexes/")
def new_index(scene: Scene) -> Ask:
    return Ask("/indexes/", {"model": scene.world.models[0].pk})


@thing("GET /indexes/{id}/")
def one_index(scene: Scene) -> Ask:
    return Ask(f"/indexes/{scene.world.index_of(scene.world.models[0]).pk}/")


@thing("GET /indexes/{id}/label-issues/")
def labels_that_look_wrong(scene: Scene) -> Ask:
    return Ask(f"/indexes/{scene.world.index_of(scene.world.models[0]).pk}/label-issues/")


@thing("POST /indexes/{id}/activate/")
def active_index(scene: Scene) -> Ask:
    return Ask(f"/indexes/{scene.world.index_of(scene.world.models[0]).pk}/activate/")
