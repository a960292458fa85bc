"""Faults that a running site has to survive: each is done to real processes, and then everything is counted."""
