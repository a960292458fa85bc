"""What every endpoint of the API shares, so that no endpoint says it again.

- `strict`: bodies that refuse what they do not know and JSON of other types: `class NewThing(StrictSerializer)`;
- `filters`: parameters of lists, as strict (the settings' default);
- `fields`: keys of things, and what may be a number or a text;
- `files`: files are given as they are, whatever `Accept` says;
- `problems`: errors as RFC 9457 problems, their list, and exceptions such as `Conflict`, `Busy`, `NothingSearchable`;
- `pages`: lists cut by cursors, in the order `page_order` of the view;
- `views`: `VersionedViewSet` for viewsets: `?fields=`, and ETag / If-Match on single things (`self.shown(thing)`);
- `schema`: OpenAPI with every status that an operation answers; `@may_answer(409, 503)` adds to them;
- `throttles`, `request_ids`: bounds and names of requests.

`jobs.idempotency.idempotent` goes on every method that starts a job; `jobs.api.accepted` is how it answers.
"""
