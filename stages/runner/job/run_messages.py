"""What a stage reports to its run, as lines that travel in a job's log or through a pipe."""

import base64
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from stages.store import Store
from stages.tracking import Run, TrialProgress, TrialRecord

MARK = "aiwf-told "


class ForwardingRun:
    """A run that passes its calls on as messages by `send`, which prints them unless it is given.
    Files are put into `store` and named by their digests; without a store they are sent whole."""

    def __init__(self, store: Store | None, send: Callable[..., None] | None = None) -> None:
        self._store = store
        self._send = send or _print

    def log_params(self, params: Mapping[str, Any]) -> None:
        self._send("log_params", dict(params))

    def log_metrics(self, metrics: Mapping[str, float], step: int = 0) -> None:
        self._send("log_metrics", dict(metrics), step)

    def log_tags(self, tags: Mapping[str, str]) -> None:
        self._send("log_tags", dict(tags))

    def log_file(self, name: str, data: bytes) -> None:
        if self._store is None:
            self._send("log_bytes", name, base64.b64encode(data).decode())
        else:
            self._send("log_file", name, self._store.add(data))

    def log_trials(self, trials: Sequence[TrialRecord]) -> None:
        self._send("log_trials", [asdict(trial) for trial in trials])

    def trial(self, standing: TrialProgress) -> None:
        self._send("trial", asdict(standing))

    def progress(self, what: str, done: int, total: int) -> None:
        self._send("progress", what, done, total)

    def stopped(self) -> None:
        """Nothing: the process that reads the messages knows that it stops this one."""


def replay(line: str, run: Run, store: Store) -> None:
    """Tell `run` what `line` of a job's log says; other lines say nothing."""
    if not line.startswith(MARK):
        return
    call, *arguments = json.loads(line.removeprefix(MARK))
    match call:
        case "log_file":
            run.log_file(arguments[0], store.get(arguments[1]))
        case "log_bytes":
            run.log_file(arguments[0], base64.b64decode(arguments[1]))
        case "log_trials":
            run.log_trials([TrialRecord(**record) for record in arguments[0]])
        case "trial":
            run.trial(TrialProgress(**arguments[0]))
        case "log_params" | "log_metrics" | "log_tags" | "progress":
            getattr(run, call)(*arguments)


def _print(call: str, *arguments: Any) -> None:
    line = json.dumps([call, *arguments], default=plain)
    sys.stdout.write(f"{MARK}{line}\n")  # at once: another thread's line must not come between
    sys.stdout.flush()


def plain(value: Any) -> Any:
    """numpy's numbers as Python's; all else as it reads."""
    return value.item() if hasattr(value, "item") else str(value)
