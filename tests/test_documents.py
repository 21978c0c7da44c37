"""What the documents name is there: links, files, commands and their options, keys, settings."""

import re
import textwrap
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import typer.main

from stages.cli.app import app
from stages.config import parse_pipeline
from stages.config.schema import pipeline_schema
from stages.settings import Settings
from tests.benchmarks.figures import Figure, figures, run_row

ROOT = Path(__file__).parents[1]
KEY = re.compile(r"(?<![\w./`@-])(?:etl|train|evaluate|deploy)(?:\.[a-z0-9_]+)+")
DOCUMENTS = sorted(
    path
    for path in (ROOT, *(ROOT / name for name in ("configs", "infra", "stages", "tests")))
    for path in (path.glob("*.md") if path == ROOT else path.rglob("*.md"))
)
SCREENS = 150  # lines of the README: three screens
OUTSIDE = {  # by the reader, in the workspace, in the store
    *("configs/pipelines/flowers.yaml", "airflow/passwords.json"),
    *("teams/", "runs/", "packages/"),
}
# tests/emulation.py, tests/deploy/native_sdk/building.py, stages/config/airflow.py
WITHOUT_SETTING = {"AIWF_ARM64", "AIWF_NCNN", "AIWF_POOLS"}

documents = pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))


def test_the_readme_fits_three_screens():
    assert len((ROOT / "README.md").read_text().splitlines()) <= SCREENS


@documents
def test_links_lead_somewhere(path):
    for link in re.findall(r"\]\(([^)\s]+)\)", path.read_text()):
        place, _, anchor = link.partition("#")
        if not place.startswith(("http://", "https://")):
            target = (path.parent / place) if place else path
            assert target.exists(), link
            assert not anchor or anchor in anchors(target), link


@documents
def test_files_that_are_named_exist(path):
    for name in files_in(path.read_text()):
        assert name in OUTSIDE or any(place.endswith(f"/{name.rstrip('/')}") for place in tree()), (
            name
        )


@documents
def test_commands_that_are_named_exist(path):
    text = path.read_text()
    rules = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for code in code_in(text):
        for rule in re.findall(r"(?:^|\n)\s*make ([a-z-]+)", code):
            assert rule in rules, f"make {rule}"
        for module in re.findall(r"python -m ((?:tests|stages)[\w.]*)", code):
            assert find_spec(module), module
        for line in re.findall(r"(?:^|\n|bin/| )aiwf ([^\n]+)", code):
            check_command(line)


@documents
def test_keys_that_are_named_exist(path):
    existing = keys()
    for code in code_in(path.read_text()):
        for key in KEY.findall(code):
            if not key.endswith((".py", ".yaml")) and find_attribute(key) is None:
                assert key in existing, key


@documents
def test_pipelines_that_are_shown_can_be_read(path):
    for text in re.findall(r"^ *```yaml\n(.*?)^ *```", path.read_text(), re.MULTILINE | re.DOTALL):
        parse_pipeline(textwrap.dedent(text))


@documents
def test_functions_and_classes_that_are_shown_exist(path):
    sources = "\n".join(file.read_text() for file in (ROOT / "stages").rglob("*.py"))
    for text in re.findall(r"^```python\n(.*?)^```", path.read_text(), re.MULTILINE | re.DOTALL):
        for name in re.findall(r"^(?:def|class) (\w+)", text, re.MULTILINE):
            assert name == "loop" or re.search(rf"^ *(?:def|class) {name}\b", sources, re.M), name


@documents
def test_settings_that_are_named_exist(path):
    existing = {f"AIWF_{name}".upper() for name in Settings.model_fields} | WITHOUT_SETTING

    assert set(re.findall(r"\bAIWF_[A-Z0-9_]+", path.read_text())) <= existing


def test_every_setting_stands_in_settings_env():
    text = (ROOT / "infra" / "settings.env").read_text()
    written = set(re.findall(r"^#? ?(AIWF_[A-Z0-9_]+)=", text, re.MULTILINE))

    assert written == {f"AIWF_{name}".upper() for name in Settings.model_fields}


def test_every_room_stands_in_the_map():
    text = (ROOT / "stages" / "README.md").read_text()
    rooms = [path.parent for path in (ROOT / "stages").rglob("__init__.py")]

    for room in rooms:
        name = str(room.relative_to(ROOT / "stages"))
        inner = f"`{name}/`" if "/" in name else rf"^.*\b{name}\b"
        assert re.search(inner, text, re.MULTILINE), name


