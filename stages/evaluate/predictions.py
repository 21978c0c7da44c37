"""Predictions of many samples, in order: what was true, what was scored."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from queue import SimpleQueue
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.artifacts import canonical
from stages.runtime.errors import BadSample
from stages.runtime.predictor import Predictor

BATCH = 16
DIGITS = 6  # of a score that is kept; finer ones differ between machines and mean nothing
_MOST_WORKERS = 8

Scores = NDArray[np.float64]
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Predicted:
    """The predicted samples, row by row: name and digest of the file, true label as an index
    into `labels`, scores of all labels ([n, labels], rounded), other columns of its table."""

    labels: tuple[str, ...]
    names: tuple[str, ...]
    files: tuple[str, ...]
    truth: NDArray[np.int64]
    scores: Scores
    extras: tuple[dict[str, str], ...] = ()

    def record(self) -> bytes:
        """The predictions as JSON: labels, files, names, truth (indices), scores."""
        rows = {"files": self.files, "names": self.names, "truth": self.truth.tolist()}
        return canonical({"labels": self.labels, **rows, "scores": self.scores.tolist()})


class Answers(NamedTuple):
    """Scores of the usable samples, whose places are `usable`; why each other one is not."""

    scores: Scores
    usable: list[int]
    bad: dict[int, str]


def answers(
    samples: Sequence[Callable[[], bytes]],
    predictor: Callable[[], Predictor],
    threads: int,
    progress: Progress = lambda done, total: None,
) -> Answers:
    """Score `samples`, each a function that fetches its bytes, with a few one-thread predictors.

    Cutting into batches of a fixed size and giving each predictor one thread makes the scores the
    same for every number of `threads`: no sum is ever taken in another order."""
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
        return _joined(_told(pool.map(work, starts), len(samples), progress))


def _told(parts: Iterator[Answers], total: int, progress: Progress) -> list[Answers]:
    kept = []
    for part in parts:
        kept.append(part)
        progress(min(len(kept) * BATCH, total), total)
    return kept


def _batch(predictor: Predictor, samples: Sequence[Callable[[], bytes]], start: int) -> Answers:
    prepared, usable, bad = [], [], {}
    for place, fetch in enumerate(samples, start):
        try:
            prepared.append(predictor.prepare(fetch()))
            usable.append(place)
        except BadSample as error:
            bad[place] = error.problem
    if not prepared:
        return Answers(np.zeros((0, len(predictor.labels))), [], bad)
    (batch,) = predictor.tensors(prepared).values()
    return Answers(rounded(predictor.answer(predictor.forward(batch))), usable, bad)


def rounded(scores: NDArray[np.floating]) -> Scores:
    """`scores` as they are kept and measured."""
    return np.array([[round(float(one), DIGITS) for one in row] for row in scores], np.float64)


def _joined(parts: list[Answers]) -> Answers:
    scores = np.concatenate([part.scores for part in parts]) if parts else np.zeros((0, 0))
    bad = {place: why for part in parts for place, why in part.bad.items()}
    return Answers(scores, [place for part in parts for place in part.usable], bad)
