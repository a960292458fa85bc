"""`Idempotency-Key`: a request that starts a job runs once, however often it is sent.

The key's row, the job and what it works on are one transaction. A request that was refused leaves its key free;
a repetition that comes meanwhile waits for the first, and then gets the same response.
"""

import hashlib
import json
from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast

from django.core.files.uploadedfile import UploadedFile
from django.db import IntegrityError, transaction
from django.utils.datastructures import MultiValueDict
from rest_framework.exceptions import ValidationError
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from accounts.permissions import signed_in
from config.api.problems import IdempotencyKeyReused
from jobs.models import IdempotentRequest

P = ParamSpec("P")
Method = Callable[Concatenate[Any, Request, P], Response]
HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
MOST_CHARACTERS = 200
KEPT_HEADERS = ("Location", "Retry-After")


def idempotent(method: Method[P]) -> Method[P]:
    """Wrap a method of an API view that starts a job and answers 202; without the header it is called as ever.

    Raises:
        ValidationError: the key is empty, too long, or has characters that no header should have.
        IdempotencyKeyReused: the key came with another request before.
    """

    @wraps(method)
    def once(self: Any, request: Request, *args: P.args, **kwargs: P.kwargs) -> Response:
        key = request.headers.get(HEADER)
        if key is None:
            return method(self, request, *args, **kwargs)
        if not (1 <= len(key) <= MOST_CHARACTERS and key.isascii() and key.isprintable()):
            raise ValidationError({HEADER: f"a key has 1 to {MOST_CHARACTERS} printable ASCII characters"})
        request_hash = hash_of(
            request
        )  # before the transaction: it waits for the whole request, and SQLite has one lock
        with transaction.atomic():
            try:
                with transaction.atomic():
                    row = IdempotentRequest.objects.create(who=signed_in(request), key=key, request_hash=request_hash)
            except IntegrityError:
                return _stored(signed_in(request), key, request_hash)
            answer = method(self, request, *args, **kwargs)
            row.status, row.body = answer.status_code, json.loads(JSONRenderer().render(answer.data))
            row.headers = {name: answer.headers[name] for name in KEPT_HEADERS if name in answer.headers}
            row.save(update_fields=["status", "body", "headers"])
            return answer

    once.is_idempotent = True  # type: ignore[attr-defined]  # the schema asks
    return cast(Method[P], once)


def _stored(who: User, key: str, request_hash: str) -> Response:
    row = IdempotentRequest.objects.get(who=who, key=key)
    if row.request_hash != request_hash:
        raise IdempotencyKeyReused()
    return Response(row.body, status=row.status, headers={**row.headers, REPLAYED: "true"})


def hash_of(request: Request) -> str:
    """Return a hash of the content of a request: its method, URL, fields and files."""
    data = request.data
    content: Any = data
    if isinstance(data, MultiValueDict):
        content = sorted((name, [_digested(value) for value in values]) for name, values in data.lists())
    text = json.dumps([request.method, request.get_full_path(), content], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _digested(value: Any) -> Any:
    if not isinstance(value, UploadedFile):
        return value
    digest = hashlib.sha256()
    for chunk in value.chunks():
        digest.update(chunk)
    value.seek(0)
    return [value.name, digest.hexdigest()]
