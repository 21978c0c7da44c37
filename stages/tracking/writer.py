"""Writes records in the background, so that a stage neither waits for MLflow nor fails by it."""

import logging
import queue
import threading
import time
from collections.abc import Callable
from typing import Any

log = logging.getLogger("aiwf.tracking")
PAUSES = (0.5, 2.0, 5.0)  # seconds before each new attempt
LONGEST_WAIT = 60.0  # seconds that a finished stage waits for its last records


class Writer:
    """Makes calls in order in a thread of its own, each with a few retries.

    After one call has failed for good, later ones are tried once, so that a dead server costs
    little time."""

    def __init__(self, pauses: tuple[float, ...] = PAUSES) -> None:
        self._calls: queue.Queue[Callable[[], Any] | None] = queue.Queue()
        self._pauses = pauses
        self._lost: list[str] = []
        self.done, self.seconds = 0, 0.0  # calls, and what they took of the processor
        self._thread = threading.Thread(target=self._work, name="aiwf-tracking", daemon=True)
        self._thread.start()

    def put(self, call: Callable[[], Any]) -> None:
        """Queue `call` and return at once."""
        self._calls.put(call)

    def close(self, longest: float = LONGEST_WAIT) -> int:
        """Wait until all is written, warn of lost records, and return their number."""
        self._calls.put(None)
        self._thread.join(longest)
        log.debug("MLflow: %d calls, %.1f s of the processor.", self.done, self.seconds)
        lost = len(self._lost) + self._calls.qsize()
        if lost:
            why = self._lost[0] if self._lost else "it is too slow"
            log.warning(
                "MLflow did not take %d records of this stage: %s. "
                "What the stage made is in the store all the same.",
                lost,
                why,
            )
        return lost

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            self._do(call)
            self.done, self.seconds = self.done + 1, time.thread_time()

    def _do(self, call: Callable[[], Any]) -> None:
        for pause in (*(() if self._lost else self._pauses), None):
            try:
                call()
                return
            except Exception as error:  # whatever a server or a library may raise
                problem = f"{type(error).__name__}: {str(error)[:300]}"
                if pause is not None:
                    time.sleep(pause)
        self._lost.append(problem)
