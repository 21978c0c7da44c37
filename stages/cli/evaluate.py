"""aiwf evaluate: a model or package, measured on a person's own samples."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stages.runtime.neutral import line
from stages.settings import Settings

if TYPE_CHECKING:
    from stages.config import EvaluateConfig
    from stages.evaluate.evaluation import Evaluation


def evaluate(
    subject: Annotated[
        str,
        typer.Argument(
            metavar="MODEL_OR_PACKAGE", help="A package's folder or zip, model@id or package@id."
        ),
    ],
    folder: Annotated[
        Path,
        typer.Argument(metavar="DIR", help="Your own photos or clips, annotated as for training."),
    ],
    out: Annotated[Path, typer.Option(help="Folder for report.html and metrics.json.")] = Path(
        "evaluation"
    ),
    gate: Annotated[
        list[str] | None,
        typer.Option(help="Least value, as accuracy=0.9 or 'recall of every label=0.8'."),
    ] = None,
) -> None:
    """Measure a model or package on your own annotated samples, and draw the report."""
    from stages.cli.watching import watching
    from stages.evaluate.own import measured
    from stages.evaluate.subject import learnt_from, opened
    from stages.opening import open_store
    from stages.pages.languages import with_languages, write_in_languages
    from stages.runtime.files import write

    config = _config(gate or [])
    settings = Settings()
    store = open_store(settings)
    with opened(subject, store) as found, watching() as watch:
        evaluation, page = measured(
            found,
            folder,
            config,
            learnt_from(found, store),
            settings.threads,
            lambda done, total: watch.progress("predictions", done, total),
        )
    write_in_languages(out, "report.html", partial(with_languages, page, "report.html"))
    write(out / "metrics.json", evaluation.record())
    _print(evaluation, found.task, out)
    if gate:
        _check(evaluation)


def _config(gates: list[str]) -> "EvaluateConfig":
    from pydantic import ValidationError

    from stages.config import EvaluateConfig
    from stages.runtime.errors import ConfigError

    try:
        pairs = [gate.rpartition("=") for gate in gates]
        return EvaluateConfig.model_validate({"gate": {name: value for name, _, value in pairs}})
    except ValidationError as error:
        first = error.errors()[0]
        message = first["msg"].removeprefix("Value error, ")
        raise ConfigError(f"--gate: {message}", "Write it as accuracy=0.9.") from error


def _print(evaluation: "Evaluation", task: str, out: Path) -> None:
    from stages.evaluate import formatting
    from stages.evaluate.kinds import kind_of

    print(f"\nVerdict: {evaluation.headline.upper()}")
    for reason in evaluation.reasons:
        print(f"  {line(reason)}")
    print()
    for name in kind_of(task).headline:
        value = evaluation.measured.overall[name]
        print(f"  {formatting.capital(formatting.metric(name)):<20} {formatting.measured(value)}")
    _print_labels(evaluation)
    print(f"\n  {line(evaluation.sure.title)}\n  {line(evaluation.sure.summary)}")
    print("\nNext:")
    for number, advice in enumerate(evaluation.advice, 1):
        print(f"  {number}. {line(advice)}")
    print(f"\nMade:\n  {out / 'report.html'}\n  {out / 'metrics.json'}")


def _print_labels(evaluation: "Evaluation") -> None:
    from stages.evaluate import formatting

    width = min(max(len(label) for label in evaluation.measured.labels), 40)
    print(f"\n  {'label':<{width}}  {'tested':>6}  {'recall':<24}  {'precision':<24}")
    for label, each in evaluation.measured.labels.items():
        recall, precision = (
            formatting.measured(each[name]) if each[name].n else "-"
            for name in ("recall", "precision")
        )
        name = line(label)
        name = name if len(name) <= width else f"{name[: width - 1]}…"
        print(f"  {name:<{width}}  {each['support'].value:>6.0f}  {recall:<24}  {precision:<24}")


def _check(evaluation: "Evaluation") -> None:
    from stages.runtime.errors import GateNotMet

    if evaluation.verdict == "do not ship":
        raise GateNotMet("The gate is not reached.", "The report says what to do first.")
