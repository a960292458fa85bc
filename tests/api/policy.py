"""Who may do what over the API: one row for every operation, written before the operation was.

A row gives the status that each caller gets on a thing that exists and, for writing, with a body that is right:

- `anyone`: visitors as well; what they may not see is tried in the tests of the endpoint;
- `members`: everybody who signed in;
- `owner`: whose it is; to all others, curators and admins too, it does not exist (404);
- `owner_or_curators`: whose it is, and those who look after the site;
- `owner_with_the_role`: those who look after the site; whose it is, but who has not the role that it needs, is told so;
- `curators`: members are told that it is not for them (403), unless the thing itself is hidden from them;
- `sessions`: nobody by a token (403).

A read-only token is its owner's, the one who may do most with the operation; it reads and never writes (403).
An expired token is refused everywhere (401), where visitors are welcome too: who sends one believes to be somebody.
"""

from dataclasses import dataclass
from http import HTTPMethod

CALLERS = ("stranger", "member", "other_member", "curator", "admin", "read_only_token", "expired_token")


@dataclass(frozen=True)
class Row:
    """One operation and what each of CALLERS gets."""

    method: str
    path: str
    expected: dict[str, int]

    @property
    def operation(self) -> tuple[str, str]:
        return self.method, self.path


def _row(line: str, ok: int, stranger: int, other_member: int, member: int, curator: int) -> Row:
    method, path = line.split()
    read_only = ok if method == HTTPMethod.GET else 403
    codes = (stranger, member, other_member, curator, curator, read_only, 401)
    return Row(method, path, dict(zip(CALLERS, codes, strict=True)))


def anyone(line: str, ok: int = 200) -> Row:
    return _row(line, ok, stranger=ok, member=ok, other_member=ok, curator=ok)


def members(line: str, ok: int = 200) -> Row:
    return _row(line, ok, stranger=401, member=ok, other_member=ok, curator=ok)


def owner(line: str, ok: int = 200) -> Row:
    return _row(line, ok, stranger=401, member=ok, other_member=404, curator=404)


def owner_or_curators(line: str, ok: int = 200) -> Row:
    return _row(line, ok, stranger=401, member=ok, other_member=404, curator=ok)


def owner_with_the_role(line: str, ok: int = 200) -> Row:
    """Return a row whose thing is a member's who was a curator when it was made, and is told to be one first."""
    return _row(line, ok, stranger=401, member=403, other_member=404, curator=ok)


def curators(line: str, ok: int = 200, *, to_members: int = 403) -> Row:
    return _row(line, ok, stranger=401, member=to_members, other_member=to_members, curator=ok)


def admins(line: str) -> Row:
    row = curators(line)
    return Row(row.method, row.path, {**row.expected, "curator": 403, "read_only_token": 403})


def sessions(line: str) -> Row:
    """A row of what no token may do, whoever's it is; with a session it is tried in the tests of the endpoint."""
    method, path = line.split()
    return Row(method, path, {**dict.fromkeys(CALLERS, 403), "stranger": 401, "expired_token": 401})


