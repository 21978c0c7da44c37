"""Nothing is packed that the report would not ship, and nothing leaves that misses the gate itself:
a packed network is measured again, and may be worse than the one that the report is about."""

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
    """How a packed network stands to the report's gate: `verdict` and `reasons` as in a report,
    `failures`: a sentence without its point for each gate that it misses."""

    verdict: Literal["ship", "do not ship", "undecided"]
    reasons: tuple[str, ...]
    failures: tuple[str, ...]


def check_gate(report: Report) -> None:
    """Raise GateNotMet, with the report's numbers, if its verdict is 'do not ship'."""
    if report.verdict != "do not ship":
        return
    wanted = "; ".join(filter(None, (_said(report, *one) for one in report.gate.items())))
    raise GateNotMet(
        " ".join(["Not deployed, the report says: do not ship.", *report.reasons, wanted]).strip(),
        "Read report.html for what to do first: add samples of the weakest labels, "
        "or lower evaluate.gate in the pipeline.",
    )


def gated(work: Workbench, measured: Measured) -> Gated:
    """What a packed network `measured`, beside the gate that the report was held to."""
    judgements = work.kind.judgements(measured, work.report.gate)
    few = few_tested(measured)
    said = reasons(judgements, work.modality.noun, few, work.kind.counted)
    missed = [reason(one).removesuffix(".") for one in judgements if one.outcome == "missed"]
    return Gated(verdict(judgements, few), tuple(said), tuple(missed))


def not_met(reasons: Mapping[str, str]) -> GateNotMet:
    """The error if no number format, each with its reason, both agrees and reaches the gate."""
    told = "; ".join(f"{numeric}: {why}" for numeric, why in reasons.items())
    return GateNotMet(
        f"Not deployed: the trained model is good enough, but no packed form of it is. {told}.",
        "Add samples of the weakest labels in report.html, add number formats to deploy.ladder "
        "(float32 is nearest to the trained model), or lower evaluate.gate in the pipeline.",
    )


def _said(report: Report, name: str, least: float) -> str:
    measured = report.overall.get(name)
    return f"{name} is {measured.value:.3f}, the gate asks for {least:.3f}" if measured else ""
