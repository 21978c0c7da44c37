"""The config types as a flat form, for Airflow's trigger page."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, get_args

from pydantic import AfterValidator, BaseModel

from stages.config.gate import gate_text
from stages.config.sections import PipelineConfig
from stages.runtime.errors import ConfigError
from stages.runtime.registry import Registry, nearest

HIDDEN = {
    *("name", "task", "schedule", "airflow", "publish"),  # they define the DAG, and what is live
    *("train.device.excluded", "train.device.measured"),  # filled in when a run is planned
    *("deploy.latencies", "deploy.fastest_first"),  # filled in when a run is planned
    *("train.weights", "train.excluded", "train.genotypes"),  # filled in when a run is planned
    "train.picked",  # aiwf pick fills it in
}
GATE = "evaluate.gate"


def form_fields(pipeline: PipelineConfig) -> dict[str, dict[str, Any]]:
    """Each settable dotted key of `pipeline` with its 'value' and its JSON 'schema'.

    If the value is a part's name, the schema lists the board's names: as 'enum', or for a list of
    parts as the 'enum' of its items. Tables and lists of anything but texts are marked as 'text':
    a form shows them as `text_of` writes them."""
    schema = PipelineConfig.model_json_schema()
    return dict(_flat(pipeline, schema, schema, ""))


def text_of(key: str, value: Any) -> str:
    """A table or a list, the value of `key`, as a line that a person can edit; '' if it is empty.

    A gate is 'accuracy=0.9', a list '3, 5, 7', anything else YAML in braces."""
    import yaml

    if isinstance(value, str) or not value:
        return value or ""
    if key == GATE:
        return gate_text(value)
    line: str = yaml.safe_dump(
        value, default_flow_style=True, width=float("inf"), sort_keys=False, allow_unicode=True
    )
    plain = isinstance(value, list) and not any(isinstance(item, dict | list) for item in value)
    return line.strip()[1:-1] if plain else line.strip()


def changes_of(pipeline: Mapping[str, Any], answers: Mapping[str, Any]) -> tuple[str, ...]:
    """The overrides ('key=value') that turn the table `pipeline` into the form's `answers`.

    Raises ConfigError for a key that is not in the form."""
    fields = form_fields(PipelineConfig.model_validate(pipeline))
    for key in answers:
        if key not in fields:
            raise ConfigError(
                f"'{key}' is not a setting of a run.",
                nearest(key, list(fields)) + "The form lists all of them.",
            )
    return tuple(_changes(fields, answers))


def _changes(fields: Mapping[str, Any], answers: Mapping[str, Any]) -> Iterator[str]:
    for key, answer in answers.items():
        field = fields[key]
        value = field["value"]
        emptied = answer is None or (isinstance(answer, str) and not answer.strip())
        if emptied:
            if value in ("", [], {}, None):
                continue
            answer = _empty(field["schema"])
        elif field["text"] and isinstance(answer, str):
            if answer.strip() == text_of(key, value):
                continue
            yield f"{key}={_yaml_of(key, answer.strip(), field['schema'])}"
            continue
        if answer != value:
            yield f"{key}={json.dumps(answer)}"


def _yaml_of(key: str, text: str, schema: dict[str, Any]) -> str:
    """A line of the form as the YAML that it stands for."""
    if key == GATE and not text.startswith("{"):
        return json.dumps(text)
    return f"[{text}]" if schema.get("type") == "array" and not text.startswith("[") else text


def _empty(schema: dict[str, Any]) -> Any:
    return {"array": [], "object": {}}.get(schema.get("type", ""))


def _flat(
    section: BaseModel, schema: dict[str, Any], root: dict[str, Any], prefix: str
) -> Iterator[tuple[str, dict[str, Any]]]:
    plain = section.model_dump(mode="json")
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        if f"{prefix}{name}" in HIDDEN:
            continue
        inner = _resolved(schema["properties"][name], root)
        if isinstance(value, BaseModel) and "anyOf" not in inner:
            yield from _flat(value, inner, root, f"{prefix}{name}.")
        else:
            named = _with_names(inner, [field.annotation, *field.metadata])
            field_facts = {"value": plain[name], "schema": named, "text": _is_text(named)}
            yield f"{prefix}{name}", field_facts


def _is_text(schema: dict[str, Any]) -> bool:
    """Whether a form shows the value as a line of text: it has no field for tables, numbers in a
    list, or one of several types."""
    ways = [way for way in schema.get("anyOf", [schema]) if way.get("type") != "null"]
    if len(ways) > 1 or ways[0].get("type") == "object":
        return True
    items = ways[0].get("items", {})
    return bool(ways[0].get("type") == "array" and items.get("type") != "string")


def _resolved(schema: dict[str, Any], root: dict[str, Any]) -> dict[str, Any]:
    if "anyOf" in schema:
        return {**schema, "anyOf": [_resolved(way, root) for way in schema["anyOf"]]}
    if "$ref" not in schema:
        return schema
    found = root["$defs"][schema["$ref"].split("/")[-1]]
    return {**found, **{key: value for key, value in schema.items() if key != "$ref"}}


def _with_names(schema: dict[str, Any], hints: list[Any]) -> dict[str, Any]:
    """`schema` with the board's names that its value, or each of its items, may have."""
    names = [name for board in _boards(hints) for name in board]
    if not names:
        return schema
    if schema.get("type") == "array":
        return {**schema, "items": {**schema.get("items", {}), "enum": names}}
    return {**schema, "enum": names}


def _boards(hints: Any) -> Iterator[Registry]:
    """The boards that the validators inside the type hints use."""
    for hint in hints:
        check = getattr(hint, "func", None) if isinstance(hint, AfterValidator) else None
        if isinstance(board := getattr(check, "__self__", None), Registry):
            yield board
        yield from _boards(get_args(hint))
