"""The tool that changes code to see whether a test notices."""

import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from tests.mutants.changes import drawn, mutants_of

ROOT = Path(__file__).parent.parent


def changes(text: str) -> set[tuple[str, str]]:
    return {(mutant.old, mutant.new) for mutant in mutants_of("a.py", text.encode())}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x = a + b", {("a + b", "(a - b)")}),
        ("x = a <= b", {("a <= b", "(a < b)")}),
        ("x = a and b", {("a and b", "(a or b)")}),
        ("x = 3.5", {("3.5", "4.5"), ("3.5", "7.0")}),
        ("x = 1", {("1", "2")}),
        ("x = True", {("True", "False")}),
        ("x = not a", {("not a", "a")}),
        ("x = b if a else c", {("a", "(not a)")}),
        ("x = [b for b in a if b]", {("b", "(not b)")}),
        ("if a: b = c", {("a", "(not a)")}),
        ("if a == b: c = d", {("a == b", "(a != b)")}),
        ("x = f(a, k=b)", {("f(a, k=b)", "f(a)")}),
        ("f(a)", {("f(a)", "pass")}),
        ("a += b", {("a += b", "a -= b"), ("a += b", "pass")}),
        ("a.b = c", {("a.b = c", "pass")}),
        ("raise E(1 + 2)", {("raise E(1 + 2)", "pass")}),
        ("def f(a=2): pass", {("2", "3"), ("2", "4")}),
        (
            "def f(a):\n    return g(a)",
            {("return g(a)", "return a"), ("return g(a)", "return None")},
        ),
    ],
)
def test_every_kind_of_change_is_made(text, expected):
    assert changes(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        '"""One of 3 or 4."""',
        "x = f'{1 + 2} of {not a}'",
        "x = 'a' + b",
        "x: Annotated[int, 3]",
        "def f(a: Literal[3]) -> Annotated[int, 4]: ...",
        "@cache(maxsize=3)\ndef f(): ...",
        "log.warning('%d', 3)",
        "run.progress(1 + 2)",
        "x = open(a, encoding='utf-8')",
        "x = zip(a, b, strict=True)",
        "if TYPE_CHECKING:\n    x = 3",
        "import a",
        "match x:\n    case 3: a = b",
    ],
)
def test_texts_hints_and_what_changes_nothing_stay(text):
    assert changes(text) == set()


def test_a_change_is_made_at_its_place_and_nowhere_else():
    source = "é = 'é' if a else 2  # é\ny = 2\n".encode()

    mutants = list(mutants_of("a.py", source))

    assert mutants[0].applied(source).decode() == "é = 'é' if (not a) else 2  # é\ny = 2\n"
    assert mutants[1].applied(source).decode() == "é = 'é' if a else 3  # é\ny = 2\n"


def test_what_is_drawn_depends_on_the_seed_and_hardly_on_other_code():
    text = "".join(f"def f{k}(a, b):\n    return a + {k} * b\n" for k in range(3, 60))
    mutants = list(mutants_of("a.py", text.encode()))
    longer = list(mutants_of("a.py", f"def g(a):\n    return a - 2\n\n{text}".encode()))

    first, again, other = (drawn(mutants, 40, seed) for seed in (0, 0, 1))
    later = drawn(longer, 40, 0)

    assert first == again != other
    assert all(before.line <= after.line for before, after in pairwise(first))
    same = {(mutant.old, mutant.new) for mutant in first} & {
        (mutant.old, mutant.new) for mutant in later
    }
    assert len({(mutant.old, mutant.new) for mutant in first} - same) <= 4


CODE = '''"""A room."""

LEAST = 10


def large(n: int) -> bool:
    return n > LEAST


def never_run(n: int) -> int:
    return n + 1
'''
CHECKS = """import pytest
from stages.small.sizes import large

@pytest.fixture(scope="module")
def answer():
    return large(11)

def test_eleven_is_large(answer):
    assert answer is True

def test_ten_is_not():
    assert large(10) is False
"""


def test_the_share_killed_is_that_of_a_small_project(tmp_path):
    """Of `LEAST` + 1, * 2 and the comparison all are killed, a line without tests is told."""
    package = tmp_path / "stages" / "small"
    package.mkdir(parents=True)
    for folder in (package.parent, package):
        (folder / "__init__.py").touch()
    (package / "sizes.py").write_text(CODE)
    (tmp_path / "checks").mkdir()
    (tmp_path / "checks" / "test_sizes.py").write_text(CHECKS)
    (tmp_path / "pytest.ini").write_text("[pytest]\npythonpath = .\n")
    listed = tmp_path / "survivors.txt"
    options = ["--root", tmp_path, "--folder", tmp_path / "kept", "--survivors", listed]
    command = [sys.executable, "-m", "tests.mutants", "--rooms", "small", "--tests", "checks"]

    done = subprocess.run(
        [*command, *options, "--processes", "1"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "stages/small: 4 of 7 killed, 57.1 %" in done.stdout
    assert "(no tests)" in listed.read_text()
    assert (package / "sizes.py").read_text() == CODE
