"""What a chain's package holds: one description of both networks, and the files of both."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stages.deploy.chain.parts import ChainPart
from stages.deploy.content import Content, libraries_of, requires
from stages.parts import MODALITIES
from stages.runtime.answers import of as kind_of
from stages.runtime.crops import LARGEST_MARGIN
from stages.runtime.description import (
    CHAINED,
    CLASSIFIER,
    SEVERAL_FORMAT,
    check_description,
)
from stages.runtime.errors import ConfigError
from stages.runtime.registry import nearest

MARGIN = 0.1  # of a box's side, on each of its sides
MOST_BOXES = 100  # in one photo
NUMERICS = "+"  # between the two number formats


@dataclass(frozen=True)
class ChainRule:
    """What is classified, and how it is cut out. `labels`: those of the detector whose boxes are
    classified; none: all. `margin`: around a box, as a share of its sides."""

    labels: tuple[str, ...] = ()
    margin: float = MARGIN


def chain_content(
    name: str, detector: ChainPart, classifier: ChainPart, rule: ChainRule
) -> Content:
    """The content of the chain `name`. Raises ConfigError for a label that the detector does not
    have, or a margin out of range."""
    check_rule(rule, detector)
    description = _description(name, detector, classifier, rule)
    description["requires"] = requires(libraries_of(description))
    check_description(description, "This chain cannot be packed")
    inner = {f"{CLASSIFIER}/{file}": data for file, data in classifier.network.items()}
    modality = MODALITIES[description["modality"]]()
    return Content(name, description, {**detector.network, **inner}, modality.golden())


def check_rule(rule: ChainRule, detector: ChainPart) -> None:
    """Raise ConfigError for a label that `detector` does not have, or a margin out of range."""
    for label in rule.labels:
        if label not in detector.labels:
            raise ConfigError(
                f"The detector has no label '{label}' to classify.",
                f"{nearest(label, detector.labels)}It has: {', '.join(detector.labels)}.",
            )
    if not 0 <= rule.margin <= LARGEST_MARGIN:  # NaN is neither
        raise ConfigError(
            f"The margin is {rule.margin}.", f"Give a share from 0 to {LARGEST_MARGIN:g}."
        )


def _description(
    name: str, detector: ChainPart, classifier: ChainPart, rule: ChainRule
) -> dict[str, Any]:
    outer = {key: value for key, value in detector.description.items() if key != "sure_from"}
    classified = list(rule.labels) or detector.labels
    dataset = detector.origin("dataset")
    parts = {"detector": detector.id, "classifier": classifier.id}
    return {
        **outer,
        "name": name,
        "package_format": SEVERAL_FORMAT,
        "answers": CHAINED,
        "labels": final_labels(detector.labels, classifier.labels, classified),
        "threshold": 0.0,
        "classify": _classify(detector, classifier, classified, rule.margin),
        "made_of": {**parts, **({"dataset": dataset.id} if dataset else {})},
    }


def final_labels(
    detected: Sequence[str], classified_as: Sequence[str], classified: Sequence[str]
) -> list[str]:
    """The labels that a chain answers: the classifier's, then those of the detector's labels that
    are not classified."""
    remaining = [label for label in detected if label not in classified]
    return list(dict.fromkeys([*classified_as, *remaining]))


def _classify(
    detector: ChainPart, classifier: ChainPart, classified: Sequence[str], margin: float
) -> dict[str, Any]:
    description = detector.description
    decided_again = set(classified) & set(classifier.labels)
    sure = {"sure_from": description["sure_from"]} if "sure_from" in description else {}
    return {
        CLASSIFIER: dict(classifier.description),
        "margin": margin,
        "detected": detector.labels,
        "labels": [label for label in detector.labels if label in classified],
        "shown_from": kind_of(description).least(description),
        "most": MOST_BOXES,
        "overlap": _overlap(description) if decided_again else None,
        **sure,
    }


def _overlap(description: Mapping[str, Any]) -> float | None:
    """The overlap above which the detector takes two boxes of a label for one object."""
    found = [step["args"] for step in description["after"] if step["step"] == "suppress"]
    return float(found[0]["overlap"]) if found else None


def numeric_of(detector: ChainPart, classifier: ChainPart) -> str:
    """The number formats of both networks, as 'int8' or 'int8+float32'."""
    numerics = [part.description["numeric"] for part in (detector, classifier)]
    return NUMERICS.join(dict.fromkeys(numerics))


def common_instruction_sets(detector: ChainPart, classifier: ChainPart) -> dict[str, Any] | None:
    """The content of instruction_sets.json: those for which both packages were verified; None if
    neither says for which it was."""
    stated = {
        place: part.instruction_sets
        for place, part in (("detector", detector), (CLASSIFIER, classifier))
        if part.instruction_sets is not None
    }
    if not stated:
        return None
    names = sorted({name for record in stated.values() for name in record["instruction_sets"]})
    rows = {
        name: _joined({place: _on(record, name) for place, record in stated.items()})
        for name in names
    }
    elsewhere = _joined({place: record["others"] for place, record in stated.items()})
    return {
        "numeric": numeric_of(detector, classifier),
        "instruction_sets": {name: row for name, row in rows.items() if row},
        "others": elsewhere,
    }


def _on(record: Mapping[str, Any], name: str) -> Any:
    return record["instruction_sets"].get(name, record["others"])


def _joined(statements: Mapping[str, Any]) -> dict[str, Any] | None:
    """The statements of the parts as one; None if a part was not verified."""
    if not all(found and found["statement"] for found in statements.values()):
        return None
    joined = "; ".join(f"{place}: {found['statement']}" for place, found in statements.items())
    return {"statement": joined, "parts": dict(statements)}
