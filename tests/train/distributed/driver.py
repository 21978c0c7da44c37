"""A run with two workers in a process of its own, to be cancelled or killed:
`python -m tests.train.distributed.driver WORKSPACE LOG PAUSE`; prints each report's step."""

import sys
from pathlib import Path

from stages.settings import Settings
from stages.train.distributed import run_distributed
from tests.train.distributed import loops


def main(workspace: str, log: str, pause: str) -> None:
    """Train, and print DONE at the end."""
    run_distributed(
        loops.train_tiny_network,
        loops.shared(log=log, pause=float(pause)),
        workers=2,
        name="tiny",
        settings=Settings(workspace=Path(workspace), threads=2),
        on_report=lambda report: print(report["step"], flush=True),
    )
    print("DONE", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
