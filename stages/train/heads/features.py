"""Computes the features of a frozen backbone for each sample and view, once, and caches them.

One window goes through the network at a time, on one core; several windows run in parallel. So a
row of features is equal to the last bit whatever else is computed, on any number of cores. A
sample's row is the mean over its windows: a linear head's logits for it are the mean of its logits
for each."""

from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
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
from stages.resources import Resources
from stages.store import Store
from stages.train.distributed.single_threaded import load_single_threaded
from stages.train.heads.backbone import BackboneFile

ENTRY_ROWS = 256  # rows of a cache entry; at most so many are lost when a run is killed
PIECE_ROWS = 16  # rows that a worker of a cluster computes at a time
REMEDY = "Free some memory, or unset AIWF_RAY to compute features on this machine."
ROWS = "rows.npz"  # the file of an entry; its facts are the names of the rows

Row = NDArray[np.float32]
ReportProgress = Callable[[int], None]


class SampleView(NamedTuple):
    """A view of the sample with this `digest`: with `number` 0 the sample itself, with others an
    augmented copy, always the same for equal numbers."""

    digest: str
    number: int = 0

    @property
    def name(self) -> str:
        """The name of its row in the cache."""
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
        augmented = view_of(steps, data, self.dataset, view.digest, view.number)
        return augmented.windows.astype(np.float32, copy=False)

    def key(self, augmented: bool) -> list[Any]:
        """The part of a cache key that says how views are preprocessed; with `augmented`, also how
        they are augmented."""
        key: list[Any] = [[step.model_dump() for step in self.before]]
        return [*key, self.dataset.augmentations, self.dataset.seed] if augmented else key

    def code(self, augmented: bool) -> Code:
        """The code that computes features of these windows, for the cache."""
        network = "stages.train.distributed.single_threaded"
        steps = [step.step for step in self.before]
        if augmented:
            config = [*steps, *self.dataset.augmentations]
            return code_of("stages.etl.augment", network, config=config)
        return code_of("stages.runtime.steps", network, config=steps)


