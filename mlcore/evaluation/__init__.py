"""Exact search, the metrics on it, and their diagnostics."""
