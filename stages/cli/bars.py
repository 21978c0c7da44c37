"""Bars in the terminal, and below them one line that changes."""

import sys
from collections.abc import Iterable

from rich import progress as rich
from rich.console import Console, RenderableType
from rich.text import Text

from stages.runtime.neutral import unwrapped


class Bars(rich.Progress):
    """`line`: what is said below the bars; cut where the terminal ends."""

    line = ""

    @classmethod
    def on_stderr(cls) -> "Bars":
        """Bars that go when they are ended."""
        return cls(
            rich.TextColumn("{task.description:<24}"),
            rich.BarColumn(),
            rich.MofNCompleteColumn(),
            rich.TimeElapsedColumn(),
            rich.TimeRemainingColumn(),
            console=Console(file=unwrapped(sys.stderr)),
            transient=True,
        )

    def get_renderables(self) -> Iterable[RenderableType]:
        yield self.make_tasks_table(self.tasks)
        if self.line:
            yield Text(self.line, no_wrap=True, overflow="ellipsis")
