"""The audit as JSON holds it."""

from collections.abc import Sequence
from dataclasses import asdict

from ratings.services.leaderboard_audit import Audit
from ratings.services.people_figures import figure_document


def audit_document(audits: Sequence[Audit]) -> dict[str, object]:
    """Return audits as JSON holds them; ratings are points of 1 to 5."""
    return {"datasets": [_document(audit) for audit in audits]}


def _document(audit: Audit) -> dict[str, object]:
    return {
        "dataset": audit.dataset.slug,
        "name": audit.dataset.name,
        "protocol": audit.protocol.value,
        "protocol_label": audit.protocol.label,
        "ballots": audit.ballots,
        "warnings": audit.warnings,
        "sampling": {
            "ballots": audit.sampling.ballots,
            "without_propensity": audit.sampling.without_propensity,
            "ratio": audit.sampling.ratio,
            "models": [
                {"id": one.model, **asdict(one), "model": audit.names[one.model]} for one in audit.sampling.models
            ],
        },
        "column_bias": figure_document(audit.column_bias),
        "removal": None if audit.removal is None else asdict(audit.removal),
        "level_drift": figure_document(audit.level),
        "difference_drift": _difference(audit),
        "variants": [asdict(one) for one in audit.variants],
    }


def _difference(audit: Audit) -> dict[str, object] | None:
    figure = figure_document(audit.difference)
    if figure is None or audit.pair is None:
        return None
    return {"first": audit.pair[0], "second": audit.pair[1], **figure}
