"""Publishing a package, which makes it the champion of its pipeline, and rolling back.

A package that is put forward becomes the challenger first. It becomes the champion if it is the
first one or the comparison says better, or if a person decides so and writes why. A move is made by
one process at a time and only from the champion that the person has seen, so that of two people at
once one is told about the other.

The move is noted before the registry takes it, so that who and why are never lost; if the registry
does not take it, that is noted, too. What somebody moved in MLflow itself is noted when it is
found.

What is live is then put at the pipeline's destination, if it has one (destination.py). A move never
fails because of that: what went wrong there is noted and shown."""

from typing import NamedTuple

from stages.artifacts import Dataset, Package, Ref
from stages.opening import open_store
from stages.publish.append_log import LogWriter
from stages.publish.comparing import PairedVerdict, compared, dataset_of
from stages.publish.destination import deliver
from stages.publish.history import Move, champion_of, history_log, note, stack_of
from stages.publish.places import live_folder
from stages.publish.registry import CHALLENGER, CHAMPION, ModelRegistry, ModelVersion
from stages.runner.lock import load_lock
from stages.runner.recorded_runs import recorded_runs
from stages.runtime.errors import ConfigError, GateNotMet, WorkflowError
from stages.settings import Settings
from stages.store import Store

LIVE = "live"  # the notes of the store about what was published, by pipeline: `aiwf gc` keeps it


class Publication(NamedTuple):
    """What came of publishing: the move, and the comparison with the champion before, if any."""

    move: Move
    comparison: PairedVerdict | None


class Challenge(NamedTuple):
    """The challenger beside the champion; `champion` is None before the first one."""

    champion: ModelVersion | None
    challenger: ModelVersion
    comparison: PairedVerdict | None


def publish(
    pipeline: str,
    package: str,
    settings: Settings,
    *,
    champion: str | None = None,
    because: str = "",
    who: str = "",
) -> Publication:
    """Make `package`, an id, the champion of `pipeline`. `champion`: the package that is live as
    far as the person knows, '' for none; None: whichever it is. `because`: why, if the comparison
    does not say better.

    Raises GateNotMet if the comparison does not say better and there is no `because`; ConfigError
    if another package is live than `champion`, or this one is already; InfrastructureError, with
    nothing moved, if the registry does not answer."""
    store, registry = open_store(settings), ModelRegistry(settings)
    found = put_forward(pipeline, package, settings, registry)
    if found.champion == found.challenger:
        raise ConfigError(f"Package {package[:8]} is live already.", "Nothing is to be done.")
    verdict = found.comparison.verdict if found.comparison else ""
    if found.comparison and verdict != "better" and not because.strip():
        raise GateNotMet(_why_not(found.comparison), "To decide otherwise, write why.")
    store.note(f"{LIVE}/{pipeline}", [*_noted(pipeline, store), package])
    with history_log(pipeline, settings).writing() as writer:
        now = _reconciled(pipeline, registry, writer, who)
        expected = champion if champion is not None else _package_of(found.champion)
        if _package_of(now) != expected:
            raise ConfigError(
                f"Package {_package_of(now)[:8] or '(none)'} has become live meanwhile.",
                "Compare with that one: nothing was changed.",
            )
        after = (package, found.challenger.number)
        move = note(writer, "published", after, who=who, verdict=verdict, why=because.strip())
        _moved(pipeline, found.challenger.number, registry, writer, now)
        _without_challenger(pipeline, registry)
    deliver(pipeline, registry, settings)
    return Publication(move, found.comparison)


def put_forward(
    pipeline: str, package: str, settings: Settings, registry: ModelRegistry | None = None
) -> Challenge:
    """Register `package`, an id, as the challenger and compare it with the champion.

    Raises ConfigError if it is no package of `pipeline`, and what the registry raises."""
    live_folder(pipeline, settings)  # refuses what is no name
    store, registry = open_store(settings), registry or ModelRegistry(settings)
    challenger = _loaded(package, store)
    if challenger.name != pipeline:
        raise ConfigError(
            f"Package {package[:8]} is one of the pipeline '{challenger.name}'.",
            "Publish it there.",
        )
    with history_log(pipeline, settings).writing():  # MLflow fails if two register at once
        version = registry.register(challenger, _dataset(challenger, store))
        champion = registry.aliases(pipeline).get(CHAMPION)
        if champion is None or champion == version:
            return Challenge(champion, version, None)
        registry.point(pipeline, CHALLENGER, version.number)
    if not store.holds(Ref("package", champion.package)):
        gone = f"The store has package {champion.package[:8]}, the champion, no more."
        return Challenge(champion, version, PairedVerdict("", gone))
    comparison = compared(_loaded(champion.package, store), challenger, settings)
    return Challenge(champion, version, comparison)


