"""The instruction sets for which a package was verified, and the check of this machine's."""

from pathlib import Path
from typing import Any

from .errors import UntestedProcessor
from .processor import INSTRUCTION_SETS, instruction_set
from .rules import ANYTHING, NOTHING, Rule, check_fields, either, parsed, table, text
from .sealed import read

FILE = "instruction_sets.json"
STATEMENT: dict[str, Rule] = {"statement": Rule("a text", lambda value: isinstance(value, str))}
SETS = table(text(), ANYTHING)
FIELDS = {"instruction_sets": SETS, "others": either(NOTHING, SETS)}


def statement(folder: Path, name: str) -> str | None:
    """What was verified for the package in `folder` on the instruction set `name`: a sentence, ""
    if nothing was, or None if the package has no such file, because it is still being made.

    Raises Damaged if the file cannot be read."""
    record = verified_sets(folder)
    if record is None:
        return None
    found = record["instruction_sets"].get(name, record["others"])
    if found is None:
        return ""
    return str(found["statement"])


def verified_sets(folder: Path) -> dict[str, Any] | None:
    """The content of instruction_sets.json in `folder`; None if there is no such file. Raises
    Damaged if a field is missing or of another kind."""
    if not (folder / FILE).exists():
        return None
    record: dict[str, Any] = parsed(read(folder, FILE), FILE)
    check_fields(record, FIELDS, {}, FILE)
    for name, found in [*record["instruction_sets"].items(), ("others", record["others"])]:
        if found is not None:
            check_fields(found, STATEMENT, {}, f"{FILE}, {name}")
    return record


def check_instruction_set(folder: Path) -> None:
    """Raise UntestedProcessor if nothing was verified for this machine's instruction set."""
    here = instruction_set()
    if statement(folder, here) == "":
        again = f"with {here} in deploy.instruction_sets, or " if here in INSTRUCTION_SETS else ""
        raise UntestedProcessor(
            f"This package was not verified for processors of the kind {here}, as this one is: "
            "its answers may be wrong here.",
            f"Make it again {again}in float32; {FILE} says what it was verified for, and selftest "
            "tries it here. To run it all the same: --untested.",
        )
