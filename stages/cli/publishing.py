"""aiwf publish, rollback, live: what answers."""

from typing import TYPE_CHECKING, Annotated

import typer

from stages.settings import Settings

if TYPE_CHECKING:
    from stages.publish.history import Move

Pipeline = Annotated[str, typer.Argument(metavar="PIPELINE", help="The pipeline's name.")]
Because = Annotated[str, typer.Option("--because", metavar="TEXT", help="Why, for the history.")]
SHOWN = 10  # moves


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


def rollback(pipeline: Pipeline, because: Because = "") -> None:
    """Let the package answer again that was live before."""
    from stages.publish.publishing import roll_back

    print(_line(roll_back(pipeline, Settings(), why=because)))


def live() -> None:
    """Say what is live of each pipeline, what the service answers with, and the last moves."""
    from stages.publish.following import state_of
    from stages.publish.history import champion_of, moves
    from stages.publish.places import published_pipelines

    settings = Settings()
    names = published_pipelines(settings)
    if not names:
        print("Nothing is published. `aiwf publish PIPELINE` does it.")
    for name in names:
        past, state = moves(name, settings), state_of(name, settings)
        champion = champion_of(past)
        shown = f"version {champion[1]}, package {champion[0][:8]}" if champion else "nothing"
        print(f"{name}: {shown}")
        if champion and state.package and state.package != champion[0]:
            print(f"  the service answers with {state.package[:8]}")
        if state.problem:
            print(f"  {state.problem}")
        for move in past[-SHOWN:]:
            print(f"  {_line(move)}")


def _line(move: "Move") -> str:
    """A move in one line."""
    before = move.before[:8] or "nothing"
    facts = (move.verdict, move.why)
    notes = f" ({'; '.join(fact for fact in facts if fact)})" if any(facts) else ""
    after = f"{move.after[:8] or 'nothing'} as version {move.version}"
    return f"{move.when}  {move.who}  {move.kind}: {before} -> {after}{notes}"
