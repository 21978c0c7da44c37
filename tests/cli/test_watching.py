"""What a person sees in the terminal while stages work."""

import io

from rich.console import Console

from stages.cli.bars import Bars
from stages.cli.watching import BarWatch


def test_words_in_brackets_are_said_as_they_are_and_old_bars_go():
    out = io.StringIO()
    bars = Bars(console=Console(file=out, width=80))
    watch = BarWatch(bars)
    watch.progress("samples", 1, 2)

    watch.say("set train.families to [efficientnet_lite0] [/]")

    assert "to [efficientnet_lite0] [/]" in out.getvalue()
    assert bars.tasks == []
