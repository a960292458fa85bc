"""What the API answers, made by tools/client_models.py from its description: not to be changed by hand.

No field is sure to be there: `fields=` leaves out the others.
"""

from typing import Any, Literal, TypeAlias, TypedDict


class AuditEntry(TypedDict, total=False):
    id: int
    created_at: str
    user: int | None
    user_name: str
    action: str
    target: str
    details: dict[str, Any]


class BallotColumn(TypedDict, total=False):
    """Results of one model. Its rating appears once the ballot has ratings, its name once names are shown."""

    ranking: int
    images: list[int]
    model: str
    rating: int


class Ballot(TypedDict, total=False):
    """A ballot. `context["columns"]`: the columns of several ballots, where they were read together."""

    id: str
    query_url: str
    columns: list[BallotColumn]
    shown_at: str
    rated_at: str | None
    all_bad: bool
    is_draft: bool
    skipped_at: str | None
    withdrawn_at: str | None


class Problem(TypedDict, total=False):
    """RFC 9457 problem details. /api/problems/ lists the types."""

    type: Literal[
        "/api/problems/invalid",
        "/api/problems/malformed",
        "/api/problems/unknown-host",
        "/api/problems/unauthenticated",
        "/api/problems/invalid-token",
        "/api/problems/forbidden",
        "/api/problems/read-only-token",
        "/api/problems/second-factor-required",
        "/api/problems/session-required",
        "/api/problems/proof-required",
        "/api/problems/unconfirmed-address",
        "/api/problems/not-found",
        "/api/problems/method-not-allowed",
        "/api/problems/not-acceptable",
        "/api/problems/conflict",
        "/api/problems/nothing-searchable",
        "/api/problems/quota-reached",
        "/api/problems/too-slow",
        "/api/problems/length-required",
        "/api/problems/stale",
        "/api/problems/too-large",
        "/api/problems/unsupported-media-type",
        "/api/problems/idempotency-key-reused",
        "/api/problems/throttled",
        "/api/problems/error",
        "/api/problems/busy",
        "/api/problems/disk-full",
    ]
    title: str
    status: int
    detail: str
    request_id: str
    errors: list[dict[str, Any]]


class Result(TypedDict, total=False):
    """One picture that a model found; `ranking` and `image` name it for a mark, see /marks/."""

    rank: int
    image: int
    dataset: int
    dataset_name: str
    path: str
    class_name: str
    similarity: float
    mark: int | None
    ranking: int
    url: str
    thumbnail_url: str


class Column(TypedDict, total=False):
    """The results of one model, best first."""

    model: int
    model_name: str
    indexes: list[int]
    took_ms: float
    results: list[Result]


class ModelProblem(TypedDict, total=False):
    """An external model that gave no results."""

    model: int
    model_name: str
    detail: str


class SearchedClass(TypedDict, total=False):
    """A class of a data set."""

    dataset: int
    label: int


class ShownFilters(TypedDict, total=False):
    splits: list[str]
    classes: list[SearchedClass]


class Search(TypedDict, total=False):
    """A search with its results, one column per model."""

    id: str
    name: str
    root: str | None
    created_at: str
    k: int
    box: list[float] | None
    threshold: float | None
    filters: ShownFilters
    exclude_self: bool
    more_like: list[int]
    less_like: list[int]
    datasets: list[int]
    query_image: int | None
    share_url: str | None
    columns: list[Column]
    problems: list[ModelProblem]


class Outcome(TypedDict, total=False):
    """Either a search or the problem it met."""

    search: Search
    problem: Problem


class BatchResult(TypedDict, total=False):
    results: list[Outcome]


class Cancelled(TypedDict, total=False):
    cancelled: int


class Changed(TypedDict, total=False):
    """How many pictures changed."""

    changed: int


class Class(TypedDict, total=False):
    """A class with visible pictures; `held_out` of them are held out, `sample` is the id of one."""

    label: int
    name: str
    images: int
    held_out: int
    sample: int


class Classes(TypedDict, total=False):
    """Every class of a data set, by label."""

    results: list[Class]


class MetricValues(TypedDict, total=False):
    name: str
    cells: list[dict[str, Any] | None]


class NamedRun(TypedDict, total=False):
    id: int
    title: str


class Pair(TypedDict, total=False):
    first: int
    second: int
    difference: float
    low: float | None
    high: float | None
    p: float | None
    p_adjusted: float | None
    seeds: int
    conclusion: str


class PairedTest(TypedDict, total=False):
    metric: str
    title: str
    queries: int
    classes: int
    pairs: list[Pair]


