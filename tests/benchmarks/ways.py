"""One pipeline by `aiwf run`, by `--via airflow` and by Airflow's scheduler: ids and times.

`python -m tests.benchmarks.ways`. Each way starts in an empty workspace, so nothing is reused; a
second round reuses everything, so that only the overhead remains."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from stages.artifacts import Ref
from stages.local import down, up
from stages.local.health import free_port
from stages.opening import open_store
from stages.settings import Settings
from tests import makers
from tests.airflow_client import Airflow

Way = Callable[[Settings, Path], None]


def main() -> None:
    """Print a table of the three ways."""
    with TemporaryDirectory(prefix="aiwf ways ") as folder:
        rows = {name: measured(way, Path(folder) / name) for name, way in WAYS.items()}
    base_first, base_again, base_refs = rows["aiwf run"]
    print(f"{'way':<14} {'work':>8} {'ratio':>6} {'reuse':>8} {'over aiwf run':>14}  ids")
    for name, (first, again, refs) in rows.items():
        same = "equal" if refs == base_refs else "DIFFERENT"
        times = f"{first:7.1f}s {first / base_first:6.2f} {again:7.1f}s {again - base_again:13.1f}s"
        print(f"{name:<14} {times}  {same}")
    assert all(refs == base_refs for _, _, refs in rows.values())


def measured(way: Way, folder: Path) -> tuple[float, float, dict[str, Ref]]:
    """The seconds of a first run and of one that reuses everything, and the artifacts' ids."""
    port = free_port(22_000 + os.getpid() % 5_000)
    settings = Settings(
        workspace=folder / "workspace",
        pipelines=folder / "pipelines",
        airflow_port=port,
        mlflow_port=free_port(port),
        studio_port=free_port(free_port(port)),
        live_port=free_port(free_port(free_port(port))),
    )
    path = makers.quick_pipeline(folder, settings)
    by_scheduler = way is scheduler
    if by_scheduler:
        up(settings, lambda _: None)
    try:
        seconds = [timed(lambda: way(settings, path)) for _ in range(2)]
    finally:
        if by_scheduler:
            down(settings, lambda _: None)
    return seconds[0], seconds[1], refs_of(settings)


def timed(work: Callable[[], None]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def refs_of(settings: Settings) -> dict[str, Ref]:
    """The artifacts' ids of the workspace's runs, which are equal for all runs."""
    store = open_store(settings)
    locks = [
        store.noted(key.removeprefix("notes/").removesuffix(".json"))
        for key in store.blobs.keys("notes/runs/")
    ]
    all_refs = [{task: Ref(*ref) for task, ref in lock["artifacts"].items()} for lock in locks]
    assert all(other == all_refs[0] for other in all_refs)
    return all_refs[0]


def command(settings: Settings, path: Path, *arguments: str) -> None:
    subprocess.run(
        [Path(sys.executable).parent / "aiwf", "run", path, *arguments],
        env={**os.environ, "AIWF_WORKSPACE": str(settings.root)},
        check=True,
        capture_output=True,
    )


def scheduler(settings: Settings, path: Path) -> None:
    airflow = Airflow(settings)
    run = airflow.finished(path.stem, airflow.defaults(path.stem))
    assert run["state"] == "success", run


WAYS: dict[str, Way] = {
    "aiwf run": command,
    "--via airflow": lambda settings, path: command(settings, path, "--via", "airflow"),
    "scheduler": scheduler,
}

if __name__ == "__main__":
    main()
