"""Feature maps at the split points: the output of the frozen stem of a backbone for every sample
and every augmented view.

They are computed once and cached, so that an epoch trains the unfrozen layers alone. float16 is
enough: what rounding changes is far below what an augmentation changes."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from stages.resources import Resources
from stages.store import Store
from stages.train.cost.finetune_budget import MAX_FEATURE_MAP_BYTES
from stages.train.distributed.single_threaded import load_single_threaded
from stages.train.finetune.finetune_problem import split_name, split_point_of
from stages.train.heads.backbone import backbone_file
from stages.train.heads.features import Preprocessing, ReportProgress, SampleView
from stages.train.heads.windows import Windows
from stages.train.search.search_space import Input

Floats = NDArray[np.float32]
Half = NDArray[np.float16]
Network = Callable[[Floats], Floats]


def feature_maps_of(
    model_input: Input,
    freezes: Sequence[str],
    preprocessing: Preprocessing,
    views: Sequence[SampleView],
    *,
    store: Store,
    resources: Resources,
    report_progress: ReportProgress,
) -> dict[str, Windows]:
    """The feature maps of `views`, in their order, by the names of their splits (`split_name`). A
    view is decoded once for all split points."""
    stems = {
        split_name(model_input, freeze): _stem(model_input, freeze, store, resources)
        for freeze in freezes
    }
    rows: dict[str, list[Half]] = {split: [] for split in stems}
    for done, stem_outputs in enumerate(
        _each(preprocessing, views, list(stems.values()), resources), 1
    ):
        for split, row in zip(rows, stem_outputs, strict=True):
            rows[split].append(row)
        report_progress(done)
    return {split: Windows.of(windows) for split, windows in rows.items()}


def views_within(wanted: int, samples: int, view_bytes: int) -> int:
    """How many augmented views of each sample are used: `wanted`, or as many as
    MAX_FEATURE_MAP_BYTES allow for `samples` samples, of which one view takes `view_bytes`."""
    return max(0, min(wanted, MAX_FEATURE_MAP_BYTES // max(1, samples * view_bytes) - 1))


def _each(
    preprocessing: Preprocessing,
    views: Sequence[SampleView],
    stems: list[Network],
    resources: Resources,
) -> Iterator[list[Half]]:
    def stem_outputs(view: SampleView) -> list[Half]:
        windows = preprocessing.windows(view)
        return [_rows(stem, windows) for stem in stems]

    with ThreadPoolExecutor(resources.cores) as pool:
        yield from pool.map(stem_outputs, views)


def _rows(stem: Network, windows: Floats) -> Half:
    return np.concatenate([stem(window[None]) for window in windows]).astype(np.float16)


def _stem(model_input: Input, freeze: str, store: Store, resources: Resources) -> Network:
    split_point = split_point_of(model_input, freeze)
    if not split_point:
        return lambda windows: windows
    return load_single_threaded(
        str(backbone_file(model_input.initialised_family, store, resources, split_point).path)
    )
