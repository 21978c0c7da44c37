"""The config types as a flat form, for Airflow's trigger page."""

from collections.abc import Iterator
from typing import Any, get_args

from pydantic import AfterValidator, BaseModel

from stages.config.sections import PipelineConfig
from stages.runtime.registry import Registry

HIDDEN = {
    *("name", "task", "schedule", "data.name"),  # they define the DAG
    *("train.device.excluded", "train.device.measured"),  # filled in when a run is planned
    *("train.weights", "train.excluded"),  # filled in when a run is planned
}


def form_fields(pipeline: PipelineConfig) -> dict[str, dict[str, Any]]:
    """Each settable dotted key of `pipeline` with its 'value' and its JSON 'schema'.

    If the value is a part's name, the schema lists the board's names: as 'enum', or for a list of
    parts as the 'enum' of its items."""
    schema = PipelineConfig.model_json_schema()
    return {key: field for key, field in _flat(pipeline, schema, schema, "") if key not in HIDDEN}


def _flat(
    section: BaseModel, schema: dict[str, Any], root: dict[str, Any], prefix: str
) -> Iterator[tuple[str, dict[str, Any]]]:
    plain = section.model_dump(mode="json")
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        inner = _resolved(schema["properties"][name], root)
        if isinstance(value, BaseModel):
            yield from _flat(value, inner, root, f"{prefix}{name}.")
        else:
            named = _with_names(inner, [field.annotation, *field.metadata])
            yield f"{prefix}{name}", {"value": plain[name], "schema": named}


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
