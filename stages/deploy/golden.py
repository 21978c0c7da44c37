"""Chooses the golden samples of a package: the samples whose answers change first if a device
computes differently from this machine.

For each label these are the samples closest to the decision boundary, but no closer than the
tolerance of the number format: rounding differs between processors, and must not change an answer.
They are small copies of the dataset's own test samples, and a few generated samples for faults that
the data cannot reveal, such as swapped red and blue if all photos are grey. With
`deploy.golden_samples: generated` there are only generated ones, which may not cover every label.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from stages.deploy.workbench import Workbench
from stages.media import Modality
from stages.runtime.predictor import Predictor

USUAL = 24  # samples; with more labels, one for each label
MOST_SAMPLES = 200
MOST_BYTES = 1_000_000  # of all golden samples: a package for a device is small
BESIDE_BYTES = 200_000  # of MOST_BYTES, for generated samples beside the dataset's own
TRIES = 4  # candidates that are tried for each sample that is selected
GENERATED_COUNT = 160  # generated samples to choose from if there are no others
BESIDE, BESIDE_OF = 8, 48  # generated samples beside the dataset's own: how many, of how many
OWN_PREFIX, GENERATED_PREFIX = "test", "made_up"  # the beginnings of the file names


class GoldenCandidate(NamedTuple):
    """A sample to choose from: `read` loads its bytes, `value` is the package's answer to it."""

    read: Callable[[], bytes]
    value: Any


class Golden(NamedTuple):
    """A sample as it is stored in the package, the margin of its answer to the decision boundary,
    and the labels that the answer names."""

    data: bytes
    margin: float
    labels: set[int]


def golden_samples(
    work: Workbench,
    predictor: Predictor,
    answers: Sequence[Any],
    numeric: str,
    share: int = 1,
    infix: str = "",
) -> dict[str, bytes]:
    """Choose the golden samples, by their file names in the package.

    `answers`: the package's answers to the test split, in its order. `numeric`: the package's
    number format. `share`: of MOST_BYTES they take one `share`-th. `infix`: of the file names."""
    selector = GoldenSelector(predictor, work.modality, work.compressor(numeric).tolerance)
    if work.config.deploy.golden_samples == "generated":
        return _named(
            f"{GENERATED_PREFIX}{infix}",
            selector.chosen(generated(work.modality, predictor), room=MOST_BYTES // share),
            work.modality,
        )
    candidates = generated(work.modality, predictor, BESIDE_OF)
    beside = selector.chosen(candidates, BESIDE, BESIDE_BYTES // share)
    room = MOST_BYTES // share - sum(map(len, beside))
    own = selector.chosen(_of_the_test(work, answers), room=room)
    return _named(f"{OWN_PREFIX}{infix}", own, work.modality) | _named(
        f"{GENERATED_PREFIX}{infix}", beside, work.modality
    )


def _named(kind: str, samples: Sequence[bytes], modality: Modality) -> dict[str, bytes]:
    suffix = modality.small_suffix
    return {f"golden/{kind}_{number:03}{suffix}": data for number, data in enumerate(samples)}


def _of_the_test(work: Workbench, answers: Sequence[Any]) -> list[GoldenCandidate]:
    def reader(digest: str) -> Callable[[], bytes]:
        return lambda: work.store.get(digest)

    pairs = zip(work.tested, answers, strict=True)
    return [GoldenCandidate(reader(digest), value) for digest, value in pairs]


def generated(
    modality: Modality, predictor: Predictor, count: int = GENERATED_COUNT
) -> list[GoldenCandidate]:
    """Generate `count` samples with fixed seeds, and the package's answers to them."""

    def reader(data: bytes) -> Callable[[], bytes]:
        return lambda: data

    samples = [modality.generated(seed) for seed in range(count)]
    values = predictor.answers(samples)
    return [
        GoldenCandidate(reader(data), value) for data, value in zip(samples, values, strict=True)
    ]


def _turns(queues: Mapping[int, Sequence[GoldenCandidate]], most: int) -> Iterator[int]:
    """Yield the labels whose queues are not empty in turn, until TRIES * `most` candidates have
    been taken from the queues."""
    looked = 0
    while any(queues.values()):
        for label, queue in queues.items():
            before = len(queue)
            if queue:
                yield label
            looked += before - len(queue)
            if looked >= TRIES * most:
                return


@dataclass(frozen=True)
class GoldenSelector:
    """Selects the samples that best reveal that a device answers differently from `predictor` here
    by more than `tolerance`."""

    predictor: Predictor
    modality: Modality
    tolerance: float

    def chosen(
        self, candidates: Sequence[GoldenCandidate], most: int | None = None, room: int = MOST_BYTES
    ) -> list[bytes]:
        """Select at most `most` samples (by default USUAL, or one for each label) from
        `candidates`, taking the labels in turn and the smallest margin first.

        The samples share `room` bytes evenly, so that every label gets one. At most TRIES
        candidates are tried for each sample, however many there are."""
        count = len(self.predictor.labels)
        queues = {label: self._queue(candidates, label) for label in range(count)}
        most = most or min(MOST_SAMPLES, max(USUAL, count))
        selected: dict[bytes, None] = {}
        for label in _turns(queues, most):
            if len(selected) == most:
                break
            remaining_bytes = room - sum(map(len, selected))
            found = self._next(queues[label], label, remaining_bytes // (most - len(selected)))
            if found and len(found) > remaining_bytes:
                break
            if found:
                selected[found] = None
        return list(selected)

    def _queue(self, candidates: Sequence[GoldenCandidate], label: int) -> list[GoldenCandidate]:
        """The candidates whose answer names `label`, in the order in which they are tried; if there
        are none, the TRIES candidates with the highest score for it."""
        kind, description = self.predictor.kind, self.predictor.description
        named = [
            candidate
            for candidate in candidates
            if label in kind.decided(candidate.value, description)
        ]
        if named:
            return sorted(named, key=lambda candidate: self._order(candidate.value))
        count = len(self.predictor.labels)
        scores = [kind.by_label(candidate.value, count)[label] for candidate in candidates]
        best = sorted(range(len(scores)), key=lambda index: -scores[index])[:TRIES]
        return [candidates[index] for index in best if scores[index] > 0]

    def _order(self, value: Any) -> tuple[bool, float]:
        """The sort key: margins outside the tolerance first, the smallest first; then margins
        within it, the largest first."""
        margin = self.predictor.kind.margin(value, self.predictor.description)
        return margin < self.tolerance, margin if margin >= self.tolerance else -margin

    def _next(self, queue: list[GoldenCandidate], label: int, size: int) -> bytes | None:
        """Take the next usable sample from `queue`: one that, reduced to `size` bytes, still has a
        margin outside the tolerance and still names `label`, or what it named before. None if none
        of the next TRIES is usable."""
        kind, description = self.predictor.kind, self.predictor.description
        for _ in range(min(TRIES, len(queue))):
            candidate = queue.pop(0)
            golden = self._small(candidate, size)
            before = kind.decided(candidate.value, description)
            same = label in golden.labels if label in before else golden.labels == before
            if golden.margin >= self.tolerance and same:
                return golden.data
        return None

    def _small(self, candidate: GoldenCandidate, size: int) -> Golden:
        data = self.modality.small(candidate.read(), size)
        (value,) = self.predictor.answers([data])
        kind, description = self.predictor.kind, self.predictor.description
        return Golden(data, kind.margin(value, description), kind.decided(value, description))
