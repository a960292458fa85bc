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

# --- searches

MOST_ANSWERS = 100  # a model gives to one search
FETCH_SECONDS = positive("KINDRED_FETCH_SECONDS", 10)  # to fetch a picture from a URL, redirects included

# --- the encoders of a web process

ENGINE_BYTES = megabytes("KINDRED_ENGINE_MB", 1024)  # of models and indexes that a process holds
ENGINE_QUEUE = count("KINDRED_ENGINE_QUEUE", 16)  # pictures that are embedded or wait for it; further requests get 503
ENGINE_SECONDS = positive("KINDRED_ENGINE_SECONDS", 10)  # that a search waits for its turn; then it gets 503
TORCH_THREADS = count("KINDRED_THREADS", max(1, (os.cpu_count() or 2) // 2))

# --- the processes of external models

ENCODER_SECONDS = positive("KINDRED_ENCODER_SECONDS", 30)  # for a batch of at most 8 pictures
ENCODER_START_SECONDS = positive("KINDRED_ENCODER_START_SECONDS", 120)  # to start, load the model and try it
ENCODER_BYTES = megabytes("KINDRED_ENCODER_MB", 1536)  # of resident memory
ENCODER_PROCESSES = count("KINDRED_ENCODER_PROCESSES", 2)  # of a web process
ENCODER_QUEUE = count("KINDRED_ENCODER_QUEUE", 2)  # requests to one model at once; together half of 8 threads
ENCODER_FAILURES = count("KINDRED_ENCODER_FAILURES", 3)  # in a row; then searches skip the model
