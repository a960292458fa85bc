"""Training, measuring and serving of deep-metric-learning losses. Knows no web framework."""
