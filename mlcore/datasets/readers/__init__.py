"""Readers: one module a kind of data set, each with its row READER (mlcore/datasets/reader_table.py)."""
