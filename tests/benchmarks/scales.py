"""Linear heads on features that are scaled in several ways, and of several maps, on held-out photos
as they are and corrupted: `python -m tests.benchmarks.scales FOLDER [INPUT] [SEEDS]`.

FOLDER is a folder of labelled pictures; of it only train and validation are opened, in five folds
that keep groups together, dealt anew for each seed. INPUT is a family at a size. Heads learn from
the photos as they are; held-out ones are answered as they are, and corrupted in COPIES of the ways
of `corruptions.py`. A way is the maps that features are taken of, and a `Scaling`
(`standardised.py`): one of EXPONENTS, with one of WEIGHTS for inner maps. Its L2 penalty is the
best of PENALTIES by the log loss of the first deal. Gains in accuracy are against the product's
scaling of the same maps, and of this against that of the last map: in points, means over the deals,
with 95 % bootstrap intervals over groups."""

import logging
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.artifacts import Dataset
from stages.config import TrainConfig
from stages.etl import source
from stages.models.family import LAST
from stages.runner.resolve import resolve
from stages.settings import Settings
from stages.train.heads.backbone import backbone_file
from stages.train.heads.features import Extractor, SampleView
from stages.train.heads.logistic_fit import LogisticFit
from stages.train.heads.prepared import prepare, preprocessing_of
from stages.train.heads.problem import Problem
from stages.train.heads.standardised import SCALING, Scaling, StandardisedFeatures
from stages.train.search.search_space import Input, inputs_by_name, uses_feature_maps
from tests.benchmarks.corruptions import corrupted
from tests.benchmarks.pipelines import dataset_of, photo_pipeline, services_of

PENALTIES = (0.02, 0.05, 0.1, 0.2, 0.5)
EXPONENTS = (0.0, 0.25, 0.5, 1.0)
WEIGHTS = (0.25, 0.5, 1.0)
COPIES = 2
RESAMPLES = 4000
Features = NDArray[np.float32]


class Way(NamedTuple):
    """Of which maps features are (a key of `Family.feature_counts`), and how they are scaled."""

    feature_maps: str
    scaling: Scaling

    def __str__(self) -> str:
        exponent, weight = self.scaling
        return f"{self.feature_maps}, exponent {exponent:g}, weight of inner maps {weight:g}"


class Deal(NamedTuple):
    """One deal of the folds: the problem, whose features are those of photos as they are, and the
    features of each of its rows corrupted, [copies, rows, features]."""

    problem: Problem
    corrupted: Features


class Outcome(NamedTuple):
    """What heads come to in one deal. `right`: the share of right answers to each sample where it
    is held out, by the sample's number, as it is and corrupted, [2, samples]; `log_loss`: of the
    samples as they are."""

    right: NDArray[np.float64]
    log_loss: float


def main(folder: str, model_input: str = "efficientnet_lite1@256", seeds: str = "5") -> None:
    """Print what each way comes to, and its gains."""
    logging.disable(logging.INFO)
    with opened(folder, model_input) as (config, dataset, services):
        deals = deals_of(config, model_input, int(seeds), dataset, services)
        counts = inputs_by_name(config)[model_input].initialised_family.feature_counts
        compare(deals, _ways(counts), model_input)


@contextmanager
def opened(folder: str, model_input: str) -> Iterator[tuple[TrainConfig, Dataset, dict[str, Any]]]:
    """The resolved config of one trial of `model_input`, the Dataset of `folder`, and what stages
    use, in a workspace that lasts as long as the block."""
    with TemporaryDirectory(prefix="aiwf-scales-") as work:
        settings = Settings(workspace=Path(work))
        source.add("data", Path(folder), settings)
        family, _, size = model_input.partition("@")
        train = {"families": [family], "input_sizes": [int(size)], "trials": 1}
        pipeline = resolve(photo_pipeline("scales", train), settings)
        services = services_of(settings)
        yield pipeline.train, dataset_of(pipeline, settings, services), services


def deals_of(
    config: TrainConfig, model_input: str, seeds: int, dataset: Dataset, services: dict[str, Any]
) -> list[Deal]:
    """The deal of each seed, with the features of photos as they are and corrupted."""
    configs = [config.model_copy(update={"seed": seed}) for seed in range(seeds)]
    prepared = [prepare(dataset, each, **services) for each in configs]  # features are cached
    described = inputs_by_name(config)[model_input]
    feature_maps = uses_feature_maps(config, described)
    rows = _corrupted(prepared[0].views, described, feature_maps, dataset, services)
    return [Deal(each.problem, rows) for each in prepared]


def groups_of(problem: Problem) -> NDArray[np.int64]:
    """The group of each sample."""
    if problem.groups is None:
        return np.arange(problem.plain.sum())
    return problem.groups[problem.plain]


def _ways(feature_maps: Iterable[str]) -> list[Way]:
    """All ways for these maps, of which the last is the first; of each, the product's scaling is
    first. Weights of inner maps make no difference to the last one."""
    ways = []
    for depth in feature_maps:
        weights = (SCALING.inner_weight,) if depth == LAST else WEIGHTS
        scalings = [Scaling(*pair) for pair in product(EXPONENTS, weights)]
        ways += [Way(depth, each) for each in dict.fromkeys([SCALING, *scalings])]
    return ways


