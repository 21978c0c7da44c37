"""python -m tests.chaos.fuzz COUNT [SEED] [KIND...]: draws COUNT hostile inputs, feeds each to the
part of the product that reads it, and prints the outcomes. Exit code 1 if any caused a traceback,
took more than 10 seconds or more than 1 GB, or killed its process."""

import json
import queue
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.chaos.fuzz.worker import KINDS

LONGEST = 10.0  # seconds of one input on an idle machine
PATIENCE = 60.0  # seconds of one input on a busy machine
START = 120.0  # seconds until a worker feeds its first input
MOST_MEMORY = 10**9  # bytes of the process that reads it, with all its libraries


@dataclass
class Tally:
    """The outcomes of the inputs of one kind."""

    kind: str
    counts: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0
    largest: int = 0
    faults: list[str] = field(default_factory=list)

    def add(self, number: int, outcome: str, seconds: float, peak: int, message: str) -> None:
        """Count input `number`; outcome: answered, refused, traceback, hang or died."""
        self.counts[outcome] += 1
        self.slowest = max(self.slowest, seconds)
        self.largest = max(self.largest, peak)
        if outcome not in ("answered", "refused"):
            self.faults.append(f"{self.kind} {number}: {outcome}\n{message}")
        if peak > MOST_MEMORY:
            self.counts["over 1 GB"] += 1
            self.faults.append(f"{self.kind} {number}: {peak / 1e6:.0f} MB")

    @property
    def inputs(self) -> int:
        """The number of inputs that were fed."""
        return self.counts.total() - self.counts["over 1 GB"]

    def row(self) -> str:
        """One line of the table."""
        names = ("answered", "refused", "traceback", "hang", "died", "over 1 GB")
        counts = " ".join(f"{self.counts[name]:>9}" for name in names)
        return f"{self.kind:<18} {counts} {self.slowest:>8.1f} s {self.largest / 1e6:>6.0f} MB"


class Worker:
    """A process that feeds the inputs `start` to `end` - 1 of `kind`, and its lines of output."""

    def __init__(self, kind: str, seed: int, start: int, end: int) -> None:
        command = [
            sys.executable,
            "-m",
            "tests.chaos.fuzz.worker",
            kind,
            *map(str, (seed, start, end)),
        ]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self._lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)
        self._lines.put("")

    def next(self, seconds: float) -> dict[str, Any] | None:
        """The next line; None if the process has ended. Raises queue.Empty after `seconds`."""
        line = self._lines.get(timeout=seconds)
        return json.loads(line) if line else None

    def worked(self) -> float:
        """The processor time of the process, in seconds."""
        import psutil

        times = psutil.Process(self.process.pid).cpu_times()
        return float(times.user + times.system)

    def end(self) -> None:
        """Kill the process and its children."""
        import psutil

        for process in psutil.Process(self.process.pid).children(recursive=True):
            process.kill()
        self.process.kill()
        self.process.wait()


def fuzz(kind: str, seed: int, count: int) -> Tally:
    """Feed `count` inputs of `kind`; a worker that hangs or dies costs one of them."""
    tally, number = Tally(kind), 0
    while number < count:
        worker = Worker(kind, seed, number, count)
        try:
            number = _followed(worker, tally, number)
        finally:
            if worker.process.poll() is None:
                worker.end()
    return tally


def _followed(worker: Worker, tally: Tally, number: int) -> int:
    """Count the outcomes that `worker` reports; returns the first input that it did not reach."""
    limit, started, worked = START, time.monotonic(), 0.0
    while True:
        try:
            line = worker.next(limit)
        except queue.Empty:
            waited = time.monotonic() - started < PATIENCE
            if limit == LONGEST and waited and worker.worked() - worked < LONGEST:
                continue
            tally.add(number, "hang", limit, 0, f"more than {limit:.0f} s")
            return number + 1
        seconds = time.monotonic() - started
        if line is None:
            if worker.process.wait() == 0:
                return number
            tally.add(number, "died", seconds, 0, f"exit code {worker.process.returncode}")
            return number + 1
        match line:
            case {"begun": number}:
                limit = START
            case {"fed": _}:
                limit, started, worked = LONGEST, time.monotonic(), worker.worked()
            case {"outcome": outcome, "said": message, "peak": peak}:
                tally.add(number, outcome, seconds, peak, message)
                number, limit = number + 1, START


def shares(count: int, kinds: Sequence[str]) -> dict[str, int]:
    """The number of inputs of each kind, of `count` in total."""
    total = sum(KINDS[kind].share for kind in kinds)
    return {kind: -(-count * KINDS[kind].share // total) for kind in kinds}


def main(count: int, seed: int = 0, *kinds: str) -> int:
    """Feed `count` inputs of `kinds` (all, if none is named), and print a row for each kind."""
    print(f"{'':<18}  answered   refused traceback      hang      died over 1 GB  slowest largest")
    tallies = []
    for kind, inputs in shares(count, kinds or list(KINDS)).items():
        tallies.append(fuzz(kind, seed, inputs))
        print(tallies[-1].row(), flush=True)
    faults = [fault for tally in tallies for fault in tally.faults]
    total = sum(tally.inputs for tally in tallies)
    print(f"{total} inputs, seed {seed}, {len(faults)} faults")
    for fault in faults[:20]:
        print(f"\n{fault}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int((sys.argv[2:] or ["0"])[0]), *sys.argv[3:]))