class ProtocolField(TypedDict, total=False):
    name: str
    values: list[Any]
    differs: bool


class Comparison(TypedDict, total=False):
    """Runs side by side, in the order of the request."""

    runs: list[NamedRun]
    metrics: list[MetricValues]
    protocol: list[ProtocolField]
    differing: list[str]
    warnings: list[str]
    tests: list[PairedTest] | None
    job: int | None


class Attention(TypedDict, total=False):
    """Ballots that showed the same results in two columns."""

    people: int
    checks: int
    lapses: int
    share: float


class Repeated(TypedDict, total=False):
    """First and second ratings of the same results by the same person."""

    people: int
    ballots: int
    ratings: int
    equal: float
    within_one: float
    equal_chance: float
    within_one_chance: float
    alpha: float | None


class Consistency(TypedDict, total=False):
    """What hidden checks of raters found."""

    repeated: Repeated | None
    attention: Attention | None


StateEnum: TypeAlias = Literal["queued", "running", "succeeded", "failed", "cancelled"]


class CurvesOfRun(TypedDict, total=False):
    title: str
    color: int
    state: StateEnum
    loss: list[list[float]]
    recall: list[list[float]]
    speed: list[list[float]]


class Curves(TypedDict, total=False):
    active: bool
    runs: list[CurvesOfRun]


class Dataset(TypedDict, total=False):
    """A data set. The label of a picture is an index into `classes`."""

    id: int
    name: str
    slug: str
    licence: str
    attribution: str
    labelled: bool
    layout: dict[str, Any]
    public: bool
    classes: list[str]
    revision: int
    fingerprint: str
    report: dict[str, Any]
    job: int | None
    created_at: str


class ClassNote(TypedDict, total=False):
    label: int
    queries: int
    recall_at_1: float
    map_at_r: float


class Hub(TypedDict, total=False):
    id: int
    label: int
    found: int


class NearDuplicate(TypedDict, total=False):
    measured: int
    trained: int
    correlation: float


class Neighbour(TypedDict, total=False):
    id: int
    label: int
    similarity: float


class QueryNote(TypedDict, total=False):
    id: int
    label: int
    average_precision: float
    results: list[Neighbour]


class Diagnostics(TypedDict, total=False):
    """Classes, worst queries and hubs of a model's evaluation; pictures deleted or hidden since are left out."""

    class_names: dict[str, str]
    paths: dict[str, str]
    classes: list[ClassNote]
    worst_queries: list[QueryNote]
    hubs: list[Hub]
    near_duplicates: list[NearDuplicate]
    neighbours: int
    warnings: list[str]


class Estimate(TypedDict, total=False):
    """Estimated time of all trainings, one after the other."""

    seconds: float
    runs: int
    each: dict[str, float]
    source: str


class Budget(TypedDict, total=False):
    trials: int
    validation_classes: int
    folds: int
    seed: int


class Run(TypedDict, total=False):
    id: int
    experiment: int
    dataset: int
    loss: str
    params: dict[str, Any]
    tuned: bool
    changes: dict[str, Any]
    seed: int
    fold: int | None
    state: StateEnum
    job: int | None
    history: list[dict[str, Any]]
    metrics: dict[str, Any] | None
    model: int | None


class Tuning(TypedDict, total=False):
    id: int
    loss: str
    state: StateEnum
    job: int | None
    trials: dict[str, Any]


class Experiment(TypedDict, total=False):
    id: int
    name: str
    dataset: int
    protocol: dict[str, Any]
    weights: str
    tuning: Budget | None
    publish: bool
    estimate: Estimate | None
    runs: list[Run]
    tunings: list[Tuning]
    archived_at: str | None
    created_at: str


class Cell(TypedDict, total=False):
    """A cell of the network's last feature map, in pixels of the picture, and its share of the similarity."""

    x: float
    y: float
    width: float
    height: float
    share: float


class Region(TypedDict, total=False):
    """A ninth of that square, and its share of the similarity; a negative one reduces it."""

    name: str
    share: float


class Square(TypedDict, total=False):
    """The square that the network saw, in pixels of the picture."""

    left: float
    top: float
    side: float


class Side(TypedDict, total=False):
    """One of the two pictures."""

    width: int
    height: int
    square: Square
    regions: list[Region]
    cells: list[Cell]


class Explanation(TypedDict, total=False):
    """`similarity` is the search's, `explained` that of the two stored pictures; all shares add up to it."""

    similarity: float
    explained: float
    exact: bool
    reason: str
    query: Side
    result: Side


