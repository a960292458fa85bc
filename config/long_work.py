"""Settings of jobs, their broker, Celery and beat; `config/settings.py` takes all names from here."""

import re

from django.core.exceptions import ImproperlyConfigured

from config.celery import QUEUES, queue_named
from config.environment import VAR_DIR, env, positive
from config.places import keep_private_folder

CELERY_BROKER_URL = env.str("CELERY_BROKER_URL", default="filesystem://")
CELERY_QUEUE_PREFIX = env.str("CELERY_QUEUE_PREFIX", default="kindred-")
if not re.fullmatch(r"[A-Za-z0-9_-]*", CELERY_QUEUE_PREFIX):
    raise ImproperlyConfigured(
        f"CELERY_QUEUE_PREFIX may hold letters, digits, - and _ only, got {CELERY_QUEUE_PREFIX!r}"
    )
# A broker that is away must not keep a request waiting: the sweep sends later.
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, object] = {
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0.2,
    "interval_max": 0.2,
}
if CELERY_BROKER_URL.startswith("filesystem"):
    BROKER_DIR = keep_private_folder(VAR_DIR / "broker")
    (BROKER_DIR / "messages").mkdir(parents=True, exist_ok=True)
    CELERY_BROKER_TRANSPORT_OPTIONS |= {
        "data_folder_in": str(BROKER_DIR / "messages"),
        "data_folder_out": str(BROKER_DIR / "messages"),
        "control_folder": str(BROKER_DIR / "control"),
        "store_processed": False,
        "polling_interval": 0.25,
    }
CELERY_TASK_QUEUES = [queue_named(name, CELERY_QUEUE_PREFIX) for name in QUEUES]
CELERY_TASK_DEFAULT_QUEUE = f"{CELERY_QUEUE_PREFIX}work"
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = False  # the row, not the message, says what is to be done
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
# Forking after torch or hnswlib has started threads hangs. One thread beside the main one runs the job, so the
# main one goes on answering the broker's heartbeats and hears SIGTERM at once.
CELERY_WORKER_POOL = "threads"
CELERY_WORKER_CONCURRENCY = 1
# Remote control leaves a queue behind for every worker that was killed; rows tell what runs.
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
JOB_HEARTBEAT_SECONDS = positive("JOB_HEARTBEAT_SECONDS", 5)
JOB_STALE_SECONDS = positive("JOB_STALE_SECONDS", 6 * JOB_HEARTBEAT_SECONDS)
JOB_RESEND_SECONDS = positive("JOB_RESEND_SECONDS", 60)
JOB_SWEEP_SECONDS = positive("JOB_SWEEP_SECONDS", 10)
if JOB_STALE_SECONDS < 2 * JOB_HEARTBEAT_SECONDS:
    raise ImproperlyConfigured(
        f"JOB_STALE_SECONDS ({JOB_STALE_SECONDS:g}) must be at least twice "
        f"JOB_HEARTBEAT_SECONDS ({JOB_HEARTBEAT_SECONDS:g}), or working jobs are taken for dead"
    )
CELERY_BEAT_SCHEDULER = "jobs.tasks:InProcessScheduler"
CELERY_BEAT_SCHEDULE = {"sweep": {"task": "jobs.sweep", "schedule": JOB_SWEEP_SECONDS}}
CELERY_BEAT_MAX_LOOP_INTERVAL = JOB_SWEEP_SECONDS
