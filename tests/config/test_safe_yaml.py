"""YAML made to break its reader: refused with its line, in time that grows as the text does."""

import pytest

from stages.config.safe_yaml import MOST_CHARACTERS, YamlProblem, parse_yaml


def levels(name: str, first: str, later: str) -> str:
    """Twelve lines, each of which names the line before nine times."""
    lines = [f"{name}0: &{name}0 {first}"]
    for k in range(1, 12):
        lines.append(f"{name}{k}: &{name}{k} {later % ', '.join([f'*{name}{k - 1}'] * 9)}")
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "problem", "line"),
    [
        (levels("a", "[x]", "[%s]"), "aliases stand for more than 200,000 values", 7),
        (levels("m", "{a: 1}", "{<<: [%s]}"), "aliases stand for more than 200,000 values", 7),
        (levels("k", "{a: 1}", "{b: [%s]}"), "aliases stand for more than 200,000 values", 7),
        ("a: 1\nb: &b [*b]", "an alias holds itself", 2),
        ("a: &a {b: {c: *a}}", "an alias holds itself", 1),
        ("a: " + "[" * 101 + "]" * 101, "nested too deep", 1),
        ("a: " + "[" * 9000, "nested too deep", 0),
        ("a: 1\nb: " + "9" * 5000, "a number is far too long", 2),
        ("a: " + "1:" * 90_000 + "1", "a number is far too long", 1),
        ('a: 1\nb: "\\ud83d"', "half a character", 2),
        ("a: 2020-99-99", "'2020-99-99' is no timestamp", 1),
        ("a: 1\nb: !!bool maybe", "'maybe' is no bool", 2),
        ("a: !!float ''", "'' is no float", 1),
        ("a: 0b_", "'0b_' is no int", 1),
        ("a: !!python/object/apply:os.system [ls]", "could not determine a constructor", 1),
        ("--- a\n--- b", "another document", 2),
        ("a" * (MOST_CHARACTERS + 1), "more than 200,000 characters", 0),
    ],
    ids=range(17),
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
