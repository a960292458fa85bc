"""External models and embeddings: checked, measured, stored."""
