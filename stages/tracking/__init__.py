"""Interfaces through which a stage records parameters, metrics, tags, files and trials."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True)
class TrialRecord:
    """A trial that has ended, to be recorded as a nested run. `curve`: metrics by epoch."""

    name: str
    params: Mapping[str, Any]
    curve: Sequence[Mapping[str, float]]
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class TrialProgress:
    """The progress of a trial that is being trained.

    `name` has the trial's number, as in all records and pages. `epoch` counts to at most `epochs`;
    `value` is that of `metric` after it, and `best` the best of the whole search. `curve` has the
    metrics of all evaluated epochs in order. Of `of` trials, `done` are finished, in parts, too."""

    name: str
    what: str
    of: int
    epoch: int
    epochs: int
    metric: str
    value: float
    best: float
    done: float
    params: Mapping[str, Any] = field(default_factory=dict)
    curve: Sequence[Mapping[str, float]] = ()
    ended: bool = False


class Run(Protocol):
    """One execution of a stage. Calls return at once and do not affect the artifact."""

    def log_params(self, params: Mapping[str, Any]) -> None: ...

    def log_metrics(self, metrics: Mapping[str, float], step: int = 0) -> None: ...

    def log_tags(self, tags: Mapping[str, str]) -> None: ...

    def log_file(self, name: str, data: bytes) -> None: ...

    def log_trials(self, trials: Sequence[TrialRecord]) -> None:
        """Record trials that have ended, each as a nested run.

        The run of a trial that `trial` has reported under the same name is completed."""
        ...

    def trial(self, standing: TrialProgress) -> None:
        """Report the progress of a trial that is being trained."""
        ...

    def progress(self, what: str, done: int, total: int) -> None:
        """Report that `done` of `total` of `what` are finished."""
        ...

    def stopped(self) -> None:
        """Record that the stage was stopped, before a wait that may be cut short by SIGKILL."""
        ...


class QuietRun:
    """Records nothing; for tests and tools."""

    def log_params(self, params: Mapping[str, Any]) -> None: ...

    def log_metrics(self, metrics: Mapping[str, float], step: int = 0) -> None: ...

    def log_tags(self, tags: Mapping[str, str]) -> None: ...

    def log_file(self, name: str, data: bytes) -> None: ...

    def log_trials(self, trials: Sequence[TrialRecord]) -> None: ...

    def trial(self, standing: TrialProgress) -> None: ...

    def progress(self, what: str, done: int, total: int) -> None: ...

    def stopped(self) -> None: ...
