"""Text from elsewhere does nothing where it is printed, and says what it says."""

import io
import json
import sys

import pytest

from stages.runtime.neutral import Neutral, cell, line, neutral_streams, shown

ACTIVE = {
    "clears the screen": "\x1b[2J",
    "sets the title": "\x1b]0;owned\x07",
    "writes to the clipboard": "\x1b]52;c;ZXZpbA==\x07",
    "one-character CSI": "\x9b31m",
    "backspace": "cat\x08\x08\x08dog",
    "carriage return": "refused\rshipped",
    "NUL": "a\x00b",
    "turns the direction": "photo\u202egpj.exe",
    "isolates": "\u2066a\u2069",
    "no width": "pay\u200bpal",
    "byte order mark": "\ufeffcat",
    "line of Unicode": "a\u2028b",
    "tags": "cat\U000e0041\U000e0042",
    "half a character": "\udcff.jpg",
    "filler": "a\u3164b",
}


@pytest.mark.parametrize("text", ACTIVE.values(), ids=ACTIVE.keys())
def test_what_would_act_is_written_out(text):
    safe = shown(text)

    assert "\\u" in safe
    assert safe.isprintable()
    assert json.loads(json.dumps(text, ensure_ascii=False).translate({})) == text
    assert json.loads(shown(json.dumps(text, ensure_ascii=False))) == text


@pytest.mark.parametrize(
    "text", ["Schöne Äpfel", "猫", "كلب", "חתול", "🐈", "a\tb\nc", "[red]x", "≥ 1 – …"]
)
def test_what_is_only_seen_stays(text):
    assert shown(text) == text


def test_a_part_of_a_line_has_no_further_lines():
    assert line("cat\nVerdict: SHIP") == "cat\\u000aVerdict: SHIP"
    assert line("a\tb") == "a\\u0009b"


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", " =1", "\n=1", "=HYPERLINK()"],
)
def test_a_cell_is_never_a_formula(text):
    assert cell(text).startswith("'")


@pytest.mark.parametrize("text", ["-1.5", "+3", "1e-3", "cat", "a=b", ""])
def test_other_cells_stay(text):
    assert cell(text) == text


def test_all_that_is_printed_is_neutral_and_the_streams_are_as_before(capsys):
    before = sys.stdout, sys.stderr

    with neutral_streams():
        print("\x1b[31mred", end="\n")
        print("\x1b]0;t\x07", file=sys.stderr)

    output = capsys.readouterr()
    assert output.out == "\\u001b[31mred\n"
    assert "\x1b" not in output.err
    assert (sys.stdout, sys.stderr) == before


def test_a_stream_of_few_letters_gets_escapes_for_others():
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii")

    print("Äpfel \udcff", file=Neutral(out), flush=True)

    assert out.buffer.getvalue() == b"\\xc4pfel \\udcff\n"


def test_what_a_library_writes_in_colour_still_is():
    from rich.console import Console
    from rich.text import Text

    out = io.StringIO()
    with neutral_streams():
        sys.stdout = Neutral(out)
        Console(force_terminal=True, color_system="standard", no_color=False).print(
            Text("x", "red")
        )

    assert "\x1b[31m" in out.getvalue()
