"""The runs of the workspace as the studio shows them: those with a lock in the store, and those
that it has just started."""

from datetime import UTC, datetime
from typing import NamedTuple

from stages.evaluate.kinds import kind_of
from stages.opening import open_store
from stages.runner.lock import Lock, load_lock, run_folder
from stages.runner.recorded_runs import recorded_runs, state_of
from stages.runner.shipped import OutcomeLine, reasons_of, shipped, trained, trained_of
from stages.runtime.errors import ConfigError, WorkflowError
from stages.settings import Settings
from stages.store import Store
from stages.studio import run_process
from stages.studio.run_process import RunProcess

OLD = "1970-01-01T00:00:00+00:00"  # when a run began whose lock, of an older version, has no date
PAGES = {"report.html": "report", "data.html": "data", "trials.html": "trials"}


class RunPage(NamedTuple):
    """A page of a run: its file, and what it is about: report, data, trials, or a target."""

    file: str
    about: str


class RunPackage(NamedTuple):
    """A package that a run made: its id, its target, and what was measured."""

    id: str
    target: str
    outcome: OutcomeLine


class RunView(NamedTuple):
    """A run as a page shows it. `state`: running, finished, stopped, ended (without a lock) or
    unreadable; `stopped_at`: the task it stopped before; `trained`: the trained model's line;
    `problem`: why its lock or an artifact cannot be read."""

    name: str
    pipeline: str
    task: str
    when: datetime
    state: str
    stopped_at: str = ""
    trained: OutcomeLine | None = None
    packages: tuple[RunPackage, ...] = ()
    failures: tuple[OutcomeLine, ...] = ()
    reasons: tuple[tuple[str, list[str]], ...] = ()
    data: str = ""
    problem: str = ""

    @property
    def ships(self) -> RunPackage | None:
        """The package of the first target: what ships from this run."""
        return self.packages[0] if self.packages else None

    @property
    def headline(self) -> OutcomeLine | None:
        """What was measured of what ships. Where every package was refused or failed, that, with
        the trained model's figure; before there is any, the trained model."""
        if self.ships:
            return self.ships.outcome
        if self.failures:
            return self.failures[0]._replace(measured=self.trained.measured if self.trained else "")
        return self.trained

    @property
    def when_text(self) -> str:
        """The local day and minute at which it began; '' if its lock does not say."""
        return "" if self.when.year < 2000 else f"{self.when.astimezone():%Y-%m-%d %H:%M}"


def runs_of(settings: Settings, most: int = 100) -> list[RunView]:
    """The newest runs, at most `most`."""
    store = open_store(settings)
    processes = {process.run: process for process in run_process.started_runs(settings)}
    recorded = list(recorded_runs(store, settings))[-most:]  # those that were written last
    views = []
    for run in recorded:
        process = processes.pop(run.name, None)
        if run.lock is None:
            views.append(RunView(run.name, "", "", run.changed, "unreadable", problem=run.state))
        else:
            views.append(_view(run.lock, process, store, settings))
    views += [_started(process) for process in processes.values()]
    return sorted(views, key=lambda view: view.when, reverse=True)[:most]


def run_named(name: str, settings: Settings) -> RunView | None:
    """The run `name`; None if there is none."""
    store = open_store(settings)
    process = run_process.find(name, settings)
    try:
        lock = load_lock(name, store)
    except ConfigError as error:
        return RunView(name, "", "", datetime.now(UTC), "unreadable", problem=error.problem)
    if lock is not None:
        return _view(lock, process, store, settings)
    return _started(process) if process else None


def pages_of(name: str, settings: Settings) -> list[RunPage]:
    """The HTML pages in the folder of the run `name`: report first, then data, trials, packages."""
    folder = run_folder(name, settings)
    found = [RunPage(file, about) for file, about in PAGES.items() if (folder / file).is_file()]
    packages = sorted(path.name for path in folder.glob("package_*.html"))
    return found + [
        RunPage(file, file.removeprefix("package_").removesuffix(".html")) for file in packages
    ]


def _started(process: RunProcess) -> RunView:
    """A run of which there is a process, and no lock yet."""
    when = datetime.fromisoformat(process.began)
    state = "running" if process.is_running else "ended"
    name = process.pipeline.rpartition("/")[2].removesuffix(".yaml")
    return RunView(process.run, name, "", when, state)


def _view(lock: Lock, process: RunProcess | None, store: Store, settings: Settings) -> RunView:
    running = bool(process and process.is_running) or state_of(lock, settings) == "running"
    state = "running" if running else "stopped" if lock.lacking else "finished"
    view = RunView(
        lock.run,
        lock.pipeline,
        str(lock.config.get("task", "")),
        datetime.fromisoformat(lock.began or OLD),
        state,
        lock.lacking[0] if lock.lacking else "",
        data=f"{lock.data.get('name', '')}@{lock.data.get('revision', '')[:8]}",
    )
    try:
        return _with_outcome(view, lock, store)
    except WorkflowError as error:
        return view._replace(problem=error.problem)


def _with_outcome(view: RunView, lock: Lock, store: Store) -> RunView:
    """`view` with what was measured of the trained model and of the packages."""
    report = trained_of(lock, store)
    lines = shipped(lock, store)
    packages = tuple(
        RunPackage(lock.artifacts[f"deploy_{line.name}"].id, line.name, line)
        for line in lines
        if line.state == "packed"
    )
    return view._replace(
        trained=trained(report) if report else None,
        packages=packages,
        failures=tuple(line for line in lines if line.state in ("refused", "failed")),
        reasons=tuple(reasons_of([*lines, *([trained(report)] if report else [])])),
    )


def headline_metric(task: str) -> str:
    """The metric that a gate of `task` names first, such as accuracy."""
    return kind_of(task).headline[0]
