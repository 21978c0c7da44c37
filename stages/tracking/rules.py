"""What MLflow takes: names, lengths, and how much in one call (mlflow/utils/validation.py of 3.17)."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

LONGEST_KEY = 250
LONGEST_PARAM = 6000
LONGEST_TAG = 8000
MOST_METRICS = 1000
MOST_WORDS = 100  # params, and tags, in one call


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


def word(value: Any, longest: int) -> str:
    """`value` as text of at most `longest` characters: strings as they are, others as JSON."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def words(table: Mapping[str, Any], longest: int) -> dict[str, str]:
    """`table` with keys and values as MLflow takes them."""
    return {key(name): word(value, longest) for name, value in table.items()}


def points(curve: Sequence[Mapping[str, float]]) -> list[Point]:
    """A curve (one table of metrics for each epoch) as points."""
    return [
        Point(key(name), float(value), step)
        for step, metrics in enumerate(curve)
        for name, value in metrics.items()
    ]


def batches(
    metrics: Sequence[Point] = (), params: Mapping[str, Any] = {}, tags: Mapping[str, Any] = {}
) -> Iterator[Batch]:
    """Cut what is to be logged into calls that MLflow takes; mostly that is one."""
    said, marks = words(params, LONGEST_PARAM), words(tags, LONGEST_TAG)
    if (
        len(metrics) + len(said) + len(marks) <= MOST_METRICS
        and max(len(said), len(marks)) <= MOST_WORDS
    ):
        yield Batch(metrics, said, marks)
        return
    for start in range(0, len(metrics), MOST_METRICS):
        yield Batch(metrics[start : start + MOST_METRICS], {}, {})
    for some in _cut(said):
        yield Batch((), some, {})
    for some in _cut(marks):
        yield Batch((), {}, some)


def _cut(table: Mapping[str, str]) -> Iterator[dict[str, str]]:
    pairs = list(table.items())
    for start in range(0, len(pairs), MOST_WORDS):
        yield dict(pairs[start : start + MOST_WORDS])
