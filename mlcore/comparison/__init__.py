"""Losses x seeds x folds under one protocol: planned, run, tuned, tested for significance, reported, re-run."""
