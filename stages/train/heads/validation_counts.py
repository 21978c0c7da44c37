"""Counts the held-out samples of each label on which trials were validated, and warns if they are
too few."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.train.heads.problem import Problem

Indices = NDArray[np.int64]
FEW = 30  # held-out samples of a label below which one more right answer is many points


def validation_counts(problem: Problem, rows: Indices, labels: Sequence[str]) -> dict[str, Any]:
    """A part of a Model's record: a sentence about the validation samples, their numbers by label,
    and "few", a warning, if a label has fewer than FEW.

    `rows`: the rows of `problem` on which the chosen trial was validated; `labels`: the names of
    all label indices."""
    counts = np.bincount(problem.labels[rows], minlength=len(labels)).tolist()
    labelled = zip(labels, counts, strict=True)
    by_label = {label: n for index, (label, n) in enumerate(labelled) if index != problem.rejected}
    few = _few(problem.folds, by_label)
    record = {
        "judged": _sentence(problem, rows, sum(by_label.values())),
        "held_out_by_label": by_label,
    }
    return record | ({"few": few} if few else {})


def _sentence(problem: Problem, rows: Indices, validated: int) -> str:
    if problem.folds == 1:
        return f"Trained on train alone, validated on the {validated:,} samples of validation."
    if validated < problem.samples:
        folds = len(np.unique(problem.fold_of_row[rows]))
        return (
            f"Validated on {folds} of {problem.folds} folds of train and validation: "
            f"{validated:,} samples."
        )
    return (
        f"Each of the {validated:,} samples of train and validation was held out once, in "
        f"{problem.folds} folds, and predicted by a model that had not seen it."
    )


def _few(folds: int, by_label: dict[str, int]) -> str:
    """Which labels have fewer than FEW, and what to do; empty if none has."""
    rare = sum(count < FEW for count in by_label.values())
    if not rare:
        return ""
    label, count = min(by_label.items(), key=lambda pair: pair[1])
    other_labels = f" (of {rare} labels there are fewer than {FEW})" if rare > 1 else ""
    weight = f"each is {100 / count:.0f} points of its recall" if count else "its recall is unknown"
    warning = (
        f"Only {count} held-out samples of '{label}' measured the trials{other_labels}: {weight}."
    )
    if folds == 1:
        return f"{warning} Leave out train.folds to validate on both splits, in 5 folds."
    return f"{warning} Add samples before you trust small differences."
