"""The table of commands."""

import typer

from stages.cli import data, doctor, evaluate, looking, package, running, samples, services

app = typer.Typer(
    name="aiwf",
    help="From a folder of labelled pictures to a package that passed its own test.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(running.run)
app.command()(running.plan)
app.command()(running.stage)
app.command()(running.reproduce)
app.command()(looking.diff)
app.command("list")(looking.list_artifacts)
app.command()(looking.show)
app.command()(looking.schema)
app.command()(evaluate.evaluate)
app.command()(package.predict)
app.command()(package.serve)
app.command()(doctor.doctor)
app.command()(services.up)
app.command()(services.down)
app.command()(services.status)
app.add_typer(data.app, name="data", help="Raw data: add, list, show.")
app.add_typer(samples.app, name="samples", help="Sample data from published packages.")
