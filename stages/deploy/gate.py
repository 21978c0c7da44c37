"""Nothing is packed that the report would not ship."""

from stages.artifacts import Report
from stages.runtime.errors import GateNotMet


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


def _said(report: Report, name: str, least: float) -> str:
    measured = report.overall.get(name)
    return f"{name} is {measured.value:.3f}, the gate asks for {least:.3f}" if measured else ""