SplitEnum: TypeAlias = Literal["train", "test", "query", "gallery"]


class Image(TypedDict, total=False):
    """A picture; `sha256` is of the imported file, `url` gives a JPEG without camera metadata."""

    id: int
    dataset: int
    path: str
    label: int
    class_name: str
    split: SplitEnum
    sha256: str
    width: int
    height: int
    hidden: bool
    url: str
    thumbnail_url: str


class Index(TypedDict, total=False):
    id: int
    model: int
    dataset: int
    revision: int
    recall: float
    count: int
    active: bool
    manifest: dict[str, Any]
    created_at: str


QueueEnum: TypeAlias = Literal["work", "index", "train"]


class RanOn(TypedDict, total=False):
    host: str
    device: str
    versions: dict[str, str]


class Job(TypedDict, total=False):
    id: int
    kind: str
    queue: QueueEnum
    state: StateEnum
    attempt: int
    cancel_requested: bool
    phase: str
    done: int
    total: int
    message: str
    result: Any
    error: str
    can_be_retried: bool
    owner: int | None
    ran_on: RanOn | None
    created_at: str
    started_at: str | None
    finished_at: str | None


class JudgedRow(TypedDict, total=False):
    """A model; its values are means over its judged queries, 0 to 1."""

    model: int
    name: str
    ndcg: float
    low: float | None
    high: float | None
    no_interval: str
    no_interval_text: str
    judged: float
    bpref: float
    queries: int


class JudgedTable(TypedDict, total=False):
    """Models measured against people's marks, the highest nDCG@8 first."""

    dataset: str
    rows: list[JudgedRow]
    no_rows: str
    same_queries: bool
    queries: int
    irrelevant_queries: int
    judgements: int
    marks: int
    people: int


class Suggestion(TypedDict, total=False):
    image: int
    label: int
    class_name: str
    suggested_label: int
    suggested_class: str
    confidence: float
    own_share: float
    trained: bool
    neighbours: list[int]


class LabelReport(TypedDict, total=False):
    """The labels of an index's data set that look wrong; at most 500 of them, without hidden pictures."""

    index: int
    model: int
    dataset: int
    found: int
    checked: int
    pictures: int
    agreement: float
    suggestions: list[Suggestion]


class ColumnFigure(TypedDict, total=False):
    column: int
    mean: float
    low: float | None
    high: float | None
    ratings: int


class ColumnBias(TypedDict, total=False):
    """Ratings by the place of the column; the intervals of all columns hold together at 95 %."""

    columns: list[ColumnFigure]
    people: int
    queries: int
    no_interval: str
    no_interval_text: str


PairDecisionStateEnum: TypeAlias = Literal["separated", "equivalent", "open"]


class PairDecision(TypedDict, total=False):
    """What the ratings decide between the best row and another one."""

    id: int
    model: str
    difference: float
    half_width: float
    state: PairDecisionStateEnum
    ballots: int | None
    queries: int | None
    needs_queries: bool
    text: str


class Enough(TypedDict, total=False):
    """Whether people's ratings decide between the best row by human mean and the others."""

    best: str
    ballots: int
    queries_available: int
    pairs: list[PairDecision]
    people: int
    queries: int
    no_interval: str
    no_interval_text: str


class LeaderboardAgreement(TypedDict, total=False):
    """Agreement of MAP@R and human means: tau-b of three models or more; of two, which one people prefer."""

    models: int
    tau: float | None
    low: float | None
    high: float | None
    people: int
    queries: int
    no_interval: str
    no_interval_text: str
    better: str
    is_level: bool
    difference: float
    certainty: float | None


class LeaderboardMetric(TypedDict, total=False):
    value: float | None
    sd: float | None
    low: float | None
    high: float | None


class LeaderboardSeed(TypedDict, total=False):
    """One model of a row."""

    id: int
    model: str
    seed: int | None
    fold: int | None
    metrics: dict[str, float | None]
    human_mean: float | None
    ratings: int
    index_recall: float | None


