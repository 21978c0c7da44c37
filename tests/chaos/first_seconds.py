"""Kills in the first seconds of a fresh workspace, each followed by the same command:
`python -m tests.chaos.first_seconds [KILLS] [SEED] [COMMAND...]`.

In turn `data add`, `stage etl`, `run --via airflow` and `up` begin in a workspace with nothing but,
where they need it, raw data. Each is killed with SIGKILL at a random moment; every other time its
child processes are spared, as orphans. Prints a row for each kill, and fails unless every second
start succeeds, gives the result of an undisturbed one, and leaves no draft behind."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from stages.etl import source
from stages.local.health import free_port
from tests import makers

AIWF = Path(sys.executable).parent / "aiwf"
LONGEST = 600  # seconds; a guard against hanging
YAML = makers.QUICK


@dataclass(frozen=True)
class Case:
    """A command for a fresh workspace: `arguments` of `aiwf`, whether the workspace has raw data,
    the seconds within which it is killed, and its share of the kills."""

    name: str
    arguments: Sequence[str]
    with_data: bool
    first: float
    share: int


@dataclass(frozen=True)
class Kill:
    """One kill, and the exit code, result and remaining drafts of the command after it."""

    case: str
    after: float
    orphans: bool
    code: int
    result: str
    drafts: list[str]
    stderr: str


class Workshop:
    """Pictures, a pipeline and a workspace with raw data, from which fresh ones are copied."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pictures = makers.folder_of_pictures(folder / "pictures", each=24)
        self.pipeline = folder / "pipelines" / "shapes.yaml"
        self.pipeline.parent.mkdir()
        self.pipeline.write_text(YAML)
        self.with_data = folder / "with-data"
        settings = makers.settings(folder).model_copy(update={"workspace": self.with_data})
        source.add("shapes", self.pictures, settings)
        self.spec = folder / "spec.json"
        config = {"name": "shapes", "task": "image_classification", "data": "shapes"}
        self.spec.write_text(json.dumps({"config": config, "run": "first"}))

    def cases(self) -> list[Case]:
        pipeline = str(self.pipeline)
        return [
            Case("stage etl", ("stage", "etl", "--spec", str(self.spec)), True, 9, 11),
            Case("data add", ("data", "add", "shapes", str(self.pictures)), False, 3, 4),
            Case("via airflow", ("run", pipeline, "--via", "airflow"), True, 15, 3),
            Case("up", ("up",), False, 12, 2),
        ]

    def workspace(self, case: Case, number: int) -> Path:
        place = self.folder / f"workspace-{number}"
        if case.with_data:
            shutil.copytree(self.with_data, place)
        return place

    def start(self, case: Case, workspace: Path) -> subprocess.Popen[str]:
        port = free_port(22_000 + os.getpid() % 4_000)
        arguments = {
            "AIWF_WORKSPACE": str(workspace),
            "AIWF_PIPELINES": str(self.pipeline.parent),
            "AIWF_THREADS": "1",
            "AIWF_AIRFLOW_PORT": str(port),
            "AIWF_MLFLOW_PORT": str(free_port(port)),
            "AIWF_STUDIO_PORT": str(free_port(free_port(port))),
        }
        return subprocess.Popen(
            [AIWF, *case.arguments],
            env={**os.environ, **arguments},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a command that runs to its end."""
    out, stderr = process.communicate(timeout=LONGEST)
    return process.returncode, out, stderr


def result_of(case: Case, out: str, workspace: Path) -> str:
    """A command's result as text, equal for equal results."""
    if case.name == "stage etl":
        return out.strip().splitlines()[-1]
    if case.name == "data add":
        return next(line for line in out.splitlines() if "revision" in line).strip()
    if case.name == "via airflow":
        found = sorted(path.name for path in (workspace / "packages").iterdir())
        return " ".join(name for name in found if not name.startswith("."))
    return "servers"


def drafts(workspace: Path) -> list[str]:
    """The drafts of files that were never finished."""
    found = workspace.rglob(".*.part*")
    return sorted(str(path.relative_to(workspace)) for path in found)


def kill_once(shop: Workshop, case: Case, number: int, after: float, orphans: bool) -> Kill:
    """Kill a command after `after` seconds, then run the same command again."""
    workspace = shop.workspace(case, number)
    first = shop.start(case, workspace)
    time.sleep(after)
    if orphans:
        first.kill()
    else:
        os.killpg(first.pid, signal.SIGKILL)
    first.communicate(timeout=LONGEST)
    try:
        code, out, stderr = ended(shop.start(case, workspace))
        result = result_of(case, out, workspace) if code == 0 else ""
        return Kill(case.name, after, orphans, code, result, drafts(workspace), stderr)
    finally:
        subprocess.run(
            [AIWF, "down"],
            env={**os.environ, "AIWF_WORKSPACE": str(workspace)},
            capture_output=True,
            check=False,
        )
        shutil.rmtree(workspace, ignore_errors=True)


def turns(cases: Sequence[Case], kills: int) -> list[Case]:
    """`kills` cases according to their shares, evenly mixed."""
    total = sum(case.share for case in cases)
    slots = [
        ((place + 0.5) * total / case.share, order, case)
        for order, case in enumerate(cases)
        for place in range(case.share)
    ]
    mixed = [case for *_, case in sorted(slots, key=lambda slot: slot[:2])]
    return [mixed[place % total] for place in range(kills)]


def rounds(
    folder: Path, kills: int, seed: int, report: Callable[[str], None], names: Sequence[str] = ()
) -> list[Kill]:
    """Run `kills` kills; each row is reported when it is done."""
    rng = np.random.default_rng(seed)
    shop = Workshop(folder)
    done: list[Kill] = []
    calm: dict[str, str] = {}
    report(f"kill  {'command':<12}{'after':>7}  orphans  then  made the same  drafts")
    cases = [case for case in shop.cases() if not names or case.name in names]
    for number, case in enumerate(turns(cases, kills)):
        if case.name not in calm and case.name not in ("up",):
            workspace = shop.workspace(case, 1000 + number)
            code, out, stderr = ended(shop.start(case, workspace))
            assert code == 0, stderr
            calm[case.name] = result_of(case, out, workspace)
            shutil.rmtree(workspace)
        after = float(rng.uniform(0, case.first))
        kill = kill_once(shop, case, number, after, orphans=bool(number % 2))
        done.append(kill)
        same = kill.result == calm.get(case.name, "servers")
        report(
            f"{number + 1:>4}  {kill.case:<12}{after:>6.1f}s  {_yes_or_no(kill.orphans):<7}  "
            f"{kill.code:>4}  {_yes_or_no(same):<13}  {len(kill.drafts)}"
        )
        assert kill.code == 0, kill.stderr
        assert same, f"{kill.result} instead of {calm[case.name]}"
        assert not kill.drafts, kill.drafts
    return done


def _yes_or_no(holds: bool) -> str:
    return "yes" if holds else "no"


def main(kills: int = 20, seed: int = 0, *names: str) -> None:
    with TemporaryDirectory() as folder:
        done = rounds(Path(folder), kills, seed, lambda line: print(line, flush=True), names)
    print(f"{len(done)} kills; after each the same command succeeded")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]), *sys.argv[3:])
