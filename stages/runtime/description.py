"""The fields of package.json, and the check that its steps, labels and kind of answer fit."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from . import steps
from .answers import KINDS
from .backends import BACKENDS
from .crops import LARGEST_MARGIN, MOST_CROPS
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
FORMAT = 1  # of packages of one network, which older runtimes read as well
SEVERAL_FORMAT = 2  # of packages of several networks; a package of a higher format it would misread
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
    "classify": ANYTHING,
    "by_processor": several(ANYTHING, 2, 8),
}
# The fields of `classify`, by which a chain classifies what its detector finds. `classifier`: the
# other package's description. `detected`: the detector's labels. `labels`: those whose boxes are
# classified. `shown_from`: the detector's threshold. `most`: boxes in one picture. `overlap`: of
# classified boxes of different labels, above which only the best is an object; null for any.
CLASSIFY = {
    "classifier": ANYTHING,
    "margin": number(0, LARGEST_MARGIN),
    "detected": different(several(single_line(), 1, MOST_LABELS)),
    "labels": different(several(single_line(), 1, MOST_LABELS)),
    "shown_from": number(0, 1),
    "most": whole(1, MOST_CROPS),
    "overlap": either(number(0, 1), NOTHING),
}
CLASSIFY_OPTIONAL = {"sure_from": either(number(0, 1), NOTHING)}
CLASSIFIER = "classifier"  # the folder of its network, and its place in `classify`
DECODE = "decode_picture"  # the step that both packages of a chain begin with
CHAINED = "classified_boxes"  # the kind of answer of chains
# The kinds of value with which the steps before a network may end; and the steps after it, by kind
# of answer.
WINDOWS = ("windows",)
ANSWERS = {"labels": ("scores", "logits", "outputs"), "boxes": ("boxes",), CHAINED: ("boxes",)}


def check_description(description: Any, where: str) -> None:
    """Raise a WorkflowError, naming field and value, unless this runtime can open a package with
    this `description`. `where`: the file it was read from."""
    if isinstance(description, Mapping) and "package_format" in description:
        _check_format(description, where)
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
    _check_classify(description, kind, where)


def _check_classify(description: Mapping[str, Any], kind: str, where: str) -> None:
    """Raise Damaged unless `classify` is there exactly if the package is a chain, and its parts
    fit each other."""
    if (kind == CHAINED) != ("classify" in description):
        raise Damaged(f"{where}: answers is {kind}, which needs classify, and no other.", REMEDY)
    if kind != CHAINED:
        return
    classify, place = description["classify"], f"{where}, classify"
    check_fields(classify, CLASSIFY, CLASSIFY_OPTIONAL, place)
    if set(classify["labels"]) - set(classify["detected"]):
        raise Damaged(f"{place}: labels names one that is not among detected.", REMEDY)
    classifier = classify["classifier"]
    if not isinstance(classifier, Mapping) or classifier.get("answers", "labels") != "labels":
        raise Damaged(f"{place}: its classifier does not answer labels.", REMEDY)
    check_description(classifier, f"{place}, classifier")
    for part in (description, classifier):
        if part["before"][0]["step"] != DECODE:
            raise Damaged(f"{place}: both networks have to begin with {DECODE}.", REMEDY)
    unclassified = set(classify["detected"]) - set(classify["labels"])
    if {*classifier["labels"], *unclassified} != set(description["labels"]):
        raise Damaged(f"{where}: labels are not those that the chain can answer.", REMEDY)


def _check_format(description: Mapping[str, Any], where: str) -> None:
    found, newest = description["package_format"], FORMAT
    if "classify" in description or "by_processor" in description:
        newest = SEVERAL_FORMAT
    if whole(newest + 1, 1_000_000).fits(found):
        raise ConfigError(
            f"{where}: the package is of format {found}, and this runtime reads {newest}.",
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
    for file in _network_files(description):
        if file not in sealed:
            raise Damaged(f"The network {file} is not sealed.", REMEDY)
    check_libraries(description.get("requires", {}))
    return description


def descriptions_of(description: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """A description for each network of the package: for a chain, also that of its classifier."""
    if "classify" not in description:
        return [description]
    return [description, description["classify"][CLASSIFIER]]


def networks_of(description: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The networks of which the processor chooses one, each with its `numeric` and `model`; the
    first is that of the package, often the only one."""
    networks: list[Mapping[str, Any]] = description.get("by_processor") or [description]
    return networks


def _network_files(description: Mapping[str, Any]) -> list[str]:
    """The file of each network of a package, below its folder."""
    own = [network["model"] for network in networks_of(description)]
    further = descriptions_of(description)[1:]
    return [*own, *(f"{CLASSIFIER}/{part['model']}" for part in further)]
