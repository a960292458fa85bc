"""Limits of request bodies, by URL and sender, and the responses to longer ones.

- `rooms`: the addresses that take files, and how many bytes of them.
- `guard`: the middleware that refuses a body by its length, before anything reads it.
- `pages`: what a refusal, a full disk or an upload that was cut short looks like on a page.
"""
