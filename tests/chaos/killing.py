"""Kills a program again and again at drawn moments, starts it again when it is dead, and keeps what
it told: for whoever has to show that a run survives.

The program tells events as lines of JSON on stdout, and ends with {"model": id}. It is begun anew
in a new workspace whenever it came to its end."""

import json
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psutil

Event = dict[str, Any]
Victims = Callable[[psutil.Process], list[psutil.Process]]
LONGEST = 600.0  # seconds of one life
PATIENCE = 30.0  # seconds that what a dead program started has to end by itself


def driver(process: psutil.Process) -> list[psutil.Process]:
    """The program itself; what it started has to end by itself."""
    return [process]


def named(*beginnings: str) -> Victims:
    """Those of its processes whose title begins so; Ray names its workers by what they do."""

    def found(process: psutil.Process) -> list[psutil.Process]:
        return [child for child in process.children(recursive=True) if _title(child, beginnings)]

    return found


def _title(process: psutil.Process, beginnings: tuple[str, ...]) -> bool:
    try:
        return " ".join(process.cmdline()).startswith(beginnings)
    except psutil.Error:
        return False


@dataclass
class Kill:
    """One kill: who, when in that life of the program and by the clock, what was under way, and
    what was left."""

    who: str
    after: float
    at: float
    events: list[Event]
    remaining: list[str] = field(default_factory=list)


@dataclass
class Round:
    """The program from a fresh workspace to its end, with all that befell it."""

    kills: list[Kill] = field(default_factory=list)
    lives: list[list[Event]] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def model(self) -> str:
        """What came of it."""
        return next(event["model"] for event in self.lives[-1] if "model" in event)


class Life:
    """The program from a start to its end, or death; `events` grows as it tells."""

    def __init__(self, command: Sequence[str]) -> None:
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.events: list[Event] = []
        self.errors: list[str] = []
        self._readers = [
            threading.Thread(target=self._read, daemon=True),
            threading.Thread(target=self._read_errors, daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def until(self, key: str) -> None:
        """Wait for the first event of this name, or the end."""
        end = time.monotonic() + LONGEST
        while self.alive and not any(key in event for event in self.events):
            assert time.monotonic() < end, f"no {key} in {LONGEST} s"
            time.sleep(0.02)

    def ended(self, seconds: float) -> bool:
        """Whether it ends within `seconds`."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        for reader in self._readers:
            reader.join(5)
        return True

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith("{"):
                self.events.append(json.loads(line))

    def _read_errors(self) -> None:
        assert self.process.stderr is not None
        self.errors.extend(self.process.stderr)


def calm_round(command: Sequence[str]) -> Round:
    """A round in which nothing befalls the program."""
    life = Life(command)
    assert life.ended(LONGEST), "it does not end"
    assert life.process.returncode == 0, "".join(life.errors[-30:])
    return Round(lives=[life.events])


def rounds_of(
    command: Callable[[Path], Sequence[str]],
    folder: Path,
    victims: Mapping[str, Victims],
    *,
    kills: int,
    longest: float,
    seed: int = 0,
    ready: str = "begun",
    report: Callable[[str], None] = print,
) -> list[Round]:
    """Run `command` of a workspace below `folder` to its end, over and over, until there have been
    `kills`: in turn one of `victims`, each drawn up to `longest` seconds after the event `ready`
    of that life, or after the last kill."""
    rng = np.random.default_rng(seed)
    order = [name for _ in range(kills) for name in victims][:kills]
    done: list[Round] = []
    while order:
        workspace = folder / f"round-{len(done)}"
        done.append(_round(command(workspace), victims, order, longest, rng, ready))
        rows = [f"{kill.who} after {kill.after:.1f} s" for kill in done[-1].kills]
        rows += [f"left: {name}" for kill in done[-1].kills for name in kill.remaining]
        report(f"round {len(done)}: {', '.join(rows) or 'calm'}; model {done[-1].model[:12]}")
    return done


def _round(
    command: Sequence[str],
    victims: Mapping[str, Victims],
    order: list[str],
    longest: float,
    rng: np.random.Generator,
    ready: str,
) -> Round:
    """One round; takes from `order` whom it killed."""
    finished, began = Round(), time.monotonic()
    while True:
        life = Life(command)
        finished.lives.append(life.events)
        life.until(ready)
        while order and not life.ended(after := float(rng.uniform(0, longest))):
            kill = _killed(life, order[0], victims[order[0]], after)
            if kill:
                finished.kills.append(kill)
                order.pop(0)
            if not life.alive:
                break
        life.ended(LONGEST)
        if life.process.returncode == 0:
            finished.seconds = time.monotonic() - began
            return finished
        assert life.process.returncode == -9 or finished.kills, "".join(life.errors[-30:])


def _killed(life: Life, who: str, victims: Victims, after: float) -> Kill | None:
    """Kill the first of `victims` there is; what of its processes is left much later is killed,
    too, and told."""
    try:
        process = psutil.Process(life.process.pid)
        family = {child.pid: child.name() for child in process.children(recursive=True)}
        found = victims(process)
        events = list(life.events)
        if not found:
            return None
        found[0].kill()
    except psutil.NoSuchProcess:
        return None
    kill = Kill(who, after, time.time(), events)
    if found[0].pid == life.process.pid:
        life.process.wait()
        kill.remaining = _remaining(family)
    return kill


def _remaining(family: Mapping[int, str]) -> list[str]:
    """The names of those of `family` that live on for PATIENCE; they are killed."""
    there = [psutil.Process(pid) for pid in family if psutil.pid_exists(pid)]
    _, remaining = psutil.wait_procs(there, timeout=PATIENCE)
    for process in remaining:
        process.kill()
    return [family[process.pid] for process in remaining]
