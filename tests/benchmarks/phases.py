"""Both phases of a search against a random search of the same time:
`python -m tests.benchmarks.phases FOLDER [MINUTES] [SEEDS] [TASK] [FAMILY ...]`.

FOLDER is what `aiwf data add` takes, best with a test split of its own. The rival draws heads,
and tails of those heads' families with all their hyperparameters, at random (Bergstra and Bengio,
Random Search for Hyper-Parameter Optimization, 2012), stops nobody early, and has as many tails as
the same time gives: a count of work, corrected by what the seeds before took. Both are taught by as
many workers, with as many views, and choose by the same rule; what each chose is measured on the
test split; wall times are printed."""

import logging
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np

from stages.artifacts import Dataset
from stages.config import PipelineConfig, TrainConfig
from stages.etl import source
from stages.opening import open_store
from stages.parts import STAGES
from stages.runner.resolve import resolve
from stages.settings import Settings
from stages.tracking import QuietRun
from stages.train.space import inputs_of
from stages.train.tuning.plan import tuning_takes

DRAWS = 10_000  # of the bootstrap over seeds
MORE = 2.1  # times as much may be counted for the first rival: the dearest is, some draws are cheap


class Came(NamedTuple):
    """What a way came to: accuracy on the test split, seconds, and which phase's network won."""

    accuracy: float
    seconds: float
    phase: int

    def __str__(self) -> str:
        won = "tail" if self.phase == 2 else "head"
        return f"{100 * self.accuracy:.1f} % ({won}) in {self.seconds:.0f} s"


def main(
    folder: str,
    minutes: str = "6",
    seeds: str = "5",
    task: str = "image_classification",
    *families: str,
) -> None:
    """Print what both come to for each seed, and their mean difference with its interval."""
    logging.disable(logging.INFO)
    rows: list[tuple[Came, Came]] = []
    more = MORE
    for seed in range(int(seeds)):
        with TemporaryDirectory(prefix="aiwf-phases-") as work:
            settings = Settings(workspace=Path(work))
            source.add("data", Path(folder), settings)
            said = {"budget_minutes": float(minutes), "seed": seed, "families": families}
            both, rival = compared(task, said, settings, more)
            rows.append((both, rival))
            more *= both.seconds / rival.seconds
    differences = [100 * (both.accuracy - rival.accuracy) for both, rival in rows]
    low, high = interval(differences)
    took = [sum(one.seconds for one in way) for way in zip(*rows, strict=True)]
    print(f"both phases {took[0]:.0f} s, random {took[1]:.0f} s")
    print(f"difference: {np.mean(differences):+.1f} points (95 %: {low:+.1f} to {high:+.1f})")


def compared(task: str, said: dict[str, Any], settings: Settings, more: float) -> tuple[Came, Came]:
    """What both phases and the rival, with `more` times its count, come to, of one Dataset. The one
    that begins has the features to make, which the other finds: so they take turns."""
    config = {"name": "phases", "task": task, "data": "data", "train": {**said, "growth": False}}
    pipeline = resolve(PipelineConfig.model_validate(config), settings)
    samples = source.find(pipeline.data, settings).taught(pipeline.etl.splits.test)
    services = {"store": open_store(settings), "run": QuietRun(), "settings": settings}
    dataset = STAGES["etl"](pipeline.slice("etl"), **services)
    ways = {"both phases": pipeline.train, "random": rival_of(pipeline.train, samples, more)}
    order = list(ways) if said["seed"] % 2 else list(reversed(ways))
    came = {name: measured(pipeline, ways[name], dataset, services) for name in order}
    print(f"seed {said['seed']}:", ", ".join(f"{n} {c}" for n, c in came.items()), flush=True)
    return came["both phases"], came["random"]


def rival_of(train: TrainConfig, samples: int, more: float) -> TrainConfig:
    """A random search over all families that costs `more` times what `train` does, by count. It has
    as many heads as there are inputs, which cost next to nothing."""
    heads = len(inputs_of(train))
    finetune = train.finetune.model_copy(update={"finalists": min(8, heads), "inputs": ()})
    anyhow = {"searcher": "random", "trials": heads, "halving": 1000, "finetune": finetune}
    plain = train.model_copy(update=anyhow)
    allowed = more * tuning_takes(train, samples)
    tails = 1
    while tuning_takes(plain.with_tuned(tails + 1), samples) <= allowed:
        tails += 1
    return plain.with_tuned(tails)


def measured(
    pipeline: PipelineConfig, train: TrainConfig, dataset: Dataset, services: dict[str, Any]
) -> Came:
    asked = pipeline.model_copy(update={"train": train})
    start = time.perf_counter()
    model = STAGES["train"](dataset, asked.slice("train"), **services)
    seconds = time.perf_counter() - start
    report = STAGES["evaluate"](model, dataset, asked.slice("evaluate"), **services)
    return Came(report.overall["accuracy"].value, seconds, model.selection["phase"])


def interval(values: list[float]) -> tuple[float, float]:
    """Of the mean: a bootstrap over seeds."""
    rng = np.random.default_rng(0)
    means = rng.choice(values, (DRAWS, len(values))).mean(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


if __name__ == "__main__":
    main(*sys.argv[1:])
