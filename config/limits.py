"""Every limit of the site: bytes, counts, seconds and memory, each a setting that fits a server of 4 GB.

The environment variables stand in docs/settings.md. `config/settings.py` takes all names from here, so code reads
`settings.PICTURE_MAX_BYTES` and a test can set another.
"""

import os

from config.environment import count, megabytes, positive

# --- uploads

PICTURE_MAX_BYTES = megabytes("KINDRED_PICTURE_MAX_MB", 20)  # of a picture that is searched with
ARCHIVE_MAX_BYTES = megabytes("KINDRED_ARCHIVE_MAX_MB", 4096)
MODEL_MAX_BYTES = megabytes("KINDRED_MODEL_MAX_MB", 1024)  # of an external model, and of its embeddings

# --- accounts

TOKENS_PER_PERSON = count("KINDRED_TOKENS_PER_PERSON", 20)  # API tokens that are valid at the same time
ACCOUNT_RATE_LIMITS = {
    "password_failed_here": "10/m/ip,5/m/key",  # wrong passwords from one IP address, and of one account from there
    "password_failed": "20/m/key",  # wrong passwords of one account, from everywhere
    "confirm_email": "1/m/key",  # mails with a link to confirm one address
}

# --- searches

MOST_ANSWERS = 100  # a model gives to one search
FETCH_SECONDS = positive("KINDRED_FETCH_SECONDS", 10)  # to fetch a picture from a URL, redirects included

# --- the encoders of a web process

ENGINE_BYTES = megabytes("KINDRED_ENGINE_MB", 1024)  # of models and indexes that a process holds
ENGINE_QUEUE = count("KINDRED_ENGINE_QUEUE", 16)  # pictures that are embedded or wait for it; further requests get 503
TORCH_THREADS = count("KINDRED_THREADS", max(1, (os.cpu_count() or 2) // 2))