def test_every_benchmark_stands_in_its_readme():
    folder = ROOT / "tests" / "benchmarks"
    text = (folder / "README.md").read_text()
    commands = [path.stem for path in folder.glob("*.py") if "__main__" in path.read_text()]

    for name in commands:
        assert f"tests.benchmarks.{name}" in text, name


@cache
def tree() -> tuple[str, ...]:
    """Every file and folder of the project, with a slash before each."""
    rooms = [ROOT / name for name in ("configs", "dags", "infra", "operators", "stages", "tests")]
    inside = [path for room in rooms for path in (room, *room.rglob("*"))]
    return tuple(f"/{path.relative_to(ROOT)}" for path in (*inside, *ROOT.glob("*.*")))


def code_in(text: str) -> Iterator[str]:
    """The fenced blocks, then everything between backticks outside them."""
    fenced = re.compile(r"^ *```.*?\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
    yield from fenced.findall(text)
    yield from re.findall(r"`([^`\n]+)`", fenced.sub("", text))


def files_in(text: str) -> Iterator[str]:
    """Names with a folder that look like files or folders of this project."""
    outside = re.sub(r"^ *```.*?^ *```", "", text, flags=re.MULTILINE | re.DOTALL)
    for code in re.findall(r"`([^`\n]+)`", outside):
        name = code.partition(":")[0]
        whole = re.fullmatch(r"[\w.-]+(/[\w.-]+)*/[\w.-]*", name)
        if (
            whole
            and "NAME" not in name
            and (name.endswith((".py", ".yaml", ".json", ".md", ".lock", ".env", "/")))
        ):
            yield name
    yield from (name for name in re.findall(r"(?<![\w/.…~-])configs/pipelines/\w+\.yaml", text))


def check_command(line: str) -> None:
    """Walk from `aiwf` down to the command that `line` names, and look for its options."""
    command: Any = typer.main.get_command(app)
    arguments = line.split("#")[0].split()
    while arguments and hasattr(command, "commands"):
        assert arguments[0] in command.commands, f"aiwf {line}"
        command = command.commands[arguments.pop(0)]
    options = {name for param in command.params for name in param.opts}
    for argument in arguments:
        if argument.startswith("--"):
            assert argument.partition("=")[0] in options, f"aiwf {line}"


def keys() -> set[str]:
    """Every dotted key of a pipeline, also of the sections."""
    schema = pipeline_schema()

    def inside(model: dict[str, Any], prefix: str) -> Iterator[str]:
        for key, field in model["properties"].items():
            yield f"{prefix}{key}"
            for way in (field, *field.get("anyOf", ()), field.get("items", {})):
                if "$ref" in way:
                    yield from inside(
                        schema["$defs"][way["$ref"].split("/")[-1]], f"{prefix}{key}."
                    )

    return set(inside(schema, ""))


def find_attribute(name: str) -> str | None:
    """The module of ours that a dotted `name` begins with, if there is one beneath a stage."""
    room, _, rest = name.partition(".")
    first = rest.partition(".")[0]
    place = ROOT / "stages" / room / first
    return str(place) if place.is_dir() or place.with_suffix(".py").exists() else None


def anchors(path: Path) -> set[str]:
    """The anchors of the headings of a Markdown file, as they are made on the web."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_figure_has_the_commit_that_it_was_measured_at():
    rows = list(figures((ROOT / "tests" / "benchmarks" / "README.md").read_text()))

    assert len(rows) > 20
    for row in rows:
        assert row.what
        assert row.figure
        assert re.fullmatch(r"[0-9a-f]{8}", row.commit) or "published" in row.what, row.what


def test_the_first_command_of_a_row_is_run_and_one_without_its_folder_is_told(capsys, monkeypatch):
    monkeypatch.delenv("FOLDER", raising=False)
    rows = [Figure("a", "1", "`python -c 'print(7)'`", "0" * 8), Figure("b", "2", "the same", "")]

    for number in (1, 2):
        with pytest.raises(SystemExit) as ended:
            run_row(rows, number)
        assert ended.value.code == 0
    with pytest.raises(SystemExit, match="needs the variable FOLDER"):
        run_row([Figure("c", "3", "`python -m tests.benchmarks.search FOLDER`", "")], 1)
    with pytest.raises(SystemExit, match="There is no row 3"):
        run_row(rows, 3)
