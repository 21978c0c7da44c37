"""Linear heads that learn from and answer each photo together with its mirror image
(`train.mirrored`), beside those of the photo alone, on held-out photos as they are and corrupted:
`python -m tests.benchmarks.mirrored FOLDER [INPUT] [SEEDS]`.

FOLDER, INPUT, SEEDS, the folds, the corruptions and the penalty are those of `scales.py`; of FOLDER
only train and validation are opened. Printed are the share of right answers and the log loss for
the features of each depth, and the gain by mirror images in points, with a 95 % interval over
groups."""

import logging
import sys
from functools import partial

from stages.train.heads.standardised import SCALING
from stages.train.search.search_space import inputs_by_name
from tests.benchmarks.scales import (
    Deal,
    Way,
    deals_of,
    groups_of,
    mean_outcome,
    opened,
    shown_gain,
    standardised,
)


def main(folder: str, model_input: str = "efficientnet_lite1@256", seeds: str = "5") -> None:
    """Print what heads come to on features of each depth, with and without mirror images."""
    logging.disable(logging.INFO)
    with opened(folder, model_input) as (config, dataset, services):
        configs = [config.model_copy(update={"mirrored": mirrored}) for mirrored in (False, True)]
        sides = [deals_of(each, model_input, int(seeds), dataset, services) for each in configs]
        counts = inputs_by_name(config)[model_input].initialised_family.feature_counts
        for feature_maps in counts:
            _compare(feature_maps, model_input, *sides)


def _compare(feature_maps: str, model_input: str, alone: list[Deal], both: list[Deal]) -> None:
    """Print the answers to photos alone, then those with mirror images and their gain."""
    scaled = partial(standardised, model_input, Way(feature_maps, SCALING))
    plain, mirrored = (mean_outcome(deals, scaled)[0] for deals in (alone, both))
    groups = groups_of(alone[0].problem)
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


if __name__ == "__main__":
    main(*sys.argv[1:])
