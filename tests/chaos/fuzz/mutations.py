"""Random changes to a valid input: to its bytes, its text, or a record such as JSON."""

import copy
import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Generator = np.random.Generator

NUMBERS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
STRINGS = (
    "",
    " ",
    "null",
    "~",
    "nan",
    ".inf",
    "-1",
    "1e999",
    "9" * 400,
    "../../etc/passwd",
    "a\x00b",
    "\x1b[2J",
    "=1+1",
    "\u202egnp",
    "日本",
    "\ud83d\ude00",
    "{" * 300,
    "[" * 300,
    "&a [*a]",
    "!!python/object/apply:os.system [ls]",
    "<!ENTITY a 'b'>",
    "x" * 5000,
    "%s%n",
    "C:\\con",
)
VALUES: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    1.5,
    10**18,
    10**40,
    float("nan"),
    float("inf"),
    -float("inf"),
    [],
    {},
    [[]],
    [None],
    {"": None},
    *STRINGS,
)


def pick(rng: Generator, options: Sequence[Any]) -> Any:
    """One of `options`, unconverted (numpy would turn it into an array's element)."""
    return options[int(rng.integers(len(options)))]


def changed_bytes(data: bytes, rng: Generator) -> bytes:
    """`data` after one to six changes of bytes; some shorten or lengthen it."""
    changed = bytearray(data)
    for _ in range(int(rng.integers(1, 7))):
        pick(rng, BYTE_CHANGES)(changed, rng)
    return bytes(changed)


def changed_text(text: str, rng: Generator) -> str:
    """`text` after one to four changes: hostile words inserted, lines repeated or deleted."""
    lines = text.split("\n")
    for _ in range(int(rng.integers(1, 5))):
        place = int(rng.integers(len(lines)))
        line = lines[place]
        match int(rng.integers(6)):
            case 0:
                lines.insert(place, line)
            case 1:
                del lines[place]
                lines = lines or [""]
            case 2:
                lines[place] = " " * int(rng.integers(1, 9)) + line
            case 3:
                key, colon, _ = line.partition(":")
                lines[place] = f"{key}{colon} {pick(rng, STRINGS)}" if colon else pick(rng, STRINGS)
            case 4:
                middle = int(rng.integers(len(line) + 1))
                lines[place] = line[:middle] + pick(rng, STRINGS) + line[middle:]
            case _:
                lines[place] = line[: int(rng.integers(len(line) + 1))]
    return "\n".join(lines)


def changed_record(record: Any, rng: Generator) -> Any:
    """A copy of the JSON `record` with one to three values, keys or items changed."""
    changed = copy.deepcopy(record)
    for _ in range(int(rng.integers(1, 4))):
        places = list(_places(changed))
        if not places:
            return pick(rng, VALUES)
        holder, key = pick(rng, places)
        match int(rng.integers(5)):
            case 0:
                del holder[key]
            case 1 if isinstance(holder, dict):
                holder[pick(rng, STRINGS)] = holder[key]
            case 1:
                holder.append(copy.deepcopy(holder[key]))
            case _:
                holder[key] = copy.deepcopy(pick(rng, VALUES))
    return changed


def changed_json(data: bytes, rng: Generator) -> bytes:
    """The JSON text `data`, changed as a record; as bytes in a quarter of the cases, or if it is
    not valid JSON."""
    try:
        record = json.loads(data)
    except (ValueError, RecursionError):  # it was changed before
        return changed_bytes(data, rng)
    if rng.random() < 0.25:
        return changed_bytes(data, rng)
    return json.dumps(changed_record(record, rng)).encode("utf-8", "surrogatepass")


def _places(record: Any) -> list[tuple[Any, Any]]:
    """Every container below `record` with each of its keys."""
    keys: Sequence[Any] = ()
    if isinstance(record, dict):
        keys = list(record)
    elif isinstance(record, list):
        keys = range(len(record))
    found = [(record, key) for key in keys]
    return found + [place for key in keys for place in _places(record[key])]


def _flip(data: bytearray, rng: Generator) -> None:
    if data:
        data[int(rng.integers(len(data)))] ^= 1 << int(rng.integers(8))


def _number(data: bytearray, rng: Generator) -> None:
    """Write a limit of some integer type, usually where a header would have a number."""
    width = int(pick(rng, (1, 2, 4)))
    most = min(len(data), int(pick(rng, (32, 200, len(data) + 1)))) - width
    if most > 0:
        place = int(rng.integers(most))
        value = pick(rng, NUMBERS) & ((1 << 8 * width) - 1)
        data[place : place + width] = value.to_bytes(width, pick(rng, ("little", "big")))


def _truncate(data: bytearray, rng: Generator) -> None:
    del data[int(rng.integers(len(data) + 1)) :]


def _lose(data: bytearray, rng: Generator) -> None:
    place = int(rng.integers(len(data) + 1))
    del data[place : place + int(rng.integers(1, 64))]


def _insert(data: bytearray, rng: Generator) -> None:
    place = int(rng.integers(len(data) + 1))
    data[place:place] = rng.bytes(int(rng.integers(1, 64)))


def _repeat(data: bytearray, rng: Generator) -> None:
    place = int(rng.integers(len(data) + 1))
    part = bytes(data[place : place + int(rng.integers(1, 200))])
    data[place:place] = part * int(rng.integers(1, 20))


def _zeros(data: bytearray, rng: Generator) -> None:
    place = int(rng.integers(len(data) + 1))
    count = min(int(rng.integers(1, 64)), len(data) - place)
    data[place : place + count] = bytes(count)


BYTE_CHANGES: tuple[Callable[[bytearray, Generator], None], ...] = (
    _flip,
    _flip,
    _number,
    _number,
    _truncate,
    _lose,
    _insert,
    _repeat,
    _zeros,
)
