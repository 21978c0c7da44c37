"""Are the test samples like those of training? Told by a classifier on what the model's backbone
makes of both, and by what a person would see at once: size, brightness, how loud it is.

Samples of one label are held against each other, one of each group, so that neither another mixture
of labels nor groups are taken for a shift."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.artifacts import Measure, Model
from stages.etl.manifest import Sample, samples_of
from stages.evaluate.labels.foreign import Foreign, foreign_of
from stages.evaluate.labels.traits import SURE, Trait, traits_of
from stages.evaluate.training import Training
from stages.media import Modality
from stages.metrics.two_samples import flags_of, mixture, told_apart
from stages.models.family import Family
from stages.parts import FAMILIES, MODALITIES, TASKS
from stages.train.backbone import backbone_file
from stages.train.features import Extractor, Sight, View

MOST = 250  # samples of each side that are looked at: enough to tell, and soon done
FEWEST = 10  # of each side, below which nothing is told
SURELY = 50  # samples of each side that are looked at however large they are
ROOM = 250e6  # pixels, or values of sounds, of each side

Numbers = NDArray[np.float64]


class Shift(NamedTuple):
    """`apart`: how often the test sample of a pair with one label is told as such, with its p value
    (None without a backbone to tell by); `mixture`: p value of both having one mixture of
    labels."""

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
    modality: Modality = MODALITIES[TASKS[dataset.task].modality]()
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
    traits = traits_of(both, flags, labels, training)
    found = (apart and apart.p <= SURE) or any(one.differs for one in traits)
    return Shift(
        modality.noun,
        len(before),
        len(after),
        apart.auc if apart else None,
        apart.p if apart else 1.0,
        traits,
        mixture(flags, labels),
        foreign_of(both, features, second, labels) if found and features is not None else (),
        store.get,
    )


def _units(samples: Sequence[Sample], test: bool) -> list[Sample]:
    """At most MOST samples of the test, or of what taught: one of each group, by content."""
    groups: dict[str, Sample] = {}
    for one in sorted(samples, key=lambda one: one.digest):
        if (one.split == "test") == test:
            groups.setdefault(one.group or one.digest, one)
    return _affordable(sorted(groups.values(), key=lambda one: one.digest)[:MOST])


def _affordable(samples: list[Sample]) -> list[Sample]:
    """The first of `samples`, as many as can be read soon: counted, never timed."""
    sizes = [_size(one.facts) for one in samples]
    fitting = int((np.cumsum(sizes) <= ROOM).sum())
    return samples[: max(fitting, SURELY)]


def _size(facts: Mapping[str, float]) -> float:
    """Values to read, if the modality tells."""
    area = facts.get("width", 0.0) * facts.get("height", 0.0)
    return area or facts.get("seconds", 0.0) * facts.get("rate", 0.0)


def _features(training: Training, samples: Sequence[Sample]) -> Numbers | None:
    """What the model's published backbone makes of `samples`; None if it has none. Those of
    training are known from it."""
    model, dataset, store, settings = training
    family = _family(model)
    if family is None:
        return None
    sight = Sight(model.before, dataset, store)
    extractor = Extractor(
        backbone_file(family, store, settings), sight, settings, lambda done: None
    )
    return extractor.rows([View(one.digest) for one in samples]).astype(np.float64)


def _family(model: Model) -> Family | None:
    """The family with the weights that `model` began with; None if it began without."""
    if model.family not in FAMILIES:  # it was taken off the board
        return None
    family: Family = FAMILIES[model.family]
    if not family.features or not model.weights:
        return None
    known = set(model.weights.values()) <= set(family.digests.values())
    return family if known else family.initialised_from(next(iter(model.weights.values())))
