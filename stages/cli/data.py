"""aiwf data: add, list, show."""

from pathlib import Path
from typing import Annotated

import typer

from stages.runtime.neutral import line
from stages.settings import Settings

app = typer.Typer(no_args_is_help=True)


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="Name for pipelines: small letters, digits, _.")],
    path: Annotated[Path, typer.Argument(help="Folder or zip of class folders, or a CSV.")],
    note: Annotated[str, typer.Option(help="A word on what is new.")] = "",
) -> None:
    """Copy labelled samples into the workspace, as a new revision of NAME."""
    from stages.etl import source

    settings = Settings()
    source.check_name(name)
    before = {one.revision for one in source.revisions(name, settings)}
    made = source.add(name, path, settings, note)
    state = "known before" if made.revision in before else "new"
    print(f"{made.name}: {made.samples:,} samples, {_size(made.bytes)}, {state}")
    print(f"  revision {made.revision}")
    if made.note:
        print(f"  {line(made.note)}")
    print(f"Next: write 'data: {made.name}' into a pipeline, then `aiwf run` it.")


@app.command("list")
def list_data() -> None:
    """List all raw data with its newest revision."""
    from stages.etl import source

    settings = Settings()
    names = source.names(settings)
    for name in names:
        known = source.revisions(name, settings)
        newest = known[-1]
        count = f"{len(known)} revision{'s' if len(known) > 1 else ''}"
        print(f"{name:<24} {newest.samples:>8,} samples  {newest.revision[:8]}  {count}")
    if not names:
        print("No data yet. `aiwf data add NAME FOLDER`, or `aiwf samples get digits`.")


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="Name of raw data.")],
) -> None:
    """Show the revisions of NAME, oldest first."""
    from stages.config import DataConfig
    from stages.etl import source

    settings = Settings()
    source.check_name(name)
    source.find(DataConfig(name=name), settings)  # tells what to do if there is none
    for one in source.revisions(name, settings):
        print(
            f"{one.revision}  {one.samples:>8,} samples  {_size(one.bytes):>10}  {line(one.note)}"
        )


def _size(count: int) -> str:
    return f"{count / 1e6:,.1f} MB"
