"""Computes the feature maps at the split points of a backbone: the outputs of its frozen stems for
every sample and every augmented view.

They are computed once and held in memory, so that an epoch passes through the unfrozen layers
alone. float16 is enough: rounding changes them far less than an augmentation does."""

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
    """The feature maps of `views`, in their order, by the name of the split (`split_name`), one for
    each of `freezes`; each float16. A view is decoded once for all split points.
    `report_progress(done)` is called after each view. Raises what `backbone_file` raises."""
    stems = {
        split_name(model_input, freeze): _stem(model_input, freeze, store, resources)
        for freeze in freezes
    }
    rows: dict[str, list[Half]] = {split: [] for split in stems}
    for done, stem_outputs in enumerate(
        _outputs_of_views(preprocessing, views, list(stems.values()), resources), 1
    ):
        for split, row in zip(rows, stem_outputs, strict=True):
            rows[split].append(row)
        report_progress(done)
    return {split: Windows.of(windows) for split, windows in rows.items()}


def views_within(wanted: int, samples: int, view_bytes: int) -> int:
    """How many augmented views of each sample are used: `wanted`, or fewer if the feature maps of
    all views of `samples` samples, each of `view_bytes` bytes, would take more than
    MAX_FEATURE_MAP_BYTES."""
    return max(0, min(wanted, MAX_FEATURE_MAP_BYTES // max(1, samples * view_bytes) - 1))


def _outputs_of_views(
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
        str(backbone_file(model_input.initialised_family, store, resources, parts=split_point).path)
    )
