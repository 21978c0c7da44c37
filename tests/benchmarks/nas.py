"""Controllers on tables of trained networks: `python -m tests.benchmarks.nas FOLDER [SEEDS]`.

FOLDER has `nas-bench-201.npz`: `A` (15625, 6) the operation of each edge, `V` (15625, 2) validation
accuracy on CIFAR-10 after 12 epochs in per cent and seconds of that training, `T` (15625, 3) test
accuracy after 200 epochs on CIFAR-10, CIFAR-100 and ImageNet16-120. A search sees `V` alone;
printed is the test accuracy of the set that it found best, as mean and deviation over SEEDS seeds,
beside the figures of Dong and Yang, NAS-Bench-201, arXiv 2001.00326. A set that was trained before
costs nothing; a search ends after BARREN batches without a new one."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.parts import CONTROLLERS
from stages.train.architecture.controllers import Prior
from stages.train.search.search_space import Categorical
from stages.train.search.searchers.evolution import Evolution

SEEDS = 200
BARREN = 40
BATCH = 5  # of controllers that learn from a batch; others learn from each training
SECONDS = 12_000.0
NOISE = 1.0  # points, of one short training
SPACE = tuple(Categorical(f"cell.{edge}", tuple(range(5))) for edge in range(6))
WEIGHTS = np.array([0, 0, 1, 9, 0])  # of an operation, in those of a 1x1 convolution
Floats = NDArray[np.float64]


class Arm(NamedTuple):
    """A way to search: makes a controller from a seed, and how many sets it proposes at once."""

    make: Callable[[int], Any]
    batch: int = 1


class Table(NamedTuple):
    """The networks by their code (base 5), each [15625]: `score` that a search sees, `seconds` of
    its training, and `test` [15625, 3]."""

    score: Floats
    seconds: Floats
    test: Floats


def read(folder: Path) -> Table:
    """The table of `folder`."""
    with np.load(folder / "nas-bench-201.npz") as content:
        order = np.argsort(content["A"].astype(int) @ 5 ** np.arange(6))
        scores, seconds = content["V"][order].T
        return Table(scores, seconds, content["T"][order])


def code_of(chosen: Mapping[str, Any]) -> int:
    return sum(chosen[dimension.name] * 5**edge for edge, dimension in enumerate(SPACE))


def parameters(chosen: Mapping[str, Any]) -> float:
    """The weights of a cell, in those of a 1x1 convolution."""
    return float(sum(WEIGHTS[value] for value in chosen.values()))


PRIOR = Prior(parameters, entropy=0.93)


def search(arm: Arm, table: Table, seed: int, *, seconds: float, queries: int) -> list[int]:
    """The codes that `arm` trains, in order, within `seconds` and `queries`."""
    controller, spent, barren = arm.make(seed), 0.0, 0
    trained: dict[int, float] = {}
    while len(trained) < queries and spent < seconds and barren < BARREN * BATCH:
        sets = controller.propose(arm.batch)
        barren += 1
        for code in map(code_of, sets):
            if code not in trained and len(trained) < queries and spent < seconds:
                spent, barren = spent + table.seconds[code], 0
                if spent <= seconds:
                    trained[code] = table.score[code]
        controller.learn(
            [(each, trained[code_of(each)]) for each in sets if code_of(each) in trained]
            or [(sets[0], min(trained.values()))]
        )
    return list(trained)


def found(arm: Arm, table: Table, seeds: int, at: tuple[int, ...], **most: float) -> Floats:
    """The test accuracies [seeds, at, 3] of the best of the first `at` sets of each search."""
    rows = []
    for seed in range(seeds):
        codes = np.array(search(arm, table, seed, **{"seconds": np.inf, "queries": 10**6, **most}))
        best = [codes[np.argmax(table.score[codes[:count]])] for count in at]
        rows.append(table.test[best])
    return np.array(rows)


def controller(name: str, batch: int = 1, prior: Prior | None = None) -> Arm:
    return Arm(lambda seed: CONTROLLERS[name](SPACE, seed, prior), batch)


PUBLISHED = {"random": 93.70, "evolution 10/3": 93.92, "reinforce": 93.85}
ARMS = {
    "random": controller("random"),
    "evolution 10/3": Arm(lambda seed: Evolution(SPACE, seed, 10, population=10, tournament=3)),
    "reinforce": controller("reinforce"),
    "evolution": controller("evolution"),
    "local_search": controller("local_search"),
    "flat_ppo": controller("flat_ppo", BATCH),
    "hierarchical_ppo": controller("hierarchical_ppo", BATCH),
}
WARM = {
    "hierarchical_ppo": controller("hierarchical_ppo", BATCH),
    "hierarchical_ppo, prior": controller("hierarchical_ppo", BATCH, PRIOR),
    "random_from_prior": controller("random_from_prior", BATCH, PRIOR),
}


def shown(accuracies: Floats) -> str:
    """Mean and deviation over seeds."""
    return f"{accuracies.mean():6.2f} ± {accuracies.std():4.2f}"


def main(folder: str, seeds: int = SEEDS) -> None:
    """Print the tables from `folder`."""
    table = read(Path(folder))
    print(f"CIFAR-10, test accuracy, {seeds} seeds")
    print(f"{'':24}{SECONDS:,.0f} s       published  200 queries    300 queries")
    for name, arm in ARMS.items():
        timed = found(arm, table, seeds, (10**6,), seconds=SECONDS)[:, 0, 0]
        counted = found(arm, table, seeds, (200, 300), queries=300)[..., 0]
        published = f"{PUBLISHED[name]:.2f}" if name in PUBLISHED else ""
        columns = [shown(counted[:, place]) for place in range(2)]
        print(f"{name:24}{shown(timed)}  {published:>9}  {'  '.join(columns)}", flush=True)
    print("with a prior of parameters alone   30 queries     100 queries")
    for name, arm in WARM.items():
        counted = found(arm, table, seeds, (30, 100), queries=100)[..., 0]
        print(f"{name:34} {shown(counted[:, 0])}  {shown(counted[:, 1])}", flush=True)
    transfer(table, seeds)


def transfer(table: Table, seeds: int) -> None:
    """Print what a search on CIFAR-10 finds for the two other data sets, beside a direct search. As
    the table has no short trainings there, a direct search sees the test accuracy with NOISE."""
    arm = WARM["hierarchical_ppo"]
    moved = found(arm, table, seeds, (100,), queries=100)[:, 0]
    for place, name in ((1, "CIFAR-100"), (2, "ImageNet16-120")):
        noise = np.random.default_rng(place).normal(0, NOISE, len(table.score))
        noisy = table._replace(score=table.test[:, place] + noise)
        direct = found(arm, noisy, seeds, (100,), queries=100)[:, 0, place]
        print(
            f"{name}, 100 queries: from CIFAR-10 {shown(moved[:, place])}, direct {shown(direct)}"
        )


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
