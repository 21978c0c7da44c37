"""The report on labels as one self-contained HTML page, in the order in which it is read."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from stages.evaluate import drawing, formatting
from stages.evaluate.about import About
from stages.evaluate.labels import shift_text
from stages.evaluate.labels.evaluation import Evaluation
from stages.evaluate.labels.mistakes import SURE
from stages.evaluate.labels.thumbnails import out_of_distribution_thumbnails, similar_thumbnails
from stages.evaluate.labels.unknown_samples import Accepted, UnknownSamples
from stages.evaluate.matrix import matrix
from stages.media import Modality
from stages.metrics import Threshold
from stages.pages import render
from stages.runtime.errors import Damaged

_TEMPLATE = Path(__file__).parent / "labels.html"
_SIDE = 240  # of a thumbnail, in pixels; it is shown smaller, and can be enlarged
# macro recall is the balanced accuracy, so that one of them is shown
_KEY = ("accuracy", "balanced_accuracy", "macro_precision", "macro_f1")


def page(
    evaluation: Evaluation,
    about: About,
    fetch: Callable[[int], bytes],
    modality: Modality,
    worst: int,
) -> str:
    """The page's HTML; see `Kind.page`."""
    shown = [
        (mistake, modality.preview(fetch(mistake.row), _SIDE))
        for mistake in evaluation.mistakes[:worst]
    ]
    lines = drawing.precision_recall(evaluation.curves)
    overall, confusion = evaluation.measured.overall, evaluation.measured.confusion
    return render(
        _TEMPLATE,
        about=about,
        evaluation=evaluation,
        formatting=formatting,
        style=formatting.verdict_style(evaluation.verdict, evaluation.minimum),
        counted=f"{about.noun}s",
        key=[(name, overall[name]) for name in _KEY],
        labels=_weakest_first(evaluation),
        matrix=matrix(confusion, evaluation.predicted.labels, f"{about.noun}s"),
        box=drawing,
        curves=lines,
        point=_sure_point(evaluation),
        background=sum(not line.name for line in lines),
        by_threshold=drawing.by_threshold(evaluation.thresholds, about.noun),
        rows=_rows(evaluation),
        previews=shown,
        accepted=_accepted_previews(evaluation.unknown_samples, modality),
        pairs=[
            (pair, similar_thumbnails(pair, fetch, evaluation.held_out, modality) if worst else [])
            for pair in evaluation.similar_labels
        ],
        out_of_distribution=out_of_distribution_thumbnails(evaluation.shift, modality)
        if worst
        else [],
        shift_text=shift_text,
        sure=SURE,
    )


def _sure_point(evaluation: Evaluation) -> drawing.MarkedPoint | None:
    """Recall and precision of all sure answers; None if none is sure, or all are."""
    mark = evaluation.sure.mark
    row = next((row for row in evaluation.thresholds if row.threshold == mark), None)
    if row is None or not row.precision.n:
        return None
    return drawing.MarkedPoint(
        f"answers with a score from {mark:.2f} on", row.recall, row.precision
    )


def _accepted_previews(
    found: UnknownSamples | None, modality: Modality
) -> list[tuple[Accepted, str]]:
    """Unknown samples that were taken for a label, as far as this store still has them."""
    shown: list[tuple[Accepted, str]] = []
    if found is None:
        return shown
    for sample in found.worst:
        with suppress(Damaged):
            shown.append((sample, modality.preview(found.fetch(sample.digest), _SIDE)))
    return shown


def _weakest_first(evaluation: Evaluation) -> list[tuple[str, dict[str, Any]]]:
    """The labels by recall; those without a test sample last."""
    each = evaluation.measured.labels.items()
    return sorted(
        each, key=lambda pair: (pair[1]["recall"].n == 0, pair[1]["recall"].value, pair[0])
    )


def _rows(evaluation: Evaluation) -> list[Threshold]:
    """The thresholds in steps of 0.1 that change something, and that from which answers are
    sure."""
    shown: list[Threshold] = []
    for place, row in enumerate(evaluation.thresholds):
        chosen = row.threshold == evaluation.sure.mark
        new = not shown or row.precision.n < shown[-1].precision.n
        if chosen or (place % 10 == 0 and new and row.precision.n):
            shown.append(row)
    return shown
