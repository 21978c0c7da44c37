"""aiwf list, show, diff, schema: commands that show artifacts, runs and the schema."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stages.settings import Settings

if TYPE_CHECKING:
    from stages.artifacts import Artifact
    from stages.runner.lock import Lock
    from stages.store import Store

CONFIGS = Path("configs")


def list_artifacts(
    kind: Annotated[str, typer.Argument(help="dataset, model, report, package or run.")] = "run",
) -> None:
    """List the artifacts of a kind, or the runs."""
    from stages.artifacts import KINDS
    from stages.opening import open_store
    from stages.runtime.errors import ConfigError
    from stages.runtime.registry import nearest

    settings = Settings()
    store = open_store(settings)
    if kind == "run":
        _list_runs(store, settings)
        return
    if kind not in KINDS:
        kinds = [*KINDS, "run"]
        raise ConfigError(
            f"'{kind}' is no kind.", f"{nearest(kind, kinds)}Kinds: {', '.join(kinds)}."
        )
    for ref in store.refs(kind):
        try:
            print(f"{ref}  {_gist(store.load(ref))}")
        except ConfigError as error:
            print(f"{ref}  {error.problem}")


def _list_runs(store: "Store", settings: Settings) -> None:
    """Each run's time, state and name, what its packages measured, then the trained model."""
    from stages.runner.recorded_runs import recorded_runs
    from stages.runner.shipped import shipped, trained, trained_of
    from stages.runtime.errors import ConfigError

    for run in recorded_runs(store, settings):
        print(f"{run.changed.astimezone():%Y-%m-%d %H:%M}  {run.name}  {run.state}")
        try:
            report = trained_of(run.lock, store) if run.lock else None
            lines = [*shipped(run.lock, store), trained(report)] if run.lock and report else []
        except ConfigError as error:
            print(f"  {error.problem}")
        else:
            for line in lines:
                print(f"  {line.text}")


def show(
    reference: Annotated[str, typer.Argument(help="An artifact, as kind@id.")],
) -> None:
    """Show an artifact's record, and its parents back to the raw data."""
    from stages.opening import open_store
    from stages.runtime.errors import ConfigError

    if "@" not in reference:
        raise ConfigError(
            f"'{reference}' is no artifact: those are called kind@id.",
            "`aiwf list package` shows packages, and so on for dataset, model and report; "
            "what a run made is in its run.lock.json.",
        )
    store = open_store(Settings())
    ref = store.find(reference)
    artifact = store.load(ref)
    print(json.dumps(artifact.model_dump(mode="json"), indent=2, ensure_ascii=False))
    shown = set()
    waiting = [ref]
    while waiting:
        ref = waiting.pop(0)
        if ref not in shown:
            shown.add(ref)
            artifact = store.load(ref)
            print(f"{ref}  {_gist(artifact)}")
            waiting += artifact.parents
    _print_reports(store.load(store.find(reference)), store)


def _print_reports(artifact: "Artifact", store: "Store") -> None:
    """Print what devices reported about a package."""
    from stages.deploy.remote.reports import reports_of
    from stages.runtime.sealed import SEAL

    if artifact.kind != "package":
        return
    for row in reports_of(artifact.files.get(SEAL, ""), store):
        print(f"device {row.device}, {row.date}: {row.found.line}")


def diff(
    first: Annotated[str, typer.Argument(help="A run.lock.json, or a run's name.")],
    second: Annotated[str, typer.Argument(help="The other one.")],
) -> None:
    """Tell what changed between two runs, and what it did to the metrics."""
    from stages.opening import open_store
    from stages.runner.comparison import differences, effects, verdicts
    from stages.runner.lock import read_lock

    store = open_store(Settings())
    a, b = read_lock(first, store), read_lock(second, store)
    for what, changes in differences(a, b).items():
        print(f"{what}: {'the same' if not changes else ''}")
        for key, (old, new) in changes.items():
            print(f"  {key}: {_short(old)} -> {_short(new)}")
    changed = verdicts(a, b, store)
    print(f"verdicts: {'' if changed else 'the same'}")
    for name, (old, new) in changed.items():
        print(f"  {name}: {old} -> {new}")
    print("metrics:")
    for effect in effects(a, b, store):
        change = f"{effect.first.value:.4f} -> {effect.second.value:.4f}"
        print(f"  {effect.metric:<34} {change}  {effect.verdict}")
    _print_side_by_side(a, b, store)


def _print_side_by_side(first: "Lock", second: "Lock", store: "Store") -> None:
    """Print the paired difference of the trained models on the test samples of both."""
    from stages.evaluate.formatting import metric
    from stages.evaluate.side_by_side import LEAST
    from stages.runner.comparison import trained_models
    from stages.runtime.errors import ConfigError

    try:
        found = trained_models(first, second, store)
    except ConfigError as error:
        print(f"test samples of both: {error.problem}")
        return
    if found is None:
        return
    print(f"test samples of both: {found.common:,}")
    if not found.is_same_test:
        print(
            f"  only of the first run: {found.only_first:,}, only of the second: "
            f"{found.only_second:,}, with another annotation: {found.reannotated:,}"
        )
    if found.gain is None:
        print(f"  too few to compare the models; {LEAST} are needed")
        return
    value, low, high = (100 * side for side in (found.gain.value, found.gain.low, found.gain.high))
    change = f"{value:+.1f} points ({low:+.1f} to {high:+.1f})"
    print(f"  {metric(found.metric):<34} {change}  {found.verdict}")
    print(f"  only the second is right: {len(found.won):,}, only the first: {len(found.lost):,}")


def schema(
    out: Annotated[
        Path | None, typer.Option(help="Write the schema alone, here; - for the terminal.")
    ] = None,
) -> None:
    """Write configs/schema.json, for completion in editors, and all keys into configs/README.md."""
    from stages.config.reference import with_reference
    from stages.config.schema import schema_text
    from stages.runtime.files import write

    if str(out) == "-":
        print(schema_text(), end="")
        return
    write(out or CONFIGS / "schema.json", schema_text())
    print(f"wrote {out or CONFIGS / 'schema.json'}")
    if out is None:
        reference = CONFIGS / "README.md"
        written = reference.read_text() if reference.exists() else ""
        write(reference, with_reference(written))
        print(f"wrote {reference}")


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 60 else f"{text[:12]}…{text[-12:]}"


def _gist(artifact: object) -> str:
    """One line that identifies an artifact among those of its kind."""
    from stages.evaluate import formatting

    facts = [
        str(getattr(artifact, name))
        for name in ("name", "task", "target", "numeric", "family", "revision")
        if getattr(artifact, name, None)
    ]
    overall = getattr(artifact, "overall", {})
    first = next((name for name in ("accuracy", "ap50") if name in overall), "")
    if first:
        facts.append(f"{formatting.metric(first)} {formatting.counted_measure(overall[first])}")
    verdict = getattr(artifact, "verdict", "")
    facts += [formatting.headline(verdict, bool(getattr(artifact, "gate", {})))] if verdict else []
    return ", ".join(facts)
