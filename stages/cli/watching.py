"""Progress in the terminal: a bar for what is going on, a line for what has ended."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from stages.runner.watch import LogWatch, Watch

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


@contextmanager
def watching() -> Iterator[Watch]:
    """A Watch for this terminal; plain lines where stdout is not one."""
    if not sys.stderr.isatty():
        yield PlainWatch()
        return
    with _bars() as bars:
        yield BarWatch(bars)


def _bars() -> "Progress":
    from rich import progress as rich
    from rich.console import Console

    return rich.Progress(
        rich.TextColumn("{task.description:<24}"),
        rich.BarColumn(),
        rich.MofNCompleteColumn(),
        rich.TimeElapsedColumn(),
        rich.TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )


class PlainWatch(LogWatch):
    """Lines on stderr, for logs and pipes."""

    def say(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    def line(self, text: str) -> None:
        self.say(f"  {text}")


class BarWatch:
    """One bar for each thing in progress; gone when the next stage, or its end, is told."""

    def __init__(self, bars: "Progress") -> None:
        self._bars = bars
        self._known: dict[str, TaskID] = {}

    def say(self, text: str) -> None:
        for task in self._known.values():
            self._bars.remove_task(task)
        self._known.clear()
        self._bars.console.print(text, highlight=False, markup=False)

    def progress(self, what: str, done: int, total: int) -> None:
        if what not in self._known:
            self._known[what] = self._bars.add_task(what, total=total)
        self._bars.update(self._known[what], completed=done, total=total)
