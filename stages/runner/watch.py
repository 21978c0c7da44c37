"""What a person sees while stages work."""

import logging
import time
from typing import Protocol

log = logging.getLogger("aiwf")
EVERY = 5.0  # seconds between two lines about the same thing


class Watch(Protocol):
    """Hears of progress and of events. Nothing it does may decide what is made."""

    def say(self, text: str) -> None: ...

    def progress(self, what: str, done: int, total: int) -> None: ...


class LogWatch:
    """Writes lines to the log: at the start, every few seconds with the time left, at the end."""

    def __init__(self) -> None:
        self._started: dict[str, float] = {}
        self._told: dict[str, float] = {}
        self._done: dict[str, int] = {}

    def say(self, text: str) -> None:
        log.info(text)

    def progress(self, what: str, done: int, total: int) -> None:
        if not done or self._done.get(what, 0) > done:  # another stage, or target, begins with it
            self._started.pop(what, None)
            self._told.pop(what, None)
        self._done[what] = done
        now = time.monotonic()
        started = self._started.setdefault(what, now)
        if done < total and now - self._told.get(what, 0.0) < EVERY:
            return
        self._told[what] = now
        left = (now - started) / done * (total - done) if done else 0.0
        self.line(f"{what}: {done} of {total}" + (f", {left:.0f} s left" if left else ""))

    def line(self, text: str) -> None:
        """Where a line about progress goes."""
        log.info(text)
