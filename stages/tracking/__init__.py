"""A run's parameters, metrics, tags and files: what a stage may tell, and who hears it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True)
class TrialRecord:
    """One trial that has ended, to be kept as a nested run. `curve`: metrics of each epoch, in
    order."""

    name: str
    params: Mapping[str, Any]
    curve: Sequence[Mapping[str, float]]
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class TrialProgress:
    """How far a trial that is being taught has come: `epoch` of at most `epochs`; `value` of
    `metric` after it, and the `best` of the whole search. `curve`: metrics of all judged epochs so
    far, in order.

    `number` of `of` trials, from 1; `done`: how many trials' worth of the search's work is done."""

    name: str
    what: str
    number: int
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
    """One execution of a stage. Every call returns soon; none decides what is made."""

    def log_params(self, params: Mapping[str, Any]) -> None: ...

    def log_metrics(self, metrics: Mapping[str, float], step: int = 0) -> None: ...

    def log_tags(self, tags: Mapping[str, str]) -> None: ...

    def log_file(self, name: str, data: bytes) -> None: ...

    def log_trials(self, trials: Sequence[TrialRecord]) -> None:
        """Keep all that is known of trials that have ended, each as a nested run; what `trial` told
        of one of the same name is already there."""
        ...

    def trial(self, standing: TrialProgress) -> None:
        """Tell how a trial stands that is being taught."""
        ...

    def progress(self, what: str, done: int, total: int) -> None:
        """Tell that `done` of `total` of `what` are finished."""
        ...


class QuietRun:
    """Hears nothing; for tests and tools that need no record."""

    def log_params(self, params: Mapping[str, Any]) -> None: ...

    def log_metrics(self, metrics: Mapping[str, float], step: int = 0) -> None: ...

    def log_tags(self, tags: Mapping[str, str]) -> None: ...

    def log_file(self, name: str, data: bytes) -> None: ...

    def log_trials(self, trials: Sequence[TrialRecord]) -> None: ...

    def trial(self, standing: TrialProgress) -> None: ...

    def progress(self, what: str, done: int, total: int) -> None: ...
