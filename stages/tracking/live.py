"""Records trials as nested runs while they are trained, from their first report to their end."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from stages.tracking import TrialProgress, TrialRecord, rules
from stages.tracking.run_tree import RunTree

Send = Callable[[str, rules.Batch], None]
Put = Callable[[Callable[[], None]], None]


@dataclass
class Child:
    """What is known of one trial, and how much of it was sent to its run in MLflow."""

    name: str
    params: Mapping[str, Any]
    began: int
    curve: Sequence[Mapping[str, float]] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    ended: bool = False
    run: str = ""
    named: bool = False
    sent: int = 0
    closed: bool = False


class Live:
    """Collects reports about trials and sends what is new whenever the writer is free.

    So a slow server gets longer calls, not a longer queue of calls."""

    def __init__(self, tree: RunTree, send: Send, put: Put) -> None:
        self._tree, self._send, self._put = tree, send, put
        self._children: dict[str, Child] = {}
        self._waiting: dict[str, Child] = {}  # those with something to send
        self._scheduled = False  # whether a flush waits in the writer's queue
        self._lock = Lock()

    def heard(self, standing: TrialProgress) -> None:
        """Take in the progress of a trial."""
        self._new(standing, {}, standing.ended)

    def ended(self, trials: Sequence[TrialRecord]) -> None:
        """Take in `trials` that have ended."""
        for trial in trials:
            self._new(trial, trial.tags, True)

    def flush(self) -> None:
        """Send all that is new; what a call did not take waits for the next one."""
        self._scheduled = False
        while child := self._taken():
            try:
                self._bring(child)
            except Exception:
                self._wait(child)
                raise

    def close(self, status: str) -> None:
        """Send all that is new, and end with `status` what has not ended."""
        self.flush()
        for child in self._children.values():
            self._close(child, status)

    def _new(
        self, report: TrialProgress | TrialRecord, tags: Mapping[str, str], ended: bool
    ) -> None:
        with self._lock:
            born = Child(report.name, report.params, int(time.time() * 1000))
            child = self._children.setdefault(report.name, born)
            child.curve = max(
                child.curve, report.curve, key=len
            )  # a trial that is trained again reports its curve again
            child.tags, child.ended = tags or child.tags, ended or child.ended
            self._waiting[child.name] = child
            scheduled, self._scheduled = self._scheduled, True
        if not scheduled:
            self._put(self.flush)

    def _taken(self) -> Child | None:
        with self._lock:
            return self._waiting.pop(next(iter(self._waiting))) if self._waiting else None

    def _wait(self, child: Child) -> None:
        with self._lock:
            self._waiting[child.name] = child

    def _bring(self, child: Child) -> None:
        curve, tags, ended = child.curve, child.tags, child.ended
        child.run = child.run or self._tree.child(child.name, tags, child.began)
        params = {} if child.named else child.params
        for batch in rules.batches(rules.points(curve, child.sent), params, tags):
            self._send(child.run, batch)
        child.named, child.sent = True, len(curve)
        if ended:
            self._close(child, "FINISHED")

    def _close(self, child: Child, status: str) -> None:
        if child.run and not child.closed:
            self._tree.client.set_terminated(child.run, status)
            child.closed = True
