"""Every figure of this folder's README.md with the commit that it was measured at, and whether the
code has changed since: `python -m tests.benchmarks.figures [ROW]`.

With ROW, the number of a row, its command is run, and its output printed with the commit of the
code that ran. A command that names FOLDER or PACKAGE takes it from the variable of that name."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
README = Path(__file__).with_name("README.md")
HEADER = "| what | figure | command | commit |"
SAME = "the same"  # as the row above
MEASURED = ("stages", "operators", "dags", "pyproject.toml", "requirements.lock")


class Figure(NamedTuple):
    """One row of the table. `commit`: '' for a figure that others have published."""

    what: str
    figure: str
    command: str
    commit: str


def figures(text: str) -> Iterator[Figure]:
    """The rows of the table of figures in `text`, a Markdown file."""
    lines = text.splitlines()
    for line in lines[lines.index(HEADER) + 2 :]:
        if not line.startswith("|"):
            return
        yield Figure(*(cell.strip() for cell in line[1:-1].split("|")))


def changes_since(commit: str) -> int | None:
    """How many commits since `commit` have changed what is measured; None if it is not known
    here."""
    arguments = ["git", "rev-list", "--count", f"{commit}..HEAD", "--", *MEASURED]
    counted = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True)
    return int(counted.stdout) if counted.returncode == 0 else None


def head() -> str:
    """The short name of the commit of the code here, with + if it has uncommitted changes."""
    arguments = ["git", "describe", "--always", "--abbrev=8", "--dirty=+"]
    return subprocess.run(
        arguments, cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.strip()


def main(arguments: Sequence[str]) -> None:
    """Print the table, or run the command of one row."""
    rows = list(figures(README.read_text()))
    if arguments:
        run_row(rows, int(arguments[0]))
        return
    for number, row in enumerate(rows, 1):
        print(f"{number:3d}  {row.what}\n     {row.figure}\n     {_age(row)}; {row.command or '-'}")


def _age(row: Figure) -> str:
    if not row.commit:
        return "published by others"
    changes = changes_since(row.commit)
    if changes is None:
        return f"measured at {row.commit}, which is not in this clone"
    return f"measured at {row.commit}, {changes} commits of the code ago"


def run_row(rows: Sequence[Figure], number: int) -> None:
    """Run the first command of row `number`, or that of the row above which it is the same as."""
    if not 1 <= number <= len(rows):
        sys.exit(f"There is no row {number}: rows are 1 to {len(rows)}.")
    named = [
        row.command for row in rows[:number] if row.command and not row.command.startswith(SAME)
    ]
    command = next((part for part in named[-1].split("`")[1::2]), "")
    for name in ("FOLDER", "PACKAGE"):
        if name in command.split() and not os.environ.get(name):
            sys.exit(f"`{command}` needs the variable {name}.")
        command = command.replace(name, f'"${name}"')
    print(f"{command}\nat {head()}:", flush=True)
    place = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    sys.exit(subprocess.run(command, shell=True, cwd=ROOT, env=place).returncode)  # noqa: S602


if __name__ == "__main__":
    main(sys.argv[1:])
