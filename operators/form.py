"""Converts a config to the Params of Airflow's trigger form, and a filled-in form to a config."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from airflow.sdk import Param

from stages.config import PipelineConfig, checked, form_fields, override

# The form shows these at once; the others are in sections that unfold.
MAIN = (
    "data.revision",
    "train.families",
    "train.budget_minutes",
    "train.trials",
    "evaluate.gate",
    "deploy.targets",
    "deploy.max_drop",
)
SECTIONS = {
    "etl": "Etl: reading, checking, splitting, augmenting",
    "train": "Train: the search",
    "train.search_space": "Train: what the search may vary",
    "evaluate": "Evaluate",
    "deploy": "Deploy",
}


def params_of(pipeline: PipelineConfig) -> dict[str, Param]:
    """The form of `pipeline`, with its own values filled in; the main questions first."""
    fields = form_fields(pipeline)
    if "deploy.targets" in fields:  # the DAG has a task for each of these, and for no other
        fields["deploy.targets"]["schema"]["items"]["enum"] = list(pipeline.deploy.targets)
    order = [*(key for key in MAIN if key in fields), *(key for key in fields if key not in MAIN)]
    return {key: _param(key, **fields[key]) for key in order}


def filled_in(pipeline: Mapping[str, Any], answers: Mapping[str, Any]) -> dict[str, Any]:
    """The config table `pipeline` with the form's `answers` in it.

    Raises ConfigError with the key and value of every invalid answer."""
    changes = tuple(f"{key}={json.dumps(value)}" for key, value in _changed(pipeline, answers))
    found = checked(override(dict(pipeline), changes), "The run's parameters")
    return found.model_dump(mode="json")


def _changed(pipeline: Mapping[str, Any], answers: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, field in form_fields(PipelineConfig.model_validate(pipeline)).items():
        answer = answers.get(key)
        if answer is None and field["value"] in ("", [], {}):  # an emptied field
            continue
        if key in answers and answer != field["value"]:
            yield key, answer


def _param(key: str, value: Any, schema: dict[str, Any]) -> Param:
    kinds, rules = _kinds(schema)
    if value in ("", []):  # Airflow's form would insist on an answer
        kinds = ["null", *kinds]
    if key not in MAIN:
        rules["section"] = _section(key)
    if names := rules.get("items", {}).get("enum"):
        rules["examples"] = names  # makes it a choice of several
    description = schema.get("description", "")
    if value not in (None, "", [], {}):
        description = f"{description} The pipeline says: {json.dumps(value)}.".strip()
    rules |= {"title": key, "type": kinds[0] if len(kinds) == 1 else kinds}
    return Param(None if value == "" else value, description=description, **rules)


def _kinds(schema: dict[str, Any]) -> tuple[list[str], dict[str, Any]]:
    """The JSON types that a value may have ('null' first), and the rules that it obeys."""
    ways = schema.get("anyOf", [schema])
    kinds = sorted((way["type"] for way in ways), key=lambda kind: kind != "null")
    rules = {key: rule for way in ways for key, rule in way.items() if key not in ("type", "anyOf")}
    return kinds, {key: rules[key] for key in rules if key not in ("default", "description")}


def _section(key: str) -> str:
    inside = [name for name in SECTIONS if key.startswith(f"{name}.")]
    return SECTIONS[max(inside, key=len)] if inside else "More"
