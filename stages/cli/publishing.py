"""aiwf publish, rollback, live: what answers."""

from typing import TYPE_CHECKING, Annotated

import typer

from stages.settings import Settings

if TYPE_CHECKING:
    from stages.publish.history import Move

Pipeline = Annotated[str, typer.Argument(metavar="PIPELINE", help="The pipeline's name.")]
Because = Annotated[str, typer.Option("--because", metavar="TEXT", help="Why, for the history.")]
SHOWN = 10  # moves
SHARE = "Share from 0 to 1 to keep: of"


def publish(
    pipeline: Pipeline,
    run: Annotated[
        str, typer.Option(help="Its first package; without it that of the newest run.")
    ] = "",
    package: Annotated[
        str, typer.Option(metavar="ID", help="A package, as `aiwf list package` shows it.")
    ] = "",
    because: Because = "",
) -> None:
    """Let a package answer for its pipeline, if it is better than the one that is live, or if you
    say why."""
    from stages.opening import open_store
    from stages.publish.publishing import package_to_publish
    from stages.publish.publishing import publish as move_to

    settings = Settings()
    if package:
        chosen = open_store(settings).find(f"package@{package.removeprefix('package@')}").id
    else:
        chosen = package_to_publish(pipeline, run, settings)
    done = move_to(pipeline, chosen, settings, because=because)
    if done.comparison and done.comparison.gain:
        print(f"{done.comparison.verdict}: {done.comparison.gain.value:+.1%}")
    print(_line(done.move))
    _print_delivery(pipeline, settings)


def rollback(pipeline: Pipeline, because: Because = "") -> None:
    """Let the package answer again that was live before."""
    from stages.publish.publishing import roll_back

    settings = Settings()
    print(_line(roll_back(pipeline, settings, why=because)))
    _print_delivery(pipeline, settings)


def live(
    pipeline: Annotated[
        str, typer.Argument(metavar="[PIPELINE]", help="Only this one; needed by the options.")
    ] = "",
    random: Annotated[
        float | None, typer.Option(help=f"{SHARE} all inputs, drawn at random.")
    ] = None,
    doubtful: Annotated[
        float | None, typer.Option(help=f"{SHARE} those whose answer is not sure.")
    ] = None,
    rejected: Annotated[
        float | None, typer.Option(help=f"{SHARE} those that have none of the labels.")
    ] = None,
    reports: Annotated[
        bool | None, typer.Option(help="Whether people may report an answer as wrong.")
    ] = None,
    most_inputs: Annotated[int | None, typer.Option(help="Inputs that may be kept.")] = None,
    most_megabytes: Annotated[int | None, typer.Option(help="Megabytes that may be kept.")] = None,
    days: Annotated[
        int | None, typer.Option(help="Days until an input is removed that nobody accepted.")
    ] = None,
    deliver: Annotated[
        bool, typer.Option("--deliver", help="Put what is live at `publish.to` once more.")
    ] = False,
) -> None:
    """Say what is live of each pipeline, what the service answers with, what is kept of use, and
    the last moves. The options change what is kept of a pipeline's use; nothing is, at first."""
    from stages.publish.places import published_pipelines
    from stages.runtime.errors import ConfigError

    settings = Settings()
    wanted: dict[str, object] = {
        "random": random, "doubtful": doubtful, "rejected": rejected, "reports": reports,
        "most_inputs": most_inputs, "most_megabytes": most_megabytes, "days": days,
    }  # fmt: skip
    changes = {key: value for key, value in wanted.items() if value is not None}
    names = published_pipelines(settings)
    if (changes or deliver) and not pipeline:
        raise ConfigError("These options are for a pipeline.", "Write `aiwf live PIPELINE ...`.")
    if pipeline:
        _check_pipeline(pipeline, names, settings)
    if changes:
        _change_policy(pipeline, changes, settings)
    if deliver:
        _deliver(pipeline, settings)
    if not names:
        print("Nothing is published. `aiwf publish PIPELINE` does it.")
    for name in [pipeline] if pipeline else names:
        _print_live(name, settings)


