"""Rules about experiments, their runs, and the models that come out of them."""

from retrieval.experiments.services.choosing import (
    baselines,
    loss_table,
    loss_titles,
    make_protocol,
    presets,
    weights_files,
)
from retrieval.experiments.services.cloning import form_values
from retrieval.experiments.services.estimates import (
    estimate_of,
    probe_of,
    run_estimate_job,
    submit_probe,
    time_told,
)
from retrieval.experiments.services.published import experiments, set_published, visible_models
from retrieval.experiments.services.starting import (
    LARGEST_SEED,
    MOST_TRIALS,
    start_experiment,
    submit_training,
)
from retrieval.experiments.services.training import model_name, run_train_job

__all__ = [
    "LARGEST_SEED",
    "MOST_TRIALS",
    "baselines",
    "estimate_of",
    "experiments",
    "form_values",
    "loss_table",
    "loss_titles",
    "make_protocol",
    "model_name",
    "presets",
    "probe_of",
    "run_estimate_job",
    "run_train_job",
    "set_published",
    "start_experiment",
    "submit_probe",
    "submit_training",
    "time_told",
    "visible_models",
    "weights_files",
]
