"""What a person sees in the terminal while stages work."""

import io
import os
import pty
import subprocess
import sys
from contextlib import suppress

from rich.console import Console

from stages.cli.bars import Bars
from stages.cli.watching import BarWatch


def test_words_in_brackets_are_said_as_they_are_and_old_bars_go():
    out = io.StringIO()
    bars = Bars(console=Console(file=out, width=80))
    watch = BarWatch(bars)
    watch.progress("samples", 1, 2)

    watch.notify("set train.families to [efficientnet_lite0] [/]")

    assert "to [efficientnet_lite0] [/]" in out.getvalue()
    assert bars.tasks == []


SHOW = """
import sys
from stages.cli.failing import errors_reported
from stages.cli.watching import watching
with errors_reported(), watching() as watch:
    watch.notify("stage \\x1b]0;owned\\x07")
    watch.progress("samples [red]\\u202e", 1, 2)
    print("a library says \\x1b]0;owned\\x07", file=sys.stderr)
"""


def test_in_a_terminal_bars_have_their_colours_and_words_have_none():
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", SHOW], stderr=theirs, env={**os.environ, "TERM": "xterm"}
    ) as child:
        os.close(theirs)
        output = b""
        with suppress(OSError):  # the child has closed its end
            while piece := os.read(ours, 65_536):
                output += piece
    os.close(ours)

    assert child.returncode == 0
    assert b"\x1b[2K" in output
    assert b"\x1b]0;" not in output
    assert b"\x07" not in output
    assert output.count(b"\\u001b]0;owned\\u0007") == 2
    assert b"samples [red]\\u202e" in output
    assert b"\\u001b[2K" not in output
