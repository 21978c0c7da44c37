"""The history of what was live: who moved the champion of a pipeline, when, from which package to
which, and why. It is only ever appended, and read without MLflow."""

import getpass
from datetime import UTC, datetime
from typing import Literal, NamedTuple

from stages.publish.append_log import AppendLog, LogWriter
from stages.publish.places import live_folder
from stages.settings import Settings

Kind = Literal["published", "rolled back", "found", "undone"]


class Move(NamedTuple):
    """One move. `before`, `after`: ids of packages, '' for none; `version`: of `after` in MLflow's
    registry; `verdict`: of the comparison, '' if there was none; `why`: what the person wrote.

    Of the kinds, `found` is a move that somebody made in MLflow itself, and `undone` takes back the
    move before it, which the registry did not take."""

    number: int
    when: str
    who: str
    kind: Kind
    before: str
    after: str
    version: int
    verdict: str = ""
    why: str = ""


def moves(pipeline: str, settings: Settings) -> list[Move]:
    """All moves of `pipeline`, the oldest first. Raises Damaged."""
    return [Move(**record) for record in history_log(pipeline, settings).records()]


def history_log(pipeline: str, settings: Settings) -> AppendLog:
    """The file of the moves of `pipeline`."""
    return AppendLog(live_folder(pipeline, settings) / "history.jsonl")


def note(writer: LogWriter, kind: Kind, after: tuple[str, int], **facts: str) -> Move:
    """Append a move to the package and version `after`. `facts`: who, verdict, why."""
    past = [Move(**record) for record in writer.records]
    before = champion_of(past)
    who = facts.pop("who", "") or user()
    now = datetime.now(UTC).isoformat(timespec="seconds")
    place = (before[0] if before else "", *after)
    move = Move(
        len(past) + 1, now, who, kind, *place, facts.get("verdict", ""), facts.get("why", "")
    )
    writer.append(move._asdict())
    return move


def stack_of(past: list[Move]) -> list[tuple[str, int]]:
    """The packages, with their versions, that rolling back leads through; the live one last.

    Publishing puts a package on top, rolling back takes it off again."""
    stack: list[tuple[str, int]] = []
    earlier: list[list[tuple[str, int]]] = []
    for move in past:
        earlier.append(list(stack))
        if move.kind == "undone":
            stack = earlier[-2] if len(earlier) > 1 else []
        elif move.kind == "rolled back" and len(stack) > 1:
            stack.pop()
        elif move.after:
            stack.append((move.after, move.version))
        else:
            stack = []
    return stack


def champion_of(past: list[Move]) -> tuple[str, int] | None:
    """Package and version that are live by the history; None if nothing is."""
    stack = stack_of(past)
    return stack[-1] if stack else None


def user() -> str:
    """The name of the person at this machine; 'somebody' if the system has none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "somebody"
