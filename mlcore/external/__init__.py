"""Models and embeddings that were made elsewhere: checked, measured, stored."""
