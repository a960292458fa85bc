"""Limits of request bodies, by URL and sender, and the responses to longer ones.

- `rooms`: the URLs that accept files, and how many bytes of them.
- `guard`: the middleware that refuses a body by its length, before anything reads it.
- `pages`: the responses to a rejected or interrupted body, and to full storage.
"""
