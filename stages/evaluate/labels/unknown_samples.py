"""How well a model tells that a sample has none of its labels: on negatives of kinds that those who
answered had not been taught, and on samples of the label `other`, if a person has any."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.artifacts import Measure
from stages.evaluate.formatting import counted, measured
from stages.evaluate.kinds import Unseen, gone
from stages.evaluate.labels.scores import Scored
from stages.evaluate.predictions import Predicted
from stages.metrics import proportion

SHOWN = 8
TESTED = "in the test"  # a kind: a person's own samples of `other` in the test split
NEAR = 1e-9  # lets a score that prints as the threshold reach it


class Accepted(NamedTuple):
    """An unknown sample that was taken for `label`."""

    digest: str
    kind: str
    label: str
    score: float


class UnknownSamples(NamedTuple):
    """`recall`: share of unknown samples that are answered `other`; `accepted`: share that gets one
    of the labels with a score from the recommended threshold on; `kinds`: both, by kind.
    `rejected`: share of the test's known samples that are answered `other`; `worst`: unknown ones
    that were taken for a label, the surest first; `fetch`: a sample's bytes by its digest."""

    other: str
    recall: Measure
    accepted: Measure
    kinds: dict[str, tuple[Measure, Measure]]
    rejected: Measure
    worst: tuple[Accepted, ...]
    noun: str
    fetch: Callable[[str], bytes]

    @property
    def summary(self) -> str:
        """It, in words."""
        return (
            f"Of {counted(self.recall.n, self.noun)} that have none of the labels, of kinds that "
            f"those who answered had never seen, {measured(self.recall)} are answered "
            f"'{self.other}', and {measured(self.accepted)} get one of the labels with a score "
            f"from the recommended threshold on. The price: {measured(self.rejected)} of the test "
            f"{self.noun}s are rejected though they have one of the labels."
        )

    @property
    def missed(self) -> dict[str, tuple[Measure, Measure]]:
        """The kinds of which some are taken for a label, those with the most first."""
        weak = [pair for pair in self.kinds.items() if pair[1][0].value < 1]
        return dict(sorted(weak, key=lambda pair: (pair[1][0].value, pair[0])))

    @property
    def caught(self) -> list[str]:
        """The kinds of which none is."""
        return [kind for kind in self.kinds if kind not in self.missed]

    @property
    def record(self) -> dict[str, Any]:
        """It, for metrics.json."""
        kinds = {kind: {"recall": a, "accepted": b} for kind, (a, b) in self.kinds.items()}
        whole = {"recall": self.recall, "accepted": self.accepted, "rejected": self.rejected}
        return {**whole, "kinds": kinds, "worst": [sample._asdict() for sample in self.worst]}


def only_answers(scored: Scored, other: int | None) -> Scored:
    """The samples that have a label, a rejected one being no answer: it has no score at all."""
    if other is None:
        return scored
    rows = scored.truth != other
    rows = rows if rows.any() else ~rows  # nothing but unknown ones: then all are rejected or wrong
    scores = scored.scores[rows].copy()
    scores[scores.argmax(axis=1) == other] = -1.0
    return Scored(scored.truth[rows], scores)


def unknown_samples(
    predicted: Predicted, test: Scored, unseen: Unseen | None, held_out: Scored, threshold: float
) -> UnknownSamples | None:
    """What is known of unknown samples; None if the model rejects nothing, or none was asked."""
    other = other_of(predicted)
    if other is None:
        return None
    kinds, digests, scores = _unknown_answers(predicted, test, unseen, held_out, other)
    if not len(scores):
        return None
    missed = scores.argmax(axis=1) != other
    sure = missed & (scores.max(axis=1) >= threshold - NEAR)
    labelled = test.truth != other
    return UnknownSamples(
        predicted.other,
        _share(~missed),
        _share(sure),
        {
            kind: (_share(~missed[kinds == kind]), _share(sure[kinds == kind]))
            for kind in sorted(set(kinds.tolist()))
        },
        _share(test.predicted[labelled] == other),
        _worst(predicted, kinds, digests, scores, missed),
        predicted.noun,
        unseen.fetch if unseen else gone,
    )


def other_of(predicted: Predicted) -> int | None:
    """The index of the label that rejects, if there is one."""
    return predicted.labels.index(predicted.other) if predicted.other else None


def _unknown_answers(
    predicted: Predicted, test: Scored, unseen: Unseen | None, held_out: Scored, other: int
) -> tuple[NDArray[Any], list[str], NDArray[np.float64]]:
    """Kind, digest and scores of each unknown sample."""
    tested = np.flatnonzero(test.truth == other)
    kinds, digests = [TESTED] * len(tested), [predicted.files[row] for row in tested]
    scores = [test.scores[tested]]
    if unseen is not None and unseen.digests:
        rows = np.flatnonzero(held_out.truth == other)
        digests += [unseen.digests[row] for row in rows]
        kinds += [unseen.kinds.get(unseen.digests[row], "") for row in rows]
        scores.append(held_out.scores[rows])
    return np.array(kinds), digests, np.concatenate(scores)


def _worst(
    predicted: Predicted,
    kinds: NDArray[Any],
    digests: Sequence[str],
    scores: NDArray[np.float64],
    missed: NDArray[np.bool_],
) -> tuple[Accepted, ...]:
    rows = sorted(np.flatnonzero(missed), key=lambda row: (-scores[row].max(), digests[row]))
    return tuple(
        Accepted(
            digests[row],
            str(kinds[row]),
            predicted.labels[int(scores[row].argmax())],
            float(scores[row].max()),
        )
        for row in rows[:SHOWN]
    )


def _share(rows: NDArray[np.bool_]) -> Measure:
    return proportion(int(rows.sum()), len(rows))
