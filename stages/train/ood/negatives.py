"""Generates the negatives of a dataset: files like any other sample's, in the store, with the label
`other`; equal dataset and seed give equal bytes."""

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

HOMES = {"pictures": "stages.train.ood.pictures", "sounds": "stages.train.ood.sounds"}
OFTEN = 2.5  # times the number of samples that a label has on average
FEWEST, MOST = 2, 20  # of a kind
VALIDATES = 4  # one in so many kinds is in the validation split
YOURS = "yours"


def negatives(
    dataset: Dataset,
    samples: Sequence[Sample],
    config: TrainConfig,
    *,
    store: Store,
    resources: Resources,
) -> list[Sample]:
    """The negatives for `samples`, all in `store`; none if `train.other` is off.

    All negatives of a kind are one group: each kind is held out in one fold, whose model is not
    trained on it. They are generated from training samples only, or from none."""
    if not config.rejects:
        return []
    home = import_module(HOMES[TASKS[dataset.task].modality])
    training_digests = sorted({spec.digest for spec in samples if spec.split == "train"})
    orders = orders_of(home.KINDS, _wanted(samples))
    digests = _generated(orders, training_digests, home, config.seed, store, resources)
    place = {kind: number for number, kind in enumerate(home.KINDS)}
    return [
        _sample(spec, digest, place[spec.kind])
        for spec, digest in zip(orders, digests, strict=True)
    ]


def kinds_of(samples: Sequence[Sample]) -> dict[str, str]:
    """The kind of each of `samples` with the label `other`, by digest; YOURS for a person's own."""
    return {sample.digest: _kind(sample) for sample in samples if sample.label == OTHER}


def _kind(sample: Sample) -> str:
    generated = sample.group == f"{OTHER}/{sample.extra.get('kind')}"
    return sample.extra["kind"] if generated else YOURS


def orders_of(kinds: Sequence[str], wanted: float) -> list[NegativeSpec]:
    """About `wanted` negatives, as many of each of `kinds`."""
    each = min(MOST, max(FEWEST, round(wanted / len(kinds))))
    return [NegativeSpec(kind, number) for kind in kinds for number in range(each)]


def _wanted(samples: Sequence[Sample]) -> float:
    used = [sample.label for sample in samples if sample.split in ("train", "validation")]
    labels = set(used) - {OTHER}
    return OFTEN * len(used) / max(1, len(labels))


def _generated(
    orders: Sequence[NegativeSpec],
    training_digests: Sequence[str],
    home: ModuleType,
    seed: int,
    store: Store,
    resources: Resources,
) -> list[str]:
    """The digests of the negatives that `orders` ask for; cached ones are not generated again."""
    code = code_of("stages.train.ood.negative_spec", home.__name__)
    key = ["negatives", orders, training_digests, seed]
    cached = store.memo.find(key, code)
    if cached and _there(cached.blobs, store):
        return list(cached.blobs)

    def generate(order: NegativeSpec) -> str:
        rng = generator_for(order, seed)
        return store.add(
            home.negative(
                order.kind, rng, lambda: store.get(training_digests[_any(rng, training_digests)])
            )
        )

    with ThreadPoolExecutor(resources.cores) as pool:
        digests = list(pool.map(generate, orders))
    store.memo.keep(key, code, CachedContent(blobs=tuple(digests)))
    return digests


def _there(digests: Sequence[str], store: Store) -> bool:
    try:
        return all(store.get(digest) for digest in digests)
    except Damaged:
        return False


def _any(rng: np.random.Generator, training_digests: Sequence[Any]) -> int:
    return int(rng.integers(len(training_digests)))


def _sample(order: NegativeSpec, digest: str, place: int) -> Sample:
    split = "validation" if place % VALIDATES == VALIDATES - 1 else "train"
    name = f"{OTHER}/{order.kind}"
    return Sample(f"{name}/{order.number}", digest, OTHER, split, name, extra={"kind": order.kind})
