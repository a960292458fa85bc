"""The training of one run: batches, checkpoints, optimisation, several processes, estimates of time."""
