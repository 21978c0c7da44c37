"""The gate of deploying: the report's verdict before packing, and the same minimum metrics for the
packed network, which is measured again and may be worse than the trained model."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

from stages.artifacts import Report
from stages.deploy.workbench import Workbench
from stages.evaluate.few import few_tested
from stages.evaluate.reasons import reason, reasons
from stages.evaluate.verdict import verdict
from stages.metrics import Measured
from stages.runtime.errors import GateNotMet


class Gated(NamedTuple):
    """The result of the gate for a packed network: `verdict` and `reasons` as in a report, and
    `failures`, a sentence without full stop for each minimum that it misses."""

    verdict: Literal["ship", "do not ship", "undecided"]
    reasons: tuple[str, ...]
    failures: tuple[str, ...]


def check_gate(report: Report) -> None:
    """Raise GateNotMet, with the report's reasons, if the report's verdict is 'do not ship'."""
    if report.verdict != "do not ship":
        return
    raise GateNotMet(
        " ".join(["Not deployed, the report says: do not ship.", *report.reasons]),
        "Read report.html for what to do first: add samples of the weakest labels, "
        "or lower evaluate.gate in the pipeline.",
    )


def gated(work: Workbench, measured: Measured) -> Gated:
    """Compare what a packed network `measured` with the report's gate."""
    judgements = work.kind.judgements(measured, work.report.gate)
    few = few_tested(measured)
    sentences = reasons(judgements, work.modality.noun, few, work.kind.counted)
    missed = [
        reason(judgement).removesuffix(".")
        for judgement in judgements
        if judgement.outcome == "missed"
    ]
    return Gated(verdict(judgements, few), tuple(sentences), tuple(missed))


def not_met(reasons: Mapping[str, str]) -> GateNotMet:
    """The error to raise if no number format both agrees and reaches the gate; `reasons`: why, by
    number format."""
    outcomes = "; ".join(f"{numeric}: {why}" for numeric, why in reasons.items())
    return GateNotMet(
        f"Not deployed: the trained model is good enough, but no packed form of it is. {outcomes}.",
        "Add samples of the weakest labels in report.html, add number formats to deploy.ladder "
        "(float32 is nearest to the trained model), or lower evaluate.gate in the pipeline.",
    )
