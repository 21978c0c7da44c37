"""Both phases of a search against a random search of the same time:
`python -m tests.benchmarks.phases FOLDER [MINUTES] [SEEDS] [TASK] [FAMILY ...]`.

FOLDER is what `aiwf data add` takes, best with a test split of its own. The rival draws heads,
and tails of those heads' families with all their hyperparameters, at random (Bergstra and Bengio,
Random Search for Hyper-Parameter Optimization, 2012), stops nobody early, and has as many tails as
the same time gives: those that both phases' own work would have taught, by what its draws take in
the mean, corrected by the clock of the seeds before. Each makes its own features and maps; both are
taught by as many workers, with as many views, and choose by the same rule; what each chose is
measured on the test split; wall times are printed."""

import json
import logging
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np

from stages.config import PipelineConfig, TrainConfig
from stages.etl import source
from stages.opening import open_store
from stages.parts import STAGES
from stages.runner.resolve import resolve
from stages.settings import Settings
from stages.tracking import QuietRun
from stages.train.space import by_name, inputs_of
from stages.train.tuning.plan import SHARES, TAUGHT, teaching_of

DRAWS = 10_000  # of the bootstrap over seeds
MORE = 1.5  # times their work, for the first rival: it has fewer heads, and sooner one input


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
        train = {"budget_minutes": float(minutes), "seed": seed, "families": families}
        said = {"name": "phases", "task": task, "data": "data", "train": {**train, "growth": False}}
        both, rival = compared(Path(folder), PipelineConfig.model_validate(said), more)
        rows.append((both, rival))
        print(f"seed {seed}: both phases {both}, random {rival}", flush=True)
        took = [sum(one.seconds for one in way) for way in zip(*rows, strict=True)]
        more *= took[0] / took[1]
    differences = [100 * (both.accuracy - rival.accuracy) for both, rival in rows]
    low, high = interval(differences)
    print(f"both phases {took[0]:.0f} s, random {took[1]:.0f} s")
    print(f"difference: {np.mean(differences):+.1f} points (95 %: {low:+.1f} to {high:+.1f})")


def compared(folder: Path, pipeline: PipelineConfig, more: float) -> tuple[Came, Came]:
    """What both phases and the rival, with `more` times their tails, come to."""
    both, train, trials = measured(folder, pipeline, lambda train: train)
    rival, _, _ = measured(folder, pipeline, lambda _: rival_of(train, trials, more))
    return both, rival


def rival_of(train: TrainConfig, trials: Sequence[Mapping[str, Any]], more: float) -> TrainConfig:
    """A random search over all families that teaches `more` times what the `trials` of `train`
    were taught, in the mean. It has as many heads as there are inputs, which cost next to
    nothing."""
    inputs = inputs_of(train)
    finetune = train.finetune.model_copy(update={"finalists": min(8, len(inputs)), "inputs": ()})
    anyhow = {"searcher": "random", "trials": len(inputs), "halving": 1000, "finetune": finetune}
    mean = np.mean([teaching_of(one) for one in inputs])
    each = finetune.longest * mean * np.mean([SHARES[one] for one in finetune.space.freeze])
    again = each * (TAUGHT * (train.judges - 1) + 1)
    tails = round(float((more * work_of(train, trials) - again) / (TAUGHT * each)))
    return train.model_copy(update=anyhow).with_tuned(max(1, tails))


def work_of(train: TrainConfig, trials: Sequence[Mapping[str, Any]]) -> float:
    """Reference seconds of one core for each sample that tails were taught: by all their epochs,
    and by those of the best once more for each further judge and for all samples."""
    inputs, tails = by_name(train), [one for one in trials if one["phase"] == 2]

    def work(one: Mapping[str, Any]) -> float:
        hyperparameters = one["hyperparameters"]
        share = SHARES[hyperparameters["freeze"]]
        return float(one["epochs"] * share * teaching_of(inputs[hyperparameters["input"]]))

    dearest = max(map(work, tails), default=0.0)
    return TAUGHT * sum(map(work, tails)) + dearest * (TAUGHT * (train.judges - 1) + 1)


def measured(
    folder: Path, pipeline: PipelineConfig, way: Callable[[TrainConfig], TrainConfig]
) -> tuple[Came, TrainConfig, list[dict[str, Any]]]:
    """What `way` of training comes to in a workspace of its own, the train of `pipeline` as it was
    planned, and all trials."""
    with TemporaryDirectory(prefix="aiwf-phases-") as work:
        settings = Settings(workspace=Path(work))
        source.add("data", folder, settings)
        services = {"store": open_store(settings), "run": QuietRun(), "settings": settings}
        planned = resolve(pipeline, settings)
        asked = planned.model_copy(update={"train": way(planned.train)})
        dataset = STAGES["etl"](asked.slice("etl"), **services)
        start = time.perf_counter()
        model = STAGES["train"](dataset, asked.slice("train"), **services)
        seconds = time.perf_counter() - start
        report = STAGES["evaluate"](model, dataset, asked.slice("evaluate"), **services)
        came = Came(report.overall["accuracy"].value, seconds, model.selection["phase"])
        return came, planned.train, json.loads(services["store"].get(model.files["trials.json"]))


def interval(values: list[float]) -> tuple[float, float]:
    """Of the mean: a bootstrap over seeds."""
    rng = np.random.default_rng(0)
    means = rng.choice(values, (DRAWS, len(values))).mean(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


if __name__ == "__main__":
    main(*sys.argv[1:])
