"""aiwf: the person's bridge. Each command is a function in a file of this folder."""

import sys

from stages.cli.failing import told

__all__ = ["main"]


def main() -> None:
    """Run the command that the words of this process name; exit with its code."""
    with told():
        from stages.cli.app import app
        from stages.runner.leaving import leave

        try:
            app(prog_name="aiwf", args=sys.argv[1:])
        except SystemExit as done:
            leave(done.code if isinstance(done.code, int) else 0)
