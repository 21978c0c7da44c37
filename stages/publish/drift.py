"""Drift of what is asked in use against the data of the live package, week by week.

Only the random share counts: what is doubtful differs from training by its nature. The two sets are
compared by the two-sample test of metrics/two_samples.py, on what the package itself makes of a
sample: its network's outputs, which show most shifts (Rabanser, Günnemann and Lipton, Failing
Loudly, arXiv 1810.11953), beside the prepared input in coarse cells, which shows those of light or
noise that leave the outputs as they are. Labels are not compared one by one, as nobody has labelled
use yet: a different mixture of labels counts as drift, too. A week is compared with the test
samples: a network is surer of what it learned from than of anything new, which would look like
drift."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.artifacts import Measure, Package, Ref
from stages.closure import code_of
from stages.etl.manifest import samples_of
from stages.evaluate.labels.traits import SURE
from stages.evaluate.subject import opened
from stages.memo import CachedContent
from stages.metrics.two_samples import classifier_two_sample_test, flags_of
from stages.opening import open_store
from stages.publish.collected import EXPIRED, RANDOM, REFUSED, CollectedInput, CollectedInputs
from stages.publish.comparing import dataset_of
from stages.runtime.errors import BadSample
from stages.runtime.predictor import Predictor
from stages.settings import Settings
from stages.store import Store

FEWEST = 20  # inputs of a week that are needed
MOST = 200  # of each side
CELLS = 6  # of each side of a picture, or along a spectrogram

Numbers = NDArray[np.float64]
Fetch = Callable[[], bytes]


class WeekOfUse(NamedTuple):
    """A week of use against the data. `week`: as 2026-W48. `auc`: how well both can be told apart,
    0.5 if not at all; None with too few inputs. `p`: of the test."""

    week: str
    inputs: int
    auc: Measure | None = None
    p: float = 1.0

    @property
    def differs(self) -> bool:
        """Whether the week surely differs from the data."""
        return self.auc is not None and self.p <= SURE


def weeks_of_use(pipeline: str, package: str, settings: Settings) -> list[WeekOfUse]:
    """The weeks of `pipeline`, the oldest first, against the test samples of `package`, an id.

    Raises ConfigError if the store does not know what that was."""
    store, inputs = open_store(settings), CollectedInputs(pipeline, settings)
    loaded: Package = store.load(Ref("package", package))
    weeks = _by_week([each for each in inputs.all() if _counts(each)])
    key = [
        "drift",
        package,
        {week: [each.digest for each in found] for week, found in weeks.items()},
    ]

    def make() -> CachedContent:
        return CachedContent({"weeks": _compared(loaded, weeks, inputs, store)})

    facts = store.memo(key, code_of("stages.publish.drift"), make).facts
    return [_read(week) for week in facts["weeks"]]


def _counts(found: CollectedInput) -> bool:
    return found.reason == RANDOM and found.state not in (EXPIRED, REFUSED)


def _by_week(inputs: Sequence[CollectedInput]) -> dict[str, list[CollectedInput]]:
    weeks: defaultdict[str, list[CollectedInput]] = defaultdict(list)
    for each in inputs:
        year, week, _ = datetime.fromisoformat(each.when).isocalendar()
        weeks[f"{year}-W{week:02}"].append(each)
    return dict(sorted(weeks.items()))


def _compared(
    package: Package,
    weeks: dict[str, list[CollectedInput]],
    inputs: CollectedInputs,
    store: Store,
) -> list[dict[str, Any]]:
    """The record of each week."""
    dataset = dataset_of(package, store)
    in_use = {each.digest for collected in weeks.values() for each in collected}
    tested = {sample.digest for sample in samples_of(dataset, store, "test")} - in_use
    with opened(str(package.ref), store) as subject:
        predictor = subject.predictor()
        before = facts_of([partial(store.get, each) for each in sorted(tested)[:MOST]], predictor)
        found = []
        for week, collected in weeks.items():
            fetches = [inputs.path(each.digest).read_bytes for each in collected[-MOST:]]
            found.append(week_against(week, len(collected), before, facts_of(fetches, predictor)))
    return [
        {**week._asdict(), "auc": week.auc.model_dump() if week.auc else None} for week in found
    ]


def week_against(name: str, count: int, before: Numbers, after: Numbers) -> WeekOfUse:
    if len(after) < FEWEST or len(before) < FEWEST:
        return WeekOfUse(name, count)
    both = np.concatenate([before, after])
    both = (both - both.mean(axis=0)) / np.maximum(both.std(axis=0), 1e-6)
    labels = np.zeros(len(both), np.int64)
    flags = flags_of(np.arange(len(both)) >= len(before), labels)
    apart = classifier_two_sample_test(both, flags, labels)
    return WeekOfUse(name, count, apart.auc, apart.p)


def facts_of(fetches: Sequence[Fetch], predictor: Predictor) -> Numbers:
    """What `predictor` makes of samples, [samples, facts]: the means of its outputs, and
    `cells_of` its prepared input. A sample that cannot be read, or whose bytes are gone, is left
    out."""
    rows = []
    for fetch in fetches:
        try:
            windows = predictor.prepare(fetch()).windows
        except (BadSample, OSError):
            continue
        outputs = [np.asarray(each, np.float64) for each in predictor.forward(windows)]
        cells = cells_of(np.asarray(windows, np.float64).mean(axis=0))
        means = [each.reshape(len(windows), -1).mean(axis=0)[:256] for each in outputs]
        rows.append(np.concatenate([cells, *means]))
    return np.stack(rows) if rows else np.zeros((0, 0))


def cells_of(window: Numbers) -> Numbers:
    """The means of CELLS x CELLS cells of each channel of `window` [..., height, width], then each
    channel's deviation and the mean step from a value to the next, across and down: noise and
    blur change these, and leave the means."""
    planes = window.reshape(-1, *window.shape[-2:]) if window.ndim > 1 else window.reshape(1, 1, -1)
    rows = np.array_split(np.arange(planes.shape[1]), min(CELLS, planes.shape[1]))
    columns = np.array_split(np.arange(planes.shape[2]), min(CELLS, planes.shape[2]))
    means = [
        plane[np.ix_(row, column)].mean() for plane in planes for row in rows for column in columns
    ]
    steps = [
        np.abs(np.diff(plane, axis=axis)).mean() if plane.shape[axis] > 1 else 0.0
        for plane in planes
        for axis in (0, 1)
    ]
    return np.array([*means, *planes.std(axis=(1, 2)), *steps])


def _read(record: dict[str, Any]) -> WeekOfUse:
    return WeekOfUse(**{**record, "auc": Measure(**record["auc"]) if record["auc"] else None})
