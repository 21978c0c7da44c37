"""Windows per second through frozen backbones: our feature extraction and Paddle's eager forward.

`python -m tests.benchmarks.features [family ...]`. Both process the same windows of each family's
size in turn, on all cores of this machine; random weights are used, as they cost the same. The goal
is a ratio of four for the EfficientNet-Lites. `seconds a window`: processor time of one core."""

import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np

from stages.models.family import SCRATCH, Family
from stages.opening import resources_of
from stages.parts import FAMILIES
from stages.resources import Resources
from stages.settings import Settings
from stages.store import Store
from stages.train.distributed.single_threaded import load_single_threaded
from stages.train.heads.backbone import BackboneFile, backbone_file
from stages.train.heads.features import Extractor, Preprocessing, SampleView
from tests import makers

WINDOWS, BATCH, TURNS = 32, 16, 3
GOAL = 4.0
LITES = ("efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2")
NAMES = tuple(name for name in FAMILIES if FAMILIES[name].split_points)


@dataclass(frozen=True)
class Shown(Preprocessing):
    """Windows that are prepared already, so that only backbones are timed."""

    prepared: np.ndarray

    def windows(self, view: SampleView) -> np.ndarray:
        return self.prepared[view.number][None]


def main(names: tuple[str, ...]) -> None:
    resources = resources_of(Settings())
    os.environ["OMP_NUM_THREADS"] = str(resources.cores)  # before Paddle is imported
    print(f"{resources.cores} cores, windows a second")
    print(f"{'family':20} {'ours':>8} {'Paddle':>8} {'ratio':>6} {'seconds a window':>17}")
    with TemporaryDirectory() as folder:
        store = makers.store(Path(folder))
        ratios = {name: measure(FAMILIES[name], store, resources) for name in names}
    short = [name for name in LITES if ratios.get(name, GOAL) < GOAL]
    sys.exit(f"below {GOAL:g}: {', '.join(short)}" if short else 0)


def measure(family: Family, store: Store, resources: Resources) -> float:
    """Print the row of `family`, and return the ratio of ours to Paddle's."""
    rng = np.random.default_rng(0)
    windows = rng.standard_normal((WINDOWS, 3, family.size, family.size)).astype(np.float32)
    backbone = backbone_file(family.initialised_from(SCRATCH), store, resources)
    ways = (ours(backbone, windows, resources), paddles(family, windows))
    for way in ways:
        way()  # warm-up
    turns = [[seconds(way) for way in ways] for _ in range(TURNS)]
    mine, theirs = (WINDOWS / median(turn[place] for turn in turns) for place in (0, 1))
    alone = seconds_alone(backbone, windows)
    row = f"{family.name:20} {mine:8.1f} {theirs:8.1f} {mine / theirs:6.1f} {alone:17.4f}"
    print(row, flush=True)
    return mine / theirs


def ours(backbone: BackboneFile, windows: np.ndarray, resources: Resources) -> Callable[[], object]:
    store = makers.store(resources.scratch)
    preprocessing = Shown((), makers.dataset(store, each=5), store, windows)
    extractor = Extractor(backbone, preprocessing, resources, lambda done: None)
    views = [SampleView("", number) for number in range(WINDOWS)]
    return lambda: list(extractor._forward(views))


def paddles(family: Family, windows: np.ndarray) -> Callable[[], object]:
    import paddle

    layer = family.backbone()
    layer.eval()
    batches = [paddle.to_tensor(windows[k : k + BATCH]) for k in range(0, WINDOWS, BATCH)]

    def run() -> None:
        with paddle.no_grad():
            for batch in batches:
                layer(batch).numpy()

    return run


def seconds_alone(backbone: BackboneFile, windows: np.ndarray) -> float:
    """The median processor time for a window on one core, in seconds."""
    network, found = load_single_threaded(str(backbone.path)), []
    for window in windows:
        start = time.thread_time()
        network(window[None])
        found.append(time.thread_time() - start)
    return median(found)


def seconds(way: Callable[[], object]) -> float:
    start = time.perf_counter()
    way()
    return time.perf_counter() - start


if __name__ == "__main__":
    main(tuple(sys.argv[1:]) or NAMES)
