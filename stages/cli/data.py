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
    before = {revision.revision for revision in source.revisions(name, settings)}
    added = source.add(name, path, settings, note)
    state = "known before" if added.revision in before else "new"
    print(f"{added.name}: {added.samples:,} samples, {_size(added.bytes)}, {state}")
    print(f"  revision {added.revision}")
    if added.note:
        print(f"  {line(added.note)}")
    print(f"Next: write 'data: {added.name}' into a pipeline, then `aiwf run` it.")


@app.command("list")
def list_data() -> None:
    """List all raw data with its newest revision."""
    from stages.etl import source

    settings = Settings()
    names = source.names(settings)
    for name in names:
        revisions = source.revisions(name, settings)
        newest = revisions[-1]
        count = f"{len(revisions)} revision{'s' if len(revisions) > 1 else ''}"
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
    for revision in source.revisions(name, settings):
        amount = f"{revision.samples:>8,} samples  {_size(revision.bytes):>10}"
        print(f"{revision.revision}  {amount}  {line(revision.note)}")


def _size(count: int) -> str:
    return f"{count / 1e6:,.1f} MB"
