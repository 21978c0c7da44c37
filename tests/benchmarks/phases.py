"""Both phases of a search against a random search of the same time:
`python -m tests.benchmarks.phases FOLDER [MINUTES] [SEEDS] [TASK] [FAMILY ...]`.

FOLDER is a folder for `aiwf data add`, best with a test split of its own; `{seed}` in it stands for
the seed. The two phases are heads on frozen features and then fine-tuning, or the race of
detectors and then the training of the best. The baseline draws all hyperparameters at random and
stops no trial early. It gets as many draws as fit into the same time, estimated from the work of
both phases and corrected by the wall times of earlier seeds. Both compute their own cached
features, train with as many workers and views, and choose by the same rule. The chosen models are
measured on the test split."""

import json
import logging
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np

from stages.artifacts import Model
from stages.config import PipelineConfig, TrainConfig
from stages.etl import source
from stages.parts import ANSWERS, STAGES, TASKS
from stages.runner.resolve import resolve
from stages.settings import Settings
from stages.train.search.trial_search import score_of
from tests.benchmarks import baselines
from tests.benchmarks.pipelines import dataset_of, services_of

DRAWS = 10_000  # of the bootstrap over seeds
EXTRA_WORK = 1.5  # times their work, for the first baseline: its trials are cheaper on average
BASELINES = {"heads": baselines.finetuning, "detectors": baselines.detectors}  # by trainer
PHASES = {1: "head", 2: "fine-tuned"}


class SearchResult(NamedTuple):
    """The result of a search: accuracy or AP50 on the test split, seconds, the selected network."""

    measured: float
    seconds: float
    network: str

    def __str__(self) -> str:
        return f"{100 * self.measured:.1f} % ({self.network}) in {self.seconds:.0f} s"


def main(
    folder: str,
    minutes: str = "6",
    seeds: str = "5",
    task: str = "image_classification",
    *families: str,
) -> None:
    """Print both results for each seed, and their mean difference with its interval."""
    logging.disable(logging.INFO)
    rows: list[tuple[SearchResult, SearchResult]] = []
    factor = EXTRA_WORK
    for seed in range(int(seeds)):
        train: dict[str, Any] = {"budget_minutes": float(minutes), "seed": seed, "growth": False}
        train |= {"families": families} if families else {}
        fields = {"name": "phases", "task": task, "data": "data", "train": train}
        pipeline = PipelineConfig.model_validate(fields)
        both, baseline = compared(Path(folder.format(seed=seed)), pipeline, factor)
        rows.append((both, baseline))
        print(f"seed {seed}: both phases {both}, random {baseline}", flush=True)
        took = [sum(result.seconds for result in way) for way in zip(*rows, strict=True)]
        factor *= took[0] / took[1]
    differences = [100 * (both.measured - baseline.measured) for both, baseline in rows]
    low, high = interval(differences)
    print(f"both phases {took[0]:.0f} s, random {took[1]:.0f} s")
    print(f"difference: {np.mean(differences):+.1f} points (95 %: {low:+.1f} to {high:+.1f})")


def compared(
    folder: Path, pipeline: PipelineConfig, factor: float
) -> tuple[SearchResult, SearchResult]:
    """The results of both phases, and of the baseline with `factor` times their work."""
    baseline_of = BASELINES[TASKS[pipeline.task].trainer]
    both, train, trials = measured(folder, pipeline, lambda train: [train])
    baseline, _, _ = measured(folder, pipeline, lambda _: baseline_of(train, trials, factor))
    return both, baseline


def measured(
    folder: Path, pipeline: PipelineConfig, way: Callable[[TrainConfig], list[TrainConfig]]
) -> tuple[SearchResult, TrainConfig, list[dict[str, Any]]]:
    """Run the searches that `way` makes of a plan, in a workspace of their own; returns the result
    of the best one, the plan, and all trials of that search."""
    with TemporaryDirectory(prefix="aiwf-phases-") as work:
        settings = Settings(workspace=Path(work))
        source.add("data", folder, settings)
        services, planned = services_of(settings), resolve(pipeline, settings)
        dataset = dataset_of(planned, settings, services)
        start = time.perf_counter()
        slices = [planned.model_copy(update={"train": train}) for train in way(planned.train)]
        models = [STAGES["train"](dataset, part.slice("train"), **services) for part in slices]
        seconds = time.perf_counter() - start
        model = max(models, key=validation_score)
        report = STAGES["evaluate"](model, dataset, slices[0].slice("evaluate"), **services)
        value = report.overall[ANSWERS[TASKS[pipeline.task].answers].headline[0]].value
        network = PHASES.get(model.selection.get("phase"), model.family)
        trials = json.loads(services["store"].get(model.files["trials.json"]))
        return SearchResult(value, seconds, network), planned.train, trials


def validation_score(model: Model) -> float:
    """The score by which `model` was selected; higher is better."""
    return score_of(model.selection["measures"], model.selection["metric"])


def interval(values: list[float]) -> tuple[float, float]:
    """The 95 % interval of the mean, by a bootstrap over seeds."""
    rng = np.random.default_rng(0)
    means = rng.choice(values, (DRAWS, len(values))).mean(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


if __name__ == "__main__":
    main(*sys.argv[1:])