def _corrupted(
    views: Sequence[SampleView],
    model_input: Input,
    feature_maps: bool,
    dataset: Dataset,
    services: dict[str, Any],
) -> Features:
    """The features of each of `views`, corrupted in COPIES ways: [copies, rows, features]."""
    store, resources = services["store"], services["resources"]
    family = model_input.initialised_family
    backbone = backbone_file(family, store, resources, feature_maps=feature_maps)
    preprocessing = preprocessing_of(model_input, dataset, store)
    extractor = Extractor(backbone, preprocessing, resources, lambda done: None)
    copies = []
    for copy in range(COPIES):
        pictures = [
            SampleView(store.add(corrupted(store.get(view.digest), number + COPIES * copy)))
            for number, view in enumerate(views)
        ]
        copies.append(extractor.rows(pictures))
    return np.stack(copies)


def standardised(model_input: str, way: Way, problem: Problem) -> StandardisedFeatures:
    """The features of `problem`, as `way` scales them."""
    return StandardisedFeatures(problem, model_input, *way)


def compare(deals: Sequence[Deal], ways: Sequence[Way], model_input: str) -> None:
    """Print for each of `ways` what linear heads come to on `deals`, which are of the same samples,
    and how far that is from the product's scaling (see above)."""
    groups = groups_of(deals[0].problem)
    right_of: dict[Way, NDArray[np.float64]] = {}
    for way in ways:
        (right, loss), l2 = mean_outcome(deals, partial(standardised, model_input, way))
        product_way = Way(way.feature_maps, SCALING)
        compared = Way(LAST, SCALING) if way == product_way else product_way
        gains = right - right_of.get(compared, right)  # the first way is its own reference
        right_of[way] = right
        shown = [
            f"{name} {100 * shares.mean():.2f} % ({shown_gain(gain, groups)})"
            for name, shares, gain in zip(("held out", "corrupted"), right, gains, strict=True)
        ]
        print(f"{way}, l2 {l2:g}: {', '.join(shown)}, log loss {loss:.4f}", flush=True)


def mean_outcome(
    deals: Sequence[Deal], scaled: Callable[[Problem], StandardisedFeatures]
) -> tuple[Outcome, float]:
    """What heads come to in the mean over `deals`, and their penalty, the best for the first."""
    l2 = _best_penalty(deals[0].problem, scaled(deals[0].problem))
    outcomes = [_outcome(deal, scaled(deal.problem), l2) for deal in deals]
    right = np.mean([outcome.right for outcome in outcomes], axis=0)
    return Outcome(right, float(np.mean([outcome.log_loss for outcome in outcomes]))), l2


def _best_penalty(problem: Problem, standard: StandardisedFeatures) -> float:
    """The one of PENALTIES whose heads have the least log loss where samples are held out."""
    losses = {
        l2: _fit(problem, standard, l2).best_or_raise().measures["log_loss"] for l2 in PENALTIES
    }
    return min(losses, key=losses.__getitem__)


def _fit(problem: Problem, standard: StandardisedFeatures, l2: float) -> LogisticFit:
    fit = LogisticFit(problem, standard, {"l2": l2, "class_balance": "none"})
    fit.fit(1)
    return fit


def _outcome(deal: Deal, standard: StandardisedFeatures, l2: float) -> Outcome:
    """What heads with the penalty `l2` come to in `deal`."""
    problem, fit = deal.problem, _fit(deal.problem, standard, l2)
    best, rows = fit.best_or_raise(), np.concatenate(fit.validation_rows)
    as_they_are = best.logits.argmax(axis=1) == problem.labels[rows]
    matrices, offsets = best.parameters
    features = deal.corrupted[..., : len(standard.mean)]
    answers = [
        ((features[:, held_out] - standard.mean) / standard.scale @ matrix + offset).argmax(axis=-1)
        for held_out, matrix, offset in zip(fit.validation_rows, matrices, offsets, strict=True)
    ]
    corrupted_too = (np.concatenate(answers, axis=1) == problem.labels[rows]).mean(axis=0)
    right = np.stack([as_they_are, corrupted_too])[:, np.argsort(rows)]
    return Outcome(right, best.measures["log_loss"])


def shown_gain(gains: NDArray[np.float64], groups: NDArray[np.int64]) -> str:
    """The mean of `gains` [samples] in points, and its interval."""
    low, high = _interval(gains, groups)
    return f"{100 * gains.mean():+.2f}, {100 * low:+.2f} to {100 * high:+.2f}"


def _interval(gains: NDArray[np.float64], groups: NDArray[np.int64]) -> tuple[float, float]:
    """The bounds that hold 95 % of the mean `gains` [samples] when whole `groups` are drawn."""
    index = np.unique(groups, return_inverse=True)[1]
    sums, counts = np.bincount(index, gains), np.bincount(index)
    draws = np.random.default_rng(0).multinomial(
        len(sums), np.full(len(sums), 1 / len(sums)), size=RESAMPLES
    )
    low, high = np.quantile((draws @ sums) / (draws @ counts), [0.025, 0.975])
    return float(low), float(high)


if __name__ == "__main__":
    main(*sys.argv[1:])
