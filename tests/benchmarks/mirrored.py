"""Linear heads that learn from and answer each photo together with its mirror image
(`train.mirrored`), beside those of the photo alone, on held-out photos as they are and corrupted:
`python -m tests.benchmarks.mirrored FOLDER [INPUT] [SEEDS]`.

FOLDER, INPUT, SEEDS, the folds, the corruptions and the penalty are those of `scales.py`; of FOLDER
only train and validation are opened. Printed are the share of right answers and the log loss for
the features of each depth, and the gain by mirror images in points, with a 95 % interval over
groups."""

import logging
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from stages.artifacts import Dataset
from stages.config import TrainConfig
from stages.etl import source
from stages.runner.resolve import resolve
from stages.settings import Settings
from stages.train.heads.prepared import prepare
from stages.train.heads.standardised import SCALING, StandardisedFeatures
from stages.train.search.search_space import inputs_by_name, uses_feature_maps
from tests.benchmarks.pipelines import dataset_of, photo_pipeline, services_of
from tests.benchmarks.scales import (
    Deal,
    Outcome,
    best_penalty,
    corrupted_rows,
    outcome_of,
    shown_gain,
)


def main(folder: str, model_input: str = "efficientnet_lite1@256", seeds: str = "5") -> None:
    """Print what heads come to on features of each depth, with and without mirror images."""
    logging.disable(logging.INFO)
    with TemporaryDirectory(prefix="aiwf-mirrored-") as work:
        settings = Settings(workspace=Path(work))
        source.add("data", Path(folder), settings)
        family, _, size = model_input.partition("@")
        train = {"families": [family], "input_sizes": [int(size)], "trials": 1}
        pipeline = resolve(photo_pipeline("mirrored", train), settings)
        services = services_of(settings)
        dataset = dataset_of(pipeline, settings, services)
        configs = [
            pipeline.train.model_copy(update={"mirrored": mirrored}) for mirrored in (False, True)
        ]
        sides = [_deals(config, model_input, int(seeds), dataset, services) for config in configs]
        counts = inputs_by_name(pipeline.train)[model_input].initialised_family.feature_counts
        for feature_maps in counts:
            _compare(feature_maps, model_input, *sides)


def _deals(
    config: TrainConfig, model_input: str, seeds: int, dataset: Dataset, services: dict[str, Any]
) -> list[Deal]:
    """The folds of each seed, with the features of photos as they are and corrupted."""
    configs = [config.model_copy(update={"seed": seed}) for seed in range(seeds)]
    prepared = [prepare(dataset, each, **services) for each in configs]  # features are cached
    described = inputs_by_name(config)[model_input]
    inner = uses_feature_maps(config, described)
    rows = corrupted_rows(prepared[0].views, described, inner, dataset, services)
    return [Deal(each.problem, rows) for each in prepared]


def _compare(feature_maps: str, model_input: str, alone: list[Deal], both: list[Deal]) -> None:
    """Print the answers to photos alone, then those with mirror images and their gain."""
    plain, mirrored = (_outcomes(feature_maps, model_input, deals) for deals in (alone, both))
    problem = alone[0].problem
    groups = np.arange(problem.plain.sum())
    if problem.groups is not None:
        groups = problem.groups[problem.plain]
    gains = mirrored.right - plain.right
    for name, before, after, gain in zip(
        ("held out", "corrupted"), plain.right, mirrored.right, gains, strict=True
    ):
        print(
            f"{model_input} {feature_maps}, {name}: alone {100 * before.mean():.2f} %, with mirror "
            f"images {100 * after.mean():.2f} % ({shown_gain(gain, groups)})"
        )
    print(
        f"{model_input} {feature_maps}, log loss: {plain.log_loss:.4f}, {mirrored.log_loss:.4f}",
        flush=True,
    )


def _outcomes(feature_maps: str, model_input: str, deals: list[Deal]) -> Outcome:
    """The mean over `deals`, with the best penalty of the first."""

    def scaled(deal: Deal) -> StandardisedFeatures:
        return StandardisedFeatures(deal.problem, model_input, feature_maps, SCALING)

    l2 = best_penalty(deals[0].problem, scaled(deals[0]))
    found = [outcome_of(deal, scaled(deal), l2) for deal in deals]
    right = np.mean([each.right for each in found], axis=0)
    return Outcome(right, float(np.mean([each.log_loss for each in found])))


if __name__ == "__main__":
    main(*sys.argv[1:])
