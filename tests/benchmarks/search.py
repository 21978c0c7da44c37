"""The time of a search over heads, compared with the feature passes that it needs:
`python -m tests.benchmarks.search [FOLDER]`.

100 heads over four families, on the photos in FOLDER, which `aiwf data add` reads, or on 600 drawn
pictures, with one augmented view each. Goals: passes and search together take at most 1.5 times the
passes, and 100 heads less than three times as long as one head and the passes. Small drawn pictures
are decoded fast, so that heads take a larger share there than with photos."""

import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from stages.artifacts import Dataset
from stages.config import DataConfig, EtlConfig, EtlSlice, TrainConfig
from stages.etl import source
from stages.opening import open_store, resources_of
from stages.parts import FAMILIES, STAGES
from stages.settings import Settings
from stages.tracking import QuietRun
from stages.train.heads.backbone import backbone_file
from stages.train.heads.prepared import prepare
from stages.train.search.trial_search import search
from tests import makers
from tests.benchmarks.pipelines import services_of

MANY = 100
LITES = ("efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2")
NAMES = (*LITES, "squeezenet")


def main(folder: str = "") -> None:
    """Measure with the photos in `folder`, or with drawn pictures of three labels."""
    with TemporaryDirectory() as work:
        settings = Settings(workspace=Path(work))
        store, resources = open_store(settings), resources_of(settings)
        dataset = dataset_of(folder, settings) if folder else makers.dataset(store, each=200)
        config = TrainConfig(families=NAMES, trials=1)
        _, exports = timed(lambda: [backbone_file(FAMILIES[n], store, resources) for n in NAMES])
        prepared, passes = timed(
            lambda: prepare(dataset, config, store=store, run=QuietRun(), resources=resources)
        )
        seconds = {
            trials: timed(
                partial(search, prepared.problem, config, trials, resources, _hear, store=store)
            )[1]
            for trials in (1, MANY)
        }
    print(f"export of the backbones, once        {exports:6.1f} s")
    print_figures(len(prepared.views), passes, seconds, settings.threads)


def dataset_of(folder: str, settings: Settings) -> Dataset:
    """The Dataset that etl makes of `folder`."""
    source.add("data", Path(folder), settings)
    config = EtlSlice(task="image_classification", data=DataConfig(name="data"), etl=EtlConfig())
    raw, services = source.raw_data(config.data, settings), services_of(settings)
    dataset: Dataset = STAGES["etl"](raw, config, **services)
    return dataset


def _hear(_: object) -> None: ...


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """The result of `work`, and the seconds that it took."""
    start = time.perf_counter()
    return work(), time.perf_counter() - start


def print_figures(rows: int, passes: float, seconds: dict[int, float], threads: int) -> None:
    single, many = seconds[1], seconds[MANY]
    print(f"cores                             {threads}")
    print(f"feature passes, {len(NAMES)} families      {passes:6.1f} s for {rows} rows each")
    print(f"search of 1 head                  {single:6.1f} s")
    print(f"search of {MANY} heads               {many:6.1f} s")
    print(f"(passes + {MANY} heads) / passes     {1 + many / passes:6.2f} (goal: 1.5 at most)")
    print(f"{MANY} heads / (1 head + passes)     {many / (single + passes):6.2f} (goal: below 3)")


if __name__ == "__main__":
    main(*sys.argv[1:])
