"""From pictures to embeddings with a trained network, and what is told from them."""
