"""The features that a frozen backbone gives for each sample and view: computed once, cached by
digest.

One window goes through the network at a time, on one core; several windows run side by side. So a
row is the same to the last bit whatever else is computed, on any number of cores. A sample's row is
the mean over its windows: a linear head's logits for it are the mean of its logits for each."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.artifacts import Dataset, Step
from stages.closure import Code, code_of
from stages.etl.augment import view_of
from stages.memo import CachedContent, Scope
from stages.models.arrays import pack_arrays, unpack_arrays
from stages.settings import Settings
from stages.store import Store
from stages.train.distributed.single_threaded import load_single_threaded
from stages.train.heads.backbone import BackboneFile

SHARD = 256  # rows; at most so many are lost when a run is killed
ROWS = "rows.npz"  # the file of an entry; its facts are the names of the rows

Row = NDArray[np.float32]
ReportProgress = Callable[[int], None]


class SampleView(NamedTuple):
    """A sample by digest; number 0 is the sample itself, others are augmented."""

    digest: str
    number: int = 0

    @property
    def name(self) -> str:
        return f"{self.digest}/{self.number}"


@dataclass(frozen=True)
class Preprocessing:
    """How samples of a dataset become inputs of a network: the steps `before` it, and the
    augmentations of a view."""

    before: tuple[Step, ...]
    dataset: Dataset
    store: Store

    def windows(self, view: SampleView) -> NDArray[np.float32]:
        """The network's input for `view`, [windows, ...]."""
        steps = [step.model_dump() for step in self.before]
        data = self.store.get(view.digest)
        shown = view_of(steps, data, self.dataset, view.digest, view.number)
        return shown.windows.astype(np.float32, copy=False)

    def key(self, augmented: bool) -> list[Any]:
        """Equal for equal preprocessing; the views' names tell samples apart."""
        key: list[Any] = [[step.model_dump() for step in self.before]]
        return [*key, self.dataset.augmentations, self.dataset.seed] if augmented else key

    def code(self, augmented: bool) -> Code:
        """The code that makes features of these windows."""
        network = "stages.train.distributed.single_threaded"
        steps = [step.step for step in self.before]
        if augmented:
            config = [*steps, *self.dataset.augmentations]
            return code_of("stages.etl.augment", network, config=config)
        return code_of("stages.runtime.steps", network, config=steps)


@dataclass(frozen=True)
class Extractor:
    """A backbone with its preprocessing. `report_progress` is called with the number of finished
    rows."""

    backbone: BackboneFile
    preprocessing: Preprocessing
    settings: Settings
    report_progress: ReportProgress

    def rows(self, views: Sequence[SampleView]) -> NDArray[np.float32]:
        """The features of `views`, in their order: [views, features]. Cached rows are not
        computed."""
        row_of: dict[str, Row] = {}
        for augmented in (False, True):
            wanted = [view for view in dict.fromkeys(views) if bool(view.number) == augmented]
            if wanted:
                self._add_rows(wanted, augmented, row_of)
        return np.stack([row_of[view.name] for view in views])

    def _add_rows(self, views: list[SampleView], augmented: bool, row_of: dict[str, Row]) -> None:
        """Add the rows of `views` to `row_of`, from the cache or computed and cached."""
        scope = self._scope(augmented)
        cached = _rows(scope)
        missing = [view for view in views if view.name not in cached]
        row_of.update({view.name: cached[view.name] for view in views if view.name in cached})
        done = len(row_of)
        self.report_progress(done)
        for start in range(0, len(missing), SHARD):
            part = missing[start : start + SHARD]
            shard = {}
            for view, row in zip(part, self._forward(part), strict=True):
                shard[view.name] = row
                self.report_progress(done + start + len(shard))
            data = pack_arrays({"rows": np.stack(list(shard.values()))})
            scope.keep(list(shard), CachedContent(list(shard), {ROWS: data}))
            row_of.update(shard)

    def _forward(self, views: list[SampleView]) -> Iterator[Row]:
        network = self._network
        with ThreadPoolExecutor(self.settings.threads) as pool:
            yield from pool.map(
                lambda view: mean_row(network, self.preprocessing.windows(view)), views
            )

    @cached_property
    def _network(self) -> Callable[[NDArray[np.float32]], Row]:
        network = load_single_threaded(str(self.backbone.path))
        return lambda window: network(window)[0]

    def _scope(self, augmented: bool) -> Scope:
        """Where the rows are cached, as many in an entry as were computed together."""
        key = ["features", self.backbone.digest, *self.preprocessing.key(augmented)]
        memo = self.preprocessing.store.memo
        return memo.scope(key, self.preprocessing.code(augmented))


def _rows(scope: Scope) -> dict[str, Row]:
    """All rows in `scope` by name."""
    rows: dict[str, Row] = {}
    for content in scope.contents():
        rows.update(zip(content.facts, unpack_arrays(content.data(ROWS))["rows"], strict=True))
    return rows


def mean_row(network: Callable[[NDArray[np.float32]], Row], windows: NDArray[np.float32]) -> Row:
    """The mean output of `network` over `windows`."""
    rows = [network(window[None]) for window in windows]
    mean: Row = np.stack(rows).mean(axis=0, dtype=np.float64).astype(np.float32)
    return rows[0] if len(rows) == 1 else mean
