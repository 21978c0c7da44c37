"""Shows progress in the terminal: bars for what is running, lines for what has ended."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from stages.runner.watch import LogWatch, RemainingTime, Watch, line_of
from stages.runtime.neutral import line, neutral_streams, shown
from stages.tracking import TrialProgress

if TYPE_CHECKING:
    from rich.progress import TaskID

    from stages.cli.bars import Bars


@contextmanager
def watching() -> Iterator[Watch]:
    """A Watch for this terminal; plain lines where stdout is not one."""
    if not sys.stderr.isatty():
        yield PlainWatch()
        return
    from stages.cli.bars import Bars

    with Bars.on_stderr() as bars, neutral_streams():  # Rich redirects the streams
        yield BarWatch(bars)


class PlainWatch(LogWatch):
    """Lines on stderr, for logs and pipes."""

    def notify(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    def line(self, text: str) -> None:
        self.notify(f"  {text}")


class BarWatch:
    """One bar for each step in progress and a line for the latest trial.

    All are removed when the next message is shown, such as the end of a stage."""

    def __init__(self, bars: "Bars") -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}
        self._remaining = RemainingTime()

    def notify(self, text: str) -> None:
        for task in self._tasks.values():
            self._bars.remove_task(task)
        self._tasks.clear()
        self._remaining, self._bars.line = RemainingTime(), ""
        self._bars.console.print(shown(text), highlight=False, markup=False)

    def progress(self, what: str, done: int, total: int) -> None:
        from rich.markup import escape

        if what not in self._tasks:
            self._tasks[what] = self._bars.add_task(escape(line(what)), total=total)
        self._bars.update(self._tasks[what], completed=done, total=total)

    def trial(self, standing: TrialProgress) -> None:
        self._bars.line = line(line_of(standing, self._remaining.text(standing)))
