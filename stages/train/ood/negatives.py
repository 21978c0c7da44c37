"""Generates the negatives of a dataset: samples of the label `other`, whose files are in the store
like any other sample's. Equal dataset and seed give equal bytes."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np

from stages.artifacts import Dataset
from stages.closure import code_of
from stages.config import TrainConfig
from stages.etl.manifest import Sample
from stages.memo import CachedContent
from stages.parts import TASKS
from stages.resources import Resources
from stages.runtime.errors import Damaged
from stages.store import Store
from stages.train.ood import OTHER
from stages.train.ood.negative_spec import NegativeSpec, generator_for

GENERATORS = {"pictures": "stages.train.ood.pictures", "sounds": "stages.train.ood.sounds"}
NEGATIVES_PER_LABEL_SAMPLE = 2.5  # negatives over the samples that a label has on average
MIN_OF_A_KIND, MAX_OF_A_KIND = 2, 20  # negatives
VALIDATION_INTERVAL = 4  # one in so many kinds is in the validation split, the others in train
USERS_OWN = "yours"  # in records: the kind of a person's own samples of the label `other`


def negatives(
    dataset: Dataset,
    samples: Sequence[Sample],
    config: TrainConfig,
    *,
    store: Store,
    resources: Resources,
) -> list[Sample]:
    """The negatives for `samples`, those of `dataset`; their files are generated into `store`, or
    found in its cache. None if `train.other` is off.

    All negatives of a kind are one group: each kind is held out in one fold, whose model is not
    trained on it. They are generated from training samples only, or from none."""
    if not config.rejects:
        return []
    generator_module = import_module(GENERATORS[TASKS[dataset.task].modality])
    training_digests = sorted({sample.digest for sample in samples if sample.split == "train"})
    specs = specs_of(generator_module.KINDS, _wanted_count(samples))
    digests = _generated(specs, training_digests, generator_module, config.seed, store, resources)
    index = {kind: number for number, kind in enumerate(generator_module.KINDS)}
    return [
        _sample(spec, digest, index[spec.kind]) for spec, digest in zip(specs, digests, strict=True)
    ]


def kinds_of(samples: Sequence[Sample]) -> dict[str, str]:
    """The kind of each of `samples` with the label `other`, by digest; USERS_OWN for samples that a
    person brought."""
    return {sample.digest: _kind(sample) for sample in samples if sample.label == OTHER}


def _kind(sample: Sample) -> str:
    generated = sample.group == f"{OTHER}/{sample.extra.get('kind')}"
    return sample.extra["kind"] if generated else USERS_OWN


def specs_of(kinds: Sequence[str], wanted: float) -> list[NegativeSpec]:
    """About `wanted` negatives, equally many of each of `kinds`: from MIN_OF_A_KIND to
    MAX_OF_A_KIND."""
    each = min(MAX_OF_A_KIND, max(MIN_OF_A_KIND, round(wanted / len(kinds))))
    return [NegativeSpec(kind, number) for kind in kinds for number in range(each)]


def _wanted_count(samples: Sequence[Sample]) -> float:
    used = [sample.label for sample in samples if sample.split in ("train", "validation")]
    labels = set(used) - {OTHER}
    return NEGATIVES_PER_LABEL_SAMPLE * len(used) / max(1, len(labels))


def _generated(
    specs: Sequence[NegativeSpec],
    training_digests: Sequence[str],
    generator_module: ModuleType,
    seed: int,
    store: Store,
    resources: Resources,
) -> list[str]:
    """The digests of the negatives that `specs` ask for; cached ones are not generated again."""
    code = code_of("stages.train.ood.negative_spec", generator_module.__name__)
    key = ["negatives", specs, training_digests, seed]
    cached = store.memo.find(key, code)
    if cached and _all_stored(cached.blobs, store):
        return list(cached.blobs)

    def generate(spec: NegativeSpec) -> str:
        rng = generator_for(spec, seed)
        return store.add(
            generator_module.negative(
                spec.kind,
                rng,
                lambda: store.get(training_digests[_random_index(rng, training_digests)]),
            )
        )

    with ThreadPoolExecutor(resources.cores) as pool:
        digests = list(pool.map(generate, specs))
    store.memo.keep(key, code, CachedContent(blobs=tuple(digests)))
    return digests


def _all_stored(digests: Sequence[str], store: Store) -> bool:
    try:
        return all(store.get(digest) for digest in digests)
    except Damaged:
        return False


def _random_index(rng: np.random.Generator, training_digests: Sequence[Any]) -> int:
    return int(rng.integers(len(training_digests)))


def _sample(spec: NegativeSpec, digest: str, index: int) -> Sample:
    split = "validation" if index % VALIDATION_INTERVAL == VALIDATION_INTERVAL - 1 else "train"
    name = f"{OTHER}/{spec.kind}"
    return Sample(
        file=f"{name}/{spec.number}",
        digest=digest,
        label=OTHER,
        split=split,
        group=name,
        extra={"kind": spec.kind},
    )
