"""Converts a config to the Params of Airflow's trigger form, and a filled-in form to a config."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from airflow.sdk import Param

from operators.suggestions import data_names, gates, revisions
from stages.config import PipelineConfig, changes_of, checked, form_fields, override, text_of
from stages.parts import FAMILIES
from stages.tasks import is_compatible


class Question(NamedTuple):
    """A field that is open when the form is shown: its title and description in plain words."""

    title: str
    description: str


# The form shows these at once; the others are in sections that unfold.
MAIN = {
    "data.name": Question("Data set", "Pick one of the workspace, or type its name."),
    "data.revision": Question(
        "Revision of the data set", "The first letters of a revision; empty: the newest one."
    ),
    "train.budget_minutes": Question(
        "Time to train (minutes)",
        "Longer lets more models be tried. Converted into a number of trials, so that the result "
        "does not depend on the machine.",
    ),
    "train.trials": Question(
        "Trials", "How many models are tried; empty: as many as the time allows."
    ),
    "train.families": Question("Model families", "Those to choose from; empty: all that suit."),
    "evaluate.gate": Question(
        "Minimum for shipping (shares from 0 to 1)",
        "What the test has to reach, with commas between several: accuracy=0.9, recall of every "
        "label=0.8. Empty: better than guessing.",
    ),
    "deploy.targets": Question("Packages", "Kinds of package to make."),
    "deploy.max_drop": Question(
        "Largest loss by compression (share from 0 to 1)",
        "How much worse than the trained model a package may be; 0.02 is 2 %.",
    ),
    "train.device.latency_ms_p95": Question(
        "Slowest answer of the network (milliseconds)",
        "The limit that 95 of 100 answers keep, on one thread; empty: no limit.",
    ),
    "train.device.size_mb": Question(
        "Largest network file (MB)", "Of the finished package; empty: no limit."
    ),
}
SECTIONS = {
    "etl": "Etl: reading, checking, splitting, augmenting",
    "train": "Train: the search",
    "train.search_space": "Train: what the search may vary",
    "train.finetune": "Train: fine-tuning",
    "train.device": "Train: limits of the device",
    "evaluate": "Evaluate",
    "deploy": "Deploy",
}


def params_of(pipeline: PipelineConfig) -> dict[str, Param]:
    """The form of `pipeline`, with its own values filled in; the main questions first."""
    fields = form_fields(pipeline)
    families = [name for name in FAMILIES if is_compatible(name, pipeline.task)]
    choices = {  # beside what the YAML says: if that cannot be, a run says so in a sentence
        "train.families": [*families, *pipeline.train.families],
        "train.finetune.families": [*families, *pipeline.train.finetune.families],
        "deploy.targets": list(pipeline.deploy.targets),  # the DAG has no task for another
    }
    for key, names in choices.items():
        fields[key]["schema"]["items"]["enum"] = list(dict.fromkeys(names))
    suggestions = {
        "data.name": data_names(pipeline.data.name),
        "data.revision": revisions(pipeline.data),
        "evaluate.gate": gates(pipeline),
    }
    order = [*MAIN, *(key for key in fields if key not in MAIN)]
    return {key: _param(key, fields[key], suggestions.get(key, [])) for key in order}


def filled_in(pipeline: Mapping[str, Any], answers: Mapping[str, Any]) -> dict[str, Any]:
    """The config table `pipeline` with the form's `answers` in it.

    Raises ConfigError with the key and value of every invalid answer."""
    changes = changes_of(pipeline, answers)
    found = checked(override(dict(pipeline), changes), "The run's parameters")
    return found.model_dump(mode="json")


def _param(key: str, field: Mapping[str, Any], suggestions: list[str]) -> Param:
    value, schema = field["value"], field["schema"]
    kinds, rules = _kinds(schema)
    if field["text"]:
        kinds, rules = _as_text(key, field, kinds)
        value = text_of(key, value)
    elif value in ("", []) and "null" not in kinds:  # Airflow's form would insist on an answer
        kinds = ["null", *kinds]
    if suggestions:
        rules["examples"] = suggestions  # may be typed over, unlike the choices of an enum
    if key not in MAIN:
        rules["section"] = _section(key)
    if not field["text"] and (names := rules.get("items", {}).get("enum")):
        rules["examples"] = names  # makes it a choice of several
    rules |= {
        "title": MAIN[key].title if key in MAIN else key,
        "type": kinds[0] if len(kinds) == 1 else kinds,
    }
    return Param(None if value == "" else value, description=_description(key, field), **rules)


def _description(key: str, field: Mapping[str, Any]) -> str:
    """What the field is for, its key in the YAML, and the pipeline's own value."""
    texts = [MAIN[key].description if key in MAIN else field["schema"].get("description", "")]
    if key in MAIN:
        texts.append(f"In the YAML: {key}.")
    if field["value"] not in (None, "", [], {}):
        own = text_of(key, field["value"]) if field["text"] else json.dumps(field["value"])
        texts.append(f"The pipeline says: {own}.")
    return " ".join(texts)


def _as_text(
    key: str, field: Mapping[str, Any], kinds: list[str]
) -> tuple[list[str], dict[str, Any]]:
    """The types and rules of a value that is typed as a line of text.

    Values of the config's own types are taken, too: a script may trigger a run. With an example
    Airflow shows a line of text; without one it would show an editor of JSON."""
    example = text_of(key, field["value"]) or text_of(key, field["schema"].get("default"))
    further = [kind for kind in kinds if kind not in ("null", "string")]
    return ["null", "string", *further], {"examples": [example] if example else []}


def _kinds(schema: dict[str, Any]) -> tuple[list[str], dict[str, Any]]:
    """The JSON types that a value may have ('null' first), and the rules that it obeys."""
    ways = schema.get("anyOf", [schema])
    kinds = sorted((way["type"] for way in ways), key=lambda kind: kind != "null")
    rules = {key: rule for way in ways for key, rule in way.items() if key not in ("type", "anyOf")}
    for side in ("Minimum", "Maximum"):  # Airflow's field of a number knows only inclusive bounds
        if f"exclusive{side}" in rules:
            rules[side.lower()] = rules[f"exclusive{side}"]
    return kinds, {key: rules[key] for key in rules if key not in ("default", "description")}


def _section(key: str) -> str:
    inside = [name for name in SECTIONS if key.startswith(f"{name}.")]
    return SECTIONS[max(inside, key=len)] if inside else "More"
