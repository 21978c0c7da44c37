"""Linear heads on features that are scaled as the product does it, against one scale for all
features of a statistic, at equal cost: `python -m tests.benchmarks.scales FOLDER [INPUT] [SEEDS]`.

FOLDER is a folder of labelled pictures; of it only train and validation are opened, in five folds
that keep groups together, dealt anew for each seed. INPUT is a family at a size. L2 penalties of
both are the best of PENALTIES by the log loss of the first deal. The gain in accuracy is the mean
over the deals, with a 95 % bootstrap interval over groups."""

import logging
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import paddle
from numpy.typing import NDArray

from stages.etl import source
from stages.runner.resolve import resolve
from stages.settings import Settings
from stages.train.heads.logistic_fit import LogisticFit
from stages.train.heads.prepared import prepare
from stages.train.heads.problem import Problem
from stages.train.heads.standardised import StandardisedFeatures
from stages.train.search.search_space import inputs_by_name
from tests.benchmarks.pipelines import dataset_of, photo_pipeline, services_of

PENALTIES = (0.02, 0.05, 0.1, 0.2, 0.5)
DEPTHS = "last+16"
RESAMPLES = 4000
Scaled = Callable[[Problem], StandardisedFeatures]


class SharedScale(StandardisedFeatures):
    """As it was: each feature over the deviation, over rows and channels, of its statistic."""

    def __init__(self, problem: Problem, input_name: str, feature_maps: str, blocks: Sequence[int]):
        super().__init__(problem, input_name, feature_maps)
        features = self.rows.numpy() * self.scale + self.mean
        ends = np.cumsum(blocks)
        for start, end in zip((ends - blocks).tolist(), ends.tolist(), strict=True):
            self.scale[start:end] = float(features[:, start:end].std(dtype=np.float64)) or 1.0
        self.rows = paddle.to_tensor((features - self.mean) / self.scale)


def main(folder: str, model_input: str = "efficientnet_lite1@256", seeds: str = "5") -> None:
    """Print accuracy and log loss of both for each deal of folds, and the mean gain."""
    logging.disable(logging.INFO)
    with TemporaryDirectory(prefix="aiwf-scales-") as work:
        settings = Settings(workspace=Path(work))
        source.add("data", Path(folder), settings)
        family, _, size = model_input.partition("@")
        train = {"families": [family], "input_sizes": [int(size)], "trials": 1}
        pipeline = resolve(photo_pipeline("scales", train), settings)
        services = services_of(settings)
        dataset = dataset_of(pipeline, settings, services)
        deals = []
        for seed in range(int(seeds)):  # features are cached
            config = pipeline.train.model_copy(update={"seed": seed})
            deals.append(prepare(dataset, config, **services))
        family_of = inputs_by_name(pipeline.train)[model_input].initialised_family
        inner = family_of.feature_maps_of(family_of.feature_counts[DEPTHS])
        blocks = [family_of.features, *[each.channels for each in inner for _ in range(3)]]
        old = partial(SharedScale, input_name=model_input, feature_maps=DEPTHS, blocks=blocks)
        new = partial(StandardisedFeatures, input_name=model_input, feature_maps=DEPTHS)
        compare([deal.problem for deal in deals], old, new)


def compare(problems: Sequence[Problem], old: Scaled, new: Scaled) -> None:
    """Print what linear heads come to with both scales on each of `problems`, deals of folds of the
    same samples."""
    penalties = [_best_penalty(problems[0], scaled) for scaled in (old, new)]
    print(f"l2 {penalties[0]:g} and {penalties[1]:g}", flush=True)
    gains = []
    for number, problem in enumerate(problems):
        fits = [_fit(problem, scaled, l2) for scaled, l2 in zip((old, new), penalties, strict=True)]
        gains.append(_right(fits[1]).astype(np.float64) - _right(fits[0]))
        shown = [fit.best_or_raise().measures for fit in fits]
        text = [f"{100 * each['accuracy']:.2f} % ({each['log_loss']:.4f})" for each in shown]
        print(f"deal {number}: {text[0]} with one scale, {text[1]}", flush=True)
    groups = problems[0].groups
    names = np.arange(len(gains[0])) if groups is None else groups[problems[0].plain]
    low, high = _interval(np.mean(gains, axis=0), names)
    print(f"gain {100 * np.mean(gains):.2f} points ({100 * low:.2f} to {100 * high:.2f})")


def _best_penalty(problem: Problem, scaled: Scaled) -> float:
    losses = {
        l2: _fit(problem, scaled, l2).best_or_raise().measures["log_loss"] for l2 in PENALTIES
    }
    return min(losses, key=losses.__getitem__)


def _fit(problem: Problem, scaled: Scaled, l2: float) -> LogisticFit:
    fit = LogisticFit(problem, scaled(problem), {"l2": l2, "class_balance": "none"})
    fit.fit(1)
    return fit


def _right(fit: LogisticFit) -> NDArray[np.bool_]:
    """Whether each sample is answered rightly where it is held out, by the sample's number."""
    rows = np.concatenate(fit.validation_rows)
    right = fit.best_or_raise().logits.argmax(axis=1) == fit.problem.labels[rows]
    return np.asarray(right[np.argsort(rows)])


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
