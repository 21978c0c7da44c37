"""aiwf predict, aiwf serve: using a package."""

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stages.settings import Settings

if TYPE_CHECKING:
    from stages.runtime.predictor import Predictor

Name = Annotated[
    str, typer.Argument(metavar="PACKAGE", help="A package's folder or zip, or package@id.")
]


def predict(
    package: Name,
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Pictures.")],
    top: Annotated[int, typer.Option(min=0, help="So many labels for each; 0 for all.")] = 3,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object on each line instead of a table.")
    ] = False,
) -> None:
    """Ask a package what is on pictures. A picture that cannot be read does not stop the others."""
    from stages.evaluate.packaged import opened_package
    from stages.opening import open_store
    from stages.runtime.predictor import Predictor

    settings = Settings()
    with (
        opened_package(package, open_store(settings)) as folder,
        Predictor.open(folder, settings.threads) as predictor,
    ):
        answers = _answers(predictor, files, top)
        codes = _as_lines(answers) if as_json else _as_table(answers, top)
    if max(codes):
        sys.exit(max(codes))


def serve(
    package: Name,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535)] = 8000,
) -> None:
    """Answer over HTTP with a package until Ctrl-C; its page is at /docs."""
    from stages.evaluate.packaged import opened_package
    from stages.opening import open_store
    from stages.runtime.server import serve as answer

    settings = Settings()
    with opened_package(package, open_store(settings)) as folder:
        answer(folder, host, port, settings.threads)


def _answers(
    predictor: "Predictor", files: Sequence[Path], top: int
) -> Iterator[tuple[dict[str, Any], int]]:
    from stages.runtime.commands import answered

    for path in files:
        yield answered(predictor, path, top)


def _as_lines(answers: Iterator[tuple[dict[str, Any], int]]) -> list[int]:
    codes = []
    for answer, code in answers:
        print(json.dumps(answer, ensure_ascii=False), flush=True)
        codes.append(code)
    return codes


def _as_table(answers: Iterator[tuple[dict[str, Any], int]], top: int) -> list[int]:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE)
    for title in ("File", "Label", "Score", "Then"):
        table.add_column(title, overflow="fold")  # the end of a name is what tells files apart
    codes = []
    for answer, code in answers:
        codes.append(code)
        if code:
            table.add_row(
                Text(answer["file"]), Text(answer["problem"], "red"), "", Text(answer["remedy"])
            )
            continue
        first, *others = answer["labels"]
        then = ", ".join(f"{one['label']} {one['score']:.1%}" for one in others)
        table.add_row(
            Text(answer["file"]), Text(first["label"], "bold"), f"{first['score']:.1%}", Text(then)
        )
    Console().print(table)
    return codes
