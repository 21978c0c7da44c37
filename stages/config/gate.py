"""A gate as one line of text: 'accuracy=0.9, recall of cat=0.8'."""

import re
from collections.abc import Mapping

from stages.runtime.errors import ConfigError

# A name may hold commas and colons, as labels do: it ends before '=' and a number that ends a part.
_PART = re.compile(
    r"\s*+(.+?)(?:>=|≥|=|:)\s*+([0-9.]++)[ \t]*+(%?)[ \t]*+(?:[,;\n]\s*+|$)", re.DOTALL
)
SHOWN = 80  # characters of a part that an error repeats
_QUOTED = re.compile(r"(precision|recall|f1) of '(.+)'")


def parse_gate(text: str) -> dict[str, float]:
    """The metrics of a gate with their minimum: shares from 0 to 1, or percents with '%'.

    Raises ConfigError, naming the part that is not a metric with a number, or is there twice."""
    gate: dict[str, float] = {}
    text, place = text.strip(), 0
    while place < len(text):
        found = _PART.match(text, place)
        value = _share(found) if found else None
        if found is None or value is None:
            raise ConfigError(
                f"'{text[place : place + SHOWN]}' does not begin with a metric and its minimum.",
                "Write metric=number, with a point and not a comma in the number, and commas "
                "between several: accuracy=0.9, recall of every label=0.8",
            )
        name = _QUOTED.sub(r"\1 of \2", found.group(1).strip())
        if name in gate:
            raise ConfigError(f"'{name}' is there twice.", "Keep one of the two.")
        gate[name], place = value, found.end()
    return gate


def gate_text(gate: Mapping[str, float]) -> str:
    """`gate` as `parse_gate` reads it; empty without one."""
    return ", ".join(f"{name}={least:.15g}" for name, least in gate.items())


def _share(found: re.Match[str]) -> float | None:
    """The number of a part as a share; None if it is no number."""
    try:
        number = float(found.group(2))
    except ValueError:  # such as 0.9.1
        return None
    return round(number / 100, 15) if found.group(3) else number
