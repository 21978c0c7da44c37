"""The command line, aiwf. Each command is a function in a file of this folder."""

import sys

from stages.cli.failing import CTRL_C, errors_reported

__all__ = ["main"]


def main() -> None:
    """Run the command in this process's arguments and exit with its code."""
    with errors_reported():
        from stages.cli.app import app

        try:
            app(prog_name="aiwf", args=sys.argv[1:])
        except SystemExit as done:
            if "paddle" not in sys.modules or isinstance(done.code, str) or done.code == CTRL_C:
                raise
            from stages.runner.leaving import leave

            leave(int(done.code or 0))
