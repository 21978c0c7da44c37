"""How well the computed cost of searched networks follows the CPU seconds of their trainings:
`python -m tests.benchmarks.architecture_cost [SEED] [NETWORKS] [ROUNDS]`.

Plain networks, each a single path of one operation as the hand designs are, and branched ones,
drawn from the whole space: NETWORKS of each sort, within usual budgets, on noise of three shapes,
in batches of 32, 64 and 128. Of ROUNDS measurements of an epoch in this process the least counts.

Printed is how many times as long a training took as was computed: by the number of convolutions and
multiply-accumulates alone, as it was once, and by the product's formula; and the constants that fit
these networks best. The product's are those of seed 0, so networks of other seeds had no part in
them.

Beside it stands the same of `small_image`: its seconds on the reference machine are rounded up, and
on a machine that is busy, or another one, all of these figures are as much higher or lower."""

import os
import sys
import time
from collections.abc import Sequence
from typing import NamedTuple

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from numpy.typing import NDArray

from stages.models.genotype import ADD, Genotype, convolutions, macs_of, parameters_of
from stages.train.architecture.hand_designs import CELL
from stages.train.architecture.space import architecture_space, genotype_of
from stages.train.cost.architecture_cost import SECONDS, Workload, network_seconds, workload_of
from stages.train.cost.budget import MIN_EPOCH_SAMPLES, SCRATCH_STEP_PASSES
from stages.train.heads.problem import Problem
from stages.train.heads.scratch_fit import ScratchFit
from stages.train.heads.windows import Windows
from stages.train.search.search_space import Input

LABELS, VALIDATED, BATCHES = 10, 16, (32, 64, 128)
CASES = (  # family, shape of a window, most MACs of a network for it
    ("searched_image", (3, 32, 32), 1_000_000),
    ("searched_image", (3, 32, 32), 1_000_000),
    ("searched_image", (3, 64, 64), 4_000_000),
    ("searched_audio", (1, 64, 100), 4_000_000),
)
MOST_PARAMETERS = 60_000
PLAIN, BRANCHED = "plain", "branched"
REFERENCE, REFERENCE_SHAPE = "small_image", (3, 64, 64)
DRAWS = 2000  # of a bootstrap
Floats = NDArray[np.float64]


class Network(NamedTuple):
    """A network and how it is trained."""

    sort: str
    genotype: Genotype
    family: str
    shape: tuple[int, ...]
    batch: int

    @property
    def workload(self) -> Workload:
        return workload_of(self.genotype, self.shape, self.batch)


