"""The table of commands."""

from typing import Annotated

import typer

from stages.cli.artifacts import diff, list_artifacts, schema, show
from stages.cli.chain import chain
from stages.cli.data import app as data
from stages.cli.device import app as device
from stages.cli.devices import devices
from stages.cli.doctor import doctor
from stages.cli.engines import advise, bench, conformance
from stages.cli.evaluate import evaluate
from stages.cli.gc import gc
from stages.cli.importing import import_model
from stages.cli.package import predict, serve
from stages.cli.pick import pick
from stages.cli.publishing import live, publish, rollback
from stages.cli.running import plan, reproduce, run, stage
from stages.cli.samples import app as samples
from stages.cli.services import down, status, up
from stages.cli.studio import studio

app = typer.Typer(
    name="aiwf",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(requested: bool) -> None:
    """Print the version and leave, if it is `requested`."""
    from stages.runtime.libraries import installed

    if requested:
        print(f"aiwf {installed('ai-workflow')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and leave."
        ),
    ] = False,
) -> None:
    """From a folder of labelled pictures or sounds to a package that passed its own test."""


for command in (
    run,
    plan,
    stage,
    reproduce,
    pick,
    chain,
    diff,
    show,
    schema,
    evaluate,
    predict,
    serve,
):
    app.command()(command)
for publishing_command in (publish, rollback, live):
    app.command()(publishing_command)
app.command()(bench)
app.command()(advise)
app.command()(conformance)
app.command()(devices)
app.command("import")(import_model)
for server_command in (doctor, gc, up, down, status, studio):
    app.command()(server_command)
app.command("list")(list_artifacts)
app.add_typer(data, name="data", help="Raw data: add, list, show.")
app.add_typer(device, name="device", help="Devices over ssh: add, list, bench, report.")
app.add_typer(samples, name="samples", help="Sample data from published packages.")
