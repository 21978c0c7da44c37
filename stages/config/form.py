"""The config types as one flat form: for Airflow's trigger page."""

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from stages.config.sections import PipelineConfig

LEFT_OUT = {"name", "task", "schedule", "data.name"}  # they make the DAG what it is


def form_fields(pipeline: PipelineConfig) -> dict[str, dict[str, Any]]:
    """Each settable dotted key of `pipeline` with its value and its JSON schema."""
    schema = PipelineConfig.model_json_schema()
    return {key: field for key, field in _flat(pipeline, schema, schema, "") if key not in LEFT_OUT}


def _flat(
    section: BaseModel, schema: dict[str, Any], root: dict[str, Any], prefix: str
) -> Iterator[tuple[str, dict[str, Any]]]:
    for name in type(section).model_fields:
        value = getattr(section, name)
        inner = _resolved(schema["properties"][name], root)
        if isinstance(value, BaseModel):
            yield from _flat(value, inner, root, f"{prefix}{name}.")
        else:
            plain = section.model_dump(mode="json")[name]
            yield f"{prefix}{name}", {"value": plain, "schema": inner}


def _resolved(schema: dict[str, Any], root: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in schema:
        return schema
    found = root["$defs"][schema["$ref"].split("/")[-1]]
    return {**found, **{key: value for key, value in schema.items() if key != "$ref"}}
