"""Are the test samples like those of training? Told by a classifier on what the model's trunk makes
of both, and by what a person would see at once: size, brightness, how loud it is.

Samples of one label are held against each other, one of each group, so that neither another mixture
of labels nor groups are taken for a shift."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import PurePath
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.artifacts import Measure, Model
from stages.etl.manifest import Sample, samples_of
from stages.evaluate.training import Training
from stages.media import Medium
from stages.metrics.two_samples import differences, flags_of, mixture, told_apart
from stages.models.family import Family
from stages.parts import FAMILIES, MEDIA, TASKS
from stages.train.features import Extractor, Sight, View
from stages.train.trunk import trunk_file

MOST = 250  # samples of each side that are looked at: enough to tell, and soon done
FEWEST = 10  # of each side, below which nothing is told
SURE = 0.01  # p value from which on a shift is told
LEAST = 0.03  # difference of a trait, as a share of it, that is worth a word
NEAREST, SHOWN = 3, 6

Numbers = NDArray[np.float64]
Flags = NDArray[np.bool_]
Indices = NDArray[np.int64]


class Trait(NamedTuple):
    """Medians of a trait in training and in the test; `more`: how often a test sample has more of
    it than a training sample with the same label; `p`: over all traits together; `apart`: how far
    the two distributions are apart, as a share of their mean size."""

    name: str
    training: float
    test: float
    more: float
    p: float
    apart: float

    @property
    def differs(self) -> bool:
        """Surely, and by so much that a person would care."""
        return self.p <= SURE and self.apart >= LEAST


class Foreign(NamedTuple):
    """A test sample that is far from the training samples with its label, and `near`, the nearest
    of them; `distance`: so many times as far as training samples of the label are apart."""

    digest: str
    name: str
    label: str
    near: str
    distance: float


class Shift(NamedTuple):
    """`apart`: how often the test sample of a pair with one label is told as such, with its p value
    (None without a trunk to tell by); `mixture`: p value of both having one mixture of labels."""

    thing: str
    training: int
    test: int
    apart: Measure | None
    p: float
    traits: tuple[Trait, ...]
    mixture: float
    foreign: tuple[Foreign, ...]
    fetch: Callable[[str], bytes]

    @property
    def found(self) -> bool:
        return self.p <= SURE or bool(self.reasons)

    @property
    def reasons(self) -> list[Trait]:
        """The traits that surely differ, the most different first."""
        told = [one for one in self.traits if one.differs]
        return sorted(told, key=lambda one: -abs(one.more - 0.5))

    @property
    def record(self) -> dict[str, Any]:
        """It, for metrics.json."""
        traits = [one._asdict() for one in self.traits]
        foreign = [one._asdict() for one in self.foreign]
        told = {name: value for name, value in self._asdict().items() if name != "fetch"}
        return {**told, "found": self.found, "traits": traits, "foreign": foreign}


def shift_of(training: Training) -> Shift | None:
    """The shift from training to test; None if there are too few samples of either."""
    store, dataset = training.store, training.dataset
    medium: Medium = MEDIA[TASKS[dataset.task].medium]()
    samples = samples_of(dataset, store)
    before, after = (_units(samples, test) for test in (False, True))
    if min(len(before), len(after)) < FEWEST:
        return None
    both = [*before, *after]
    second = np.arange(len(both)) >= len(before)
    labels = np.array([dataset.labels.index(one.label) for one in both])
    flags = flags_of(second, labels)
    features = _features(training, both)
    apart = told_apart(features, flags, labels) if features is not None else None
    traits = _traits(both, flags, labels, training, medium)
    found = (apart and apart.p <= SURE) or any(one.differs for one in traits)
    return Shift(
        medium.thing,
        len(before),
        len(after),
        apart.auc if apart else None,
        apart.p if apart else 1.0,
        traits,
        mixture(flags, labels),
        _foreign(both, features, second, labels) if found and features is not None else (),
        store.get,
    )


def _units(samples: Sequence[Sample], test: bool) -> list[Sample]:
    """At most MOST samples of the test, or of what taught: one of each group, by content."""
    groups: dict[str, Sample] = {}
    for one in sorted(samples, key=lambda one: one.digest):
        if (one.split == "test") == test:
            groups.setdefault(one.group or one.digest, one)
    return sorted(groups.values(), key=lambda one: one.digest)[:MOST]


def _features(training: Training, samples: Sequence[Sample]) -> Numbers | None:
    """What the model's published trunk makes of `samples`; None if it has none. Those of training
    are known from it."""
    model, dataset, store, settings = training
    family = _family(model)
    if family is None:
        return None
    sight = Sight(model.before, dataset, store)
    extractor = Extractor(trunk_file(family, store, settings), sight, settings, lambda done: None)
    return extractor.rows([View(one.digest) for one in samples]).astype(np.float64)


def _family(model: Model) -> Family | None:
    """The family with the weights that `model` began with; None if it began without."""
    if model.family not in FAMILIES:  # it was taken off the board
        return None
    family: Family = FAMILIES[model.family]
    if not family.features or not model.weights:
        return None
    known = set(model.weights.values()) <= set(family.digests.values())
    return family if known else family.begun_with(next(iter(model.weights.values())))


def _traits(
    samples: Sequence[Sample], flags: Flags, labels: Indices, training: Training, medium: Medium
) -> tuple[Trait, ...]:
    with ThreadPoolExecutor(training.settings.threads) as pool:
        told = list(
            pool.map(lambda one: _told(one, training.store.get(one.digest), medium), samples)
        )
    names = list(dict.fromkeys(name for one in told for name in one))
    table = np.array([[one.get(name, 0.0) for name in names] for one in told])
    second = flags[:, 0]
    more, p = differences(table, flags, labels)
    sides = (_middle(table[~second], names), _middle(table[second], names))
    apart = [_apart(column[~second], column[second]) for column in table.T]
    values = zip(names, *sides, more, p, apart, strict=True)
    return tuple(Trait(name, *(round(float(one), 6) for one in rest)) for name, *rest in values)


def _told(sample: Sample, data: bytes, medium: Medium) -> dict[str, float]:
    kind = PurePath(sample.file).suffix.lower() or "no ending"
    return {**medium.traits(data), "size in bytes": float(len(data)), f"{SHARE}{kind}": 1.0}


SHARE = "share of "  # begins the name of a trait that is 0 or 1


def _middle(table: Numbers, names: Sequence[str]) -> list[float]:
    """Medians; of what is 0 or 1, the mean."""
    middle = [np.mean if name.startswith(SHARE) else np.median for name in names]
    return [float(of(column)) for of, column in zip(middle, table.T, strict=True)]


def _apart(one: Numbers, other: Numbers) -> float:
    """The mean distance between equal quantiles of both, as a share of the mean size."""
    at = np.linspace(0, 1, 101)
    away = np.abs(np.quantile(one, at) - np.quantile(other, at)).mean()
    return float(away / max(np.abs(np.concatenate([one, other])).mean(), 1e-12))


def _foreign(
    samples: Sequence[Sample], features: Numbers, second: Flags, labels: Indices
) -> tuple[Foreign, ...]:
    """The test samples that are farthest from the training samples of their label, for that
    label."""
    unit = features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12)
    found: list[Foreign] = []
    for label in np.unique(labels[second]):
        ours, theirs = (np.flatnonzero((labels == label) & side) for side in (second, ~second))
        if len(theirs) <= NEAREST:
            continue
        away = 1 - unit[ours] @ unit[theirs].T
        among = 1 - unit[theirs] @ unit[theirs].T
        usual = np.median(np.sort(among, axis=1)[:, 1 : NEAREST + 1].mean(axis=1))
        far = np.sort(away, axis=1)[:, :NEAREST].mean(axis=1) / max(float(usual), 1e-12)
        for place, row in enumerate(ours):
            near = samples[theirs[int(away[place].argmin())]]
            one = samples[row]
            told = (one.digest, one.file, one.label, near.digest)
            found.append(Foreign(*told, round(float(far[place]), 4)))
    return tuple(sorted(found, key=lambda one: (-one.distance, one.digest))[:SHOWN])