def _check_pipeline(pipeline: str, names: list[str], settings: Settings) -> None:
    """Raise ConfigError unless `pipeline` is published or has a YAML."""
    from stages.config import pipeline_files
    from stages.runtime.errors import ConfigError
    from stages.runtime.registry import nearest

    there = sorted({*names, *(path.stem for path in pipeline_files(settings.pipelines))})
    if pipeline not in there:
        raise ConfigError(
            f"No pipeline is called '{pipeline[:80]}'.",
            f"{nearest(pipeline, there)}There are: {', '.join(there) or 'none'}.",
        )


def _change_policy(pipeline: str, changes: dict[str, object], settings: Settings) -> None:
    from stages.publish.use_policy import UsePolicy, policy_of, set_policy

    before = policy_of(pipeline, settings).model_dump()
    set_policy(pipeline, UsePolicy.of({**before, **changes}), settings)


def _deliver(pipeline: str, settings: Settings) -> None:
    from stages.publish.destination import KEY, deliver, destination_of
    from stages.publish.registry import ModelRegistry
    from stages.runtime.errors import ConfigError, InfrastructureError

    if not destination_of(pipeline, settings):
        raise ConfigError(
            f"The YAML of '{pipeline}' has no {KEY}.", "Name a folder or s3://bucket/prefix there."
        )
    found = deliver(pipeline, ModelRegistry(settings), settings)
    if found.problem:
        raise InfrastructureError(found.problem, "")


def _print_live(name: str, settings: Settings) -> None:
    """Print what is live of the pipeline `name`, what is kept of its use, and the last moves."""
    from stages.publish.following import state_of
    from stages.publish.history import champion_of, moves

    past, state = moves(name, settings), state_of(name, settings)
    champion = champion_of(past)
    shown = f"version {champion[1]}, package {champion[0][:8]}" if champion else "nothing"
    print(f"{name}: {shown}")
    if champion and state.package and state.package != champion[0]:
        print(f"  the service answers with {state.package[:8]}")
    if state.problem:
        print(f"  {state.problem}")
    _print_delivery(name, settings)
    _print_use(name, settings)
    for move in past[-SHOWN:]:
        print(f"  {_line(move)}")


def _print_delivery(name: str, settings: Settings) -> None:
    from stages.publish.destination import delivery_of

    found = delivery_of(name, settings)
    if found.package:
        print(f"  at {found.place}: version {found.version}, package {found.package[:8]}")
    if found.problem:
        print(f"  {found.problem}")


def _print_use(name: str, settings: Settings) -> None:
    """Print the policy of `name`, and how many inputs were collected."""
    from collections import Counter

    from stages.publish.collected import CollectedInputs
    from stages.publish.use_policy import policy_of

    policy = policy_of(name, settings)
    shares = [f"{getattr(policy, key):g} {key}" for key in ("random", "doubtful", "rejected")]
    reports = "reports" if policy.reports else "no reports"
    caps = f"{policy.most_inputs} inputs, {policy.most_megabytes} MB, {policy.days} days at most"
    print(f"  kept of use: {', '.join(shares)}, {reports}; {caps}" if policy.is_on else
          "  kept of use: nothing")  # fmt: skip
    states = Counter(each.state for each in CollectedInputs(name, settings).all())
    if states:
        print(f"  inputs: {', '.join(f'{count} {state}' for state, count in states.items())}")


def _line(move: "Move") -> str:
    """A move in one line."""
    before = move.before[:8] or "nothing"
    facts = (move.verdict, move.why)
    notes = f" ({'; '.join(fact for fact in facts if fact)})" if any(facts) else ""
    after = f"{move.after[:8] or 'nothing'} as version {move.version}"
    return f"{move.when}  {move.who}  {move.kind}: {before} -> {after}{notes}"
