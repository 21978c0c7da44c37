"""Progress in the terminal: a bar for what is going on, a line for what has ended."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from stages.runner import LogWatch, Watch


@contextmanager
def watching() -> Iterator[Watch]:
    """A Watch for this terminal; plain lines where stdout is not one."""
    if not sys.stderr.isatty():
        yield PlainWatch()
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeElapsedColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description:<24}"), BarColumn(), MofNCompleteColumn())
    from rich.console import Console

    with Progress(
        *columns, TimeElapsedColumn(), TimeRemainingColumn(), console=Console(stderr=True), transient=True
    ) as bars:
        yield BarWatch(bars)


class PlainWatch(LogWatch):
    """Lines on stderr, for logs and pipes."""

    def say(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    def line(self, text: str) -> None:
        self.say(f"  {text}")


class BarWatch:
    """One bar for each thing in progress; gone when the stage ends."""

    def __init__(self, bars: object) -> None:
        from rich.progress import Progress

        assert isinstance(bars, Progress)  # noqa: S101
        self._bars = bars
        self._known: dict[str, object] = {}

    def say(self, text: str) -> None:
        self._bars.console.print(text, highlight=False)

    def progress(self, what: str, done: int, total: int) -> None:
        if what not in self._known:
            self._known[what] = self._bars.add_task(what, total=total)
        self._bars.update(self._known[what], completed=done, total=total)  # type: ignore[arg-type]
