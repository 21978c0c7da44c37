"""What a search of 50 heads costs beside one of a single head: `python -m tests.benchmarks.search`.

Prints wall times and their ratio; the goal is that 50 trials take less than three times what one
trial takes together with the feature pass that both need."""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from stages.config import TrainConfig
from stages.settings import Settings
from stages.tracking import QuietRun
from stages.train.prepared import prepare
from stages.train.search import search
from tests import makers

PICTURES = 600
MANY = 50
FAMILIES = ("efficientnet_lite0", "efficientnet_lite1")


def main(pictures: int = PICTURES) -> None:
    """Measure with `pictures` drawn pictures of three labels, each with one augmented view."""
    with TemporaryDirectory() as folder:
        settings = Settings(workspace=Path(folder))
        store = makers.store(Path(folder))
        dataset = makers.dataset(store, each=pictures // 3, views=1)
        config = TrainConfig(families=FAMILIES, trials=1)
        prepared, features = timed(
            lambda: prepare(dataset, config, store=store, run=QuietRun(), settings=settings)
        )
        seconds = {}
        for trials in (1, MANY):
            _, seconds[trials] = timed(
                lambda trials=trials: search(
                    prepared.problem, config, trials, settings, lambda _: None
                )
            )
    tell(len(prepared.views), features, seconds, settings.threads)


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """What `work` gives, and the seconds it took."""
    start = time.perf_counter()
    return work(), time.perf_counter() - start


def tell(rows: int, features: float, seconds: dict[int, float], threads: int) -> None:
    one, many = seconds[1], seconds[MANY]
    print(f"cores                        {threads}")
    print(f"feature pass, 2 families     {features:6.1f} s for {rows} rows each")
    print(f"search of 1 head             {one:6.1f} s")
    print(f"search of {MANY} heads           {many:6.1f} s")
    print(f"{MANY} heads / (1 head + pass)   {many / (one + features):6.2f} (goal: below 3)")
    print(f"{MANY} heads / 1 head            {many / one:6.2f}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
