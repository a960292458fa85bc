"""The tables of experiments, runs, tunings and reports."""

from pathlib import Path

from django.conf import settings
from django.db import models
from django.db.models import Q

from jobs.models import Job
from retrieval.models.dataset import Dataset
from storage.store import store


class Experiment(models.Model):
    """Runs that share a data set and a protocol, and differ in loss, its parameters, seed and fold only.

    Tuned runs are added next to the untuned ones; of the protocol they may change rates.
    """

    name = models.CharField(max_length=120)
    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, related_name="experiments")
    protocol = models.JSONField()
    weights = models.CharField(max_length=200, blank=True, help_text="File in the weights folder, for local weights.")
    tuning = models.JSONField(
        null=True, blank=True, help_text="Tuning budget of each loss: trials and validation_classes; null = no tuning."
    )
    estimate = models.JSONField(null=True, blank=True, help_text="Estimated time of all runs at the start, in seconds.")
    publish = models.BooleanField(default=False, help_text="Models appear in search as soon as their index is built.")
    archived_at = models.DateTimeField(
        null=True, blank=True, help_text="Since when lists leave it out; its results stay."
    )
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return self.name

    @property
    def trials(self) -> int:
        """How many trials each loss's tuning has; 0 without tuning."""
        return int(self.tuning["trials"]) if self.tuning else 0


class Run(models.Model):
    """One cell of an experiment. Its state is its job's; its metrics come with the finished artifact."""

    experiment = models.ForeignKey(Experiment, on_delete=models.CASCADE, related_name="runs")
    loss = models.CharField(max_length=60)
    params = models.JSONField(default=dict, blank=True)
    seed = models.PositiveIntegerField(default=0)
    tuned = models.BooleanField(default=False, help_text="Whether it has the parameters that tuning found.")
    changes = models.JSONField(default=dict, blank=True, help_text="Fields of the protocol that tuning changed.")
    fold = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="Fold that is held out, where the protocol has folds."
    )
    job = models.ForeignKey(Job, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    history = models.JSONField(default=list, blank=True, help_text="One event per epoch, as training reports them.")
    metrics = models.JSONField(null=True, blank=True)
    log = models.TextField(blank=True, help_text="Last lines of its training's output.")

    class Meta:
        ordering = ["pk"]
        constraints = [
            # Two, because to a database no null equals another.
            models.UniqueConstraint(
                fields=["experiment", "loss", "seed", "tuned"], condition=Q(fold__isnull=True), name="one_run_a_cell"
            ),
            models.UniqueConstraint(fields=["experiment", "loss", "seed", "fold", "tuned"], name="one_run_a_fold"),
        ]

    def __str__(self) -> str:
        fold = "" if self.fold is None else f", fold {self.fold}"
        return f"{self.loss} ({'tuned, ' if self.tuned else ''}seed {self.seed}{fold})"

    @property
    def state(self) -> str:
        """The job's state; a job's row may be deleted once the metrics are here."""
        if self.metrics is not None:
            return Job.State.SUCCEEDED.value
        return str(self.job.state) if self.job else Job.State.CANCELLED.value


class Tuning(models.Model):
    """The trials of one loss of an experiment; its tuned runs are queued when they are done."""

    experiment = models.ForeignKey(Experiment, on_delete=models.CASCADE, related_name="tunings")
    loss = models.CharField(max_length=60)
    job = models.ForeignKey(Job, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    trials = models.JSONField(
        default=dict, blank=True, help_text="Trials and their metrics so far, as tuning stores them."
    )

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["experiment", "loss"], name="one_tuning_a_loss")]

    def __str__(self) -> str:
        return f"tuning of {self.loss}"

    @property
    def done(self) -> int:
        """How many trials are finished."""
        return len(self.trials.get("measured", ()))

    @property
    def state(self) -> str:
        """The job's state; a job's row may be deleted once all trials are here."""
        if self.job is not None:
            return str(self.job.state)
        return (Job.State.SUCCEEDED if self.done >= self.experiment.trials else Job.State.CANCELLED).value


class Report(models.Model):
    """The newest report of an experiment, as files; creating it again replaces it."""

    experiment = models.OneToOneField(Experiment, on_delete=models.CASCADE, related_name="report")
    path = models.CharField(max_length=200, unique=True, help_text="Folder below the media folder.")
    made_at = models.DateTimeField()

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"report of {self.experiment_id}"

    @property
    def folder(self) -> Path:
        """Its place on this host, filled from the storage."""
        return store().local_copy(self.path)
