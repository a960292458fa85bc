"""Malformed pictures and archives, made from seeds, and the tests that everything which reads them survives them."""
