"""The fields of package.json, and the check that its steps, labels and kind of answer fit."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from . import steps
from .answers import KINDS
from .backends import BACKENDS
from .errors import ConfigError, Damaged
from .libraries import check_libraries
from .rules import (
    ANYTHING,
    BELOW,
    FLAG,
    NOTHING,
    Rule,
    check_fields,
    different,
    either,
    number,
    parsed,
    several,
    shown,
    single_line,
    table,
    text,
    whole,
)
from .sealed import check, read
from .unsealed import REMEDY

DESCRIPTION = "package.json"
FORMAT = 2  # of packages that this runtime reads; one of a higher format it would misread
SINGLE_FORMAT = 1  # of packages with one network, which older runtimes read as well
MOST_LABELS = 100_000
MOST_STEPS = 50
MOST_NUMBERS = 50_000_000  # in one window: 200 MB

STEP = Rule(
    "a step, {'step': name, 'args': {...}}",
    lambda value: (
        isinstance(value, Mapping)
        and text().fits(value.get("step"))
        and set(value) <= {"step", "args"}
    ),
)
PLAIN = Rule(
    "the name of a file in the package's own folder",
    lambda value: text(200).fits(value) and not set(value) & set("/\\:") and value[0] != ".",
)
VERSION = Rule(
    "a version as 1.24 or 1.24.2",
    lambda value: text(20).fits(value) and all(part.isdigit() for part in value.split(".")),
)
NUMERIC = Rule(
    "the name of a number format",
    lambda value: text(40).fits(value) and value.isascii() and value.replace("_", "").isalnum(),
)
NETWORK = {"numeric": NUMERIC, "model": BELOW, "instruction_sets": several(text(40), 0, 20)}
REQUIRED = {
    "name": text(200),
    "task": text(200),
    "modality": text(200),
    "noun": text(200),
    "types": several(text(200), 1, 20),
    "labels": different(several(single_line(), 1, MOST_LABELS)),
    "before": several(STEP, 1, MOST_STEPS),
    "after": several(STEP, 0, MOST_STEPS),
    "backend": text(200),
    "format": text(200),
    "model": PLAIN,
    "numeric": text(200),
}
OPTIONAL = {
    "package_format": whole(1, 1_000_000),
    "answers": text(200),
    "draws": FLAG,
    "input_shape": several(whole(1, 1_000_000), 1, 8),
    "threshold": either(number(0, 1), NOTHING),
    "sure_from": either(number(0, 1), NOTHING),
    "made_of": table(text(200), text(200)),
    "requires": table(text(200), VERSION),
    "by_processor": several(ANYTHING, 2, 8),
}
# The kinds of value with which the steps before a network may end; and the steps after it, by kind
# of answer.
WINDOWS = ("windows",)
ANSWERS = {"labels": ("scores", "logits", "outputs"), "boxes": ("boxes",)}


def check_description(description: Any, where: str) -> None:
    """Raise a WorkflowError, naming field and value, unless this runtime can open a package with
    this `description`. `where`: the file it was read from."""
    if isinstance(description, Mapping) and "package_format" in description:
        _check_format(description["package_format"], where)
    check_fields(description, REQUIRED, OPTIONAL, where)
    _check_size(description, where)
    _check_networks(description, where)
    kind = KINDS.check(description.get("answers", "labels"))
    BACKENDS.check(description["backend"])
    try:
        steps.check([*description["before"], *description["after"]])
        steps.check_chain(description["before"], "bytes", WINDOWS)
        steps.check_chain(description["after"], "outputs", ANSWERS[kind])
    except ConfigError as error:
        raise type(error)(f"{where}: {error.problem}", error.remedy) from error
    _check_labels(description, where)


def _check_format(found: Any, where: str) -> None:
    if whole(FORMAT + 1, 1_000_000).fits(found):
        raise ConfigError(
            f"{where}: the package is of format {found}, and this runtime reads {FORMAT}.",
            "Use the commands in the package itself, or a newer AI Workflow.",
        )


def _check_size(description: Mapping[str, Any], where: str) -> None:
    count = 1
    for side in description.get("input_shape", ()):
        count *= side
    if count > MOST_NUMBERS:
        raise Damaged(
            f"{where}: input_shape is {shown(description['input_shape'])}; its product has to be "
            f"at most {MOST_NUMBERS}.",
            REMEDY,
        )


def _check_networks(description: Mapping[str, Any], where: str) -> None:
    """Raise Damaged unless the networks by processor have different number formats, the first that
    of the package, and no instruction set has two."""
    networks = description.get("by_processor", ())
    for place, network in enumerate(networks, 1):
        check_fields(network, NETWORK, {}, f"{where}, by_processor, network {place}")
    sets = [name for network in networks for name in network["instruction_sets"]]
    numerics = [network["numeric"] for network in networks]
    if len(set(sets)) < len(sets) or len(set(numerics)) < len(numerics):
        raise Damaged(f"{where}: by_processor names something twice.", REMEDY)
    if networks and any(networks[0][key] != description[key] for key in ("numeric", "model")):
        raise Damaged(f"{where}: by_processor does not begin with the package's network.", REMEDY)


def for_processor(description: Mapping[str, Any], instruction_set: str) -> dict[str, Any]:
    """The description of the package as it is on processors of `instruction_set`: its `model` and
    `numeric` are those that were verified for them. Of several networks the last is for every
    processor that none names."""
    networks = description.get("by_processor", ())
    named = [network for network in networks if instruction_set in network["instruction_sets"]]
    found = [*named, *networks[-1:]][:1]
    chosen = {key: network[key] for network in found for key in ("model", "numeric")}
    return {**description, **chosen}


def _check_labels(description: Mapping[str, Any], where: str) -> None:
    """Raise Damaged if the step 'reject' names no label, or 'windows' has another number of values
    for silence than the spectrogram has bands."""
    bands = 0
    for step in [*description["before"], *description["after"]]:
        args = step.get("args", {})
        if step["step"] == "reject" and args["other"] >= len(description["labels"]):
            raise Damaged(
                f"{where}: step 'reject' names label number {args['other']}, and there are "
                f"{len(description['labels'])}.",
                REMEDY,
            )
        bands = args.get("count", args.get("bands", bands))
        silence = args.get("silence")
        if isinstance(silence, list) and len(silence) not in (1, bands):
            raise Damaged(
                f"{where}: step 'windows' has {len(silence)} numbers for silence, and the "
                f"spectrogram {bands} bands.",
                REMEDY,
            )


def description_of(folder: Path) -> dict[str, Any]:
    """The content of package.json in `folder`, after checking the seal, the fields and the versions
    of the libraries. Raises Damaged or another WorkflowError if any check fails."""
    sealed = check(folder)
    if DESCRIPTION not in sealed:
        raise Damaged(f"{DESCRIPTION} is not sealed.", REMEDY)
    description: dict[str, Any] = parsed(read(folder, DESCRIPTION), DESCRIPTION)
    check_description(description, DESCRIPTION)
    for network in (description, *description.get("by_processor", ())):
        if network["model"] not in sealed:
            raise Damaged(f"The network {network['model']} is not sealed.", REMEDY)
    check_libraries(description.get("requires", {}))
    return description
