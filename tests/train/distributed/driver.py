"""A run with two workers in a process of its own, to be cancelled or killed:
`python -m tests.train.distributed.driver WORKSPACE LOG PAUSE`; prints each report's step."""

import sys
from pathlib import Path

from stages.opening import open_store, resources_of
from stages.settings import Settings
from stages.train.distributed import run_distributed
from tests.train.distributed import loops


def main(workspace: str, log: str, pause: str) -> None:
    """Train, and print DONE at the end."""
    settings = Settings(workspace=Path(workspace), threads=2)
    run_distributed(
        loops.train_tiny_network,
        loops.shared(log=log, pause=float(pause)),
        workers=2,
        name="tiny",
        store=open_store(settings),
        resources=resources_of(settings),
        on_report=lambda report: print(report["step"], flush=True),
    )
    print("DONE", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
