"""Every limit of the site: bytes, counts, seconds and memory, each a setting that fits a server of 4 GB.

The environment variables stand in docs/settings.md. `config/settings.py` takes all names from here, so code reads
`settings.PICTURE_MAX_BYTES` and a test can set another.
"""

import os

from config.environment import count, machine_megabytes, megabytes, positive, positive_or_none

# --- uploads

PICTURE_MAX_BYTES = megabytes("KINDRED_PICTURE_MAX_MB", 20)  # of a picture that is searched with
PICTURE_MAX_PIXELS = count("KINDRED_PICTURE_MAX_MEGAPIXELS", 60) * 1_000_000  # of the same
ARCHIVE_MAX_BYTES = megabytes("KINDRED_ARCHIVE_MAX_MB", 4096)
MODEL_MAX_BYTES = megabytes("KINDRED_MODEL_MAX_MB", 1024)  # of an external model, and of its embeddings

# --- searches

MOST_ANSWERS = 100  # a model gives to one search
FETCH_SECONDS = positive("KINDRED_FETCH_SECONDS", 10)  # to fetch a picture from a URL, redirects included

# --- pictures that a process decodes: each takes up to 300 MB for a moment

DECODES_AT_ONCE = count("KINDRED_DECODES", 2)
DECODE_SECONDS = positive("KINDRED_DECODE_SECONDS", 10)  # that a request waits for its turn; then it gets 503

# --- jobs

# Of the processes of one job together: a training, a tuning, a report, an external model.
JOB_MEMORY = megabytes("KINDRED_JOB_MEMORY_MB", max(1, machine_megabytes() * 3 // 4))
JOB_SECONDS = positive_or_none("KINDRED_JOB_SECONDS")  # a training takes as long as it takes
EXPERIMENT_RUNS = count("KINDRED_EXPERIMENT_RUNS", 2500)  # losses times seeds times folds

# --- the encoders of a web process

ENGINE_BYTES = megabytes("KINDRED_ENGINE_MB", 1024)  # of models and indexes that a process holds
ENGINE_QUEUE = count("KINDRED_ENGINE_QUEUE", 16)  # pictures that are embedded or wait for it; further requests get 503
TORCH_THREADS = count("KINDRED_THREADS", max(1, (os.cpu_count() or 2) // 2))
