"""Suggests a gate where the pipeline sets none."""

from collections.abc import Mapping

from stages.artifacts import Measure

EXAMPLE = 0.9  # in the suggested line; only the user knows what is needed
UNEVEN = 2  # times as many test samples of the commonest label as of the rarest


def metric_to_gate(
    overall: Mapping[str, Measure], labels: Mapping[str, Mapping[str, Measure]]
) -> str:
    """The overall metric that a minimum is best set on: AP50 of boxes; accuracy, or balanced
    accuracy where the labels are uneven, as always guessing the commonest has a high accuracy."""
    if "accuracy" not in overall:
        return "ap50"
    tested = [each["support"].value for each in labels.values()]
    uneven = tested and max(tested) > UNEVEN * min(tested)
    return "balanced_accuracy" if uneven and "balanced_accuracy" in overall else "accuracy"


def yaml_line(overall: Mapping[str, Measure], labels: Mapping[str, Mapping[str, Measure]]) -> str:
    """The line that sets a minimum in a pipeline's YAML."""
    return f"evaluate: {{gate: {{{metric_to_gate(overall, labels)}: {EXAMPLE}}}}}"


def in_pipeline(overall: Mapping[str, Measure], labels: Mapping[str, Mapping[str, Measure]]) -> str:
    """The advice to set a minimum in the pipeline's YAML."""
    return (
        "Say what you need, so that a verdict can be given. Add this line to the pipeline's YAML, "
        f"with the least you can accept: {yaml_line(overall, labels)}"
    )


def as_option(overall: Mapping[str, Measure], labels: Mapping[str, Mapping[str, Measure]]) -> str:
    """The advice to set a minimum as an option of `aiwf evaluate`."""
    return (
        "Say what you need, so that a verdict can be given. Add this option, with the least you "
        f"can accept: --gate {metric_to_gate(overall, labels)}={EXAMPLE}"
    )
