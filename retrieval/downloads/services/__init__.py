"""Rules about what may be kept, and its checksums."""
