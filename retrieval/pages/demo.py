"""The steps of `make demo`, each idempotent."""

import json
import secrets
from pathlib import Path

from accounts.models import User
from accounts.roles import Role
from accounts.services import create_account
from config import places
from jobs import services as jobs
from jobs.models import Job
from retrieval.datasets.services.importing import submit_import
from retrieval.datasets.services.sources import is_drawn
from retrieval.experiments.services import options, starting
from retrieval.experiments.services.weights import file_of, is_from_hub, smallest_packaged, take_file
from retrieval.models import Dataset, Experiment, Index

WINGS = "wings:species=60,per_class=24,size=128,seed=0"
LOSSES = ("soft_triple", "multi_similarity")
FROM_WEIGHTS, FROM_SCRATCH = "frozen-features", "demo"  # presets
PEOPLE = {"admin@kindred.example": Role.ADMIN, "member@kindred.example": Role.MEMBER}


def make_accounts() -> dict[str, str]:
    """Create the demo's accounts at the first start; return their passwords by e-mail, except changed ones.

    A file beside the secret key, readable by this user only, stores them for later starts.
    """
    file = places.var() / "demo_accounts.json"
    passwords: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
    for email, role in PEOPLE.items():
        if User.objects.filter(email=email).exists():
            continue
        passwords[email] = secrets.token_urlsafe(9)
        create_account(email, passwords[email], role, email.split("@")[0].title())
        file.touch(mode=0o600)
        file.write_text(json.dumps(passwords))
    users = User.objects.in_bulk(list(passwords), field_name="email")
    return {email: word for email, word in passwords.items() if email in users and users[email].check_password(word)}


def import_data(source: str) -> Dataset:
    """Return the data set of the demo; queue its import at the first start, or again if it failed.

    Raises:
        Rejected: the path does not exist, or another data set has its name.
    """
    if is_drawn(source):
        name = "Wings"
    else:
        name = Path(source).name.split(".")[0].replace("_", " ") or "Pictures"
        source = str(Path(source).resolve())
    dataset = Dataset.objects.filter(source=source).first()
    if dataset is None:
        return submit_import(name=name, by=None, source=source, public=is_drawn(source))
    if dataset.job is not None:
        _again(dataset.job)
    return dataset


def take_weights(weights: str, architecture: str = "") -> str:
    """Return the name by which an experiment takes these weights; a file is copied to the weights folder.

    weights: a safetensors file, `hub:NAME`, or "" for packaged ones, which may be missing: "" then. A file of timm
    without its JSON gets one. architecture: of such a file; guessed if empty.

    Raises:
        Rejected: there is no such file, or its architecture is not known.
    """
    if not weights:
        return smallest_packaged()
    return weights if is_from_hub(weights) else take_file(Path(weights), architecture)


def start_training(dataset: Dataset, weights: str, epochs: int | None = None) -> Experiment:
    """Return the demo's experiment on a data set; start it at the first start, retry its jobs later.

    With weights, heads are trained on the features of a frozen backbone, in seconds, and the untrained backbone and
    its half-whitened PCA are evaluated beside them. Without weights a small network is trained from scratch.
    epochs: default as in the preset.

    Raises:
        Rejected: the number of epochs is invalid.
    """
    preset, baselines = (FROM_WEIGHTS, options.baselines()) if weights else (FROM_SCRATCH, [])
    name = f"{preset} on {dataset.name}"
    if is_from_hub(weights):
        name += f" from {weights.removeprefix('hub:')}"
    experiment = Experiment.objects.filter(name=name, dataset=dataset, weights=file_of(weights)).first()
    if experiment is None:
        changes: dict[str, object] = {} if epochs is None else {"epochs": epochs}
        protocol = options.make_protocol(preset, changes, weights)
        if fewer := options.changes_for_few_images(protocol, dataset.report["train_images"]):
            protocol = options.make_protocol(preset, {**changes, **fewer}, weights)
        losses = [*LOSSES, *baselines]
        return starting.start_experiment(
            dataset=dataset,
            name=name,
            protocol=protocol,
            losses=losses,
            weights=file_of(weights),
            publish=True,
            by=None,
        )
    for job in jobs_of(experiment):
        _again(job)
    return experiment


def _again(job: Job) -> None:
    if job.state in (Job.State.FAILED, Job.State.CANCELLED):
        jobs.retry(job)


def jobs_of(experiment: Experiment) -> list[Job]:
    """Return the jobs of an experiment's runs and of their indexes, in the order in which they run."""
    runs = list(experiment.runs.select_related("job"))
    index_jobs = [run.job.result["index_job"] for run in runs if run.job and run.job.result]
    return [run.job for run in runs if run.job] + list(Job.objects.filter(pk__in=index_jobs).order_by("pk"))


def is_served(experiment: Experiment) -> bool:
    """Say whether every run of an experiment has an active index."""
    served = Index.objects.filter(active=True, model__run__experiment=experiment)
    return served.values("model").distinct().count() == experiment.runs.count()