class LeaderboardRow(TypedDict, total=False):
    """A loss, its seeds together, or an external model."""

    id: int
    dataset: str
    model: str
    color: int
    protocol: str
    seed: int | None
    metrics: dict[str, LeaderboardMetric]
    recall_at_1: float | None
    recall_at_1_low: float | None
    recall_at_1_high: float | None
    recall_at: dict[str, float]
    map_at_r: float
    map_at_r_low: float | None
    map_at_r_high: float | None
    human_mean: float | None
    human_low: float | None
    human_high: float | None
    ratings: int
    index_recall: float | None
    human_raw_mean: float | None
    human_win_rate: float | None
    human_win_low: float | None
    human_win_high: float | None
    human_rank_low: int | None
    human_rank_high: int | None
    human_people: int
    human_queries: int
    human_no_interval: str
    human_no_interval_text: str
    rank: int
    rank_low: int | None
    rank_high: int | None
    level_with_best: bool | None
    not_tested: str
    seeds: list[LeaderboardSeed]


class MetricFigure(TypedDict, total=False):
    name: str
    title: str
    meaning: str
    of_query: bool
    auc: float
    low: float | None
    high: float | None
    rank_low: int | None
    rank_high: int | None
    pairs: int


class OtherPeople(TypedDict, total=False):
    """How well another person who rated the same pair predicts a person."""

    auc: float
    low: float | None
    high: float | None
    comparisons: int


class MetricAgreement(TypedDict, total=False):
    """Which metric predicts people best; without metrics where it is withheld."""

    metrics: list[MetricFigure]
    other_people: OtherPeople | None
    pairs: int
    queries_left_out: int
    people: int
    queries: int
    no_interval: str
    no_interval_text: str


class PeopleAgreement(TypedDict, total=False):
    """Agreement of people about the same results."""

    share: float
    chance: float
    comparisons: int
    alpha: float | None
    alpha_low: float | None
    alpha_high: float | None
    people: int
    queries: int
    no_interval: str
    no_interval_text: str


class LeaderboardSection(TypedDict, total=False):
    """A table: the rows of one data set under one protocol."""

    dataset: str
    name: str
    protocol: str
    protocol_label: str
    is_default: bool
    test: str
    ratings: int
    agreement: LeaderboardAgreement | None
    people_agree: PeopleAgreement | None
    column_bias: ColumnBias | None
    metric_agreement: MetricAgreement
    enough: Enough
    rows: list[LeaderboardRow]


class Leaderboard(TypedDict, total=False):
    datasets: list[LeaderboardSection]


class Period(TypedDict, total=False):
    first: int
    last: int
    value: float | None
    low: float | None
    high: float | None


class DifferenceDrift(TypedDict, total=False):
    """The drift of the difference of the two highest human means, first minus second."""

    periods: list[Period]
    change: float | None
    low: float | None
    high: float | None
    people: int
    queries: int
    no_interval: str
    no_interval_text: str
    first: str
    second: str


class Drift(TypedDict, total=False):
    """A value by periods of about equally many ballots, and a test of its trend."""

    periods: list[Period]
    change: float | None
    low: float | None
    high: float | None
    people: int
    queries: int
    no_interval: str
    no_interval_text: str


class LossVariants(TypedDict, total=False):
    loss: str
    trained: int
    shown: int
    rated: int


class Removal(TypedDict, total=False):
    """Ballots whose removal puts another row first: an upper bound, found by influence and solved exactly."""

    winner: str
    after: str
    ballots: int
    share: float


class ModelSampling(TypedDict, total=False):
    id: int
    model: str
    ballots: int
    share: float
    recorded: int
    expected: float | None
    is_off: bool


class Sampling(TypedDict, total=False):
    ballots: int
    without_propensity: int
    ratio: float | None
    models: list[ModelSampling]


class TableAudit(TypedDict, total=False):
    """The audit of one table of the leaderboard."""

    dataset: str
    name: str
    protocol: str
    protocol_label: str
    ballots: int
    warnings: list[str]
    sampling: Sampling
    column_bias: ColumnBias | None
    removal: Removal | None
    level_drift: Drift | None
    difference_drift: DifferenceDrift | None
    variants: list[LossVariants]


class LeaderboardAudit(TypedDict, total=False):
    datasets: list[TableAudit]


class Log(TypedDict, total=False):
    """The last lines of a training, the newest at the end."""

    lines: list[str]


class Parameter(TypedDict, total=False):
    default: float
    meaning: str
    letter: str
    range: str


class Loss(TypedDict, total=False):
    name: str
    title: str
    family: str
    paper: str
    idea: str
    formula: str
    where: list[str]
    symbols: dict[str, str]
    parameters: dict[str, Parameter]
    equals: dict[str, str]
    sampler: str
    takes_memory: bool


ValueEnum: TypeAlias = Literal[0, 1, 2]


class Mark(TypedDict, total=False):
    id: int
    ranking: int
    image: int
    value: ValueEnum
    marked_at: str


