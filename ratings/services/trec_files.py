"""Judgements and runs in the formats of TREC, which ir-measures, trec_eval and pytrec_eval read."""

import io
import zipfile
from collections.abc import Iterator
from urllib.parse import quote

from django.utils.text import slugify

from accounts.roles import Visitor
from ratings.services.ballots import RESULTS
from ratings.services.judgements import Judgements, judgements_of
from retrieval.models import Dataset, Model

EPOCH = (1980, 1, 1, 0, 0, 0)
"""The date of every file in the archive, so that equal runs give equal bytes."""


def picture_id(path: str) -> str:
    """Return a picture's id: its path, with white space and percent signs as %20 and %25, for columns are split."""
    return "".join(quote(letter) if letter == "%" or letter.isspace() or not letter.isprintable() else letter
                   for letter in path)  # fmt: skip


def qrels_lines(judgements: Judgements) -> Iterator[str]:
    """Give the lines of a qrels file: query, 0, picture, grade."""
    for query, grades in judgements.grades.items():
        for image, grade in grades.items():
            yield f"{_id(judgements, query)} 0 {_id(judgements, image)} {grade}\n"


def run_lines(judgements: Judgements, model: Model) -> Iterator[str]:
    """Give the lines of a model's run file: query, Q0, picture, rank, score, tag.

    The score counts down from RESULTS: readers sort by it, and equal similarities must stay in the order shown.
    """
    for query, images in sorted(judgements.runs[model].items()):
        for rank, image in enumerate(images, 1):
            score = RESULTS + 1 - rank
            yield f"{_id(judgements, query)} Q0 {_id(judgements, image)} {rank} {score} {_tag(model)}\n"


def qrels_file(user: Visitor, dataset: Dataset) -> bytes:
    """Return the qrels of a data set; empty before the first mark."""
    return "".join(qrels_lines(judgements_of(user, dataset))).encode()


def runs_file(user: Visitor, dataset: Dataset) -> bytes:
    """Return a zip with the run of each model, as MODEL-ID.run."""
    judgements = judgements_of(user, dataset)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as files:
        for model in judgements.runs:
            files.writestr(zipfile.ZipInfo(f"{_tag(model)}.run", EPOCH), "".join(run_lines(judgements, model)))
    return archive.getvalue()


def _id(judgements: Judgements, image: int) -> str:
    return picture_id(judgements.paths[image])


def _tag(model: Model) -> str:
    return f"{slugify(model.name) or 'model'}-{model.pk}"
