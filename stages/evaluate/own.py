"""Measures a model or package on a user's own folder of annotated samples."""

from dataclasses import replace
from functools import partial
from pathlib import Path

from stages.config import EvaluateConfig
from stages.etl.manifest import Sample
from stages.etl.readers import read_folder
from stages.etl.readers.rows import Doubt, Reading, Row, label_counts
from stages.evaluate.about import About
from stages.evaluate.counted import Quarantined, check_labels, countable
from stages.evaluate.evaluation import Evaluation
from stages.evaluate.formatting import capital, counted, listed
from stages.evaluate.kinds import kind_of, modality_of
from stages.evaluate.minimum import as_option
from stages.evaluate.predictions import Predicted, Progress, answers, groups_of
from stages.evaluate.subject import Subject
from stages.parts import TASKS
from stages.runtime.errors import DataError


def measured(
    subject: Subject,
    folder: Path,
    config: EvaluateConfig,
    training_digests: frozenset[str],
    threads: int,
    progress: Progress,
) -> tuple[Evaluation, str]:
    """Measure `subject` on the annotated samples in `folder`; the evaluation and the report's HTML.

    Not counted are files that cannot be read, duplicates, and samples that it was trained on, whose
    digests are `training_digests`. Raises DataError if nothing is left, or for a label
    that `subject` does not know."""
    config.check_gate(TASKS[subject.task].answers)
    modality, kind = modality_of(subject.task), kind_of(subject.task)
    rows = rows_of(_reading(folder, subject))
    check_labels(rows, subject.labels)
    samples, quarantined = countable(folder, rows, training_digests, modality)
    predicted, bad = _predicted(subject, folder, samples, threads, progress)
    if not predicted.names:
        why = "; ".join(f"{name}: {reason}" for name, reason in [*quarantined, *bad][:3])
        raise DataError(
            f"None of the {len(rows)} {modality.noun}s can be counted: {why}.", "Add others."
        )
    evaluation = kind.evaluated(
        predicted,
        config,
        unseen=subject.unseen,
        threshold=subject.threshold,
        sure=subject.sure,
    )
    if not evaluation.minimum:
        set_gate = as_option(evaluation.measured.overall, evaluation.measured.labels)
        evaluation = replace(evaluation, advice=(*evaluation.advice, set_gate))
    about = _about(subject, folder, predicted, quarantined + bad)
    fetch = lambda row: (folder / predicted.names[row]).read_bytes()  # noqa: E731
    return evaluation, kind.page(evaluation, about, fetch, modality, config.worst)


def _reading(folder: Path, subject: Subject) -> Reading:
    """The samples in `folder`. If it can be read in several ways, the one with the labels of
    `subject` is meant."""
    noun = modality_of(subject.task).noun
    if not folder.is_dir():
        raise DataError(
            f"There is no folder {folder}.",
            f"Give a folder with annotated {noun}s, as for training.",
        )
    try:
        return read_folder(folder, TASKS[subject.task].readers)
    except Doubt as doubt:
        labels = {*subject.labels}
        fitting = [each for each in doubt.readings.values() if {*label_counts(each.rows)} <= labels]
        if len(fitting) != 1:
            raise DataError(
                doubt.problem, f"Annotate the {noun}s as those that the model was trained on."
            ) from None
        return fitting[0]


def rows_of(reading: Reading) -> list[Row]:
    """The rows of the test split, if the folder gives splits; else all of them."""
    tests = [row for row in reading.rows if row.split == "test"]
    return tests or list(reading.rows)


def _predicted(
    subject: Subject, folder: Path, samples: list[Sample], threads: int, progress: Progress
) -> tuple[Predicted, Quarantined]:
    fetches = [partial((folder / sample.file).read_bytes) for sample in samples]
    answered = answers(fetches, subject.predictor, threads, progress)
    used = [samples[place] for place in answered.usable]
    predicted = Predicted(
        subject.labels,
        tuple(sample.file for sample in used),
        tuple(sample.digest for sample in used),
        kind_of(subject.task).truth(used, subject.labels),
        answered.values,
        tuple(sample.extra for sample in used),
        modality_of(subject.task).noun,
        subject.other,
        groups_of(used),
    )
    return predicted, [(samples[place].file, why) for place, why in sorted(answered.bad.items())]


def _about(subject: Subject, folder: Path, predicted: Predicted, quarantined: Quarantined) -> About:
    noun = predicted.noun
    tested = counted(len(predicted.names), noun)
    return About(
        title=f"{subject.title} on your own {noun}s",
        subject=f"{listed(subject.labels, 'label')}: {tested} from {folder.name}",
        noun=noun,
        model=subject.facts,
        data=[
            ("Folder", folder.name),
            (f"{capital(noun)}s", tested),
            ("Not used", str(len(quarantined))),
        ],
        quarantined=quarantined,
        lineage=[(name.capitalize(), digest) for name, digest in subject.lineage],
    )
