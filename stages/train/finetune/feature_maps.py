"""Maps at the cuts: what the frozen front of a backbone makes of every sample and every view of it.

They are made once, so that an epoch teaches the tail alone. Half precision is enough: what is lost
is far below what an augmentation changes."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from stages.settings import Settings
from stages.store import Store
from stages.train.cost.finetune_budget import MAPS
from stages.train.distributed.single_threaded import load_single_threaded
from stages.train.finetune.finetune_problem import at, cut_of
from stages.train.heads.backbone import backbone_file
from stages.train.heads.features import Preprocessing, ReportProgress, View
from stages.train.heads.windows import Windows
from stages.train.search.search_space import Input

Floats = NDArray[np.float32]
Half = NDArray[np.float16]
Network = Callable[[Floats], Floats]


def maps_of(
    one: Input,
    freezes: Sequence[str],
    preprocessing: Preprocessing,
    views: Sequence[View],
    *,
    store: Store,
    settings: Settings,
    tell: ReportProgress,
) -> dict[str, Windows]:
    """By `at(one, freeze)`: the maps of `views`, in their order. A view is decoded once for all
    cuts."""
    fronts = {at(one, freeze): _front(one, freeze, store, settings) for freeze in freezes}
    rows: dict[str, list[Half]] = {name: [] for name in fronts}
    for done, made in enumerate(_each(preprocessing, views, list(fronts.values()), settings), 1):
        for name, row in zip(rows, made, strict=True):
            rows[name].append(row)
        tell(done)
    return {name: Windows.of(found) for name, found in rows.items()}


def views_within(wanted: int, samples: int, one_view: int) -> int:
    """As many augmented views as are `wanted`, or as MAPS allows for so many samples, of which one
    view takes `one_view` bytes."""
    return max(0, min(wanted, MAPS // max(1, samples * one_view) - 1))


def _each(
    preprocessing: Preprocessing, views: Sequence[View], fronts: list[Network], settings: Settings
) -> Iterator[list[Half]]:
    def made(view: View) -> list[Half]:
        windows = preprocessing.windows(view)
        return [_rows(front, windows) for front in fronts]

    with ThreadPoolExecutor(settings.threads) as pool:
        yield from pool.map(made, views)


def _rows(front: Network, windows: Floats) -> Half:
    return np.concatenate([front(window[None]) for window in windows]).astype(np.float16)


def _front(one: Input, freeze: str, store: Store, settings: Settings) -> Network:
    cut = cut_of(one, freeze)
    if not cut:
        return lambda windows: windows
    return load_single_threaded(str(backbone_file(one.begun, store, settings, cut).path))
