"""A person's own small test set: read, cleaned of what cannot be counted, predicted, judged."""

from collections.abc import Sequence
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from stages.artifacts import digest_of
from stages.config import EvaluateConfig
from stages.etl.readers import Reading, Row, read_folder
from stages.evaluate.evaluation import Evaluation, evaluated
from stages.evaluate.page import About, page
from stages.evaluate.predictions import Predicted, Progress, answers
from stages.evaluate.subject import Subject
from stages.evaluate.words import counted, listed
from stages.parts import TASKS
from stages.runtime.errors import DataError

_SIDE = 168
Aside = list[tuple[str, str]]  # a file's name, and why it is not counted


class Photo(NamedTuple):
    """One labelled file that can be counted."""

    row: Row
    digest: str


def measured(
    subject: Subject,
    folder: Path,
    config: EvaluateConfig,
    known: frozenset[str],
    threads: int,
    progress: Progress,
) -> tuple[Evaluation, str]:
    """Measure `subject` on the labelled photos in `folder`; the page is the second of the two.

    `known` are digests of photos that it learnt from: they are not counted, nor are files that
    cannot be read, or that are there twice. Raises DataError if nothing is left, or for a label
    that `subject` does not know."""
    rows = rows_of(_reading(folder, subject.task))
    check_labels(rows, subject.labels)
    photos, aside = countable(folder, rows, known)
    predicted, bad = _predicted(subject, folder, photos, threads, progress)
    if not len(predicted.truth):
        why = "; ".join(f"{name}: {reason}" for name, reason in [*aside, *bad][:3])
        raise DataError(f"None of the {len(rows)} photos can be counted: {why}.", "Add others.")
    evaluation = evaluated(predicted, config)
    about = _about(subject, folder, predicted, aside + bad)
    task = TASKS[subject.task]()
    picture = lambda one: task.thumbnail((folder / one.name).read_bytes(), _SIDE)  # noqa: E731
    return evaluation, page(evaluation, about, picture, config.worst)


def _reading(folder: Path, task: str) -> Reading:
    if not folder.is_dir():
        raise DataError(
            f"There is no folder {folder}.", "Give a folder with one folder of photos a label."
        )
    return read_folder(folder, TASKS[task]().readers)


def rows_of(reading: Reading) -> list[Row]:
    """The rows of the test split, if the folder gives splits; else all of them."""
    tests = [row for row in reading.rows if row.split == "test"]
    return tests or list(reading.rows)


def check_labels(rows: Sequence[Row], labels: Sequence[str]) -> None:
    """Raise DataError if a row's label is none of `labels`, with what may have been meant."""
    strange = sorted({row.label for row in rows} - set(labels))
    if not strange:
        return
    hints = "".join(_hint(one, labels) for one in strange[:5])
    raise DataError(
        f"The model does not know {counted(len(strange), 'label')} of yours: "
        f"{', '.join(repr(one) for one in strange[:10])}.",
        f"{hints}It knows: {', '.join(labels)}.",
    )


def _hint(name: str, labels: Sequence[str]) -> str:
    spelt = {one.lower(): one for one in labels}
    near = get_close_matches(name.lower(), spelt, n=1, cutoff=0.5)
    return f"For '{name}': did you mean '{spelt[near[0]]}'? " if near else ""


def countable(
    folder: Path, rows: Sequence[Row], known: frozenset[str]
) -> tuple[list[Photo], Aside]:
    """The rows that tell something new, and the others with the reason."""
    photos = [Photo(row, digest_of((folder / row.file).read_bytes())) for row in rows]
    labels: dict[str, set[str]] = {}
    for photo in photos:
        labels.setdefault(photo.digest, set()).add(photo.row.label)
    seen: dict[str, str] = {}
    kept, aside = [], []
    for photo in photos:
        why = _why_not(photo, labels[photo.digest], known, seen)
        seen.setdefault(photo.digest, photo.row.file)
        if why:
            aside.append((photo.row.file, why))
        else:
            kept.append(photo)
    return kept, aside


def _why_not(photo: Photo, labels: set[str], known: frozenset[str], seen: dict[str, str]) -> str:
    if photo.digest in known:
        return "the model was trained or chosen with this very photo"
    if len(labels) > 1:
        return f"the same photo is under {' and '.join(repr(one) for one in sorted(labels))}"
    if photo.digest in seen:
        return f"the same photo as {seen[photo.digest]}"
    return ""


def _predicted(
    subject: Subject, folder: Path, photos: list[Photo], threads: int, progress: Progress
) -> tuple[Predicted, Aside]:
    fetches = [partial((folder / one.row.file).read_bytes) for one in photos]
    said = answers(fetches, subject.predictor, threads, progress)
    used = [photos[place] for place in said.usable]
    predicted = Predicted(
        subject.labels,
        tuple(one.row.file for one in used),
        tuple(one.digest for one in used),
        np.array([subject.labels.index(one.row.label) for one in used], np.int64),
        said.scores,
        tuple(one.row.extra for one in used),
    )
    return predicted, [(photos[place].row.file, why) for place, why in sorted(said.bad.items())]


def _about(subject: Subject, folder: Path, predicted: Predicted, aside: Aside) -> About:
    photos = counted(len(predicted.names), "photo")
    return About(
        title=f"{subject.title} on your own photos",
        subject=f"{listed(subject.labels, 'label')}: {photos} from {folder.name}",
        model=subject.facts,
        data=[("Folder", folder.name), ("Photos", photos), ("Not used", str(len(aside)))],
        aside=aside,
        lineage=[(name.capitalize(), digest) for name, digest in subject.lineage],
    )
