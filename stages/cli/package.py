"""aiwf predict, aiwf serve: using a package."""

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stages.settings import Settings

if TYPE_CHECKING:
    from stages.runtime.answers import AnswerKind
    from stages.runtime.file_answers import PredictOptions
    from stages.runtime.predictor import Predictor

UNTESTED = "Also on a processor that the package was not verified for."
Name = Annotated[
    str, typer.Argument(metavar="PACKAGE", help="A package's folder or zip, or package@id.")
]


def predict(
    package: Name,
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Photos or clips.")],
    top: Annotated[
        int | None, typer.Option(min=0, help="So many of each answer, the best; 0 for all.")
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Leave out what has a lower score."),
    ] = None,
    draw: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the answer drawn; of several files, a folder."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object on each line instead of a table.")
    ] = False,
    untested: Annotated[bool, typer.Option("--untested", help=UNTESTED)] = False,
) -> None:
    """Ask a package of photos or clips. One that cannot be read does not stop the others."""
    from stages.evaluate.packaged import opened_package
    from stages.opening import open_store
    from stages.runtime.file_answers import PredictOptions
    from stages.runtime.predictor import Predictor

    settings = Settings()
    with (
        opened_package(package, open_store(settings)) as folder,
        Predictor.open(folder, settings.threads, untested=untested) as predictor,
    ):
        answers = _answers(predictor, files, PredictOptions(top, threshold), draw)
        codes = _as_lines(answers) if as_json else _as_table(answers, predictor.kind)
    if max(codes):
        sys.exit(max(codes))


def serve(
    package: Annotated[
        str | None,
        typer.Argument(
            metavar="PACKAGE",
            help="A package's folder or zip, or package@id; with --live a pipeline.",
        ),
    ] = None,
    live: Annotated[
        bool,
        typer.Option(
            "--live",
            help="Answer with what is published, of one pipeline or of all, and follow it.",
        ),
    ] = False,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535)] = 8000,
    untested: Annotated[bool, typer.Option("--untested", help=UNTESTED)] = False,
) -> None:
    """Answer over HTTP with a package until Ctrl-C; its page is at /docs."""
    settings = Settings()
    if live:
        from stages.publish.service_process import serve_live

        serve_live(settings, host, port, (package,) if package else ())
        return
    from stages.evaluate.packaged import HOW, opened_package
    from stages.opening import open_store
    from stages.runtime.errors import ConfigError
    from stages.runtime.server import serve as answer

    if package is None:
        raise ConfigError("No package is named.", f"{HOW} Or say --live.")
    with opened_package(package, open_store(settings)) as folder:
        answer(folder, host, port, settings.threads, untested=untested)


def _answers(
    predictor: "Predictor", files: Sequence[Path], options: "PredictOptions", draw: Path | None
) -> Iterator[tuple[dict[str, Any], int]]:
    from stages.runtime.file_answers import answered, drawings

    for path, drawing in zip(files, drawings(predictor, files, draw), strict=True):
        yield answered(predictor, path, options, drawing)


def _as_lines(answers: Iterator[tuple[dict[str, Any], int]]) -> list[int]:
    codes = []
    for answer, code in answers:
        print(json.dumps(answer, ensure_ascii=False), flush=True)
        codes.append(code)
    return codes


def _as_table(answers: Iterator[tuple[dict[str, Any], int]], kind: "AnswerKind") -> list[int]:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from stages.runtime.neutral import line

    table = Table(box=box.SIMPLE)
    for title in ("File", *kind.columns):
        table.add_column(
            line(title), overflow="fold"
        )  # files often differ in the end of their names
    codes = []
    for answer, code in answers:
        codes.append(code)
        rows = _problem(answer, kind) if code else kind.rows(answer)
        for number, (first, *rest) in enumerate(rows):
            name = Text("" if number else line(answer["file"]))
            style = "red" if code else "bold"
            table.add_row(name, Text(line(first), style), *(Text(line(cell)) for cell in rest))
    Console().print(table)
    return codes


def _problem(answer: dict[str, Any], kind: "AnswerKind") -> list[tuple[str, ...]]:
    """What is wrong with a file and what to do, in the first column and the last."""
    between = [""] * (len(kind.columns) - 2)
    return [(answer["problem"], *between, answer["remedy"])]
