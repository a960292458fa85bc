"""Inference: encoders and their engines, explanations, predictions."""
