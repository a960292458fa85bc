"""Rules about experiments, their runs, and the models that come out of them."""

from retrieval.experiments.services.artifacts import files_of, indexes_of, maker_of
from retrieval.experiments.services.cancelling import cancel_experiment
from retrieval.experiments.services.choosing import (
    baselines,
    loss_table,
    loss_titles,
    make_protocol,
    presets,
    weights_files,
)
from retrieval.experiments.services.cloning import form_values
from retrieval.experiments.services.comparing import (
    FEWEST,
    MOST,
    compared,
    run_compare_job,
    submit_test,
    test_of,
    tests_by_run,
    told_tests,
)
from retrieval.experiments.services.curves import curves_of, epoch_rows, run_at_work, run_title
from retrieval.experiments.services.estimates import (
    estimate_of,
    probe_of,
    run_estimate_job,
    submit_probe,
    time_told,
)
from retrieval.experiments.services.finding import every_run, runs_in
from retrieval.experiments.services.published import experiments, set_published, visible_models
from retrieval.experiments.services.starting import (
    LARGEST_SEED,
    MOST_TRIALS,
    estimate_experiment,
    start_experiment,
    submit_training,
)
from retrieval.experiments.services.training import model_name, run_train_job

__all__ = [
    "FEWEST",
    "MOST",
    "LARGEST_SEED",
    "MOST_TRIALS",
    "baselines",
    "cancel_experiment",
    "compared",
    "curves_of",
    "epoch_rows",
    "estimate_experiment",
    "estimate_of",
    "every_run",
    "experiments",
    "files_of",
    "form_values",
    "indexes_of",
    "loss_table",
    "loss_titles",
    "make_protocol",
    "maker_of",
    "model_name",
    "presets",
    "probe_of",
    "run_at_work",
    "run_compare_job",
    "run_estimate_job",
    "run_title",
    "run_train_job",
    "runs_in",
    "set_published",
    "start_experiment",
    "submit_probe",
    "submit_test",
    "submit_training",
    "test_of",
    "tests_by_run",
    "time_told",
    "told_tests",
    "visible_models",
    "weights_files",
]
