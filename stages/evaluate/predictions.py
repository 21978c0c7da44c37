"""Predictions of many samples, in order: truth and answers."""

import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from queue import SimpleQueue
from typing import Any, NamedTuple

from stages.artifacts import canonical
from stages.etl.manifest import NAMED, Sample
from stages.runtime.errors import BadSample
from stages.runtime.predictor import Predictor
from stages.runtime.steps import PreparedSample

BATCH = 16
BOX_COLUMNS = 6  # left, top, right, bottom, score, label's index
_MOST_WORKERS = 8

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Predicted:
    """The predicted samples, row by row: name and digest of the file, truth and answer in the plain
    form of the kind of answer, other columns of its table. `noun`: what a sample is called;
    `other`: the label that says that a sample has none of the others, if there is one. `groups`:
    see `groups_of`."""

    labels: tuple[str, ...]
    names: tuple[str, ...]
    files: tuple[str, ...]
    truth: Sequence[Any]
    answers: Sequence[Any]
    extras: Sequence[dict[str, str]] = ()
    noun: str = "photo"
    other: str = ""
    groups: tuple[str, ...] = ()

    @property
    def named_groups(self) -> int:
        """How many groups that the data names the samples come from; 0 if it names none."""
        return len({group for group in self.groups if group.startswith(NAMED)})

    def subset(self, rows: Sequence[int]) -> "Predicted":
        """The predictions of the samples `rows` alone, without the other columns."""
        return replace(
            self,
            names=tuple(self.names[row] for row in rows),
            files=tuple(self.files[row] for row in rows),
            truth=[self.truth[row] for row in rows],
            answers=[self.answers[row] for row in rows],
            extras=(),
            groups=tuple(self.groups[row] for row in rows) if self.groups else (),
        )

    def record(self) -> bytes:
        """The predictions as JSON: labels, files, names, truth, answers; `other` and `groups` if
        there are."""
        rows = {"files": self.files, "names": self.names}
        columns = {"truth": list(self.truth), "answers": list(self.answers)}
        other = {"other": self.other} if self.other else {}
        groups = {"groups": self.groups} if self.groups else {}
        return canonical({"labels": self.labels, **rows, **columns, **other, **groups})


def read_predicted(data: bytes, noun: str = "photo") -> Predicted:
    """The predictions that `Predicted.record` wrote."""
    record = json.loads(data)
    labels, names, files = (tuple(record[name]) for name in ("labels", "names", "files"))
    plain = (record["truth"], record["answers"])
    other, groups = record.get("other", ""), tuple(record.get("groups", ()))
    return Predicted(labels, names, files, *plain, noun=noun, other=other, groups=groups)


def groups_of(samples: Sequence[Sample]) -> tuple[str, ...]:
    """The key of each sample's group: one that the data names, or its near duplicates; nothing if
    no group is named and each sample is alone."""
    keys = tuple(sample.group or sample.digest for sample in samples)
    named = any(key.startswith(NAMED) for key in keys)
    return keys if named or len(set(keys)) < len(keys) else ()


class Answers(NamedTuple):
    """`values`: answers to the samples at the places `usable`. `bad`: why each other one is not."""

    values: list[Any]
    usable: list[int]
    bad: dict[int, str]


def answers(
    samples: Sequence[Callable[[], bytes]],
    predictor: Callable[[], Predictor],
    threads: int,
    progress: Progress = lambda done, total: None,
) -> Answers:
    """The answers to `samples`, each a function that fetches its bytes, by one-thread predictors.

    Batches of a fixed size and one thread per predictor make the answers the same for every number
    of `threads`, as every sum is taken in the same order."""
    starts = range(0, len(samples), BATCH)
    idle: SimpleQueue[Predictor] = SimpleQueue()
    workers = max(1, min(threads, len(starts), _MOST_WORKERS))
    for _ in range(workers):
        idle.put(predictor())

    def work(start: int) -> Answers:
        mine = idle.get()
        try:
            return _batch(mine, samples[start : start + BATCH], start)
        finally:
            idle.put(mine)

    with ThreadPoolExecutor(workers) as pool:
        return _joined(_collected(pool.map(work, starts), len(samples), progress))


def _collected(parts: Iterator[Answers], total: int, progress: Progress) -> list[Answers]:
    collected = []
    for part in parts:
        collected.append(part)
        progress(min(len(collected) * BATCH, total), total)
    return collected


def _batch(predictor: Predictor, samples: Sequence[Callable[[], bytes]], start: int) -> Answers:
    prepared: list[PreparedSample] = []
    usable: list[int] = []
    bad: dict[int, str] = {}
    for place, fetch in enumerate(samples, start):
        try:
            prepared.append(predictor.prepare(fetch()))
            usable.append(place)
        except BadSample as error:
            bad[place] = error.problem
    values = [measured_form(value, predictor) for value in predictor.answered(prepared, BATCH)]
    return Answers(values, usable, bad)


def measured_form(value: Any, predictor: Predictor) -> Any:
    """`value`, an answer of `predictor`, in the form in which it is measured: of a chain's boxes
    without the answers of its single networks."""
    if "classify" not in predictor.description:
        return value
    return [row[:BOX_COLUMNS] for row in value]


def _joined(parts: list[Answers]) -> Answers:
    values = [value for part in parts for value in part.values]
    bad = {place: why for part in parts for place, why in part.bad.items()}
    return Answers(values, [place for part in parts for place in part.usable], bad)
