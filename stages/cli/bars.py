"""Progress bars in the terminal, with one changing line below them."""

import sys
from collections.abc import Iterable

from rich import progress as rich
from rich.console import Console, RenderableType
from rich.text import Text

from stages.runtime.neutral import unwrapped


class Bars(rich.Progress):
    """Progress bars. `line` is shown below them, cut to the terminal's width."""

    line = ""

    @classmethod
    def on_stderr(cls) -> "Bars":
        """Bars on stderr that disappear when they end."""
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
