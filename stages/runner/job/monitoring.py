"""A job that was handed in, heard until it ends."""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from stages.runner.job.run_messages import MARK, replay
from stages.runtime.errors import InfrastructureError
from stages.store import Store
from stages.tracking import Run

POLL = 2.0  # seconds between two looks at the job's log
TRIES = 30  # looks in vain, one after the other: a head of a cluster may take a minute to come back
LINES = 8  # of the log of a job that failed
GOES_ON = ("PENDING", "RUNNING")


class WorkerEnds(KeyboardInterrupt):
    """Whoever runs this process ends it. `goes_on()`: whether the job is wanted nevertheless, as
    another process will follow it again."""

    def __init__(self, goes_on: Callable[[], bool]) -> None:
        super().__init__("this process is being ended")
        self.goes_on = goes_on


@dataclass(frozen=True)
class Job:
    """The job `name` at `address`, as Ray's `client` knows it; `pause`: seconds between looks."""

    client: Any
    name: str
    address: str
    pause: float = POLL

    def followed(self, run: Run, store: Store) -> str:
        """Tell `run` what the job tells until it ends; how it ended, with its last lines.

        Ctrl-C stops it, and so does WorkerEnds unless the job goes on. Whatever else goes wrong
        here leaves it alone: it can be followed again. Raises InfrastructureError if the cluster
        does not answer any more."""
        try:
            return self._heard(run, store)
        except Exception:
            raise
        except BaseException as error:
            if isinstance(error, WorkerEnds) and error.goes_on():
                raise
            with suppress(Exception):  # a person does not want it any longer; nobody may answer
                self.client.stop_job(self.name)
            raise

    def _heard(self, run: Run, store: Store) -> str:
        replayed = 0
        while True:
            status = str(self._retried(self.client.get_job_status).value)
            lines = self._retried(self.client.get_job_logs).splitlines(keepends=True)
            whole = [line for line in lines if line.endswith("\n")]
            for line in whole[replayed:]:
                replay(line, run, store)
            replayed = len(whole)
            if status not in GOES_ON:
                output = [line for line in lines if not line.startswith(MARK)]
                return f"{status}: {''.join(output[-LINES:]).strip()}"
            time.sleep(self.pause)

    def _retried(self, call: Callable[[str], Any]) -> Any:
        """What `call` says of the job; who does not answer is asked again."""
        tried = 0
        while True:
            try:
                return call(self.name)
            except Exception as error:  # Ray raises what it meets
                tried += 1
                if tried == TRIES:
                    raise self._lost(error) from error
            time.sleep(self.pause)

    def _lost(self, error: Exception) -> InfrastructureError:
        first_line = (str(error).splitlines() or [type(error).__name__])[0]
        return InfrastructureError(
            f"Ray at {self.address} does not answer about the job {self.name}, which may go on: "
            f"{first_line}.",
            "Run the same command again: it hears the job further, or takes what it made. "
            f"`ray job stop --address {self.address} {self.name}` ends it.",
        )
