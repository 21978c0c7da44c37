"""aiwf data: add, list, show, export."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stages.parts import READERS, WRITERS
from stages.runtime.neutral import line
from stages.settings import Settings

if TYPE_CHECKING:
    from stages.etl.readers import Doubt
    from stages.etl.readers.choices import Choices
    from stages.etl.source import Revision

app = typer.Typer(no_args_is_help=True)


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="Name for pipelines: small letters, digits, _.")],
    path: Annotated[Path, typer.Argument(help="Folder or zip of labelled samples, or a CSV.")],
    note: Annotated[str, typer.Option(help="A word on what is new.")] = "",
    layout: Annotated[str, typer.Option(help=f"How labels are stored: {', '.join(READERS)}.")] = "",
    splits: Annotated[
        str, typer.Option(help="theirs: those that the data name; ours: etl assigns them.")
    ] = "",
    leave_out: Annotated[
        list[str] | None, typer.Option(help="File, folder or pattern; may be given repeatedly.")
    ] = None,
) -> None:
    """Copy labelled samples into the workspace, as a new revision of NAME, and say what was
    understood. If they can be read in several ways, it asks."""
    from stages.etl import source
    from stages.etl.readers.choices import Choices
    from stages.local.announcing import announce_revision

    settings = Settings()
    source.check_name(name)
    before = [revision.revision for revision in source.revisions(name, settings)]
    choices = Choices(layout, splits, tuple(leave_out or ()))
    added = _added(name, path, settings, note, choices)
    state = "known before" if added.revision in before else "new"
    print(f"{added.name}: {added.samples:,} samples, {_size(added.bytes)}, {state}")
    for text in added.summary:
        print(f"  {text}")
    print(f"  revision {added.revision}")
    if added.note:
        print(f"  {line(added.note)}")
    if added.revision not in before[-1:]:
        announce_revision(added, settings, lambda text: print(f"  {line(text)}"))
    print(f"Next: write 'data: {added.name}' into a pipeline, then `aiwf run` it.")


def _added(name: str, path: Path, settings: Settings, note: str, choices: "Choices") -> "Revision":
    """The new revision. Where the data can be read in several ways, a user at a terminal is
    asked."""
    from stages.etl import source
    from stages.etl.readers import Doubt

    while True:
        try:
            return source.add(name, path, settings, note, choices)
        except Doubt as doubt:
            if not (sys.stdin.isatty() and sys.stdout.isatty()):
                raise
            choices = choices.answering(*_answer(doubt))


def _answer(doubt: "Doubt") -> tuple[str, str]:
    """The option and value that the user chooses."""
    print(doubt.problem)
    answers = dict(enumerate(doubt.readings, 1))
    listed = ", ".join(f"{number}: {value}" for number, (_, value) in answers.items())
    while True:
        number = typer.prompt(f"Which one ({listed})", type=int)
        if number in answers:
            return answers[number]


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
        for text in revision.summary:
            print(f"  {text}")
        if revision.answers:
            print(f"  added with {revision.answers}")


@app.command()
def export(
    name: Annotated[str, typer.Argument(help="Name of raw data.")],
    folder: Annotated[Path, typer.Argument(help="The new folder to write.")],
    layout: Annotated[str, typer.Option("--as", help=f"Format: {', '.join(WRITERS)}.")],
    revision: Annotated[str, typer.Option(help="How its digest begins; empty: the newest.")] = "",
) -> None:
    """Write a revision of NAME, files with labels or boxes, splits and groups, into a new FOLDER,
    in a format that other tools read. It is read back and compared before the folder appears."""
    from stages.config import DataConfig
    from stages.etl import source
    from stages.etl.export import export_revision

    source.check_name(name)
    raw = source.raw_data(DataConfig(name=name, revision=revision), Settings())
    exported = export_revision(raw, layout, folder)
    print(f"{folder}: {exported.samples:,} samples as {layout}")
    for note in exported.notes:
        print(f"  {note}")


@app.command()
def crops(
    photos: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="Annotated boxes: raw data, or a run or dataset@id, whose splits then hold.",
        ),
    ],
    name: Annotated[str, typer.Argument(help="Name of the new data: small letters, digits, _.")],
    margin: Annotated[
        float, typer.Option(help="Around a box, as a share of its sides, on each of them.")
    ] = 0.1,
    labels: Annotated[str, typer.Option(help="Only boxes of these labels: ace,king.")] = "",
) -> None:
    """Cut each box out as a picture with its label: data for the classifier of a chain. All crops
    of a photo are of one group, and those of test photos are of the test."""
    from stages.etl import source
    from stages.etl.crops import cropped
    from stages.local.announcing import announce_revision
    from stages.opening import open_store
    from stages.runner.chain import annotated_photos

    settings = Settings()
    source.check_name(name)
    wanted = [label.strip() for label in labels.split(",") if label.strip()]
    with (
        annotated_photos(photos, open_store(settings), settings) as found,
        cropped(found, margin, wanted) as (folder, counts),
    ):
        note = f"crops of {photos}, margin {margin:g}"
        added = source.add(name, folder, settings, note)
    print(f"{name}: {counts.crops:,} crops of {counts.photos:,} photos, {_size(added.bytes)}")
    for text in added.summary:
        print(f"  {text}")
    if counts.tiny:
        print(f"  {counts.tiny:,} boxes are left out: less than 2 pixels wide or high")
    for text in counts.unusable[:3]:
        print(f"  left out: {line(text)}")
    if len(counts.unusable) > 3:
        print(f"  and {len(counts.unusable) - 3:,} more photos")
    print(f"  revision {added.revision}")
    announce_revision(added, settings, lambda text: print(f"  {line(text)}"))
    print(
        f"Next: train a classifier on it ('data: {name}'), then `aiwf chain DETECTOR CLASSIFIER`."
    )


def _size(count: int) -> str:
    return f"{count / 1e6:,.1f} MB"
