"""YAML made to break its reader: refused with its line, in time that grows as the text does."""

from itertools import pairwise

import pytest

from stages.config.safe_yaml import MOST_CHARACTERS, YamlProblem, parse_as_text, parse_yaml


def levels(name: str, first: str, later: str) -> str:
    """Twelve lines, each of which names the line before nine times."""
    lines = [f"{name}0: &{name}0 {first}"]
    for k in range(1, 12):
        lines.append(f"{name}{k}: &{name}{k} {later % ', '.join([f'*{name}{k - 1}'] * 9)}")
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "problem", "line"),
    [
        (levels("a", "[x]", "[%s]"), "aliases stand for more than 10,000 values", 5),
        (levels("m", "{a: 1}", "{<<: [%s]}"), "aliases stand for more than 10,000 values", 5),
        (levels("k", "{a: 1}", "{b: [%s]}"), "aliases stand for more than 10,000 values", 5),
        ("a: 1\nb: &b [*b]", "an alias holds itself", 2),
        ("a: &a {b: {c: *a}}", "an alias holds itself", 1),
        ("a: " + "[" * 101 + "]" * 101, "nested too deep", 1),
        ("a: " + "[" * 9000, "nested too deep", 1),
        ("a: 1\nb: " + "9" * 5000, "a number is far too long", 2),
        ("a: !!float " + "1:" * 20_000 + "1", "a number is far too long", 1),
        ('a: 1\nb: "\\ud83d"', "invalid Unicode character", 2),
        ("a: !!timestamp 2020-99-99", "'2020-99-99' is no timestamp", 1),
        ("a: 1\nb: !!bool maybe", "'maybe' is no bool", 2),
        ("a: !!float ''", "'' is no float", 1),
        ("a: !!int 0b_", "'0b_' is no int", 1),
        ("a: !!python/object/apply:os.system [ls]", "could not determine a constructor", 1),
        ("--- a\n--- b", "another document", 2),
        ("a" * (MOST_CHARACTERS + 1), "more than 50,000 characters", 0),
        ("a: \ud83d", "half a character", 0),
        ("a: 1\nb: [{c: 1,\n c: 2}]", "there is a second 'c'", 3),
        ("a: 1\nb: {c: {a: 1}}\na: 2", "there is a second 'a'", 3),
        ("- - {x: 1}\n  - {x: 1, 'x': 1}", "there is a second 'x'", 2),
    ],
    ids=range(21),
)
def test_a_text_made_to_break_is_refused_with_its_line(text, problem, line):
    with pytest.raises(YamlProblem) as caught:
        parse_yaml(text)

    assert problem in caught.value.problem
    assert caught.value.line == line


def test_aliases_and_merged_tables_are_read_as_in_any_yaml():
    value = parse_yaml("a: &a {x: 1}\nb: {<<: *a, y: 2}\nc: [*a, *a]").value

    assert value == {"a": {"x": 1}, "b": {"x": 1, "y": 2}, "c": [{"x": 1}, {"x": 1}]}


def test_an_empty_text_says_nothing():
    assert parse_yaml("# nothing") == (None, None)


@pytest.mark.parametrize("reading", [parse_yaml, parse_as_text])
def test_aliases_add_ten_thousand_values_at_most(reading):
    nine = [f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]" for old, new in pairwise("abcdef")]
    text = "\n".join(["a: &a [x]", *nine])

    assert len(text) < 491
    with pytest.raises(YamlProblem, match="its aliases stand for more than 10,000 values"):
        reading(text)


def test_a_text_may_have_more_values_than_aliases_may_add():
    assert len(parse_yaml(f"[{', '.join(['x'] * 15_000)}]").value) == 15_000


@pytest.mark.parametrize(
    "scalar", ["no", "yes", "on", "Off", "y", "007", "0x10", "0o17", "0b1", "1_000", "2020-01-01",
             "12:30", "1:2:3", "2020-99-99", "0b_"],
)  # fmt: skip
def test_a_word_that_older_yaml_takes_for_another_value_is_text(scalar):
    assert parse_yaml(f"[{scalar}]").value == [scalar]


@pytest.mark.parametrize(
    ("scalar", "value"),
    [("true", True), ("FALSE", False), ("~", None), ("null", None), ("-12", -12), ("+0", 0),
     ("1.5", 1.5), ("1e3", 1000.0), (".5", 0.5), ("1.0e+00", 1.0), ("'7'", "7"), ("''", "")],
)  # fmt: skip
def test_plain_values_are_of_the_core_schema(scalar, value):
    assert repr(parse_yaml(f"[{scalar}]").value) == repr([value])


def test_as_text_every_scalar_is_what_is_written():
    text = "names: [no, 007, null, ~, 1e3, 2020-01-01, true, 0x10, 'a b', 1.0]\n1: {01: x}"

    assert parse_as_text(text) == {
        "names": ["no", "007", "null", "~", "1e3", "2020-01-01", "true", "0x10", "a b", "1.0"],
        "1": {"01": "x"},
    }


@pytest.mark.parametrize("tagged", ["!!python/object/apply:os.system [ls]", "!x y", "!!set {a}"])
def test_as_text_no_tag_of_a_program_is_read(tagged):
    with pytest.raises(YamlProblem, match=r"tag .* is not read"):
        parse_as_text(f"names: {tagged}")
