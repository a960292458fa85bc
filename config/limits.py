"""Every limit of the site: bytes, counts, seconds and memory, each a setting that fits a server of 4 GB.

The environment variables stand in docs/settings.md. `config/settings.py` takes all names from here, so code reads
`settings.PICTURE_MAX_BYTES` and a test can set another.
"""

import os

from config.environment import count, env, machine_megabytes, megabytes, positive, positive_or_none, service_url

# --- uploads

PICTURE_MAX_BYTES = megabytes("KINDRED_PICTURE_MAX_MB", 20)  # of a picture that is searched with
PICTURE_MAX_PIXELS = count("KINDRED_PICTURE_MAX_MEGAPIXELS", 60) * 1_000_000  # of the same
ARCHIVE_MAX_BYTES = megabytes("KINDRED_ARCHIVE_MAX_MB", 4096)
MODEL_MAX_BYTES = megabytes("KINDRED_MODEL_MAX_MB", 1024)  # of an external model, and of its embeddings

# --- bodies of requests; which URL accepts which files is in config/bodies/rooms.py

FORM_MAX_BYTES = count("KINDRED_FORM_MAX_KB", 64) * 2**10  # of a form without files
JSON_MAX_BYTES = megabytes("KINDRED_JSON_MAX_MB", 1)  # also of a form with a long list of boxes
JSON_MAX_LEVELS = 50  # of lists and objects within each other
KEY_MAX_DIGITS = 18  # of a row's key; a longer number may not fit the 64 bits of a database's integer
BATCH_MAX_BYTES = megabytes("KINDRED_BATCH_MAX_MB", 200)  # of the pictures of one request that searches with many
BODY_SECONDS = positive("KINDRED_BODY_SECONDS", 20)  # that a body may take, and more by its size:
BODY_BYTES_PER_SECOND = count("KINDRED_BODY_KB_PER_SECOND", 8) * 2**10  # the least rate at which it has to arrive
BODIES_AT_ONCE = count("KINDRED_BODIES_AT_ONCE", 256)  # that are arriving at a process; further requests get 503
UPLOADS_AT_ONCE = count("KINDRED_UPLOADS_AT_ONCE", 4)  # archives, and as many batches, that a process reads
DOWNLOADS_AT_ONCE = count("KINDRED_DOWNLOADS_AT_ONCE", 32)  # answers above 1 MB; further ones get 503
ANSWER_SECONDS = positive("KINDRED_ANSWER_SECONDS", 60)  # that a client has for an answer, and more by its size
WEB_THREADS = count("WEB_THREADS", 32)  # requests that a process answers at once, besides large uploads

# --- quotas of a person

SEARCHES_MAX = count("KINDRED_SEARCHES_MAX", 5000)  # refinements among them
QUERIES_MAX_BYTES = megabytes("KINDRED_QUERIES_MAX_MB", 500)  # of stored query pictures
UPLOADS_MAX = count("KINDRED_UPLOADS_MAX", 20)  # begun, and not taken by a job
UPLOADS_MAX_BYTES = megabytes("KINDRED_UPLOADS_MAX_MB", 16_384)  # of the files in them
LEFTOVER_DAYS = count("KINDRED_LEFTOVER_DAYS", 7)  # that files of a failed job wait for a retry

# --- ratings

SKIPS_MAX = 10  # pictures that a rater has set aside at a time, so that nobody picks what to rate

# --- accounts

TOKENS_PER_PERSON = count("KINDRED_TOKENS_PER_PERSON", 20)  # API tokens that are valid at the same time
ACCOUNT_RATE_LIMITS = {
    "password_failed_here": "10/m/ip,5/m/key",  # wrong passwords from one IP address, and of one account from there
    "password_failed": "20/m/key",  # wrong passwords of one account, from everywhere
    "confirm_email": "1/m/key",  # mails with a link to confirm one address
}

# --- files that several hosts share

STORAGE_URL: str = env.str("STORAGE_URL", default="")  # "" is the media folder of this machine
COPIES_MAX_BYTES = megabytes("KINDRED_COPIES_MAX_MB", 51_200)  # of copies on this host, if STORAGE_URL is not a folder

# --- an encoder that several hosts share

ENCODER_URL = service_url("ENCODER_URL")  # of web processes; "" is one in each of them
ENCODER_HOST: str = env.str("ENCODER_HOST", default="127.0.0.1")
ENCODER_PORT = count("ENCODER_PORT", 8100)

# --- indexes that several hosts search

VECTOR_STORE_URL: str = env.str("VECTOR_STORE_URL", default="")  # "" is hnswlib in each process
OLD_COLLECTION_HOURS = count("KINDRED_OLD_COLLECTION_HOURS", 24)  # that a replaced index stays there, to go back to

# --- searches

MOST_ANSWERS = 100  # a model gives to one search
SEARCHES_AT_ONCE = count("KINDRED_SEARCHES_AT_ONCE", 2)  # that compute in a process; others wait, or are embedded
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
ENGINE_QUEUE = count("KINDRED_ENGINE_QUEUE", 256)  # pictures that are embedded or wait for it; further requests get 503
ENGINE_SECONDS = positive("KINDRED_ENGINE_SECONDS", 10)  # that a search waits for its turn; then it gets 503
TORCH_THREADS = count("KINDRED_THREADS", max(1, (os.cpu_count() or 2) // 2))

# --- the processes of external models

ENCODER_SECONDS = positive("KINDRED_ENCODER_SECONDS", 30)  # for a batch of at most 8 pictures
ENCODER_START_SECONDS = positive("KINDRED_ENCODER_START_SECONDS", 120)  # to start, load the model and try it
ENCODER_BYTES = megabytes("KINDRED_ENCODER_MB", 1536)  # of resident memory
ENCODER_PROCESSES = count("KINDRED_ENCODER_PROCESSES", 2)  # of a web process
ENCODER_QUEUE = count("KINDRED_ENCODER_QUEUE", 2)  # requests to one model at once; together an eighth of the threads
ENCODER_FAILURES = count("KINDRED_ENCODER_FAILURES", 3)  # in a row; then searches skip the model
