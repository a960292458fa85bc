"""The errors of mlcore. Every message names the wrong value and what to do."""


class MlcoreError(Exception):
    """Base of everything that mlcore raises on purpose; safe to show to a user."""


class PictureError(MlcoreError):
    """A file cannot be read as a picture, or is larger than allowed."""


class DatasetError(MlcoreError):
    """A data set cannot be read, or cannot be trained or measured on."""


class ProtocolError(MlcoreError):
    """A protocol's field is out of range or unknown."""


class UnknownLossError(MlcoreError):
    """No loss has that name."""


class WeightsError(MlcoreError):
    """Weights of a local file or an external model are missing, do not fit, or compute no embedding."""


class CheckpointError(MlcoreError):
    """A checkpoint or model file is damaged or belongs to another run."""


class EncoderFailed(MlcoreError):
    """The process of an external model gave no embedding: it took too long or too much memory, or crashed."""


class EncoderEnded(EncoderFailed):
    """An EncoderFailed whose message quotes no output of the process, which may hold paths of the server."""


class TrainingError(MlcoreError):
    """Training cannot go on: the loss is not finite, say."""


class ComparisonError(MlcoreError):
    """A comparison cannot be planned, run, reported or repeated."""


class ExplanationError(MlcoreError):
    """A network does not show what each cell of a picture contributes to a similarity."""


class Stopped(MlcoreError):
    """Work was stopped at a safe point; starting it again resumes it."""


class MetricsError(MlcoreError, ValueError):
    """Embeddings, labels or settings that cannot be measured."""


class VectorIndexError(MlcoreError):
    """An index refuses a request: wrong shape, k out of range, values not finite."""


class StaleIndexError(MlcoreError):
    """An index on disk does not match its manifest, its model or its format."""


class EngineAway(MlcoreError):
    """A vector engine beyond this process does not answer, or refuses; the same call may succeed later."""


def brief(error: Exception) -> str:
    """Return the beginning of a message in one line: torch names every tensor that does not fit."""
    return " ".join(line.strip() for line in str(error).splitlines()[:2])


def shortened(value: object) -> str:
    """Return a value as text for an error message, shortened in the middle if it is long."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:30]}...{text[-20:]} ({len(text)} characters)"
