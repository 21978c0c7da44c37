"""Golden samples: those on which a package that computes otherwise than here shows it first.

For each label they are the samples nearest to the border at which the package would name something
else, but no nearer than the tolerance of its number format: rounding differs between processors,
and must not decide. They are the data set's own test samples, made small, and a few made-up ones,
which show what the data cannot: that red and blue are swapped, if all photos are grey. A pipeline
that says `deploy.golden_samples: generated` has made-up ones alone, of which many a label has none.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from stages.deploy.workbench import Workbench
from stages.media import Modality
from stages.runtime.predictor import Predictor

USUAL = 24  # samples, or one for each label if there are more
MOST_SAMPLES = 200
MOST_BYTES = 1_000_000  # of all together: a package for a device is small
BESIDE_BYTES = 200_000  # of those, for made-up samples beside those of the data
TRIES = 4  # samples that are looked at for one that is kept
GENERATED = 160  # made-up samples to choose from, if there are no others
BESIDE, BESIDE_OF = 8, 48  # made-up samples beside those of the data, and how many to choose from
OWN, MADE_UP = "test", "made_up"  # how their names begin


class Candidate(NamedTuple):
    """`read` gives the bytes of a sample, `value` is what the package answers to it."""

    read: Callable[[], bytes]
    value: Any


class Golden(NamedTuple):
    """A sample as it lies in the package, how far its answer is from becoming another, and the
    labels that the answer names."""

    data: bytes
    margin: float
    labels: set[int]


def golden_samples(
    work: Workbench, predictor: Predictor, answers: Sequence[Any], numeric: str
) -> dict[str, bytes]:
    """The samples by their names in the package; `answers`: what the package answers to the test
    split, in its order."""
    choice = Choice(predictor, work.modality, work.compressor(numeric).tolerance)
    if work.config.deploy.golden_samples == "generated":
        return _named(MADE_UP, choice.chosen(generated(work.modality, predictor)), work.modality)
    made_up = generated(work.modality, predictor, BESIDE_OF)
    beside = choice.chosen(made_up, BESIDE, BESIDE_BYTES)
    room = MOST_BYTES - sum(map(len, beside))
    own = choice.chosen(_of_the_test(work, answers), room=room)
    return _named(OWN, own, work.modality) | _named(MADE_UP, beside, work.modality)


def _named(kind: str, samples: Sequence[bytes], modality: Modality) -> dict[str, bytes]:
    suffix = modality.small_suffix
    return {f"golden/{kind}_{number:03}{suffix}": data for number, data in enumerate(samples)}


def _of_the_test(work: Workbench, answers: Sequence[Any]) -> list[Candidate]:
    def reader(digest: str) -> Callable[[], bytes]:
        return lambda: work.store.get(digest)

    pairs = zip(work.tested, answers, strict=True)
    return [Candidate(reader(digest), value) for digest, value in pairs]


def generated(modality: Modality, predictor: Predictor, count: int = GENERATED) -> list[Candidate]:
    """`count` made-up samples, equal each time, and what the package answers to them."""

    def reader(data: bytes) -> Callable[[], bytes]:
        return lambda: data

    samples = [modality.generated(seed) for seed in range(count)]
    values = predictor.answers(samples)
    return [Candidate(reader(data), value) for data, value in zip(samples, values, strict=True)]


def _turns(queues: Mapping[int, Sequence[Candidate]], most: int) -> Iterator[int]:
    """The labels that have candidates left, one after the other and again, so often that no more
    than TRIES candidates are looked at for each of `most`."""
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
class Choice:
    """Which samples of a `modality` show best that a package answers as `predictor` does here, up
    to differences of `tolerance`."""

    predictor: Predictor
    modality: Modality
    tolerance: float

    def chosen(
        self, candidates: Sequence[Candidate], most: int | None = None, room: int = MOST_BYTES
    ) -> list[bytes]:
        """The samples that are kept: label after label, the nearest first, then the next; `most`
        of them, or as many as is usual. They share `room` bytes evenly, so that every label has
        one; TRIES are looked at for each, however many candidates there are."""
        count = len(self.predictor.labels)
        queues = {label: self._queue(candidates, label) for label in range(count)}
        most = most or min(MOST_SAMPLES, max(USUAL, count))
        kept: dict[bytes, None] = {}
        for label in _turns(queues, most):
            if len(kept) == most:
                break
            left = room - sum(map(len, kept))
            found = self._next(queues[label], label, left // (most - len(kept)))
            if found and len(found) > left:
                break
            if found:
                kept[found] = None
        return list(kept)

    def _queue(self, candidates: Sequence[Candidate], label: int) -> list[Candidate]:
        """Those that name `label`, the nearest to another answer first; if none does, those that
        give it the highest scores."""
        kind, description = self.predictor.kind, self.predictor.description
        named = [one for one in candidates if label in kind.decided(one.value, description)]
        if named:
            return sorted(named, key=lambda one: self._order(one.value))
        count = len(self.predictor.labels)
        scores = [kind.by_label(one.value, count)[label] for one in candidates]
        best = sorted(range(len(scores)), key=lambda index: -scores[index])[:TRIES]
        return [candidates[index] for index in best if scores[index] > 0]

    def _order(self, value: Any) -> tuple[bool, float]:
        """First those outside the tolerance, nearest first; then the others, furthest first."""
        margin = self.predictor.kind.margin(value, self.predictor.description)
        return margin < self.tolerance, margin if margin >= self.tolerance else -margin

    def _next(self, queue: list[Candidate], label: int, size: int) -> bytes | None:
        """The first of `queue` that is outside the tolerance when it is made small, to `size`
        bytes, too, and names `label`, or what it named before; None if the next TRIES are not."""
        kind, description = self.predictor.kind, self.predictor.description
        for _ in range(min(TRIES, len(queue))):
            candidate = queue.pop(0)
            golden = self._small(candidate, size)
            before = kind.decided(candidate.value, description)
            same = label in golden.labels if label in before else golden.labels == before
            if golden.margin >= self.tolerance and same:
                return golden.data
        return None

    def _small(self, candidate: Candidate, size: int) -> Golden:
        data = self.modality.small(candidate.read(), size)
        (value,) = self.predictor.answers([data])
        kind, description = self.predictor.kind, self.predictor.description
        return Golden(data, kind.margin(value, description), kind.decided(value, description))