@dataclass(frozen=True)
class Extractor:
    """Computes the features of a `backbone` for preprocessed views. `report_progress` is called
    with the number of rows that are done. `on_cluster`: compute rows on the machines of the Ray
    cluster that `resources` name, and not in threads of this process; the rows are equal."""

    backbone: BackboneFile
    preprocessing: Preprocessing
    resources: Resources
    report_progress: ReportProgress
    on_cluster: bool = False

    def rows(self, views: Sequence[SampleView]) -> NDArray[np.float32]:
        """The features of `views`, in their order: [views, features]. Rows that are in the cache
        are not computed; others are added to it. Raises InfrastructureError if the cluster
        fails."""
        row_of: dict[str, Row] = {}
        for augmented in (False, True):
            wanted = [view for view in dict.fromkeys(views) if bool(view.number) == augmented]
            if wanted:
                self._add_rows(wanted, augmented, row_of)
        return np.stack([row_of[view.name] for view in views])

    def _add_rows(self, views: list[SampleView], augmented: bool, row_of: dict[str, Row]) -> None:
        """Add the rows of `views` to `row_of`, by the views' names: from the cache, or computed,
        and then cached."""
        scope = self._scope(augmented)
        cached = _rows(scope)
        missing = [view for view in views if view.name not in cached]
        row_of.update({view.name: cached[view.name] for view in views if view.name in cached})
        feature_pass = FeaturePass(missing, scope, row_of, self.report_progress)
        if self.on_cluster and missing:
            self._compute_on_cluster(feature_pass)
        else:
            self._compute_here(feature_pass)
        feature_pass.flush()

    def _compute_here(self, feature_pass: "FeaturePass") -> None:
        while piece := feature_pass.next(ENTRY_ROWS):
            rows: list[Row] = []
            for row in self._forward(piece):
                rows.append(row)
                feature_pass.on_report(piece, len(rows))
            feature_pass.on_result(piece, rows)

    def _compute_on_cluster(self, feature_pass: "FeaturePass") -> None:
        from stages.train.distributed.executor import worker_pool

        onnx = self.backbone.path.read_bytes()
        with worker_pool(
            FeatureWorker,
            (onnx, self.preprocessing),
            self.resources,
            shared_bytes=len(onnx),
            worker_data=4 * len(onnx),
            workers=-(-len(feature_pass.waiting) // PIECE_ROWS),
            remedy=REMEDY,
        ) as executor:
            executor.run(feature_pass)

    def _forward(self, views: list[SampleView]) -> Iterator[Row]:
        network = self._network
        with ThreadPoolExecutor(self.resources.cores) as pool:
            yield from pool.map(
                lambda view: mean_row(network, self.preprocessing.windows(view)), views
            )

    @cached_property
    def _network(self) -> Callable[[NDArray[np.float32]], Row]:
        network = load_single_threaded(str(self.backbone.path))
        return lambda window: network(window)[0]

    def _scope(self, augmented: bool) -> Scope:
        """The part of the cache that has the rows; an entry has those that were computed
        together."""
        key = ["features", self.backbone.digest, *self.preprocessing.key(augmented)]
        memo = self.preprocessing.store.memo
        return memo.scope(key, self.preprocessing.code(augmented))


class FeaturePass:
    """Gives out the views whose rows are `missing`, and caches the rows that come: an executor's
    Source. Adds the rows to `row_of`, and reports progress."""

    def __init__(
        self,
        missing: Sequence[SampleView],
        scope: Scope,
        row_of: dict[str, Row],
        report_progress: ReportProgress,
    ) -> None:
        self.waiting = deque(missing)
        self.scope, self.row_of, self.report_progress = scope, row_of, report_progress
        self.in_progress: dict[SampleView, int] = {}  # rows of a part, by its first view
        self.uncached: dict[str, Row] = {}
        report_progress(len(row_of))

    def next(self, size: int = PIECE_ROWS) -> list[SampleView] | None:
        """The next piece: at most `size` views; None if all are given out."""
        return [self.waiting.popleft() for _ in range(min(size, len(self.waiting)))] or None

    def on_report(self, piece: list[SampleView], finished: int) -> None:
        """Report that so many rows of `piece` are `finished`."""
        self.in_progress[piece[0]] = finished
        finished_rows = len(self.row_of) + len(self.uncached)
        self.report_progress(finished_rows + sum(self.in_progress.values()))

    def resume(self, piece: list[SampleView]) -> list[SampleView]:
        """The same piece; its rows are computed again."""
        self.in_progress.pop(piece[0], None)
        return piece

    def on_result(self, piece: list[SampleView], rows: Sequence[Row]) -> None:
        """Take the `rows` of `piece`; cache those that are not cached if they are ENTRY_ROWS."""
        self.in_progress.pop(piece[0], None)
        self.uncached.update(zip([view.name for view in piece], rows, strict=True))
        if len(self.uncached) >= ENTRY_ROWS:
            self.flush()

    def flush(self) -> None:
        """Cache the rows that are not cached yet, in one entry."""
        if self.uncached:
            names, rows = list(self.uncached), np.stack(list(self.uncached.values()))
            self.scope.keep(names, CachedContent(names, {ROWS: pack_arrays({"rows": rows})}))
            self.row_of.update(self.uncached)
            self.uncached = {}


class FeatureWorker:
    """Computes rows on a machine of a cluster: an executor's PieceWorker. `shared`: the backbone as
    ONNX, and its preprocessing, whose store is opened there when it is unpickled."""

    def __init__(self, shared: tuple[bytes, Preprocessing]) -> None:
        onnx, self.preprocessing = shared
        self.network = load_single_threaded(onnx)

    def work(self, piece: list[SampleView]) -> Generator[int, None, list[Row]]:
        """Yields how many rows are done; returns the rows of `piece`."""
        rows: list[Row] = []
        for view in piece:
            windows = self.preprocessing.windows(view)
            rows.append(mean_row(lambda window: self.network(window)[0], windows))
            yield len(rows)
        return rows


def _rows(scope: Scope) -> dict[str, Row]:
    """All rows that are cached in `scope`, by name."""
    rows: dict[str, Row] = {}
    for content in scope.contents():
        rows.update(zip(content.facts, unpack_arrays(content.data(ROWS))["rows"], strict=True))
    return rows


def mean_row(network: Callable[[NDArray[np.float32]], Row], windows: NDArray[np.float32]) -> Row:
    """The mean output of `network` over `windows` [windows, ...]: [features]. `network` maps a
    batch of one window to its features."""
    rows = [network(window[None]) for window in windows]
    mean: Row = np.stack(rows).mean(axis=0, dtype=np.float64).astype(np.float32)
    return rows[0] if len(rows) == 1 else mean
