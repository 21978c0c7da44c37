"""For which instruction sets a package was verified, and whether this machine's is one of them."""

import json
from pathlib import Path
from typing import Any

from .errors import Damaged, UntestedProcessor
from .processor import instruction_set

FILE = "instruction_sets.json"


def statement(folder: Path, name: str) -> str | None:
    """What holds for the package in `folder` on the instruction set `name`; empty if nothing does,
    None if the package tells of no instruction sets, as one that is still being tested.

    Raises Damaged if its file cannot be read."""
    path = folder / FILE
    if not path.is_file():
        return None
    try:
        known: dict[str, Any] = json.loads(path.read_text("utf-8"))
        found = known["instruction_sets"].get(name, known.get("others") or {})
        return str(found.get("statement", ""))
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise Damaged(
            f"{FILE} in the package cannot be read.", "Copy or make the package again."
        ) from error


def check_instruction_set(folder: Path) -> None:
    """Raise UntestedProcessor if nothing holds for this machine's instruction set."""
    here = instruction_set()
    if statement(folder, here) == "":
        raise UntestedProcessor(
            f"This package was not verified for processors of the kind {here}, as this one is: "
            "its answers may be wrong here.",
            f"Make it again with {here} in deploy.instruction_sets, or in float32; "
            f"{FILE} says what it was verified for. To run it all the same: --untested.",
        )
