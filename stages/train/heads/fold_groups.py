"""Guesses which samples were taken together, and keeps them in one fold.

Photos of one object, taken one after another, are so alike that a model which has seen one of them
knows the others: held-out figures would be better than those on new objects. Groups that the data
names are kept whole anyway; what is guessed here binds folds only, never a split."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from stages.etl.bursts import runs_by_name
from stages.etl.duplicates import groups_of
from stages.etl.manifest import Sample
from stages.train.evenly import evenly
from stages.train.heads.windows import Windows

LEAST_SIMILARITY = 0.8  # cosine of two samples' centred features
LARGEST_SHARE = 0.25  # of a label's groups: no guess holds more
MOST_COMPARED = 4096  # samples of a label whose features are compared with each other
PROBES = 2048  # samples, spread over all, among which the most alike of two labels are looked for

Features = NDArray[np.floating]


def fold_groups(samples: Sequence[Sample], features: Features | Windows) -> list[str]:
    """The key of each sample's group, which is held out as a whole: its own group, or digest,
    joined with those of samples that look as if taken together with it.

    Samples were taken together if the data names no groups and their names tell it (`bursts.py`);
    or if both have one label and the cosine of their `features` [samples, features] is higher than
    that of any two samples of different labels, and than LEAST_SIMILARITY. Neither is known for
    `Windows`. A guess that holds more than a quarter of a label's groups is dropped."""
    keys = [sample.group or sample.digest for sample in samples]
    number_of = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    numbers = [number_of[key] for key in keys]
    pairs = [] if _names_groups(samples) else _named_pairs(samples)
    if not isinstance(features, Windows):
        pairs += _similar_pairs(features, [sample.label for sample in samples])
    joined = [sorted((numbers[first], numbers[second])) for first, second in pairs]
    roots = groups_of(len(number_of), np.array(joined, np.int64).reshape(-1, 2))
    too_large = _too_large(samples, numbers, roots)
    names = list(number_of)
    return [
        names[number] if roots[number] in too_large else names[roots[number]] for number in numbers
    ]


def in_guessed_groups(samples: Sequence[Sample], keys: Sequence[str]) -> int:
    """How many of `samples` are held out together with others only as `fold_groups` guessed it."""
    own = [sample.group or sample.digest for sample in samples]
    members: Mapping[str, set[str]] = defaultdict(set)
    for key, name in zip(keys, own, strict=True):
        members[key].add(name)
    return sum(len(members[key]) > 1 for key in keys)


def _names_groups(samples: Sequence[Sample]) -> bool:
    """Whether the data names groups: over half of the samples have one. Near duplicates, which etl
    groups, too, are few."""
    sizes = Counter(sample.group for sample in samples if sample.group)
    return sum(sizes.values()) > len(samples) / 2


def _named_pairs(samples: Sequence[Sample]) -> list[tuple[int, int]]:
    files, labels = [sample.file for sample in samples], [sample.label for sample in samples]
    return [
        (run[0], index)
        for run in runs_by_name(files, labels)
        for index in run[1:]
        if labels[run[0]] == labels[index]
    ]


def _similar_pairs(features: Features, labels: Sequence[str]) -> list[tuple[int, int]]:
    """The pairs of samples of one label that are more alike than any two of different labels."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):  # sums in one order, on any number of cores
        unit = _unit(features)
        names = np.array(labels)
        probes = evenly(len(names), PROBES)
        least = max(LEAST_SIMILARITY, _highest_similarity_of_different(unit[probes], names[probes]))
        pairs = []
        for label in sorted(set(labels)):
            indices = np.flatnonzero(names == label)[:MOST_COMPARED]
            similar = np.triu(unit[indices] @ unit[indices].T > least, 1)
            pairs += [(indices[first], indices[second]) for first, second in np.argwhere(similar)]
    return [(int(first), int(second)) for first, second in pairs]


def _highest_similarity_of_different(unit: Features, names: NDArray[np.str_]) -> float:
    similarity = unit @ unit.T
    similarity[names[:, None] == names[None]] = -1.0
    return float(similarity.max())


def _unit(features: Features) -> Features:
    """`features` less their mean, each row over its length."""
    centred = features - features.mean(axis=0, dtype=np.float64).astype(np.float32)
    unit: Features = centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-12)
    return unit


def _too_large(samples: Sequence[Sample], numbers: Sequence[int], roots: Sequence[int]) -> set[int]:
    """The roots of the guesses that join more than LARGEST_SHARE of the groups of a label."""
    of_label: dict[str, dict[int, set[int]]] = defaultdict(lambda: defaultdict(set))
    for sample, number in zip(samples, numbers, strict=True):
        of_label[sample.label][roots[number]].add(number)
    return {
        root
        for guesses in of_label.values()
        for root, members in guesses.items()
        if len(members) > max(1, LARGEST_SHARE * sum(map(len, guesses.values())))
    }
