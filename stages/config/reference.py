"""Generates the reference of all keys in configs/README.md from the schema of a pipeline YAML."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from stages import parts
from stages.config.schema import pipeline_schema

MARK = (
    "<!-- From here on `make schema` writes this file. Change a description in stages/config/. -->"
)
SHARED = ("Range",)  # tables that many keys have: described once, at the end


def with_reference(text: str) -> str:
    """`text` of configs/README.md with everything after MARK generated anew."""
    return f"{text.partition(MARK)[0].rstrip()}\n\n{MARK}\n\n{reference_text()}".lstrip()


def reference_text() -> str:
    """A heading and a table of keys for each section, then what the tasks set by default."""
    schema = pipeline_schema()
    blocks = ["## All keys", "A key without a default has to be given.", *_section(schema, schema)]
    for name in SHARED:
        model = schema["$defs"][name]
        blocks += [f"### {name}", model["description"], _table(model, schema, "")]
    return "\n\n".join([*blocks, *_task_defaults()]) + "\n"


def _section(model: Mapping[str, Any], root: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """Yield the blocks of the section at the dotted `path` and of all sections inside it."""
    if path:
        yield f"### `{path}`"
        yield " ".join(model["description"].split())
    yield _table(model, root, f"{path}." if path else "")
    for key, field in model["properties"].items():
        for name in _tables_in(field):
            if name not in SHARED:
                yield from _section(root["$defs"][name], root, f"{path}.{key}" if path else key)


def _table(model: Mapping[str, Any], root: Mapping[str, Any], prefix: str) -> str:
    rows = ["| key | values | default | meaning |", "|---|---|---|---|"]
    for key, field in model["properties"].items():
        default = _default(field) if key not in model.get("required", ()) else ""
        cells = (f"`{prefix}{key}`", _values(field), default, field.get("description", ""))
        rows.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return "\n".join(rows)


def _default(field: Mapping[str, Any]) -> str:
    value = field.get("default")
    if value is None or value == "":
        return "empty"
    tables = _tables_in(field)
    if tables and value and isinstance(value, dict) and tables[0] not in SHARED:
        return "below"
    return f"`{_plain(value)}`"


def _plain(value: Any) -> str:
    """`value` as one line of YAML."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_plain(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_plain, value)) + "]"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value if isinstance(value, str) else json.dumps(value)


def _values(field: Mapping[str, Any]) -> str:
    """The values that the JSON schema `field` accepts, as text."""
    if "anyOf" in field:
        return " or ".join(_values(way) for way in field["anyOf"] if way.get("type") != "null")
    if "$ref" in field:
        name = field["$ref"].rsplit("/", 1)[-1]
        return f"[{name.lower()}](#{name.lower()})" if name in SHARED else "table"
    if "enum" in field:
        return ", ".join(f"`{_plain(value)}`" for value in field["enum"])
    match field.get("type"):
        case "array":
            inner = _values(field.get("items", {}))
            return "list of tables" if inner.startswith("table") else f"list of {inner}"
        case "object" if isinstance(field.get("additionalProperties"), dict):
            return f"table of names and {_values(field['additionalProperties']) or 'values'}"
        case "object":
            return "table"
        case "boolean":
            return "`true`, `false`"
        case "integer":
            return f"whole number{_bounds(field)}"
        case "number":
            return f"number{_bounds(field)}"
        case "string":
            return "text"
        case _:
            return ""


def _bounds(field: Mapping[str, Any]) -> str:
    prepositions = {
        "minimum": "from",
        "exclusiveMinimum": "above",
        "maximum": "to",
        "exclusiveMaximum": "below",
    }
    found = [
        f"{preposition} {_plain(field[key])}"
        for key, preposition in prepositions.items()
        if key in field
    ]
    return f" {', '.join(found)}".replace(", to", " to") if found else ""


def _tables_in(field: Mapping[str, Any]) -> list[str]:
    """Names of the table types of `field`: of itself, of its alternatives, of its items."""
    inner = [field, *field.get("anyOf", ()), field.get("items", {})]
    return [way["$ref"].rsplit("/", 1)[-1] for way in inner if "$ref" in way]


def _task_defaults() -> Iterator[str]:
    yield "## Defaults of the tasks"
    yield "A task sets these keys unless the pipeline does."
    rows = ["| task | key | default |", "|---|---|---|"]
    for task in sorted(parts.TASKS):
        for key, value in _flat(parts.TASKS[task].defaults, ""):
            rows.append(f"| `{task}` | `{key}` | `{_plain(value)}` |")
    yield "\n".join(rows)


def _flat(table: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    """Yield the dotted keys of `table` with their values; lists and ranges are values."""
    for key, value in table.items():
        if isinstance(value, Mapping) and not {"low", "high"} <= set(value):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
