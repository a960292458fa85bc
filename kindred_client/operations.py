"""Every operation of the API, by the method that calls it: `OPERATIONS["datasets.list"]` is `client.datasets.list`.

Methods reach the server through this table only, so comparing it with the server's schema is exact. What the server
leaves to sessions is not in it: the client sends a token.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Operation:
    """How it is called.

    `starts_job`: it carries an Idempotency-Key, so a repeated one starts nothing twice.
    `repeatable`: a POST that does the same when it is sent twice, by what it means.
    """

    method: str
    path: str
    starts_job: bool = False
    repeatable: bool = False


def _of(line: str, *, repeatable: bool = False) -> Operation:
    method, path = line.split()
    return Operation(method, path, repeatable=repeatable)


def _job(line: str) -> Operation:
    method, path = line.split()
    return Operation(method, path, starts_job=True)


OPERATIONS: dict[str, Operation] = {
    "me": _of("GET /me/"),
    "me.update": _of("PATCH /me/"),
    "me.export": _of("GET /me/export/"),
    "tokens.list": _of("GET /tokens/"),
    "tokens.get": _of("GET /tokens/{id}/"),
    "tokens.delete": _of("DELETE /tokens/{id}/"),
    "audit.list": _of("GET /audit/"),
    "jobs.list": _of("GET /jobs/"),
    "jobs.get": _of("GET /jobs/{id}/"),
    "jobs.cancel": _of("POST /jobs/{id}/cancel/"),
    "jobs.retry": _of("POST /jobs/{id}/retry/"),
    "operations.get": _of("GET /operations/"),
    "notices.list": _of("GET /notices/"),
    "notices.get": _of("GET /notices/{id}/"),
    "notices.read": _of("POST /notices/{id}/read/", repeatable=True),
    "notices.read_all": _of("POST /notices/read/", repeatable=True),
    "uploads.list": _of("GET /uploads/"),
    "uploads.create": _of("POST /uploads/"),
    "uploads.get": _of("GET /uploads/{id}/"),
    "uploads.delete": _of("DELETE /uploads/{id}/"),
    "uploads.files": _of("GET /uploads/{id}/files/"),
    "uploads.send": _of("POST /uploads/{id}/files/", repeatable=True),
    "datasets.list": _of("GET /datasets/"),
    "datasets.create": _job("POST /datasets/"),
    "datasets.preview": _job("POST /datasets/preview/"),
    "datasets.get": _of("GET /datasets/{id}/"),
    "datasets.update": _of("PATCH /datasets/{id}/"),
    "datasets.delete": _job("DELETE /datasets/{id}/"),
    "datasets.reimport": _job("POST /datasets/{id}/reimport/"),
    "datasets.classes": _of("GET /datasets/{id}/classes/"),
    "datasets.rename_class": _of("PATCH /datasets/{id}/classes/{label}/"),
    "datasets.merge_class": _of("POST /datasets/{id}/classes/{label}/merge/"),
    "datasets.images": _of("GET /datasets/{id}/images/"),
    "datasets.add_images": _job("POST /datasets/{id}/images/"),
    "datasets.hide_images": _of("POST /datasets/{id}/images/hide/"),
    "datasets.show_images": _of("POST /datasets/{id}/images/show/"),
    "datasets.relabel_images": _of("POST /datasets/{id}/images/relabel/"),
    "datasets.delete_images": _job("POST /datasets/{id}/images/delete/"),
    "ratings.export": _of("GET /datasets/{id}/ratings/{part}/"),
    "ratings.judged_metrics": _of("GET /datasets/{id}/judged-metrics/"),
    "ratings.consistency": _of("GET /datasets/{id}/consistency/"),
    "images.list": _of("GET /images/"),
    "images.get": _of("GET /images/{id}/"),
    "images.file": _of("GET /images/{id}/file/"),
    "images.update": _of("PATCH /images/{id}/"),
    "images.delete": _job("DELETE /images/{id}/"),
    "losses.list": _of("GET /losses/"),
    "losses.get": _of("GET /losses/{name}/"),
    "metrics.list": _of("GET /metrics/"),
    "experiments.list": _of("GET /experiments/"),
    "experiments.start": _job("POST /experiments/"),
    "experiments.estimate": _job("POST /experiments/estimate/"),
    "experiments.get": _of("GET /experiments/{id}/"),
    "experiments.delete": _job("DELETE /experiments/{id}/"),
    "experiments.archive": _of("POST /experiments/{id}/archive/"),
    "experiments.restore": _of("POST /experiments/{id}/restore/"),
    "experiments.cancel": _of("POST /experiments/{id}/cancel/"),
    "experiments.report": _of("GET /experiments/{id}/report/"),
    "experiments.make_report": _job("POST /experiments/{id}/report/"),
    "experiments.report_file": _of("GET /experiments/{id}/report/{suffix}/"),
    "runs.list": _of("GET /runs/"),
    "runs.get": _of("GET /runs/{id}/"),
    "runs.delete": _job("DELETE /runs/{id}/"),
    "runs.curves": _of("GET /runs/{id}/curves/"),
    "runs.log": _of("GET /runs/{id}/log/"),
    "runs.compare": _of("GET /runs/compare/"),
    "runs.test": _job("POST /runs/compare/"),
    "models.list": _of("GET /models/"),
    "models.create": _job("POST /models/"),
    "models.get": _of("GET /models/{id}/"),
    "models.diagnostics": _of("GET /models/{id}/diagnostics/"),
    "models.files": _of("GET /models/{id}/files/"),
    "models.file": _of("GET /models/{id}/files/{part}/"),
    "models.delete": _job("DELETE /models/{id}/"),
    "models.archive": _of("POST /models/{id}/archive/"),
    "models.restore": _of("POST /models/{id}/restore/"),
    "models.publish": _of("POST /models/{id}/publish/"),
    "models.unpublish": _of("POST /models/{id}/unpublish/"),
    "models.set_default": _of("POST /models/{id}/set-default/"),
    "models.unset_default": _of("POST /models/{id}/unset-default/"),
    "models.resume": _of("POST /models/{id}/resume/"),
    "indexes.list": _of("GET /indexes/"),
    "indexes.build": _job("POST /indexes/"),
    "indexes.get": _of("GET /indexes/{id}/"),
    "indexes.activate": _of("POST /indexes/{id}/activate/"),
    "indexes.label_issues": _of("GET /indexes/{id}/label-issues/"),
    "searches.list": _of("GET /searches/"),
    "searches.create": _of("POST /searches/"),
    "searches.batch": _of("POST /searches/batch/"),
    "searches.get": _of("GET /searches/{id}/"),
    "searches.update": _of("PATCH /searches/{id}/"),
    "searches.delete": _of("DELETE /searches/{id}/"),
    "searches.restore": _of("POST /searches/{id}/restore/"),
    "searches.refine": _of("POST /searches/{id}/refine/"),
    "searches.prediction": _of("GET /searches/{id}/prediction/"),
    "searches.explanation": _of("GET /searches/{id}/explanation/{ranking}/{image}/"),
    "searches.file": _of("GET /searches/{id}/results/{suffix}/"),
    "searches.share": _of("POST /searches/{id}/share/"),
    "searches.unshare": _of("DELETE /searches/{id}/share/"),
    "searches.shared": _of("GET /share-links/"),
    "searches.shared_link": _of("GET /share-links/{id}/"),
    "searches.revoke_link": _of("DELETE /share-links/{id}/"),
    "ratings.marks": _of("GET /marks/"),
    "ratings.mark": _of("POST /marks/"),
    "ratings.unmark": _of("DELETE /marks/{id}/"),
    "ratings.ballots": _of("GET /ballots/"),
    "ratings.next_ballot": _of("POST /ballots/"),
    "ratings.progress": _of("GET /ballots/progress/"),
    "ratings.own_consistency": _of("GET /ballots/consistency/"),
    "ratings.ballot": _of("GET /ballots/{id}/"),
    "ratings.rate": _of("POST /ballots/{id}/rate/"),
    "ratings.show_names": _of("POST /ballots/{id}/show-names/"),
    "ratings.skip": _of("POST /ballots/{id}/skip/"),
    "ratings.withdraw": _of("POST /ballots/{id}/withdraw/"),
    "ratings.leaderboard": _of("GET /leaderboard/"),
    "ratings.audit": _of("GET /leaderboard/audit/"),
    "ratings.leaderboard_file": _of("GET /leaderboard/{suffix}/"),
}
