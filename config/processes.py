"""The start of the site's processes, for whoever keeps account of them."""

from django.dispatch import Signal

started = Signal()
"""Sent once by a process when it starts: `sender` is its role, such as "web", and `queues` are those of a worker.

A receiver must not block: the process serves afterwards.
"""
