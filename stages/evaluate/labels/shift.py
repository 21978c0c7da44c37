"""Measures the distribution shift from training to test samples in two ways: a classifier on
features of the model's backbone tries to tell them apart, and simple traits (size, brightness,
loudness) are compared.

Only samples with the same label are compared, one of each group, so that neither a different
mixture of labels nor groups count as a shift."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.artifacts import Measure, Model
from stages.etl.manifest import Sample, samples_of
from stages.evaluate.labels.out_of_distribution import (
    OutOfDistribution,
    out_of_distribution_samples,
)
from stages.evaluate.labels.traits import SURE, Trait, traits_of
from stages.evaluate.training import Training
from stages.media import Modality
from stages.metrics.two_samples import classifier_two_sample_test, flags_of, mixture
from stages.models.family import Family
from stages.parts import FAMILIES, MODALITIES, TASKS
from stages.train.heads.backbone import backbone_file
from stages.train.heads.features import Extractor, Preprocessing, SampleView

MOST = 250  # samples of each side that are compared: enough for a test, and fast
FEWEST = 10  # samples of each side that are needed
SURELY = 50  # samples of each side that are compared however large they are
ROOM = 250e6  # pixels, or values of sounds, of each side

Numbers = NDArray[np.float64]


class Shift(NamedTuple):
    """`training`, `test`: how many samples of each were compared. `apart`: AUC of the classifier
    over pairs with one label, and `p` its p value; None and 1 without a backbone. `mixture`: p
    value of both having the same mixture of labels. `fetch`: a sample's bytes by its digest."""

    noun: str
    training: int
    test: int
    apart: Measure | None
    p: float
    traits: tuple[Trait, ...]
    mixture: float
    out_of_distribution: tuple[OutOfDistribution, ...]
    fetch: Callable[[str], bytes]

    @property
    def found(self) -> bool:
        """Whether training and test split differ significantly."""
        return self.p <= SURE or bool(self.reasons)

    @property
    def reasons(self) -> list[Trait]:
        """The traits that surely differ, the most different first."""
        differing = [trait for trait in self.traits if trait.differs]
        return sorted(differing, key=lambda trait: -abs(trait.share_higher - 0.5))

    @property
    def record(self) -> dict[str, Any]:
        """As JSON for metrics.json."""
        traits = [trait._asdict() for trait in self.traits]
        out_of_distribution = [sample._asdict() for sample in self.out_of_distribution]
        fields = {name: value for name, value in self._asdict().items() if name != "fetch"}
        return {
            **fields,
            "found": self.found,
            "traits": traits,
            "out_of_distribution": out_of_distribution,
        }


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
    labels = np.array([dataset.labels.index(sample.label) for sample in both])
    flags = flags_of(second, labels)
    features = _features(training, both)
    apart = classifier_two_sample_test(features, flags, labels) if features is not None else None
    traits = traits_of(both, flags, labels, training)
    found = (apart and apart.p <= SURE) or any(trait.differs for trait in traits)
    return Shift(
        modality.noun,
        len(before),
        len(after),
        apart.auc if apart else None,
        apart.p if apart else 1.0,
        traits,
        mixture(flags, labels),
        out_of_distribution_samples(both, features, second, labels)
        if found and features is not None
        else (),
        store.get,
    )


def _units(samples: Sequence[Sample], test: bool) -> list[Sample]:
    """At most MOST samples of the `test` or of training, one of each group, in order of digests."""
    groups: dict[str, Sample] = {}
    for sample in sorted(samples, key=lambda sample: sample.digest):
        if (sample.split == "test") == test:
            groups.setdefault(sample.group or sample.digest, sample)
    return _affordable(sorted(groups.values(), key=lambda sample: sample.digest)[:MOST])


def _affordable(samples: list[Sample]) -> list[Sample]:
    """The first of `samples` that together have at most ROOM values; SURELY of them at least."""
    sizes = [_size(sample.facts) for sample in samples]
    fitting = int((np.cumsum(sizes) <= ROOM).sum())
    return samples[: max(fitting, SURELY)]


def _size(facts: Mapping[str, float]) -> float:
    """How many pixels or sound values a sample has; 0 if its facts do not include that."""
    area = facts.get("width", 0.0) * facts.get("height", 0.0)
    return area or facts.get("seconds", 0.0) * facts.get("rate", 0.0)


def _features(training: Training, samples: Sequence[Sample]) -> Numbers | None:
    """Features of `samples` by the model's published backbone, [samples, features]; None if it has
    none. Features of training samples come from the cache that training filled."""
    model, dataset, store, resources = training
    family = published_family(model)
    if family is None:
        return None
    preprocessing = Preprocessing(model.before, dataset, store)
    feature_maps = (
        "feature_maps" in model.hyperparameters
    )  # then training computed the features of all maps
    backbone = backbone_file(family, store, resources, feature_maps=feature_maps)
    extractor = Extractor(backbone, preprocessing, resources, lambda done: None)
    rows = extractor.rows([SampleView(sample.digest) for sample in samples])
    return rows[:, : family.features].astype(np.float64)


def published_family(model: Model) -> Family | None:
    """The family with the weights that `model` was initialised from; None if there were none."""
    if model.family not in FAMILIES:  # it was taken off the board
        return None
    family: Family = FAMILIES[model.family]
    if not family.features or not model.weights:
        return None
    is_published = set(model.weights.values()) <= set(family.digests.values())
    return family if is_published else family.initialised_from(next(iter(model.weights.values())))
