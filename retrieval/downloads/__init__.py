"""What people may keep: files of models, embeddings, reports, and what apps above add."""
