"""Tables of recorded numbers that tests compare with: JSON with a line for each case."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def recorded(table: Path, case: str) -> Any:
    """What `table` has of the `case`."""
    return json.loads(table.read_text())[case]


def record(table: Path, cases: Mapping[str, Any]) -> None:
    """Write the table of all `cases`."""
    lines = (f"{json.dumps(name)}: {json.dumps(found)}" for name, found in cases.items())
    table.write_text("{\n" + ",\n".join(lines) + "\n}\n")
