"""Shows people the progress of stages."""

import logging
import time
from collections.abc import Callable
from typing import Protocol

from stages.runtime.neutral import line, shown
from stages.tracking import TrialProgress

log = logging.getLogger("aiwf")
EVERY = 5.0  # seconds between two lines about the same thing


class Watch(Protocol):
    """Receives progress and events. Nothing that it does may affect an artifact."""

    def notify(self, text: str) -> None:
        """Show a message."""
        ...

    def progress(self, what: str, done: int, total: int) -> None:
        """Show that `done` of `total` of `what` are finished."""
        ...

    def trial(self, standing: TrialProgress) -> None:
        """Show the progress of a trial."""
        ...


class RemainingTime:
    """Estimates the remaining time of a search phase from the progress during this process.

    A resumed search does not begin at zero, so only work that was seen here counts."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._first: dict[str, tuple[float, float]] = {}

    def text(self, standing: TrialProgress) -> str:
        """Such as 'about 2 min left'; '' while there is no basis for an estimate."""
        now, done = self._clock(), standing.done / standing.of
        phase = standing.name.split()[0]
        if not standing.ended:  # trials of an earlier process are reported as ended
            self._first.setdefault(phase, (now, done))
        begin, before = self._first.get(phase, (now, done))
        if done <= before or done >= 1:
            return ""
        seconds = (now - begin) / (done - before) * max(0.0, 1 - done)
        return f"about {seconds / 60:.0f} min left" if seconds >= 90 else f"{seconds:.0f} s left"


def line_of(standing: TrialProgress, remaining: str) -> str:
    """One line about the progress of a trial."""
    epoch = f"epoch {standing.epoch}/{standing.epochs}"
    value = f"{standing.metric} {standing.value:.3f}"
    parts = (standing.name, standing.what, epoch, value, f"best {standing.best:.3f}", remaining)
    return "  ".join(part for part in parts if part)


class LogWatch:
    """Writes lines to the log: at the start, every few seconds with the time left, at the end."""

    def __init__(self) -> None:
        self._started: dict[str, float] = {}
        self._printed: dict[str, float] = {}
        self._done: dict[str, int] = {}
        self._remaining = RemainingTime()

    def notify(self, text: str) -> None:
        log.info(shown(text))

    def progress(self, what: str, done: int, total: int) -> None:
        if self._done.get(what, 0) > done:  # another stage or target begins the same step
            self._started.pop(what, None)
            self._printed.pop(what, None)
        self._done[what] = done
        now = time.monotonic()
        started = self._started.setdefault(what, now)
        if done < total and now - self._printed.get(what, 0.0) < EVERY:
            return
        self._printed[what] = now
        remaining = (now - started) / done * (total - done) if done else 0.0
        self.line(f"{what}: {done} of {total}" + (f", {remaining:.0f} s left" if remaining else ""))

    def trial(self, standing: TrialProgress) -> None:
        now, remaining = time.monotonic(), self._remaining.text(standing)
        if now - self._printed.get("trial", 0.0) >= EVERY:
            self._printed["trial"] = now
            self.line(line_of(standing, remaining))

    def line(self, text: str) -> None:
        """Write one line about progress."""
        log.info(line(text))
