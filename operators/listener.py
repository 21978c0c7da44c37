"""The interface of listeners to a task's progress and end."""

from collections.abc import Sequence
from typing import Protocol

from stages.runtime.errors import WorkflowError
from stages.tracking import TrialProgress


class Listener(Protocol):
    """A Watch (stages/runner/watch.py) that is also called when a task ends."""

    def notify(self, text: str) -> None: ...

    def progress(self, what: str, done: int, total: int) -> None: ...

    def trial(self, standing: TrialProgress) -> None: ...

    def completed(self, task: str, reference: Sequence[str]) -> None: ...

    def failed(self, task: str, error: WorkflowError) -> None: ...
