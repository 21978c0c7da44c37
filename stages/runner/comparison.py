"""Comparing two runs: what changed, what it did, and whether a run made again is the same."""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from stages.artifacts import Artifact, Measure, Ref
from stages.evaluate.side_by_side import SideBySide, side_by_side
from stages.runner.lock import Lock
from stages.runner.planning import flat_changes
from stages.runner.shipped import shipped, trained, trained_of
from stages.store import Store

ELSEWHERE = "its id; the first record is not in this store"


class Sameness(NamedTuple):
    """`verdict`: 'same' (equal ids), 'equivalent' (metrics within noise) or 'different'."""

    task: str
    verdict: str
    where: str = ""


def compare(task: str, first: Artifact, again: Artifact) -> Sameness:
    """Compare an artifact with the one of a second run, and name where they first differ."""
    if first.ref == again.ref:
        return Sameness(task, "same")
    changes = flat_changes(first.model_dump(mode="json"), again.model_dump(mode="json"))
    where = next((key for key in changes if not key.startswith("parents")), "its parents")
    # another JPEG library draws other thumbnails; a page does not affect training
    close = list(changes) == ["files.page.html"] or _within_noise(first, again)
    return Sameness(task, "equivalent" if close else "different", where)


def compare_by_metrics(task: str, metrics: Mapping[str, float], again: Artifact) -> Sameness:
    """Compare by the metrics in the first run's lock, if its artifact is not in this store."""
    overall: dict[str, Measure] = getattr(again, "overall", {})
    recorded = {name: metrics.get(f"{task}.{name}", math.nan) for name in overall}
    close = bool(recorded) and all(
        overall[name].low <= recorded[name] <= overall[name].high for name in recorded
    )
    return Sameness(task, "equivalent" if close else "different", ELSEWHERE)


def _within_noise(first: Artifact, again: Artifact) -> bool:
    """Whether each overall metric of one lies within the other's 95 % interval."""
    mine: dict[str, Measure] = getattr(first, "overall", {})
    other: dict[str, Measure] = getattr(again, "overall", {})
    if not mine or mine.keys() != other.keys():
        return False
    pairs = [(mine[name], other[name]) for name in mine]
    return all(a.low <= b.value <= a.high and b.low <= a.value <= b.high for a, b in pairs)


def settle(comparisons: list[Sameness]) -> list[Sameness]:
    """Call different models equivalent if the reports on them are, and likewise artifacts that are
    not in this store and so cannot be compared in detail."""
    close = any(
        comparison.task == "evaluate" and comparison.verdict != "different"
        for comparison in comparisons
    )
    return [
        comparison._replace(verdict="equivalent")
        if comparison.verdict == "different"
        and close
        and (comparison.task == "train" or comparison.where == ELSEWHERE)
        else comparison
        for comparison in comparisons
    ]


def differences(first: Lock, second: Lock) -> dict[str, dict[str, tuple[Any, Any]]]:
    """What of data, config, code, environment changed between two runs: key -> (first, second)."""
    config = flat_changes(first.config, second.config)
    return {
        "data": flat_changes(first.data, second.data),
        "config": {key: pair for key, pair in config.items() if not key.startswith("data.")},
        "code": _changed(first.code, second.code),
        "environment": _changed(_environment(first), _environment(second)),
    }


def _changed(first: Mapping[str, str], second: Mapping[str, str]) -> dict[str, tuple[Any, Any]]:
    """The changes of keys that both have: code and libraries of a task that one run did not come to
    are no change."""
    both = sorted(first.keys() & second.keys())
    return flat_changes({key: first[key] for key in both}, {key: second[key] for key in both})


def _environment(lock: Lock) -> dict[str, str]:
    return {"requirements": lock.requirements, **lock.versions, **lock.machine}


def verdicts(first: Lock, second: Lock, store: Store) -> dict[str, tuple[str, str]]:
    """The verdicts, in words, that changed between two runs, by target or 'trained model'.

    A target that only one of the runs asks for is left out: it is a difference of the config."""
    sides = [_verdicts(lock, store) for lock in (first, second)]
    both = [name for name in sides[0] if name in sides[1]]
    pairs = {name: (sides[0][name], sides[1][name]) for name in both}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def _verdicts(lock: Lock, store: Store) -> dict[str, str]:
    report = trained_of(lock, store)
    lines = [*shipped(lock, store), *([trained(report)] if report else [])]
    return {line.name: line.verdict for line in lines}


class Effect(NamedTuple):
    """One metric of two runs: better, worse, equal, or undecided (the intervals overlap)."""

    metric: str
    first: Measure
    second: Measure
    verdict: str


def trained_models(first: Lock, second: Lock, store: Store) -> SideBySide | None:
    """The trained models of two runs on the test samples that both answered; None if a run has no
    report in this store. Raises what `side_by_side` raises."""
    reports = [trained_of(lock, store) for lock in (first, second)]
    if reports[0] is None or reports[1] is None:
        return None
    return side_by_side(reports[0], reports[1], store)


LOWER_IS_BETTER = {"log_loss"}


def effects(first: Lock, second: Lock, store: Store) -> list[Effect]:
    """What the changes did to the overall metrics of each package, then of the trained model."""
    found: list[Effect] = []
    both = [task for task in first.artifacts if task in second.artifacts]
    for task in sorted(both, key=lambda task: not task.startswith("deploy")):
        sides = [_overall(lock.artifacts[task], store) for lock in (first, second)]
        for name in sides[0]:
            if name in sides[1]:
                found.append(_effect(f"{task}.{name}", name, sides[0][name], sides[1][name]))
    return found


def _overall(ref: Ref, store: Store) -> dict[str, Measure]:
    """The overall metrics of `ref`; none if it has none or is not in this store."""
    overall: dict[str, Measure] = (
        getattr(store.load(ref), "overall", {}) if store.holds(ref) else {}
    )
    return overall


def _effect(label: str, name: str, a: Measure, b: Measure) -> Effect:
    if a == b:
        return Effect(label, a, b, "equal")
    if a.low <= b.high and b.low <= a.high:
        return Effect(label, a, b, "undecided")
    better = (b.value < a.value) if name in LOWER_IS_BETTER else (b.value > a.value)
    return Effect(label, a, b, "better" if better else "worse")
