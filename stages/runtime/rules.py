"""Rules for values in untrusted JSON files, and a strict JSON parser: finite numbers, bounded
sizes, messages that say what is wrong."""

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, NoReturn

from .errors import Damaged
from .unsealed import REMEDY

MOST_SHOWN = 60  # letters of a value in a message
LARGEST = 1e12  # of any number that a package has a use for
_NO_LINE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")  # control characters, halves of others


class Rule(NamedTuple):
    """A rule for a value. `requirement`: what the value has to be, as the end of a sentence.
    `fits`: whether a value follows the rule."""

    requirement: str
    fits: Callable[[Any], bool]


def whole(low: int, high: int) -> Rule:
    def fits(value: Any) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high

    return Rule(f"a whole number from {low} to {high}", fits)


def number(low: float = -LARGEST, high: float = LARGEST) -> Rule:
    """A finite number: NaN is in no range."""

    def fits(value: Any) -> bool:
        right = isinstance(value, (int, float)) and not isinstance(value, bool)
        return right and low <= value <= high

    return Rule(f"a number from {low:g} to {high:g}", fits)


def text(most: int = 1000) -> Rule:
    def fits(value: Any) -> bool:
        return isinstance(value, str) and 0 < len(value) <= most and value.isprintable()

    return Rule(f"a text of 1 to {most} printable letters", fits)


def single_line(most: int = 1000) -> Rule:
    """A text in one line, such as a label. Characters without width are allowed, because some
    scripts need them; neutral.py escapes them for printing."""

    def fits(value: Any) -> bool:
        return isinstance(value, str) and 0 < len(value) <= most and not _NO_LINE.search(value)

    return Rule(f"a line of text of 1 to {most} letters", fits)


def choice(*names: str) -> Rule:
    return Rule(f"one of {', '.join(names)}", lambda value: value in names)


def several(rule: Rule, least: int, most: int) -> Rule:
    """A list of `least` to `most` values that each follow `rule`."""

    def fits(value: Any) -> bool:
        listed = isinstance(value, (list, tuple)) and least <= len(value) <= most
        return listed and all(map(rule.fits, value))

    count = f"{least}" if least == most else f"{least} to {most}"
    return Rule(f"a list of {count}, each {rule.requirement}", fits)


def different(rule: Rule) -> Rule:
    """A list that follows `rule` and has no value twice."""

    def fits(value: Any) -> bool:
        return rule.fits(value) and len(set(value)) == len(value)

    return Rule(f"{rule.requirement}, none of them twice", fits)


def either(*rules: Rule) -> Rule:
    return Rule(
        ", or ".join(rule.requirement for rule in rules),
        lambda value: any(rule.fits(value) for rule in rules),
    )


def table(names: Rule, values: Rule, most: int = 1000) -> Rule:
    def fits(value: Any) -> bool:
        if not isinstance(value, Mapping) or len(value) > most:
            return False
        return all(map(names.fits, value)) and all(map(values.fits, value.values()))

    return Rule(f"names, each with {values.requirement}", fits)


def _is_below(value: Any) -> bool:
    if not text().fits(value) or "\\" in value:
        return False
    return not value.startswith("/") and not {"", ".", ".."} & set(value.split("/"))


ANYTHING = Rule("something", lambda value: True)
BELOW = Rule("the name of a file below the package's folder", _is_below)
FLAG = Rule("true or false", lambda value: isinstance(value, bool))
NOTHING = Rule("null", lambda value: value is None)
LONGEST_SIDE = 2048  # pixels; beyond it one picture takes a network seconds and gigabytes
SIDE = whole(1, LONGEST_SIDE)
SIZE = either(SIDE, several(SIDE, 2, 2))


def check_fields(
    record: Any, required: Mapping[str, Rule], optional: Mapping[str, Rule], where: str
) -> None:
    """Raise Damaged unless `record` is an object with all `required` fields, and each required or
    `optional` field follows its rule. Further fields are allowed. `where`: the record's place, for
    messages."""
    if not isinstance(record, Mapping):
        raise Damaged(f"{where} is {shown(record)}; it has to be an object.", REMEDY)
    for name in required:
        if name not in record:
            raise Damaged(f"{where} does not say {name}: {required[name].requirement}.", REMEDY)
    for name, rule in {**required, **optional}.items():
        if name in record and not rule.fits(record[name]):
            raise Damaged(
                f"{where}: {name} is {shown(record[name])}; it has to be {rule.requirement}.",
                REMEDY,
            )


def shown(value: Any) -> str:
    """`value` for a message: shortened, in one line of ASCII."""
    try:
        written = json.dumps(value, ensure_ascii=True)
    except (TypeError, ValueError):
        written = ascii(value)
    return written if len(written) <= MOST_SHOWN else f"{written[:MOST_SHOWN]}..."


def parsed(data: bytes, where: str) -> Any:
    """The value of the JSON text `data`, the content of the file `where`. Raises Damaged for
    invalid JSON, NaN and infinite numbers, duplicate names in an object, and values nested too
    deeply."""
    try:
        return json.loads(
            data.decode("utf-8"),
            parse_constant=_no_number,
            parse_float=_finite,
            object_pairs_hook=_once,
        )
    except (ValueError, RecursionError) as error:  # UnicodeDecodeError is a ValueError
        reason = "its values are nested too deeply" if isinstance(error, RecursionError) else error
        raise Damaged(
            f"{where} in the package is no JSON that can be used: {reason}.", REMEDY
        ) from (error)


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number")


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError(f"{digits[:MOST_SHOWN]} is not a finite number")
    return value


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{shown(twice)} stands twice in one object")
    return found
