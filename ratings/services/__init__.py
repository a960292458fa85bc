"""Rules about what people think."""
