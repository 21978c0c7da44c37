"""A run's parameters, metrics, tags and files: what a stage may tell, and who hears it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True)
class Trial:
    """One finished trial, to be kept as a nested run. `curve`: metrics of each epoch, in order."""

    name: str
    params: Mapping[str, Any]
    curve: Sequence[Mapping[str, float]]
    tags: Mapping[str, str] = field(default_factory=dict)


class Run(Protocol):
    """One execution of a stage. Every call returns soon; none decides what is made."""

    def log_params(self, params: Mapping[str, Any]) -> None: ...

    def log_metrics(self, metrics: Mapping[str, float], step: int = 0) -> None: ...

    def log_tags(self, tags: Mapping[str, str]) -> None: ...

    def log_file(self, name: str, data: bytes) -> None: ...

    def log_trials(self, trials: Sequence[Trial]) -> None: ...

    def progress(self, what: str, done: int, total: int) -> None:
        """Tell that `done` of `total` of `what` are finished."""
        ...


class QuietRun:
    """Hears nothing; for tests and tools that need no record."""

    def log_params(self, params: Mapping[str, Any]) -> None: ...

    def log_metrics(self, metrics: Mapping[str, float], step: int = 0) -> None: ...

    def log_tags(self, tags: Mapping[str, str]) -> None: ...

    def log_file(self, name: str, data: bytes) -> None: ...

    def log_trials(self, trials: Sequence[Trial]) -> None: ...

    def progress(self, what: str, done: int, total: int) -> None: ...
