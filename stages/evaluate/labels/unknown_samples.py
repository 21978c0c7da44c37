"""How well a model rejects unknown samples, which have none of its labels: generated ones of kinds
that the answering model was not trained on, and the user's own samples of the label `other`."""

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
    """`recall`: share of unknown samples that are answered `other`. `accepted`: share that gets one
    of the labels with at least the recommended threshold. `kinds`: both, by kind. `rejected`: share
    of the test samples with a label that are answered `other`. `worst`: unknown samples that were
    taken for a label, the highest score first. `fetch`: a sample's bytes by its digest."""

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
        """The shares as text."""
        return (
            f"Of {counted(self.recall.n, self.noun)} that have none of the labels, of kinds that "
            f"the answering model was not trained on, {measured(self.recall)} are answered "
            f"'{self.other}', and {measured(self.accepted)} get one of the labels with at least "
            f"the recommended threshold. In return, {measured(self.rejected)} of the test "
            f"{self.noun}s are rejected though they have one of the labels."
        )

    @property
    def missed(self) -> dict[str, tuple[Measure, Measure]]:
        """The kinds of which some samples are taken for a label, those with the most first."""
        weak = [pair for pair in self.kinds.items() if pair[1][0].value < 1]
        return dict(sorted(weak, key=lambda pair: (pair[1][0].value, pair[0])))

    @property
    def caught(self) -> list[str]:
        """The kinds of which no sample is taken for a label."""
        return [kind for kind in self.kinds if kind not in self.missed]

    @property
    def record(self) -> dict[str, Any]:
        """As JSON for metrics.json."""
        kinds = {kind: {"recall": a, "accepted": b} for kind, (a, b) in self.kinds.items()}
        whole = {"recall": self.recall, "accepted": self.accepted, "rejected": self.rejected}
        return {**whole, "kinds": kinds, "worst": [sample._asdict() for sample in self.worst]}


def only_answers(scored: Scored, other: int | None) -> Scored:
    """The samples with a label. A rejected one has no answer: all its scores are -1."""
    if other is None:
        return scored
    rows = scored.truth != other
    rows = rows if rows.any() else ~rows  # nothing but unknown ones: then all are rejected or wrong
    scores = scored.scores[rows].copy()
    scores[scores.argmax(axis=1) == other] = -1.0
    clusters = scored.clusters.of(rows) if scored.clusters else None
    return Scored(scored.truth[rows], scores, clusters)


def unknown_samples(
    predicted: Predicted, test: Scored, unseen: Unseen | None, held_out: Scored, threshold: float
) -> UnknownSamples | None:
    """How unknown samples are answered; None if the model rejects nothing or there are none."""
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