def networks(seed: int, count: int) -> list[Network]:
    """`count` networks of each sort, within the budgets of CASES."""
    rng, space, found = np.random.default_rng(seed), architecture_space(), list[Network]()
    while len(found) < 2 * count:
        sort = (PLAIN, BRANCHED)[len(found) % 2]
        family, shape, most = CASES[len(found) // 2 % len(CASES)]
        genotype = genotype_of({each.name: each.sample(rng) for each in space})
        if sort == PLAIN:
            genotype = _plain(genotype, ("conv3", "sep3")[int(rng.integers(2))])
        is_small = parameters_of(genotype, shape[0], LABELS) <= MOST_PARAMETERS
        if is_small and macs_of(genotype, shape, LABELS) <= most:
            batch = BATCHES[int(rng.integers(len(BATCHES)))]
            found.append(Network(sort, genotype, family, shape, batch))
    return found


def _plain(genotype: Genotype, operation: str) -> Genotype:
    """A single path of `operation` with the channels and the number of cells of `genotype`."""
    motifs = (("none", operation, "none"),)
    return genotype._replace(cell=CELL, motifs=motifs, down=operation, merge=ADD, residual=False)


def epoch_seconds(family: str, shape: Sequence[int], batch: int, **choices: str) -> float:
    """CPU seconds of an epoch, for each window and forward pass."""
    rng, count = np.random.default_rng(0), MIN_EPOCH_SAMPLES + VALIDATED
    windows = [rng.normal(size=(1, *shape)).astype(np.float32) for _ in range(count)]
    folds = np.where(np.arange(count) < MIN_EPOCH_SAMPLES, -1, 0)
    name = Input(family, shape[1]).name
    problem = Problem(
        {name: Windows.of(windows)},
        rng.integers(0, LABELS, count),
        folds,
        np.ones(count, bool),
        LABELS,
        1,
    )
    hyperparameters = {
        "input": name,
        "head": "linear",
        "learning_rate": 1e-3,
        "weight_decay": 0.1,
        "batch_size": batch,
        "class_balance": "none",
        **choices,
    }
    fit = ScratchFit(problem, hyperparameters)
    begin = time.process_time()
    fit.fit(1)
    return (time.process_time() - begin) / MIN_EPOCH_SAMPLES / SCRATCH_STEP_PASSES


def measured(every: Sequence[Network], rounds: int) -> Floats:
    """The seconds of each network, [networks]."""
    table = []
    expected = Input(REFERENCE, REFERENCE_SHAPE[1]).seconds
    for number in range(rounds + 1):  # the first one warms up
        reference = epoch_seconds(REFERENCE, REFERENCE_SHAPE, BATCHES[0]) / expected
        table.append(
            [
                epoch_seconds(each.family, each.shape, each.batch, genotype=each.genotype.text)
                for each in (every if number else every[:4])
            ]
        )
        print(f"round {number}: {REFERENCE} took {reference:.2f} times as long", flush=True)
    least: Floats = np.min(table[1:], axis=0)
    return least


def earlier(each: Network) -> float:
    """What was computed before: from multiply-accumulates and the number of convolutions alone."""
    count = len(convolutions(each.genotype, *each.shape))
    return 1e-10 * macs_of(each.genotype, each.shape, 2) + 4e-6 * count


def fitted(workloads: Floats, seconds: Floats) -> Floats:
    """The seconds of each sort of work, none negative, with the least relative errors."""
    from scipy.optimize import nnls

    constants: Floats = nnls(workloads / seconds[:, None], np.ones(len(seconds)))[0]
    return constants


def print_ratios(name: str, ratios: Floats, is_plain: NDArray[np.bool_]) -> None:
    """Print the median and the extremes of `ratios` for both sorts, and how many times the median
    of branched networks is that of plain ones."""
    rng, sorts = np.random.default_rng(0), (ratios[is_plain], ratios[~is_plain])
    drawn = np.array(
        [[np.median(rng.choice(each, len(each))) for each in sorts] for _ in range(DRAWS)]
    )
    low, high = np.quantile(drawn[:, 1] / drawn[:, 0], [0.025, 0.975])
    middles = [float(np.median(each)) for each in sorts]
    parts = [
        f"{sort} {middle:.2f} ({each.min():.2f} to {each.max():.2f})"
        for sort, middle, each in zip((PLAIN, BRANCHED), middles, sorts, strict=True)
    ]
    between = f"{middles[1] / middles[0]:.2f} ({low:.2f} to {high:.2f})"
    print(f"{name:28} {', '.join(parts)}; branched over plain {between}")


def main(seed: int = 1, count: int = 32, rounds: int = 2) -> None:
    every = networks(seed, count)
    seconds = measured(every, rounds)
    workloads = np.array([each.workload for each in every])
    is_plain = np.array([each.sort == PLAIN for each in every])
    print(f"{len(every)} networks; measured over computed, median (least to most):")
    own = [network_seconds(each.genotype, each.shape, each.batch) for each in every]
    computed = {
        "convolutions and MACs alone": np.array([earlier(each) for each in every]),
        "the product's formula": np.array(own),
    }
    for name, found in computed.items():
        print_ratios(name, seconds / found, is_plain)
    constants = fitted(workloads, seconds)
    for name, value, ours in zip(Workload._fields, constants, SECONDS, strict=True):
        print(f"{name:16} fitted to these {value:.2e}, the product's {ours:.2e}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