def roll_back(
    pipeline: str, settings: Settings, *, champion: str | None = None, why: str = "", who: str = ""
) -> Move:
    """Make the package live again that was live before. `champion`: as in `publish`.

    Raises ConfigError if there is none, or another champion is live than `champion`."""
    live_folder(pipeline, settings)
    store, registry = open_store(settings), ModelRegistry(settings)
    with history_log(pipeline, settings).writing() as writer:
        now = _reconciled(pipeline, registry, writer, who)
        stack = stack_of([Move(**record) for record in writer.records])
        if len(stack) < 2:
            raise ConfigError(
                f"No package of '{pipeline}' was live before this one.", "Publish another one."
            )
        if champion is not None and _package_of(now) != champion:
            raise ConfigError(
                f"Package {_package_of(now)[:8]} has become live meanwhile.",
                "Load the page again: nothing was changed.",
            )
        package, number = stack[-2]
        _loaded(package, store)
        move = note(writer, "rolled back", (package, number), who=who, why=why.strip())
        _moved(pipeline, number, registry, writer, now)
    deliver(pipeline, registry, settings)
    return move


def package_to_publish(pipeline: str, run: str, settings: Settings) -> str:
    """The id of the package of `run` that is to be published: that of its first target. `run` ''
    means the newest run of `pipeline` with a package. Raises ConfigError if there is none."""
    store = open_store(settings)
    locks = [load_lock(run, store)] if run else [r.lock for r in recorded_runs(store, settings)]
    for lock in reversed(locks):
        if lock is None or lock.pipeline != pipeline:
            continue
        for target in lock.config["deploy"]["targets"]:
            ref = lock.artifacts.get(f"deploy_{target}")
            if ref is not None and store.holds(ref):
                return ref.id
    where = f"The run '{run}'" if run else f"No run of '{pipeline}'"
    raise ConfigError(f"{where} has a package.", "`aiwf list` shows runs and what they made.")


def _moved(
    pipeline: str,
    number: int,
    registry: ModelRegistry,
    writer: LogWriter,
    before: ModelVersion | None,
) -> None:
    """Let the registry take the move that was noted last; if it does not, note that."""
    try:
        registry.point(pipeline, CHAMPION, number)
    except WorkflowError as error:
        place = (before.package, before.number) if before else ("", 0)
        note(writer, "undone", place, why=error.problem)
        raise


def _reconciled(
    pipeline: str, registry: ModelRegistry, writer: LogWriter, who: str
) -> ModelVersion | None:
    """The champion of the registry. If the history has another one, that is noted: somebody moved
    it in MLflow, or a process died between the note and the move."""
    now = registry.aliases(pipeline).get(CHAMPION)
    noted = champion_of([Move(**record) for record in writer.records])
    if noted != ((now.package, now.number) if now else None):
        place = (now.package, now.number) if now else ("", 0)
        note(writer, "found", place, who=who, why="as MLflow's registry has it")
    return now


def _without_challenger(pipeline: str, registry: ModelRegistry) -> None:
    if CHALLENGER in registry.aliases(pipeline):
        registry.point(pipeline, CHALLENGER, 0)


def _why_not(comparison: PairedVerdict) -> str:
    """Why a challenger is not promoted, in a sentence."""
    if not comparison.verdict:
        return f"It cannot be compared with the champion: {comparison.why}"
    if comparison.gain is None:
        return (
            f"Both can be compared on {comparison.tested} test samples only, about "
            f"{comparison.further} more are needed."
        )
    gain = comparison.gain
    by = f"{comparison.metric} {gain.value:+.1%} ({gain.low:+.1%} to {gain.high:+.1%})"
    text = f"It is {comparison.verdict}: {by} on {gain.n} test samples."
    if comparison.further:
        return f"{text} About {comparison.further} more would decide, if that stays so."
    return text


def _loaded(package: str, store: Store) -> Package:
    found: Package = store.load(Ref("package", package))
    return found


def _dataset(package: Package, store: Store) -> Dataset | None:
    try:
        return dataset_of(package, store)
    except ConfigError:
        return None


def _noted(pipeline: str, store: Store) -> list[str]:
    """The packages of `pipeline` that were ever live, by the store's note."""
    return list(store.noted(f"{LIVE}/{pipeline}") or [])


def _package_of(version: ModelVersion | None) -> str:
    return version.package if version else ""
