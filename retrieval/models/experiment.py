"""What is compared: one protocol, several losses and seeds."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from jobs.models import Job
from retrieval.models.dataset import Dataset


class Experiment(models.Model):
    """Runs that share a data set and a protocol, and differ in loss, its parameters, seed and fold only."""

    name = models.CharField(max_length=120)
    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, related_name="experiments")
    protocol = models.JSONField()
    weights = models.CharField(max_length=200, blank=True, help_text="File in the weights folder, for local weights.")
    publish = models.BooleanField(default=True, help_text="Models appear in search as soon as their index is built.")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return self.name


class Run(models.Model):
    """One cell of an experiment. Its state is its job's; its metrics come with the finished artifact."""

    experiment = models.ForeignKey(Experiment, on_delete=models.CASCADE, related_name="runs")
    loss = models.CharField(max_length=60)
    params = models.JSONField(default=dict, blank=True)
    seed = models.PositiveIntegerField(default=0)
    fold = models.PositiveSmallIntegerField(null=True, blank=True, help_text="Held out, where the protocol has folds.")
    job = models.ForeignKey(Job, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    history = models.JSONField(default=list, blank=True, help_text="One event an epoch, as training reports them.")
    metrics = models.JSONField(null=True, blank=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            # Two, because to a database no null equals another.
            models.UniqueConstraint(
                fields=["experiment", "loss", "seed"], condition=Q(fold__isnull=True), name="one_run_a_cell"
            ),
            models.UniqueConstraint(fields=["experiment", "loss", "seed", "fold"], name="one_run_a_fold"),
        ]

    def __str__(self) -> str:
        fold = "" if self.fold is None else f", fold {self.fold}"
        return f"{self.loss} (seed {self.seed}{fold})"

    @property
    def state(self) -> str:
        """The job's state; a job's row may be cleared away once the metrics are here."""
        if self.metrics is not None:
            return Job.State.SUCCEEDED.value
        return str(self.job.state) if self.job else Job.State.CANCELLED.value
