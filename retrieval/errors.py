"""What the services of this app refuse; every message can be shown."""


class Refused(Exception):
    """A request names something that cannot be done as asked."""


class Blocked(Refused):
    """Something that is there now is in the way: what needs a thing, or is changing it."""


class Unsearchable(Refused):
    """Nothing can answer yet: no published model, no index."""


class EngineBusy(Exception):
    """Too many pictures are being encoded; ask again in a moment."""

    retry_after = 2  # seconds