MeRoleEnum: TypeAlias = Literal["member", "curator", "admin"]


NullEnum: TypeAlias = None


class Me(TypedDict, total=False):
    id: int
    email: str
    display_name: str
    role: MeRoleEnum | NullEnum


class Metric(TypedDict, total=False):
    name: str
    title: str
    meaning: str
    scale: str
    headline: bool
    shown: list[str]


class Model(TypedDict, total=False):
    id: int
    name: str
    loss: str
    dataset: int
    experiment: int | None
    dim: int
    published: bool
    is_default: bool
    has_network: bool
    suspended_at: str | None
    encoder_problem: str
    licence: str
    weights_sha256: str
    metrics: dict[str, Any] | None
    archived_at: str | None
    created_at: str


OutcomeEnum: TypeAlias = Literal["succeeded", "failed"]


class Notice(TypedDict, total=False):
    id: int
    outcome: OutcomeEnum
    title: str
    detail: str
    url: str
    created_at: str
    read_at: str | None


ProcessRoleEnum: TypeAlias = Literal["web", "worker", "encoder", "beat"]


class Process(TypedDict, total=False):
    role: ProcessRoleEnum
    host: str
    pid: int
    queues: Any
    device: str
    versions: Any
    engine_bytes: int
    started_at: str
    seen_at: str


class Queue(TypedDict, total=False):
    name: str
    waiting: int
    running: int
    failed: int
    waiting_since: str | None
    workers: int


class RunningJob(TypedDict, total=False):
    id: int
    kind: str
    queue: QueueEnum
    attempt: int
    phase: str
    ran_on: Any
    started_at: str | None
    heartbeat_at: str | None


class SlowSearch(TypedDict, total=False):
    at: str
    models: int
    took_ms: float


class Overview(TypedDict, total=False):
    at: str
    release: str
    checks: dict[str, str]
    services: dict[str, str]
    queues: list[Queue]
    running: list[RunningJob]
    processes: list[Process]
    silent: list[Process]
    volume_bytes: int
    volume_free_bytes: int
    slow_searches: list[SlowSearch]


PartEnum: TypeAlias = Literal["weights", "description", "metrics", "history", "embeddings", "images"]


class Part(TypedDict, total=False):
    part: PartEnum
    name: str
    size: int
    sha256: str | None
    created_at: str


BlankEnum: TypeAlias = Literal[""]


class Candidate(TypedDict, total=False):
    """A class that models predict; label null: they find the query in no class of the data set."""

    label: int | None
    class_name: str
    confidence_low: float | None
    confidence_high: float | None
    models: list[str]


HeadlineStateEnum: TypeAlias = Literal["likely", "unsure", "unknown", "disagreement"]


class Headline(TypedDict, total=False):
    """What the models together predict in one data set, as the page shows it."""

    dataset: int
    dataset_name: str
    state: HeadlineStateEnum
    classes: list[Candidate]
    others: list[Candidate]
    text: str


class Share(TypedDict, total=False):
    class_name: str
    share: float


class Prediction(TypedDict, total=False):
    """The class that the nearest neighbours vote for, and the probability that it is right."""

    dataset: int
    label: int
    class_name: str
    confidence: float
    shares: list[Share]
    unknown: bool
    similarity: float


class ModelPrediction(TypedDict, total=False):
    model: int
    model_name: str
    prediction: Prediction | None
    by_dataset: list[Prediction]


UnpredictedEnum: TypeAlias = Literal["refined", "filtered"]


class Predictions(TypedDict, total=False):
    """What the models predict that a query is, together and each by itself."""

    summary: str
    headlines: list[Headline]
    unpredicted: UnpredictedEnum | BlankEnum
    predictions: list[ModelPrediction]


class Progress(TypedDict, total=False):
    done: int
    total: int
    skipped: int


class Read(TypedDict, total=False):
    read: int


class ShareLink(TypedDict, total=False):
    """A search that its owner shared; `id` and `created_at` are the search's."""

    id: str
    owner: int | None
    owner_name: str
    datasets: list[int]
    url: str
    created_at: str


class StoredFile(TypedDict, total=False):
    path: str
    sha256: str
    size: int


class StoredFiles(TypedDict, total=False):
    stored: list[StoredFile]


class Token(TypedDict, total=False):
    id: str
    name: str
    read_only: bool
    created_at: str
    expires_at: str | None
    last_used_at: str | None


class Upload(TypedDict, total=False):
    id: str
    files: int
    bytes: int
    created_at: str
    expires_at: str
