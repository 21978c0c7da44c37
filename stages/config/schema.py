"""The JSON schema of a pipeline YAML: names of parts as enums, so that an editor can offer them."""

import json
from collections.abc import Iterable
from typing import Any

from stages import parts
from stages.config.sections import PipelineConfig
from stages.config.train import FOUND

PLACES: dict[tuple[str, str], Iterable[str]] = {
    ("PipelineConfig", "task"): parts.TASKS,
    ("TrainConfig", "families"): parts.FAMILIES,
    ("TrainConfig", "searcher"): parts.SEARCHERS,
    ("TrainConfig", "controller"): parts.CONTROLLERS,
    ("TrainConfig", "baselines"): parts.CONTROLLERS,
    ("DeployConfig", "targets"): parts.TARGETS,
    ("DeployConfig", "engine"): parts.ENGINES,
    ("DeployConfig", "ladder"): parts.numerics(),
}


def pipeline_schema() -> dict[str, Any]:
    """The schema as a table; a bare name is accepted for `data`."""
    schema = PipelineConfig.model_json_schema()
    models = {"PipelineConfig": schema, **schema["$defs"]}
    for (model, key), table in PLACES.items():
        field = models[model]["properties"][key]
        field.get("items", field)["enum"] = sorted(table)
    families = models["TrainConfig"]["properties"]["families"]
    found = {"type": "string", "pattern": f"^{FOUND}."}
    families["items"] = {"anyOf": [families["items"], found]}
    data = schema["properties"]["data"]
    schema["properties"]["data"] = {
        "anyOf": [{"type": "string"}, {"$ref": data["$ref"]}],
        "description": data["description"],
    }
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def schema_text() -> str:
    """The schema as it stands in configs/schema.json."""
    return json.dumps(pipeline_schema(), indent=2, ensure_ascii=False) + "\n"
