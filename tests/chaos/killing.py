"""Kills a program again and again at random moments, restarts it, and collects its events: to show
that a run survives.

The program prints events as lines of JSON, and ends with {"model": id}. When it has ended, it is
started again in a new workspace."""

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
LONGEST = 1800.0  # seconds of one life, on a busy machine
PATIENCE = 30.0  # seconds in which child processes of a killed program have to end by themselves


def driver(process: psutil.Process) -> list[psutil.Process]:
    """The program itself; its child processes have to end by themselves."""
    return [process]


def named(*beginnings: str) -> Victims:
    """The child processes whose titles begin with one of `beginnings`; Ray sets the titles of its
    workers."""

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
    """One kill: `who` was killed, `after` how many seconds of waiting and `at` what time, the
    `events` until then, and the processes that remained."""

    who: str
    after: float
    at: float
    events: list[Event]
    remaining: list[str] = field(default_factory=list)


@dataclass
class Round:
    """The program from a fresh workspace to its end, with its kills and the events of each life;
    `failures`: the last lines of each life that ended with an error instead of a result."""

    kills: list[Kill] = field(default_factory=list)
    lives: list[list[Event]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def model(self) -> str:
        """The id of the resulting model."""
        return next(event["model"] for event in self.lives[-1] if "model" in event)


class Life:
    """The program from a start to its end or its kill; `events` grows meanwhile."""

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
        """Wait for the first event named `key`, or for the end."""
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
    """A round without kills."""
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
    """Run `command` in workspaces below `folder` to its end, again and again, until there have been
    `kills` kills: in turn of one of `victims`, each at a random time up to `longest` seconds after
    the event `ready` of that life, or after the last kill."""
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
    """One round; removes its victims from `order`."""
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
        if life.process.returncode != -9:
            assert finished.kills, "".join(life.errors[-30:])
            finished.failures.append(" ".join(map(str.strip, life.errors[-2:])))


def _killed(life: Life, who: str, victims: Victims, after: float) -> Kill | None:
    """Kill the first process of `victims`; None if there is none. After a kill of the program,
    processes that remain for PATIENCE are killed and recorded."""
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
    """The names of the processes of `family` that live on for PATIENCE; they are killed."""
    there = [psutil.Process(pid) for pid in family if psutil.pid_exists(pid)]
    _, remaining = psutil.wait_procs(there, timeout=PATIENCE)
    for process in remaining:
        process.kill()
    return [family[process.pid] for process in remaining]
