"""Rules about the encoders of external models."""
