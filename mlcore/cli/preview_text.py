"""The preview of an import as rows for the terminal: a name and a text each."""

from mlcore.datasets.preview import Preview

_SHOWN_CLASSES = 8
_SHOWN_LEVELS_CLASSES = 3


def preview_rows(preview: Preview) -> dict[str, str]:
    """Return what a preview says, a row for each thing, without those that it has nothing to say of."""
    rows = {
        "data set": f"{preview.name} ({preview.origin})" if preview.name else "",
        "refused": preview.refusal,
        "reader": f"{preview.reader} ({preview.title}), recognised by {preview.recognised_by}"
        if preview.reader
        else "",
        "other readers": ", ".join(_others(preview)),
        **_counted(preview),
        **_choices(preview),
        "left out": "; ".join(f"{row.reason} ({row.files:,}: {', '.join(row.examples)})" for row in preview.left_out),
        **{f"remark {number}": remark for number, remark in enumerate(preview.remarks, start=1)},
        "near-duplicates": _near_duplicates(preview),
    }
    return {name: text for name, text in rows.items() if text}


def _others(preview: Preview) -> list[str]:
    """Return the names of the readers that could be chosen: where none read the source, of all."""
    return [
        row.name
        for row in preview.readers
        if row.name != preview.reader and (row.recognises or not any(other.recognises for other in preview.readers))
    ]


def _counted(preview: Preview) -> dict[str, str]:
    counts = preview.counts
    if not counts:
        return {}
    names = [f"{row.name} ({row.images:,})" for row in preview.first_classes[:_SHOWN_CLASSES]]
    more = counts["classes"] - len(names)
    return {
        "pictures": f"{counts['images']:,}",
        "classes": f"{counts['classes']:,}: {', '.join(names)}{f' and {more:,} more' if more > 0 else ''}",
        "training": f"{counts['train_images']:,} pictures of {counts['train_classes']:,} classes",
        "held out": f"{counts['test_images']:,} pictures of {counts['test_classes']:,} classes",
    }


def _choices(preview: Preview) -> dict[str, str]:
    options = preview.options
    levels = (
        f"{level.number}: {level.classes:,} classes ({', '.join(level.first[:_SHOWN_LEVELS_CLASSES])} ...)"
        for level in options.levels
    )
    return {
        "read with": ", ".join(f"{name} {value}" for name, value in options.chosen.to_json().items()),
        "levels": "; ".join(levels),
        "columns": ", ".join(options.columns),
    }


def _near_duplicates(preview: Preview) -> str:
    found = preview.near_duplicates
    if not found.held_out or not found.trained:
        return ""
    pairs = "; ".join(f"{ours} is like {theirs}" for ours, theirs in found.pairs)
    compared = f"{found.held_out:,} held-out and {found.trained:,} training pictures were compared"
    return f"{compared}: {pairs}" if pairs else f"{compared}, none is nearly the same"
