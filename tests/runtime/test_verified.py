"""A package runs on processors that it was verified for, and on others only if one insists."""

import json

import pytest

from stages.runtime.errors import Damaged, UntestedProcessor
from stages.runtime.predictor import Predictor
from stages.runtime.processor import instruction_set
from stages.runtime.sealed import SEAL, seal
from stages.runtime.server import serve
from stages.runtime.verified import FILE, statement

HERE = instruction_set()
MEASURED = {"statement": "measured here"}


def telling(package, text):
    """The package, which says `text` of processors."""
    (package / FILE).write_text(text)
    files = [one for one in package.rglob("*") if one.is_file() and one.name != SEAL]
    named = {one.relative_to(package).as_posix(): one.read_bytes() for one in files}
    (package / SEAL).write_bytes(seal(named))
    return package


def said(**known):
    return json.dumps({"instruction_sets": {}, "others": None, **known})


@pytest.mark.parametrize(
    "text",
    [
        said(instruction_sets={HERE: MEASURED}),
        said(others=MEASURED),  # floats
        said(instruction_sets={"riscv64": {"statement": ""}}, others=MEASURED),
    ],
)
def test_it_runs_where_something_holds(package, text):
    with Predictor.open(telling(package, text)) as predictor:
        assert predictor.labels == ["red", "green", "blue"]


@pytest.mark.parametrize(
    "text",
    [
        said(),
        said(instruction_sets={"riscv64": MEASURED}),
        said(instruction_sets={HERE: {"statement": ""}}),
        said(instruction_sets={HERE: {"statement": ""}}, others=MEASURED),
    ],
)
def test_it_refuses_where_nothing_holds(package, text):
    folder = telling(package, text)

    with pytest.raises(UntestedProcessor, match=f"processors of the kind {HERE}"):
        Predictor.open(folder)
    with pytest.raises(UntestedProcessor, match="not verified"):
        serve(folder, port=0)
    with Predictor.open(folder, untested=True) as predictor:
        assert predictor.labels


def test_one_that_tells_nothing_is_not_refused(package):
    assert statement(package, HERE) is None
    assert Predictor.open(package).labels


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        "\x00",
        "[" * 99_999,
        said(instruction_sets=3),
        said(instruction_sets={HERE: 3}),
        said(instruction_sets={HERE: {}}),
        said(instruction_sets={HERE: {"statement": 1}}),
        said(others=[]),
    ],
    ids=range(11),
)
def test_what_cannot_be_read_is_damage(package, text):
    folder = telling(package, text)

    with pytest.raises(Damaged, match=FILE):
        Predictor.open(folder)
