"""Two models side by side on the test samples that both answered: the paired difference of the
first metric with its interval, and the samples that one gets right and the other wrong."""

from dataclasses import dataclass
from typing import Any

from stages.artifacts import Measure, Report
from stages.evaluate.kinds import Kind, kind_of
from stages.evaluate.outcomes import SampleOutcome
from stages.evaluate.predictions import Predicted, read_predicted
from stages.runtime.errors import ConfigError
from stages.store import Store

LEAST = 30  # common samples: without any disagreement, the interval is then 11 points to each side
PREDICTIONS = "predictions.json"
COUNTS = ("common", "only_first", "only_second", "reannotated")
KEEP = {"max_drop": 1.0, "least": 0.0}  # nothing fails here: both may differ as they like


@dataclass(frozen=True)
class SampleOfBoth:
    """A sample that both models answered, with what came of it for each."""

    digest: str
    name: str
    first: SampleOutcome
    second: SampleOutcome


@dataclass(frozen=True)
class SideBySide:
    """The second model against the first. `common`: the test samples that both answered, with the
    same annotation; `only_first`, `only_second`: those that only one was tested on; `reannotated`:
    those whose annotation differs, which are not compared.

    `gain`: by how much the second is better in `metric`; negative if it is worse, None if there are
    fewer than LEAST common samples. `same`: the share of equal answers, which is a share of samples
    or of boxes. `won`: samples that only the second gets right; `lost`: only the first."""

    metric: str
    common: int
    only_first: int
    only_second: int
    reannotated: int
    gain: Measure | None
    same: Measure | None
    won: tuple[SampleOfBoth, ...]
    lost: tuple[SampleOfBoth, ...]

    @property
    def is_same_test(self) -> bool:
        """Whether both were tested on the very same samples with the same annotations."""
        return not (self.only_first or self.only_second or self.reannotated)

    @property
    def verdict(self) -> str:
        """better or worse, if the interval is on one side of 0; else undecided; '' without one."""
        if self.gain is None:
            return ""
        if self.gain.low > 0:
            return "better"
        return "worse" if self.gain.high < 0 else "undecided"

    @property
    def record(self) -> dict[str, Any]:
        """As JSON."""
        measures = {
            name: measure.model_dump() if measure else None
            for name, measure in (("gain", self.gain), ("same", self.same))
        }
        samples = {
            name: [
                {
                    "digest": sample.digest,
                    "name": sample.name,
                    "first": sample.first._asdict(),
                    "second": sample.second._asdict(),
                }
                for sample in listed
            ]
            for name, listed in (("won", self.won), ("lost", self.lost))
        }
        counts = {name: getattr(self, name) for name in COUNTS}
        facts = {"metric": self.metric, "verdict": self.verdict, "is_same_test": self.is_same_test}
        return {**facts, **counts, **measures, **samples}


def side_by_side(first: Report, second: Report, store: Store) -> SideBySide:
    """Compare the model of the report `second` with that of `first`, by their answers to the test
    samples. Raises ConfigError for models of different tasks, or without stored predictions."""
    kind = _common_kind(first, second)
    predicted = [read_predicted(store.get(report.files[PREDICTIONS])) for report in (first, second)]
    labels = tuple(sorted({*predicted[0].labels, *predicted[1].labels}))
    before, after = (kind.with_labels(side, labels) for side in predicted)
    pairs, reannotated = _common_rows(before, after)
    before = before.subset([row for row, _ in pairs])
    after = after.subset([row for _, row in pairs])
    gain = same = None
    if len(pairs) >= LEAST:
        found = kind.agreement(before, after.answers, labels, threshold=first.threshold, **KEEP)
        drop = found.drops[kind.headline[0]]
        gain, same = _negative(drop), found.same
    both = _both(kind, before, after, first.threshold, second.threshold) if pairs else []
    return SideBySide(
        metric=kind.headline[0],
        common=len(pairs),
        only_first=len({*predicted[0].files}) - len(pairs) - reannotated,
        only_second=len({*predicted[1].files}) - len(pairs) - reannotated,
        reannotated=reannotated,
        gain=gain,
        same=same,
        won=tuple(sample for sample in both if sample.second.right and not sample.first.right),
        lost=tuple(sample for sample in both if sample.first.right and not sample.second.right),
    )


def _common_kind(first: Report, second: Report) -> Kind:
    """The kind of answer of both. Raises ConfigError if they cannot be compared."""
    if first.task != second.task:
        raise ConfigError(
            f"One model is of {first.task}, the other of {second.task}.",
            "Choose models of one task.",
        )
    if not all(PREDICTIONS in report.files for report in (first, second)):
        raise ConfigError(
            "There are no stored predictions of one of the models.", "Run its pipeline again."
        )
    return kind_of(first.task)


def _common_rows(before: Predicted, after: Predicted) -> tuple[list[tuple[int, int]], int]:
    """The rows of the samples that both have with the same annotation, in the order of `before`;
    and how many both have with different ones. A sample is known by its digest: of equal files in
    one test the first counts."""
    places: dict[str, int] = {}
    for row, digest in enumerate(after.files):
        places.setdefault(digest, row)
    pairs, reannotated, done = [], 0, set()
    for row, digest in enumerate(before.files):
        if digest not in places or digest in done:
            continue
        done.add(digest)
        if _plain(before.truth[row]) == _plain(after.truth[places[digest]]):
            pairs.append((row, places[digest]))
        else:
            reannotated += 1
    return pairs, reannotated


def _plain(truth: Any) -> Any:
    """An annotation in the form in which equal ones are equal: the order of boxes says nothing."""
    return sorted(truth) if isinstance(truth, list) else truth


def _both(
    kind: Kind, before: Predicted, after: Predicted, first: float, second: float
) -> list[SampleOfBoth]:
    """Each common sample with both outcomes, each at its model's threshold."""
    pairs = zip(
        before.files,
        before.names,
        kind.sample_outcomes(before, first),
        kind.sample_outcomes(after, second),
        strict=True,
    )
    return [SampleOfBoth(*pair) for pair in pairs]


def _negative(drop: Measure) -> Measure:
    return Measure(value=-drop.value, low=-drop.high, high=-drop.low, n=drop.n)
