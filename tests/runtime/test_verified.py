"""A package runs on processors that it was verified for, and on others only if one insists."""

import json

import pytest

from stages.runtime.errors import Damaged, UntestedProcessor
from stages.runtime.predictor import Predictor
from stages.runtime.processor import instruction_set
from stages.runtime.sealed import SEAL, seal
from stages.runtime.selftest import selftest
from stages.runtime.server import serve
from stages.runtime.verified import FILE, statement

HERE = instruction_set()
MEASURED = {"statement": "measured here"}


def with_statements(package, text):
    """The package, which says `text` of processors."""
    (package / FILE).write_text(text)
    files = [path for path in package.rglob("*") if path.is_file() and path.name != SEAL]
    named = {path.relative_to(package).as_posix(): path.read_bytes() for path in files}
    (package / SEAL).write_bytes(seal(named))
    return package


def statements(**fields):
    return json.dumps({"instruction_sets": {}, "others": None, **fields})


@pytest.mark.parametrize(
    "text",
    [
        statements(instruction_sets={HERE: MEASURED}),
        statements(others=MEASURED),  # floats
        statements(instruction_sets={"riscv64": {"statement": ""}}, others=MEASURED),
    ],
)
def test_it_runs_where_something_holds(package, text):
    with Predictor.open(with_statements(package, text)) as predictor:
        assert predictor.labels == ["red", "green", "blue"]


@pytest.mark.parametrize(
    "text",
    [
        statements(),
        statements(instruction_sets={"riscv64": MEASURED}),
        statements(instruction_sets={HERE: {"statement": ""}}),
        statements(instruction_sets={HERE: {"statement": ""}}, others=MEASURED),
    ],
)
def test_it_refuses_where_nothing_holds(package, text):
    folder = with_statements(package, text)

    with pytest.raises(UntestedProcessor, match=f"processors of the kind {HERE}"):
        Predictor.open(folder)
    with pytest.raises(UntestedProcessor, match="not verified"):
        serve(folder, port=0)
    with Predictor.open(folder, untested=True) as predictor:
        assert predictor.labels


@pytest.mark.parametrize(("here", "named"), [("arm64", True), ("riscv64", False)])
def test_the_remedy_names_only_sets_that_a_pipeline_may_name(package, monkeypatch, here, named):
    monkeypatch.setattr("stages.runtime.verified.instruction_set", lambda: here)

    with pytest.raises(UntestedProcessor, match=here) as caught:
        Predictor.open(with_statements(package, statements()))

    assert ("deploy.instruction_sets" in caught.value.remedy) is named
    assert "in float32" in caught.value.remedy


@pytest.mark.parametrize("here", ["riscv64", HERE])
def test_the_selftest_finds_out_whatever_the_processor_and_says_that_nothing_is_stated(
    package, monkeypatch, here
):
    for module in ("verified", "selftest"):
        monkeypatch.setattr(f"stages.runtime.{module}.instruction_set", lambda: here)

    unknown = selftest(with_statements(package, statements()))
    result = selftest(with_statements(package, statements(instruction_sets={here: MEASURED})))

    assert unknown.passed
    assert f"passed on {here}" in unknown.line
    assert "states nothing for processors of this kind" in unknown.line
    assert "states nothing" not in result.line


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
        statements(instruction_sets=3),
        statements(instruction_sets={HERE: 3}),
        statements(instruction_sets={HERE: {}}),
        statements(instruction_sets={HERE: {"statement": 1}}),
        statements(others=[]),
    ],
    ids=range(11),
)
def test_what_cannot_be_read_is_damage(package, text):
    folder = with_statements(package, text)

    with pytest.raises(Damaged, match=FILE):
        Predictor.open(folder)
