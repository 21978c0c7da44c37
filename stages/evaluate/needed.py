"""Sentences on how many more test samples are needed."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from stages.artifacts import Measure
from stages.etl.manifest import NAMED
from stages.evaluate.few import LEAST
from stages.evaluate.formatting import counted, listed, metric, percent, rough
from stages.evaluate.verdict import Judgement
from stages.metrics import samples_to_decide, samples_to_narrow

FEW_GROUPS = 5  # of a test: with fewer, hardly anything is known about others
_SHOWN = 6  # labels that are named


class Needed(NamedTuple):
    """`noun`: what a sample is called. `tested`: the share of all samples that is in the test.
    `each`: by label or metric, how many boxes a sample has on average; empty where samples are
    counted. `grouped`: how many samples a named group has on average, by label, and under '' of
    all; empty if no groups are named."""

    noun: str
    tested: float
    each: Mapping[str, float] = {}
    grouped: Mapping[str, float] = {}

    def to_decide(self, judgement: Judgement) -> str:
        """How many more samples would decide an undecided gate, if the measured value stays."""
        name, measure = metric(judgement.name), judgement.measure
        needed = samples_to_decide(measure.value, judgement.gate)
        if needed is None:
            return (
                f"The {name} is so close to the gate of {percent(judgement.gate)} that more test "
                "samples will not decide it: make the model better, or lower the gate."
            )
        _, of, label = judgement.name.partition(" of ")
        missing = self.samples(label or judgement.name, _missing_samples(measure, needed))
        kind = f" of '{label}'" if of else ""
        return (
            f"To decide on the {name}, test on about {self.to_collect(missing, label)}{kind}"
            f"{self.in_all(missing)}, if it stays at {percent(measure.value)}."
        )

    def to_collect(self, missing: int, label: str = "") -> str:
        """`missing` more samples of `label`, as groups where the data names groups: more samples of
        the same groups would tell little."""
        plain = counted(missing, f"more {self.noun}")
        size = self.grouped.get(label) or self.grouped.get("")
        if not size:
            return plain
        groups = rough(max(1, math.ceil(missing / size)))
        return f"{counted(groups, 'more group')} (such as speakers or objects), {plain} in all"

    def few_groups(self, groups: int, samples: int) -> list[str]:
        """That a test of `samples` from so few named `groups` says little about others."""
        if not 0 < groups < FEW_GROUPS:
            return []
        return [
            f"The {counted(samples, f'test {self.noun}')} come from only "
            f"{counted(groups, 'group')}, and tell little about others: test on more groups (such "
            f"as speakers or objects), rather than on more {self.noun}s of these."
        ]

    def to_narrow(self, measure: Measure, margin: float) -> int:
        """How many more of what `measure` counts make its interval at most twice `margin` wide."""
        needed = samples_to_narrow(measure.value, margin)
        if not self.grouped:
            return max(needed - measure.n, 0)
        if measure.high - measure.low <= 2 * margin:
            return 0
        return _missing_samples(measure, needed)

    def at_least(self, few: Mapping[str, int], item: str = "") -> list[str]:
        """How many more of the labels with too `few` test samples a verdict needs; `item`: what is
        counted of them, if not samples."""
        if not few:
            return []
        missing = {label: LEAST - count for label, count in few.items()}
        each = listed(
            [f"{count} of '{label}'" for label, count in missing.items()], "label", _SHOWN
        )
        plural = "boxes" if item == "box" else f"{item or self.noun}s"
        samples = sum(self.samples(label, count) for label, count in missing.items())
        return [
            f"Before anything can be decided, test on more {plural}: {each}{self.in_all(samples)}."
        ]

    def samples(self, name: str, counted: int) -> int:
        """How many samples have `counted` of what the label or metric `name` counts."""
        each = self.each.get(name, 1.0)
        return counted if each == 1 else rough(math.ceil(counted / each))

    def in_all(self, missing: int) -> str:
        """How many samples to collect so that `missing` are in the test, in brackets."""
        if self.tested >= 1:
            return ""
        collected = rough(round(missing / self.tested))
        return f" (collect about {collected:,}, as {percent(self.tested)} are tested)"


def _missing_samples(measure: Measure, needed: int) -> int:
    """How many more samples make the interval as narrow as that of a share of `needed` samples.

    The interval of a mean over uneven labels is wider than that of a share of as many samples, so
    the calculation starts from the width of its interval."""
    worth = samples_to_narrow(measure.value, (measure.high - measure.low) / 2)
    return rough(max(1, round(measure.n * max(needed / worth - 1, 0))))


def samples_of_a_group(groups: Sequence[str], labels: Sequence[Iterable[str]]) -> dict[str, float]:
    """The mean number of samples in a group that the data names, by label, and under '' of all;
    empty if none is named. `groups`, `labels`: of each sample."""
    found: dict[str, Counter[str]] = {}
    for group, own in zip(groups, labels, strict=bool(groups)):
        if group.startswith(NAMED):
            for label in {"", *own}:
                found.setdefault(label, Counter())[group] += 1
    return {label: counts.total() / len(counts) for label, counts in found.items()}
