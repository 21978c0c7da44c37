"""`python -m tests.session quick|slow|chaos ...` runs sets of tests, one after the other, and says
at the end how many there were. A session that ends early is a failure, whatever its exit code: a
library may end the process of the tests with any. So is a process that a session leaves behind."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex

import psutil

from tests.conftest import RECORD

SETS = {
    "quick": "not slow and not service and not chaos",
    "slow": "(slow or service) and not chaos",
    "chaos": "chaos",
}
CORES = len(os.sched_getaffinity(0))
# Processes; a file's tests share what it makes; one that was ended is not begun again.
SEVERAL = ["-n", str(CORES), "--dist", "loadfile", "--max-worker-restart", "0"]
OPTIONS = {
    "quick": SEVERAL,
    "slow": [*SEVERAL, "--no-loadscope-reorder"],  # the longest tests are alone in their files
}
LONGEST = float(os.environ.get("AIWF_TEST_LONGEST", 7200))  # seconds of a set: a hang is a failure
OWNER = "AIWF_TEST_SESSION"  # in the environment of all that a session starts
PATIENCE = float(os.environ.get("AIWF_TEST_PATIENCE", 90))  # seconds for what it started to end


@dataclass
class Session:
    """What the record of a session says."""

    selected: int = 0
    ended: int = 0
    running: set[str] = field(default_factory=set)
    finished: bool = False
    outcomes: dict[str, str] = field(default_factory=dict)
    reasons: Counter[str] = field(default_factory=Counter)

    @property
    def counts(self) -> Counter[str]:
        return Counter(self.outcomes.values())

    def problem(self, code: int) -> str:
        """Why this session, whose process ended with `code`, is a failure; '' if it is none."""
        if self.selected == 0:
            return f"no test was collected (exit code {code})"
        if not self.finished or self.ended < self.selected:
            where = f" in {', '.join(sorted(self.running))}" if self.running else ""
            return (
                f"the process of the tests ended early{where}, with exit code {code}: "
                f"{self.ended} of {self.selected} tests had come to their end"
            )
        if self.counts["failed"] or code:
            return f"{self.counts['failed']} tests failed (exit code {code})"
        return ""


def read(record: Path) -> Session:
    """The session that `record` tells of."""
    session = Session()
    text = record.read_text(encoding="utf-8") if record.exists() else ""
    for line in text.splitlines():
        match json.loads(line):
            case {"selected": count}:
                session.selected = count
            case {"begun": name}:
                session.running.add(name)
            case {"test": name, "outcome": outcome, "reason": reason}:
                if session.outcomes.get(name) != "failed":
                    session.outcomes[name] = outcome
                if outcome == "skipped":
                    session.reasons[reason.removeprefix("Skipped: ")] += 1
            case {"ended": name}:
                session.ended += 1
                session.running.discard(name)
            case {"finished": _}:
                session.finished = True
    return session


def run(name: str, options: list[str]) -> bool:
    """Run the set `name`; whether it came to its end and was green."""
    began, owner = time.monotonic(), token_hex(8)
    with tempfile.TemporaryDirectory(prefix="aiwf-tests-") as folder:
        record = Path(folder) / "record"
        command = [sys.executable, "-m", "pytest", "-m", SETS[name], "--durations=25"]
        command += [*OPTIONS.get(name, []), *options]
        environment = {**os.environ, RECORD: str(record), OWNER: owner}
        environment.pop("PYTEST_XDIST_WORKER", None)  # of a session whose test began this one
        try:
            code = subprocess.run(command, env=environment, timeout=LONGEST).returncode
        except subprocess.TimeoutExpired:  # the process was killed: some test hangs
            print(f"{name}: not at its end after {LONGEST / 60:.0f} min")
            code = -signal.SIGKILL
        session = read(record)
    problem = session.problem(code)
    leftover = ended_by_force(owner)
    counts = ", ".join(f"{count} {what}" for what, count in sorted(session.counts.items()))
    minutes = (time.monotonic() - began) / 60
    print(f"\n{name}: {session.ended} of {session.selected} tests: {counts}; {minutes:.1f} min")
    for reason, count in session.reasons.most_common():
        print(f"  skipped {count}: {reason}")
    for line in leftover:
        print(f"  left behind, and ended now: {line}")
    if problem:
        print(f"  FAILED: {problem}")
    return not problem and not leftover


def ended_by_force(owner: str, patience: float = PATIENCE) -> list[str]:
    """End, by their ids, processes of the session `owner` that still run after `patience` seconds;
    their commands."""
    end = time.monotonic() + patience
    while (processes := _of(owner)) and time.monotonic() < end:
        time.sleep(1)
    lines = []
    for process in processes:
        try:
            line = " ".join(process.cmdline())[:200] or process.name()
            process.kill()
        except psutil.Error:
            continue  # it has ended by itself
        lines.append(f"{process.pid} {line}")
    return lines


def _of(owner: str) -> list[psutil.Process]:
    """Processes with the mark of the session `owner` in their environment, zombies left out."""
    found = []
    for process in psutil.process_iter():
        try:
            alive = process.status() != psutil.STATUS_ZOMBIE
            if alive and process.environ().get(OWNER) == owner:
                found.append(process)
        except psutil.Error:
            continue  # somebody else's, or it has ended
    return found


def main(arguments: list[str]) -> int:
    """Run the sets named in `words`; what begins with '-' or is a path goes to pytest."""
    names = [argument for argument in arguments if argument in SETS]
    options = [argument for argument in arguments if argument not in SETS]
    if not names:
        print(f"Name one or more of: {', '.join(SETS)}.")
        return 2
    signal.signal(signal.SIGINT, signal.default_int_handler)  # what runs behind '&' ignores it
    green = [run(name, options) for name in names]
    verdict = "green" if all(green) else "RED"
    print(f"{' + '.join(names)}: {verdict}")
    return 0 if all(green) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