POLICY = (
    # --- accounts
    members("GET /me/"),
    members("PATCH /me/"),
    members("GET /me/export/"),
    members("GET /tokens/"),
    sessions("POST /tokens/"),
    owner("GET /tokens/{id}/"),
    owner("DELETE /tokens/{id}/", 204),
    curators("GET /audit/"),
    admins("GET /operations/"),
    # --- long work
    members("GET /jobs/"),
    owner_or_curators("GET /jobs/{id}/"),
    owner_or_curators("POST /jobs/{id}/cancel/", 202),
    owner_with_the_role("POST /jobs/{id}/retry/", 202),
    members("GET /notices/"),
    owner("GET /notices/{id}/"),
    owner("POST /notices/{id}/read/"),
    members("POST /notices/read/"),
    # --- uploads: a folder of pictures gathered file by file, then imported or added as a whole
    curators("GET /uploads/"),
    curators("POST /uploads/", 201),
    curators("GET /uploads/{id}/"),
    curators("DELETE /uploads/{id}/", 204),
    curators("GET /uploads/{id}/files/"),
    curators("POST /uploads/{id}/files/"),
    # --- data sets and pictures
    anyone("GET /datasets/"),
    curators("POST /datasets/", 202),
    curators("POST /datasets/preview/", 202),
    anyone("GET /datasets/{id}/"),
    curators("PATCH /datasets/{id}/"),
    curators("DELETE /datasets/{id}/", 202),
    curators("POST /datasets/{id}/reimport/", 202),
    anyone("GET /datasets/{id}/classes/"),
    curators("PATCH /datasets/{id}/classes/{label}/"),
    curators("POST /datasets/{id}/classes/{label}/merge/"),
    anyone("GET /datasets/{id}/images/"),
    curators("POST /datasets/{id}/images/", 202),
    curators("POST /datasets/{id}/images/hide/"),
    curators("POST /datasets/{id}/images/show/"),
    curators("POST /datasets/{id}/images/relabel/"),
    curators("POST /datasets/{id}/images/delete/", 202),
    members("GET /datasets/{id}/ratings/{part}/"),
    anyone("GET /datasets/{id}/judged-metrics/"),
    anyone("GET /datasets/{id}/consistency/"),
    anyone("GET /images/"),
    anyone("GET /images/{id}/"),
    anyone("GET /images/{id}/file/"),
    curators("PATCH /images/{id}/"),
    curators("DELETE /images/{id}/", 202),
    # --- losses, metrics, experiments, runs, models, indexes
    anyone("GET /losses/"),
    anyone("GET /losses/{name}/"),
    anyone("GET /metrics/"),
    curators("GET /experiments/"),
    curators("POST /experiments/", 202),
    curators("POST /experiments/estimate/"),
    curators("GET /experiments/{id}/"),
    curators("DELETE /experiments/{id}/", 202),
    curators("POST /experiments/{id}/cancel/", 202),
    curators("POST /experiments/{id}/archive/"),
    curators("POST /experiments/{id}/restore/"),
    curators("GET /experiments/{id}/report/"),
    curators("POST /experiments/{id}/report/", 202),
    members("GET /experiments/{id}/report/{suffix}/"),  # of what is published, as on the page of downloads
    curators("GET /runs/"),
    curators("GET /runs/{id}/"),
    curators("DELETE /runs/{id}/", 202),
    curators("GET /runs/{id}/curves/"),
    curators("GET /runs/{id}/log/"),
    curators("GET /runs/compare/"),
    curators("POST /runs/compare/", 202),
    members("GET /models/"),
    curators("POST /models/", 202),
    members("GET /models/{id}/"),
    members("GET /models/{id}/diagnostics/"),
    members("GET /models/{id}/files/"),
    members("GET /models/{id}/files/{part}/"),
    curators("DELETE /models/{id}/", 202),
    curators("POST /models/{id}/archive/"),
    curators("POST /models/{id}/restore/"),
    curators("POST /models/{id}/publish/"),
    curators("POST /models/{id}/unpublish/"),
    curators("POST /models/{id}/set-default/"),
    curators("POST /models/{id}/unset-default/"),
    curators("POST /models/{id}/resume/"),
    curators("GET /indexes/"),
    curators("POST /indexes/", 202),
    curators("GET /indexes/{id}/"),
    curators("POST /indexes/{id}/activate/"),
    curators("GET /indexes/{id}/label-issues/"),
    # --- searching
    members("GET /searches/"),
    members("POST /searches/", 201),
    members("POST /searches/batch/"),
    owner("GET /searches/{id}/"),
    owner("PATCH /searches/{id}/"),
    owner("DELETE /searches/{id}/", 204),
    owner("POST /searches/{id}/restore/"),
    owner("POST /searches/{id}/refine/", 201),
    owner("GET /searches/{id}/prediction/"),
    owner("GET /searches/{id}/explanation/{ranking}/{image}/"),
    owner("GET /searches/{id}/results/{suffix}/"),
    owner("POST /searches/{id}/share/"),
    owner("DELETE /searches/{id}/share/"),
    curators("GET /share-links/"),
    curators("GET /share-links/{id}/"),
    curators("DELETE /share-links/{id}/", 204),
    # --- rating
    members("GET /marks/"),
    owner("POST /marks/"),
    owner("DELETE /marks/{id}/", 204),
    members("GET /ballots/"),
    members("POST /ballots/", 201),
    members("GET /ballots/progress/"),
    members("GET /ballots/consistency/"),
    owner("GET /ballots/{id}/"),
    owner("POST /ballots/{id}/rate/"),
    owner("POST /ballots/{id}/show-names/"),
    owner("POST /ballots/{id}/skip/"),
    owner("POST /ballots/{id}/withdraw/"),
    anyone("GET /leaderboard/"),
    anyone("GET /leaderboard/audit/"),
    anyone("GET /leaderboard/{suffix}/"),
)  # fmt: skip

SESSIONS_ONLY = {("POST", "/tokens/")}
"""What no token may do, and so no client."""
