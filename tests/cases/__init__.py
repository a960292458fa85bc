"""Inputs that people bring, and what is right for each: the case itself, and three more of its kind."""
