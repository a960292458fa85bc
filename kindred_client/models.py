"""What the API answers, made by tools/client_models.py from its description: not to be changed by hand.

No field is sure to be there: `fields=` leaves out the others.
"""

from typing import Any, Literal, TypedDict


class AuditEntry(TypedDict, total=False):
    id: int
    at: str
    who: int | None
    who_name: str
    action: str
    target: str
    details: dict[str, Any]


class Ballot(TypedDict, total=False):
    id: str
    query_url: str
    columns: list[dict[str, Any]]
    shown_at: str
    voted_at: str | None


class Dataset(TypedDict, total=False):
    id: int
    name: str
    slug: str
    licence: str
    attribution: str
    labelled: bool
    public: bool
    classes: Any
    revision: int
    fingerprint: str
    report: Any
    job: int | None
    created_at: str


class Run(TypedDict, total=False):
    id: int
    loss: str
    params: Any
    tuned: bool
    changes: Any
    seed: int
    fold: int | None
    state: str
    job: int | None
    history: Any
    metrics: Any
    model: int | None


class Tuning(TypedDict, total=False):
    id: int
    loss: str
    state: str
    job: int | None
    trials: Any


class Experiment(TypedDict, total=False):
    id: int
    name: str
    dataset: int
    protocol: Any
    weights: str
    tuning: Any
    publish: bool
    runs: list[Run]
    tunings: list[Tuning]
    created_at: str


SplitEnum = Literal["train", "test", "query", "gallery"]


class Image(TypedDict, total=False):
    id: int
    path: str
    label: int
    class_name: str
    split: SplitEnum
    sha256: str
    width: int
    height: int
    url: str


class Index(TypedDict, total=False):
    id: int
    model: int
    dataset: int
    revision: int
    recall: float
    count: int
    active: bool
    manifest: Any
    created_at: str


QueueEnum = Literal["work", "train"]


StateEnum = Literal["queued", "running", "succeeded", "failed", "cancelled"]


class Job(TypedDict, total=False):
    id: int
    kind: str
    queue: QueueEnum
    state: StateEnum
    attempt: int
    cancel_asked: bool
    phase: str
    done: int
    total: int
    message: str
    result: Any
    error: str
    owner: int | None
    created_at: str
    started_at: str | None
    finished_at: str | None


class MadeToken(TypedDict, total=False):
    """A new token; `secret` is in this answer only."""

    id: str
    name: str
    read_only: bool
    created: str
    expiry: str | None
    last_used_at: str | None
    secret: str


NullEnum = None


RoleEnum = Literal["member", "curator", "admin"]


class Me(TypedDict, total=False):
    id: int
    email: str
    display_name: str
    role: RoleEnum | NullEnum


class Model(TypedDict, total=False):
    id: int
    name: str
    loss: str
    dataset: int
    experiment: int | None
    dim: int
    published: bool
    has_network: bool
    licence: str
    weights_sha256: str
    metrics: Any
    created_at: str


ValueEnum = Literal[0, 1, 2]


class Relevance(TypedDict, total=False):
    ranking: int
    image: int
    value: ValueEnum


class Search(TypedDict, total=False):
    id: str
    datasets: list[int]
    query_image: int | None
    k: int
    created_at: str
    shared_at: str | None
    results: list[dict[str, Any]]


class Token(TypedDict, total=False):
    id: str
    name: str
    read_only: bool
    created: str
    expiry: str | None
    last_used_at: str | None
