"""Shared parts of all API endpoints.

- `strict`: bodies that reject unknown fields and JSON of other types: `class NewThing(StrictSerializer)`;
- `filters`: parameters of lists, just as strict (the settings' default);
- `fields`: ids of objects, and values that are a number or a text;
- `problems`: errors as RFC 9457 problems, their list, and exceptions such as `Conflict`, `Busy`, `NothingSearchable`;
- `pagination`: lists cut by cursors, in the order `page_order` of the view;
- `views`: `VersionedViewSet` for viewsets: `?fields=`, and ETag / If-Match on single objects (`self.shown(thing)`);
  `AnyAcceptNegotiation` for actions that return a file;
- `schema`: OpenAPI with every status that an operation answers; `@may_answer(409, 503)` adds to them;
- `throttles`, `request_ids`: rate limits and ids of requests.

`jobs.idempotency.idempotent` goes on every method that starts a job; `jobs.api.accepted` makes its response.
"""
