"""MLflow's limits on names, lengths and calls (mlflow/utils/validation.py of 3.17)."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from math import ceil
from typing import Any, NamedTuple

from stages.runtime.neutral import shown

LONGEST_KEY = 250
LONGEST_PARAM = 6000
LONGEST_TAG = 8000
MOST_ENTRIES = 100  # params, and tags, in one call
MOST_METRICS = 1000 - 2 * MOST_ENTRIES  # all together 1000


class Point(NamedTuple):
    """One value of a metric."""

    name: str
    value: float
    step: int


class Batch(NamedTuple):
    """What one call to MLflow may carry."""

    metrics: Sequence[Point]
    params: Mapping[str, str]
    tags: Mapping[str, str]


def key(name: str) -> str:
    """`name` in the letters that MLflow allows for keys; others become '_'."""
    clean = re.sub(r"[^\w\-. :/]", "_", name).strip("/.")
    return re.sub(r"/{2,}|/\.+/", "/", clean)[:LONGEST_KEY] or "_"


def text_of(value: Any, longest: int) -> str:
    """`value` as text of at most `longest` characters: strings as they are, others as JSON.

    Control characters, and what no database can store, are escaped."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    text = shown(text)
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def texts_of(table: Mapping[str, Any], longest: int) -> dict[str, str]:
    """`table` with keys and values as MLflow takes them."""
    return {key(name): text_of(value, longest) for name, value in table.items()}


def points(curve: Sequence[Mapping[str, float]], first: int = 0) -> list[Point]:
    """A curve (one table of metrics for each epoch) as points, from epoch `first` on."""
    return [
        Point(key(name), float(value), step)
        for step, metrics in enumerate(curve[first:], first)
        for name, value in metrics.items()
    ]


def batches(
    metrics: Sequence[Point] = (), params: Mapping[str, Any] = {}, tags: Mapping[str, Any] = {}
) -> Iterator[Batch]:
    """Split what is to be logged into as few calls as MLflow's limits allow, mostly one."""
    param_texts, marks = texts_of(params, LONGEST_PARAM), texts_of(tags, LONGEST_TAG)
    calls = max(
        ceil(len(metrics) / MOST_METRICS),
        ceil(len(param_texts) / MOST_ENTRIES),
        ceil(len(marks) / MOST_ENTRIES),
    )
    for call in range(calls):
        some = metrics[call * MOST_METRICS : (call + 1) * MOST_METRICS]
        yield Batch(some, _part(param_texts, call), _part(marks, call))


def _part(table: Mapping[str, str], call: int) -> dict[str, str]:
    return dict(islice(table.items(), call * MOST_ENTRIES, (call + 1) * MOST_ENTRIES))
