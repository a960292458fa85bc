"""Networks: a backbone, a pooling and a linear head."""
