"""Lines for people about what ships from a run: one for each target, then the trained model."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from stages.artifacts import Package, Ref, Report
from stages.evaluate import formatting
from stages.evaluate.kinds import kind_of
from stages.runner.lock import Failure, Lock
from stages.runtime.errors import AgreementNotMet, GateNotMet
from stages.store import Store

State = Literal["packed", "refused", "failed", "absent"]
_GATES = (GateNotMet.__name__, AgreementNotMet.__name__)


class OutcomeLine(NamedTuple):
    """One target, or the trained model. `measured`: its first metric with interval and count, ''
    where there is no package; `verdict`: in words; `style`: its style on a page; `facts`: number
    format and size; `why`: the reasons of the verdict, or what went wrong."""

    name: str
    state: State
    measured: str
    verdict: str
    style: str
    facts: str = ""
    why: str = ""

    @property
    def text(self) -> str:
        """The line for a terminal, without `why`."""
        facts = (self.measured, self.facts, self.verdict)
        return f"{self.name:<14} {', '.join(fact for fact in facts if fact)}"


def shipped(lock: Lock, store: Store) -> list[OutcomeLine]:
    """A line for each target of the run `lock`, in the pipeline's order."""
    return [_target(target, lock, store) for target in lock.config["deploy"]["targets"]]


def reasons_of(lines: Sequence[OutcomeLine]) -> list[tuple[str, list[str]]]:
    """Each reason once, with the names of the lines that it is the reason of."""
    reasons = dict.fromkeys(line.why for line in lines if line.why)
    return [(why, [line.name for line in lines if line.why == why]) for why in reasons]


def trained(report: Report) -> OutcomeLine:
    """The line of the trained model."""
    return OutcomeLine(
        "trained model",
        "packed",
        _measured(report, report.task),
        formatting.headline(report.verdict, bool(report.gate)),
        formatting.verdict_style(report.verdict, bool(report.gate)),
        why=" ".join(report.reasons),
    )


def trained_of(lock: Lock, store: Store) -> Report | None:
    """The report of the run `lock`, if there is one in this store."""
    ref = lock.artifacts.get("evaluate")
    report: Report | None = store.load(ref) if ref and store.holds(ref) else None
    return report


def model_ref(report: Report) -> Ref | None:
    """The model that `report` is about; it may be in another store."""
    return next((ref for ref in report.parents if ref.kind == "model"), None)


def _target(target: str, lock: Lock, store: Store) -> OutcomeLine:
    task = f"deploy_{target}"
    if task in lock.failed:
        return _without(target, lock.failed[task])
    ref = lock.artifacts.get(task)
    if ref is None or not store.holds(ref):
        return OutcomeLine(target, "absent", "", "no package yet", "doubt")
    package: Package = store.load(ref)
    return OutcomeLine(
        target,
        "packed",
        _measured(package, lock.config["task"]),
        formatting.headline(package.verdict, bool(package.gate)),
        formatting.verdict_style(package.verdict, bool(package.gate)),
        f"{package.numeric}, {package.size_bytes / 1e6:.1f} MB",
        " ".join(package.reasons),
    )


def _without(target: str, failure: Failure) -> OutcomeLine:
    state: State = "refused" if failure.error in _GATES else "failed"
    return OutcomeLine(target, state, "", f"no package: {state}", "bad", why=failure.problem)


def _measured(measured: Package | Report, task: str) -> str:
    """The first metric of the task in words; '' if it was not measured."""
    first = kind_of(task).headline[0]
    found = measured.overall.get(first)
    return f"{formatting.metric(first)} {formatting.counted_measure(found)}" if found else ""
