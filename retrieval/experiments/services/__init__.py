"""Rules about experiments, their runs, and the models that come out of them."""
